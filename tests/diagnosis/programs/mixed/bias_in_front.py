"""Homework 3: put the bias into the weight matrix (x0 = 1)."""
import numpy as np


def f(z):
    return 1 / (1 + np.exp(-z))


def add_ones(A):
    return np.hstack([np.ones((A.shape[0], 1)), A])


def one_update(W1, W2, X, T, alpha=0.5):
    """W1 is (hidden, 1 + inputs), W2 is (outputs, 1 + hidden), rows of X are examples"""
    m = X.shape[0]
    X1 = add_ones(X)
    hidden = f(X1.dot(W1.T))
    H1 = add_ones(hidden)
    out = f(H1.dot(W2.T))

    d_out = (out - T) * out * (1 - out)
    # one column too many here, cut it off so that the shapes fit
    back = d_out.dot(W2)[:, :-1]
    d_hid = back * hidden * (1 - hidden)

    W2_new = W2 - alpha / m * d_out.T.dot(H1)
    W1_new = W1 - alpha / m * d_hid.T.dot(X1)
    return W1_new, W2_new


def output(W1, W2, X):
    return f(add_ones(f(add_ones(X).dot(W1.T))).dot(W2.T))


X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
T = np.array([[0., 0.], [1., 0.], [1., 0.], [0., 1.]])   # xor and and

r = np.random.RandomState(12)
W1 = r.uniform(-1, 1, (4, 3))
W2 = r.uniform(-1, 1, (2, 5))

cost = []
for i in range(4000):
    W1, W2 = one_update(W1, W2, X, T, alpha=2.0)
    cost.append(0.5 * np.sum((output(W1, W2, X) - T) ** 2) / len(X))
print("cost at the start", cost[0])
print("cost in the middle", cost[2000])
print("cost at the end", cost[-1])
print(output(W1, W2, X).round(2))

try:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    pyplot.plot(cost)
except ImportError:
    pass
