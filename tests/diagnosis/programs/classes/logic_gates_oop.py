import math
import random


class Neuron:
    def __init__(self, num_inputs):
        self.weights = [random.uniform(-1, 1) for _ in range(num_inputs)]
        self.bias = random.uniform(-1, 1)

    def activate(self, inputs):
        self.inputs = list(inputs)
        total = sum(w * x for w, x in zip(self.weights, self.inputs)) + self.bias
        self.output = 1 / (1 + math.exp(-total))
        return self.output

    def update(self, lr):
        for i in range(len(self.weights) - 1):
            self.weights[i] -= lr * self.delta * self.inputs[i]
        # the bias is like a weight whose input is 1
        self.bias -= lr * self.delta


class Layer:
    def __init__(self, num_neurons, num_inputs):
        self.neurons = [Neuron(num_inputs) for _ in range(num_neurons)]

    def feed(self, inputs):
        return [n.activate(inputs) for n in self.neurons]


class Network:
    def __init__(self, sizes, lr=0.5):
        self.lr = lr
        self.layers = []
        for k in range(1, len(sizes)):
            self.layers.append(Layer(sizes[k], sizes[k - 1]))

    def predict(self, x):
        for layer in self.layers:
            x = layer.feed(x)
        return x

    def train_sample(self, x, target):
        out = self.predict(x)
        last = self.layers[-1]
        for n, t in zip(last.neurons, target):
            n.delta = (n.output - t) * n.output * (1 - n.output)
        for k in range(len(self.layers) - 2, -1, -1):
            nxt = self.layers[k + 1]
            for j, n in enumerate(self.layers[k].neurons):
                s = sum(m.weights[j] * m.delta for m in nxt.neurons)
                n.delta = s * n.output * (1 - n.output)
        for layer in self.layers:
            for n in layer.neurons:
                n.update(self.lr)
        return 0.5 * sum((o - t) ** 2 for o, t in zip(out, target))


GATES = {
    "AND": [0, 0, 0, 1],
    "OR": [0, 1, 1, 1],
    "NAND": [1, 1, 1, 0],
}

if __name__ == "__main__":
    random.seed(3)
    xs = [[0, 0], [0, 1], [1, 0], [1, 1]]
    for gate, answers in GATES.items():
        net = Network([2, 3, 1], lr=0.7)
        for epoch in range(1000):
            e = 0
            for x, a in zip(xs, answers):
                e += net.train_sample(x, [a])
        print(gate, "error after training: %.4f" % e)
        for x, a in zip(xs, answers):
            print("   ", x, a, round(net.predict(x)[0], 2))
