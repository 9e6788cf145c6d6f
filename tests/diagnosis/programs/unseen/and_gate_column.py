# AND gate with a hidden layer. The weight on the constant 1 is column 0.
import numpy as np


def sig(x):
    return 1.0 / (1.0 + np.exp(-x))


def with_one(a):
    return np.c_[np.ones(len(a)), a]


class GateNet:
    lr = 0.8

    def __init__(self, n_in=2, n_hid=3, n_out=1):
        np.random.seed(10)
        self.theta1 = np.random.randn(n_hid, n_in + 1) * 0.5
        self.theta2 = np.random.randn(n_out, n_hid + 1) * 0.5

    def output(self, X):
        a1 = with_one(X)
        a2 = with_one(sig(a1.dot(self.theta1.T)))
        return a1, a2, sig(a2.dot(self.theta2.T))

    def train_one_epoch(self, X, y):
        m = len(X)
        a1, a2, h = self.output(X)

        # error measured as target minus output, hence the plus below
        d3 = (y - h) * h * (1 - h)
        d2 = d3.dot(self.theta2) * a2 * (1 - a2)
        d2 = d2[:, 1:]                    # the constant has no delta

        self.theta2 += self.lr * d3.T.dot(a2) / m
        self.theta1 += self.lr * d2.T.dot(a1) / m


X = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
y = np.array([[0.], [0.], [0.], [1.]])

gate = GateNet()
errors = []
for epoch in range(5000):
    gate.train_one_epoch(X, y)
    errors.append(float(np.sum((gate.output(X)[2] - y) ** 2)))

print("first error", errors[0], "last error", errors[-1])
for row, out in zip(X.astype(int), gate.output(X)[2]):
    print(row[0], "AND", row[1], "=", "%.3f" % out[0])

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.plot(errors)
    plt.close()
except Exception as problem:
    print("no picture:", type(problem).__name__)
