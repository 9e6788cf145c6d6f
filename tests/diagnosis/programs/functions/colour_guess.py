"""Which colour name does an RGB value get?  3 inputs, relu, softmax over 3 names."""
import numpy as np

np.random.seed(8)
NAMES = ["red", "green", "blue"]


def relu(v):
    return np.maximum(0, v)


def softmax(v):
    e = np.exp(v - v.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def net(W1, b1, W2, b2, X):
    z1 = X @ W1.T + b1
    h = relu(z1)
    p = softmax(h @ W2.T + b2)
    return z1, h, p


def cross_entropy(p, T):
    return -np.mean(np.sum(T * np.log(p + 1e-12), axis=1))


def backprop(W1, b1, W2, b2, X, T):
    n = len(X)
    z1, h, p = net(W1, b1, W2, b2, X)

    # loss = -sum(T log p)   =>   dloss/dp = -T / p
    dp = -T / (p + 1e-12)
    # through the softmax
    dz2 = dp * p * (1 - p)
    dW2 = dz2.T @ h / n
    db2 = dz2.sum(axis=0) / n

    dh = dz2 @ W2
    dz1 = dh * (z1 > 0)
    dW1 = dz1.T @ X / n
    db1 = dz1.sum(axis=0) / n
    return dW1, db1, dW2, db2


# random colours, the name is the strongest channel
X = np.random.rand(90, 3)
T = np.eye(3)[X.argmax(axis=1)]

W1 = np.random.randn(6, 3) * np.sqrt(2 / 3)
b1 = np.zeros(6)
W2 = np.random.randn(3, 6) * np.sqrt(2 / 6)
b2 = np.zeros(3)

lr = 0.3
for step in range(801):
    dW1, db1, dW2, db2 = backprop(W1, b1, W2, b2, X, T)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    if step % 200 == 0:
        p = net(W1, b1, W2, b2, X)[2]
        acc = (p.argmax(1) == T.argmax(1)).mean()
        print("step %4d  loss %.4f  accuracy %.2f" % (step, cross_entropy(p, T), acc))

for rgb in ([0.9, 0.1, 0.2], [0.2, 0.3, 0.8], [0.1, 0.6, 0.3]):
    p = net(W1, b1, W2, b2, np.array([rgb]))[2][0]
    print(rgb, NAMES[int(p.argmax())], p.round(2))
