# Backprop from scratch, list of layers, each layer is a list of neurons, each neuron a dict
from math import exp
from random import seed, random


class Network:
    def __init__(self, n_inputs, n_hidden, n_outputs, l_rate=0.5):
        self.l_rate = l_rate
        hidden = [{'weights': [random() - 0.5 for _ in range(n_inputs)], 'bias': random() - 0.5}
                  for _ in range(n_hidden)]
        output = [{'weights': [random() - 0.5 for _ in range(n_hidden)], 'bias': random() - 0.5}
                  for _ in range(n_outputs)]
        self.layers = [hidden, output]

    def transfer(self, activation):
        return 1.0 / (1.0 + exp(-activation))

    def transfer_derivative(self, output):
        return output * (1.0 - output)

    def forward_propagate(self, row):
        inputs = row
        for layer in self.layers:
            new_inputs = []
            for neuron in layer:
                activation = neuron['bias'] + sum(w * v for w, v in zip(neuron['weights'], inputs))
                neuron['output'] = self.transfer(activation)
                new_inputs.append(neuron['output'])
            inputs = new_inputs
        return inputs

    def backward_propagate_error(self, expected):
        for i in reversed(range(len(self.layers))):
            layer = self.layers[i]
            for j, neuron in enumerate(layer):
                if i == len(self.layers) - 1:
                    error = neuron['output'] - expected[j]
                else:
                    error = sum(n['weights'][j] * n['delta'] for n in self.layers[i + 1])
                neuron['delta'] = error * self.transfer_derivative(neuron['output'])

    def update_weights(self, row):
        for i in range(len(self.layers)):
            inputs = row[:-1]
            if i != 0:
                inputs = [neuron['output'] for neuron in self.layers[i - 1]]
            for neuron in self.layers[i]:
                for j in range(len(inputs)):
                    neuron['weights'][j] -= self.l_rate * neuron['delta'] * inputs[j]
                neuron['bias'] -= self.l_rate * neuron['delta']

    def train_row(self, row, expected):
        self.forward_propagate(row)
        self.backward_propagate_error(expected)
        self.update_weights(row)


seed(1)
dataset = [[2.7, 2.5, 0], [1.4, 2.3, 0], [3.3, 4.4, 0], [1.3, 1.8, 0], [3.0, 3.0, 0],
           [7.6, 2.7, 1], [5.3, 2.0, 1], [6.9, 1.7, 1], [8.6, -0.2, 1], [7.6, 3.5, 1]]
network = Network(2, 3, 2)
for epoch in range(100):
    sum_error = 0
    for r in dataset:
        expected = [0, 0]
        expected[r[-1]] = 1
        outputs = network.forward_propagate(r[:-1])
        sum_error += sum((expected[i] - outputs[i]) ** 2 for i in range(2))
        network.train_row(r[:-1], expected)
    if epoch % 10 == 0:
        print('>epoch=%d, lrate=%.3f, error=%.3f' % (epoch, network.l_rate, sum_error))
for r in dataset:
    out = network.forward_propagate(r[:-1])
    print('Expected=%d, Got=%d' % (r[-1], out.index(max(out))))
