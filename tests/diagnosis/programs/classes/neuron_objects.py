from math import exp
from random import Random

rnd = Random(14)


class Neuron:
    """one unit: weights, bias, and what backprop needs to remember"""

    def __init__(self, n):
        self.w = [rnd.gauss(0, 1) for _ in range(n)]
        self.b = rnd.gauss(0, 1)
        self.out = None
        self.err = None

    def fire(self, xs):
        self.xs = xs
        self.out = 1.0 / (1.0 + exp(-(self.b + sum(w * x for w, x in zip(self.w, xs)))))
        return self.out

    def blame(self, upstream):
        self.err = upstream * self.out * (1.0 - self.out)

    def learn(self, eta):
        self.w = [w + eta * self.err * x for w, x in zip(self.w, self.xs)]
        self.b = self.b + eta * self.err


class Net:
    def __init__(self, *sizes):
        self.eta = 0.5
        self.layers = [[Neuron(n_in) for _ in range(n_out)]
                       for n_in, n_out in zip(sizes, sizes[1:])]

    def __call__(self, xs):
        for layer in self.layers:
            xs = [neuron.fire(xs) for neuron in layer]
        return xs

    def train(self, xs, ts):
        ys = self(xs)
        for neuron, t, y in zip(self.layers[-1], ts, ys):
            neuron.blame(t - y)
        for i in reversed(range(len(self.layers) - 1)):
            for j, neuron in enumerate(self.layers[i]):
                neuron.blame(sum(nxt.w[j] * nxt.err for nxt in self.layers[i + 1]))
        # all deltas are known now, weights may change
        for layer in self.layers:
            for neuron in layer:
                neuron.learn(self.eta)


XOR = [((0, 0), (0,)), ((0, 1), (1,)), ((1, 0), (1,)), ((1, 1), (0,))]

net = Net(2, 3, 1)
for sweep in range(5000):
    for x, t in XOR:
        net.train(x, t)
    if sweep % 1000 == 0:
        print("sweep", sweep, "error", sum(0.5 * (t[0] - net(x)[0]) ** 2 for x, t in XOR))

for x, t in XOR:
    print(x, t[0], "%.3f" % net(x)[0])
