from math import exp
from random import seed, random

# every neuron is a dict, every layer a list of dicts

class SeedsNetwork:
    def __init__(self, n_inputs, n_hidden, n_outputs, l_rate=0.3):
        self.l_rate = l_rate
        self.network = []
        self.network.append([{'weights': [random() - 0.5 for _ in range(n_inputs + 1)]}
                             for _ in range(n_hidden)])
        self.network.append([{'weights': [random() - 0.5 for _ in range(n_hidden + 1)]}
                             for _ in range(n_outputs)])

    def activate(self, weights, inputs):
        activation = weights[-1]          # bias
        for i in range(len(weights) - 1):
            activation += weights[i] * inputs[i]
        return activation

    def forward_propagate(self, row):
        inputs = row
        for layer in self.network:
            new_inputs = []
            for neuron in layer:
                neuron['output'] = 1.0 / (1.0 + exp(-self.activate(neuron['weights'], inputs)))
                new_inputs.append(neuron['output'])
            inputs = new_inputs
        return inputs

    def backward_propagate_error(self, expected):
        for i in reversed(range(len(self.network))):
            layer = self.network[i]
            for j, neuron in enumerate(layer):
                if i == len(self.network) - 1:
                    error = neuron['output'] - expected[j]
                else:
                    error = 0.0
                    for nxt in self.network[i + 1]:
                        error += nxt['weights'][j] * nxt['delta']
                neuron['delta'] = error * neuron['output'] * (1.0 - neuron['output'])

    def update_weights(self, row):
        inputs = list(row)
        for layer in self.network:
            for neuron in layer:
                for j in range(len(inputs)):
                    neuron['weights'][j] -= self.l_rate * neuron['delta'] * inputs[j]
                neuron['weights'][-1] -= self.l_rate * neuron['delta']
            inputs = [neuron['output'] for neuron in layer]

    def train_row(self, row, expected):
        outputs = self.forward_propagate(row)
        self.backward_propagate_error(expected)
        self.update_weights(row)
        return 0.5 * sum((expected[i] - outputs[i]) ** 2 for i in range(len(expected)))


if __name__ == '__main__':
    seed(1)
    # length, width -> three kinds of seed
    data = [[1.2, 0.4, 0], [1.0, 0.3, 0], [1.4, 0.6, 0], [3.1, 0.5, 1], [2.8, 0.2, 1],
            [3.3, 0.4, 1], [2.0, 2.4, 2], [2.2, 2.9, 2], [1.8, 2.6, 2]]
    net = SeedsNetwork(2, 4, 3)
    for epoch in range(400):
        sum_error = 0
        for row in data:
            expected = [0, 0, 0]
            expected[row[-1]] = 1
            sum_error += net.train_row(row[:-1], expected)
        if epoch % 50 == 0:
            print('>epoch=%d, lrate=%.3f, error=%.3f' % (epoch, net.l_rate, sum_error))
    for row in data:
        out = net.forward_propagate(row[:-1])
        print('Expected=%d, Got=%d' % (row[-1], out.index(max(out))))
