# points inside / outside a circle, parameters in one dictionary, one column = one point
import numpy as np


def initialise(n0, n1, n2, seed=4):
    g = np.random.default_rng(seed)
    return dict(W1=g.normal(size=(n1, n0)), b1=np.zeros((n1, 1)),
                W2=g.normal(size=(n2, n1)) / np.sqrt(n1), b2=np.zeros((n2, 1)))


def tanh_derivative(a):
    """derivative of tanh, a is already tanh(z)"""
    return (1 - a) ** 2


def predict(params, X):
    A1 = np.tanh(params["W1"] @ X + params["b1"])
    A2 = 1 / (1 + np.exp(-(params["W2"] @ A1 + params["b2"])))
    return A1, A2


def log_loss(params, X, Y):
    p = predict(params, X)[1]
    return float(-(Y * np.log(p) + (1 - Y) * np.log(1 - p)).sum() / X.shape[1])


def gradients(params, X, Y):
    m = X.shape[1]
    A1, A2 = predict(params, X)
    dZ2 = A2 - Y
    dZ1 = (params["W2"].T @ dZ2) * tanh_derivative(A1)
    return {
        "dW1": dZ1 @ X.T / m,
        "db1": dZ1.sum(axis=1, keepdims=True) / m,
        "dW2": dZ2 @ A1.T / m,
        "db2": dZ2.sum(axis=1, keepdims=True) / m,
    }


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2, 120))
    Y = ((X ** 2).sum(axis=0, keepdims=True) < 0.6).astype(float)
    params = initialise(2, 5, 1)
    for it in range(1500):
        grads = gradients(params, X, Y)
        for name in ("W1", "b1", "W2", "b2"):
            params[name] = params[name] - 0.3 * grads["d" + name]
        if it % 300 == 0:
            print("iteration", it, "log loss", round(log_loss(params, X, Y), 4))
    correct = np.mean((predict(params, X)[1] > 0.5) == (Y > 0.5))
    print("fraction correct", correct)
