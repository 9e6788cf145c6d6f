import numpy as np


class VelocityNet(object):
    """relu hidden layers, softmax on top, heavy ball updates"""

    def __init__(self, sizes, lr=0.05, mu=0.9):
        self.lr, self.mu = lr, mu
        rs = np.random.RandomState(1234)
        self.W = []
        self.b = []
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            self.W.append(rs.randn(fan_in, fan_out) * np.sqrt(2. / fan_in))
            self.b.append(np.zeros(fan_out))
        self.vW = [np.zeros_like(w) for w in self.W]
        self.vb = [np.zeros_like(b) for b in self.b]

    def scores(self, X):
        cache = [X]
        for W, b in zip(self.W[:-1], self.b[:-1]):
            cache.append(np.maximum(cache[-1].dot(W) + b, 0))
        logits = cache[-1].dot(self.W[-1]) + self.b[-1]
        logits = logits - logits.max(axis=1, keepdims=True)
        P = np.exp(logits)
        P /= P.sum(axis=1, keepdims=True)
        return cache, P

    def partial_fit(self, X, Y):
        cache, P = self.scores(X)
        N = float(X.shape[0])
        loss = -np.sum(Y * np.log(P)) / N

        grads = []
        d = (P - Y) / N
        for i in range(len(self.W) - 1, -1, -1):
            grads.append((cache[i].T.dot(d), d.sum(axis=0)))
            d = d.dot(self.W[i].T)
            if i > 0:
                d[cache[i] <= 0] = 0
        grads.reverse()

        for i, (gW, gb) in enumerate(grads):
            self.vW[i] = self.mu * self.vW[i] - self.lr * gW
            self.vb[i] = self.mu * self.vb[i] - self.lr * gb
            self.W[i] = self.W[i] + self.vW[i]
            self.b[i] = self.b[i] + self.vb[i]
        return loss


def moons(n, rs):
    a = rs.rand(n) * np.pi
    upper = np.stack([np.cos(a), np.sin(a)], 1)
    lower = np.stack([1 - np.cos(a), 0.4 - np.sin(a)], 1)
    pts = np.concatenate([upper, lower]) + 0.08 * rs.randn(2 * n, 2)
    return pts, np.repeat([0, 1], n)


rs = np.random.RandomState(0)
X, labels = moons(50, rs)
Y = np.eye(2)[labels]
clf = VelocityNet([2, 16, 2])
for epoch in range(300):
    order = rs.permutation(len(X))
    losses = [clf.partial_fit(X[k], Y[k]) for k in np.array_split(order, 5)]
    if epoch % 60 == 0:
        print("epoch %d: %.4f" % (epoch, np.mean(losses)))
print("accuracy", np.mean(clf.scores(X)[1].argmax(1) == labels))
