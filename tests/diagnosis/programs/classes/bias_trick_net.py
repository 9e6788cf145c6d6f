import numpy as np


class NeuralNet:
    def __init__(self, layers, alpha=0.1):
        self.layers = layers
        self.alpha = alpha
        self.W = []
        # + 1: the last row of every matrix belongs to the bias
        for i in range(len(layers) - 1):
            w = np.random.randn(layers[i] + 1, layers[i + 1])
            self.W.append(w / np.sqrt(layers[i]))

    def __repr__(self):
        return "NeuralNet: " + "-".join(str(n) for n in self.layers)

    def sigmoid(self, x):
        return 1.0 / (1 + np.exp(-x))

    def sigmoid_deriv(self, a):
        return a * (1 - a)

    def predict(self, X):
        A = np.atleast_2d(X)
        for w in self.W:
            A = self.sigmoid(np.c_[A, np.ones(len(A))] @ w)
        return A

    def fit_partial(self, x, y):
        # forward, remember the inputs of every layer with the 1 at the end
        ins = []
        a = np.atleast_2d(x)
        outs = []
        for w in self.W:
            a1 = np.c_[a, np.ones((a.shape[0], 1))]
            ins.append(a1)
            a = self.sigmoid(a1.dot(w))
            outs.append(a)

        error = outs[-1] - y
        D = [error * self.sigmoid_deriv(outs[-1])]
        for i in range(len(self.W) - 1, 0, -1):
            # [:-1] because nothing goes back through the constant 1
            d = D[-1].dot(self.W[i][:-1].T) * self.sigmoid_deriv(outs[i - 1])
            D.append(d)
        D = D[::-1]

        for i in range(len(self.W)):
            self.W[i] += -self.alpha * ins[i].T.dot(D[i])

    def fit(self, X, y, epochs=1000, show=250):
        for epoch in range(epochs):
            for x, target in zip(X, y):
                self.fit_partial(x, target)
            if epoch == 0 or (epoch + 1) % show == 0:
                print("[INFO] epoch={}, loss={:.6f}".format(epoch + 1, self.calculate_loss(X, y)))

    def calculate_loss(self, X, y):
        p = self.predict(X)
        return 0.5 * np.sum((p - np.atleast_2d(y)) ** 2)


if __name__ == "__main__":
    np.random.seed(17)
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([[0], [1], [1], [0]])
    nn = NeuralNet([2, 3, 1], alpha=0.5)
    print(nn)
    nn.fit(X, y, epochs=3000, show=500)
    for x, t in zip(X, y):
        p = nn.predict(x)[0][0]
        print("data={}, truth={}, pred={:.4f}, step={}".format(x, t[0], p, 1 if p > 0.5 else 0))
