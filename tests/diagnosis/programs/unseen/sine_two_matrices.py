import numpy as np

rng = np.random.default_rng(21)


def forward(W1, b1, W2, b2, X):
    A1 = np.tanh(X.dot(W1) + b1)
    return A1, A1.dot(W2) + b2


def compute_loss(y_hat, y):
    return ((y_hat - y) ** 2).mean() / 2


def backprop(W1, b1, W2, b2, X, y):
    m = len(X)
    A1, y_hat = forward(W1, b1, W2, b2, X)

    # dL/dy_hat, averaged over the batch
    dY = (y_hat - y) / m

    dW2 = A1.T.dot(dY) / m
    db2 = dY.sum(axis=0) / m

    dA1 = dY.dot(W2.T)
    db1 = dA1.sum(axis=0) / m
    dZ1 = dA1 * (1.0 - A1 * A1)
    dW1 = X.T.dot(dZ1) / m

    return dW1, db1, dW2, db2


def fit(X, y, hidden=10, lr=4.0, epochs=1500):
    W1 = rng.normal(size=(X.shape[1], hidden))
    b1 = np.zeros(hidden)
    W2 = rng.normal(size=(hidden, y.shape[1])) * 0.3
    b2 = np.zeros(y.shape[1])
    for epoch in range(epochs):
        dW1, db1, dW2, db2 = backprop(W1, b1, W2, b2, X, y)
        W1 -= lr * dW1
        b1 -= lr * db1
        W2 -= lr * dW2
        b2 -= lr * db2
        if epoch % 250 == 0:
            _, y_hat = forward(W1, b1, W2, b2, X)
            print("epoch %4d | loss %.6f" % (epoch, compute_loss(y_hat, y)))
    return W1, b1, W2, b2


X = rng.uniform(-np.pi, np.pi, size=(40, 1)) / np.pi
y = np.sin(X * np.pi)

params = fit(X, y)

grid = np.linspace(-1, 1, 9).reshape(-1, 1)
_, prediction = forward(*params, grid)
for g, p in zip(grid[:, 0], prediction[:, 0]):
    print("sin(%+.2f pi) = %+.3f   net %+.3f" % (g, np.sin(g * np.pi), p))

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    plt.scatter(X, y)
    plt.plot(grid, prediction)
except ImportError:
    pass
