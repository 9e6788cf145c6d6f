import numpy as np

np.random.seed(1)

NETWORK = {"layers": [2, 3, 2], "activation": "logistic", "loss": "squared-error"}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


class Network:
    """Small fully connected network.

    weights[l] has shape (neurons in layer l+1, neurons in layer l)
    biases[l]  has shape (neurons in layer l+1, 1)
    """

    def __init__(self, sizes, eta=0.8):
        self.sizes = sizes
        self.eta = eta
        self.weights = [np.random.randn(n, m) for m, n in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(n, 1) for n in sizes[1:]]

    def feedforward(self, x):
        acts = [np.asarray(x, dtype=float)]
        for W, b in zip(self.weights, self.biases):
            # b is 2-D but the activations are 1-D, so take b[0]
            # (otherwise numpy makes a matrix out of it)
            z = np.dot(W, acts[-1]) + b[0]
            acts.append(sigmoid(z))
        return acts

    def predict(self, x):
        return self.feedforward(x)[-1]

    def train_one(self, x, target):
        acts = self.feedforward(x)
        out = acts[-1]
        delta = (out - np.asarray(target)) * out * (1 - out)
        deltas = [delta]
        for l in range(len(self.weights) - 1, 0, -1):
            a = acts[l]
            delta = np.dot(self.weights[l].T, delta) * a * (1 - a)
            deltas.insert(0, delta)
        for l, d in enumerate(deltas):
            self.weights[l] -= self.eta * np.outer(d, acts[l])
            self.biases[l] -= self.eta * d.reshape(-1, 1)
        return 0.5 * np.sum((out - target) ** 2)


# inputs -> [AND, OR]
inputs = [[0, 0], [0, 1], [1, 0], [1, 1]]
targets = [[0, 0], [0, 1], [0, 1], [1, 1]]

net = Network([2, 3, 2])
for epoch in range(1500):
    cost = 0
    for x, t in zip(inputs, targets):
        cost += net.train_one(x, np.array(t))
    if epoch % 300 == 0:
        print("epoch %4d  cost %.5f" % (epoch, cost))

print()
print(" a  b   AND    OR")
for x in inputs:
    a, o = net.predict(x)
    print(f" {x[0]}  {x[1]}  {a:.3f}  {o:.3f}")
