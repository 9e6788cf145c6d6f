"""
Two layer network, tanh inside, sigmoid at the end (because the answer is between 0 and 1).
Parameters live in one dictionary.
"""
import numpy as np

g = np.random.default_rng(77)


def tanh(z):
    return np.tanh(z)


def dtanh(a):
    return 1.0 - np.square(a)


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def newParams(nIn, nHid, nOut):
    return dict(W1=g.normal(0, 1, (nIn, nHid)), b1=np.zeros(nHid),
                W2=g.normal(0, 1, (nHid, nOut)), b2=np.zeros(nOut))


def evaluate(params, X):
    A1 = tanh(X @ params["W1"] + params["b1"])
    A2 = sigmoid(A1 @ params["W2"] + params["b2"])
    return A1, A2


def computeGrads(params, X, Y):
    n = X.shape[0]
    A1, A2 = evaluate(params, X)
    grads = {}
    delta = (A2 - Y) * dtanh(A2)
    grads["W2"] = A1.T @ delta / n
    grads["b2"] = delta.mean(axis=0)
    delta = (delta @ params["W2"].T) * dtanh(A1)
    grads["W1"] = X.T @ delta / n
    grads["b1"] = delta.mean(axis=0)
    return grads


def squaredError(params, X, Y):
    return 0.5 * np.mean(np.sum((evaluate(params, X)[1] - Y) ** 2, axis=1))


def main():
    # parity of three bits and majority of three bits
    X = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)], dtype=float)
    Y = np.stack([X.sum(1) % 2, (X.sum(1) > 1).astype(float)], axis=1)
    params = newParams(3, 6, 2)
    for epoch in range(3000):
        grads = computeGrads(params, X, Y)
        for key in params:
            params[key] = params[key] - 0.8 * grads[key]
        if epoch % 500 == 0:
            print("epoch", epoch, "error", squaredError(params, X, Y))
    print(np.round(evaluate(params, X)[1], 2))


main()
