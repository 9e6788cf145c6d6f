# Seven segment display -> which of 3 digits (0, 1, 7) is shown.
# Written as a class because the tutorial did it like that.
import numpy as np


def softmax(v):
    v = v - v.max(axis=1, keepdims=True)
    e = np.exp(v)
    return e / e.sum(axis=1, keepdims=True)


class SegmentNet:
    def __init__(self, n_in, n_hidden, n_out, lr=0.5):
        r = np.random.RandomState(4)
        self.lr = lr
        self.W1 = r.randn(n_in, n_hidden) * 0.5
        self.b1 = np.zeros((1, n_hidden))
        self.W2 = r.randn(n_hidden, n_out) * 0.5
        self.b2 = np.zeros((1, n_out))

    def forward(self, X):
        self.X = X
        self.H = np.tanh(np.dot(X, self.W1) + self.b1)
        scores = np.dot(self.H, self.W2) + self.b2
        return softmax(scores)

    def cross_entropy(self, scores, Y):
        """returns the loss and its derivative"""
        probs = softmax(scores)
        n = len(Y)
        loss = -np.sum(Y * np.log(probs + 1e-9)) / n
        dscores = (probs - Y) / n
        return loss, dscores

    def backward(self, dscores):
        dW2 = np.dot(self.H.T, dscores)
        db2 = dscores.sum(axis=0, keepdims=True)
        dH = np.dot(dscores, self.W2.T)
        dH = dH * (1 - self.H * self.H)
        dW1 = np.dot(self.X.T, dH)
        db1 = dH.sum(axis=0, keepdims=True)
        return dW1, db1, dW2, db2

    def train_batch(self, X, Y):
        out = self.forward(X)
        loss, dscores = self.cross_entropy(out, Y)
        dW1, db1, dW2, db2 = self.backward(dscores)
        self.W1 -= self.lr * dW1
        self.b1 -= self.lr * db1
        self.W2 -= self.lr * dW2
        self.b2 -= self.lr * db2
        return loss


segments = np.array([[1, 1, 1, 1, 1, 1, 0], [0, 1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0]], dtype=float)
names = ["0", "1", "7"]
onehot = np.eye(3)

net = SegmentNet(7, 5, 3)
print("start")
for step in range(1, 501):
    loss = net.train_batch(segments, onehot)
    if step % 50 == 0:
        print("step", step, "loss", loss)
for row, name in zip(segments, names):
    guess = net.forward(row.reshape(1, -1))
    print("shown", name, "->", names[int(guess.argmax())], guess.round(3))
