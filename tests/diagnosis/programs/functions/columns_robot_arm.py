"""Forward kinematics of a two-joint arm learned from examples.

Everything is written for column vectors: X is (2, m) and the network maps it
to the (2, m) positions of the hand.
"""
import numpy as np

NETWORK = {"layers": [2, 6, 3, 2], "activation": ["tanh", "softplus", "identity"], "loss": "squared-error"}


def softplus(z):
    return np.logaddexp(0.0, z)


def d_softplus(z):
    return 1.0 / (1.0 + np.exp(-z))


def forwardPass(weights, biases, X):
    Z1 = weights[0] @ X + biases[0]
    A1 = np.tanh(Z1)
    Z2 = weights[1] @ A1 + biases[1]
    A2 = softplus(Z2)
    Z3 = weights[2] @ A2 + biases[2]
    return Z1, A1, Z2, A2, Z3


def cost(weights, biases, X, T):
    E = forwardPass(weights, biases, X)[-1] - T
    return np.sum(E * E) / (2.0 * X.shape[1])


def gradients(weights, biases, X, T):
    m = X.shape[1]
    Z1, A1, Z2, A2, Y = forwardPass(weights, biases, X)
    D3 = Y - T
    D2 = weights[2].T @ D3 * d_softplus(Z2)
    D1 = weights[1].T @ D2 * (1.0 - A1 ** 2)
    dW = [D1 @ X.T / m, D2 @ A1.T / m, D3 @ A2.T / m]
    db = [np.mean(D, axis=1, keepdims=True) for D in (D1, D2, D3)]
    return dW, db


def arm(angles):
    a, b = angles
    return np.stack([np.cos(a) + 0.6 * np.cos(a + b), np.sin(a) + 0.6 * np.sin(a + b)])


def main():
    rng = np.random.default_rng(31)
    X = rng.uniform(0, 1.5, size=(2, 70))
    T = arm(X)
    widths = [2, 6, 3, 2]
    weights = [rng.normal(size=(o, i)) / np.sqrt(i) for i, o in zip(widths, widths[1:])]
    biases = [np.zeros((o, 1)) for o in widths[1:]]
    for k in range(2000):
        dW, db = gradients(weights, biases, X, T)
        for l in range(3):
            weights[l] = weights[l] - 0.15 * dW[l]
            biases[l] = biases[l] - 0.15 * db[l]
        if k % 400 == 0:
            print(f"{k:5d} {cost(weights, biases, X, T):.6f}")
    test = np.array([[0.3], [1.1]])
    print("true", arm(test).ravel(), "net", forwardPass(weights, biases, test)[-1].ravel())


if __name__ == "__main__":
    main()
