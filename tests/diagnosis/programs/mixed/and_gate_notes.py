"""AND gate and a bit more, copied together from my lecture notes."""
import numpy as np

np.random.seed(1)

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
y = np.array([[0], [0], [0], [1]], dtype=float)


def sig(x):
    return 1 / (1 + np.exp(-x))


def slope(s):
    # s is already the output of sig
    return s * (1 - s)


def train_step(W1, b1, W2, b2, X, y, lr=0.5):
    """One pass forward, one pass back. One output neuron."""
    # feed forward
    l1 = sig(X.dot(W1) + b1)
    l2 = sig(l1.dot(W2) + b2)

    # how much did we miss?
    l2_error = y - l2
    l2_delta = l2_error * slope(l2)

    # how much did each l1 value contribute?
    l1_error = l2_delta.dot(W2.T)
    l1_delta = l2_error * slope(l1)

    W2 = W2 + lr * l1.T.dot(l2_delta)
    b2 = b2 + lr * l2_delta.sum(axis=0)
    W1 = W1 + lr * X.T.dot(l1_delta)
    b1 = b1 + lr * l1_delta.sum(axis=0)
    return W1, b1, W2, b2


def predict(W1, b1, W2, b2, X):
    return sig(sig(X.dot(W1) + b1).dot(W2) + b2)


W1 = 2 * np.random.random((2, 3)) - 1
b1 = np.zeros(3)
W2 = 2 * np.random.random((3, 1)) - 1
b2 = np.zeros(1)

for it in range(5001):
    W1, b1, W2, b2 = train_step(W1, b1, W2, b2, X, y)
    if it % 1000 == 0:
        print("Error: %.4f" % np.mean(np.abs(y - predict(W1, b1, W2, b2, X))))

print("after training:")
print(predict(W1, b1, W2, b2, X).round(2))
