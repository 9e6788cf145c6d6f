"""
Binary classification of two half moons.
Architecture: 2 -> 4 (tanh) -> 4 (tanh) -> 1 (sigmoid), cost = cross entropy.
X has one COLUMN per example, like in the course.
"""
import numpy as np


def load_moons(m=60, noise=0.08, seed=0):
    r = np.random.RandomState(seed)
    half = m // 2
    a = np.linspace(0, np.pi, half)
    upper = np.vstack([np.cos(a), np.sin(a)])
    lower = np.vstack([1 - np.cos(a), 0.5 - np.sin(a)])
    X = np.hstack([upper, lower]) + noise * r.randn(2, 2 * half)
    Y = np.hstack([np.zeros((1, half)), np.ones((1, half))])
    return X, Y


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward_pass(W1, b1, W2, b2, W3, b3, X):
    A1 = np.tanh(np.dot(W1, X) + b1)
    A2 = np.tanh(np.dot(W2, A1) + b2)
    A3 = sigmoid(np.dot(W3, A2) + b3)
    return A1, A2, A3


def compute_cost(A3, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A3) + (1 - Y) * np.log(1 - A3)) / m


def backward_pass(W1, b1, W2, b2, W3, b3, X, Y):
    m = X.shape[1]
    A1, A2, A3 = forward_pass(W1, b1, W2, b2, W3, b3, X)

    dZ3 = A3 - Y
    dW3 = np.dot(dZ3, A2.T) / m
    db3 = np.sum(dZ3, axis=1, keepdims=True) / m

    dA2 = np.dot(W3.T, dZ3)
    dZ2 = dA2 * (1 - np.power(A2, 2))
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m

    dA1 = np.dot(W2, dZ2)
    dZ1 = dA1 * (1 - np.power(A1, 2))
    dW1 = np.dot(dZ1, X.T) / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m

    return dW1, db1, dW2, db2, dW3, db3


def model(X, Y, iterations=2500, alpha=0.5):
    r = np.random.RandomState(2)
    p = [r.randn(4, 2) * 0.7, np.zeros((4, 1)),
         r.randn(4, 4) * 0.7, np.zeros((4, 1)),
         r.randn(1, 4) * 0.7, np.zeros((1, 1))]
    for i in range(iterations):
        grads = backward_pass(*p, X, Y)
        p = [v - alpha * g for v, g in zip(p, grads)]
        if i % 500 == 0:
            cost = compute_cost(forward_pass(*p, X)[2], Y)
            print("Cost after iteration %i: %f" % (i, cost))
    return p


if __name__ == "__main__":
    X, Y = load_moons()
    params = model(X, Y)
    guess = forward_pass(*params, X)[2] > 0.5
    print("accuracy: %.1f %%" % (100 * np.mean(guess == Y)))
