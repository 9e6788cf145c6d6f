# my first neural network. training comes later, first I want the outputs
import math
import random


class Neuron:
    weights = []
    bias = 0
    output = 0

    def __init__(self, weights, bias):
        self.weights = weights
        self.bias = bias

    def logistic(self, x):
        return 1 / (1 + math.exp(x))

    def calculate(self, inputs):
        total = 0
        for w, x in zip(self.weights, inputs):
            total += w * x
        self.output = self.logistic(total + self.bias)
        return self.output


class Layer:
    neurons = []
    weights = []
    biases = []
    outputs = []

    def __init__(self, n_neurons, n_inputs):
        # one row of weights per neuron
        for i in range(n_inputs):
            row = []
            for j in range(n_inputs):
                row.append(random.uniform(-1, 1))
            self.weights.append(row)
        for i in range(n_neurons):
            self.biases.append(random.uniform(-1, 1))
        for i in range(n_neurons):
            self.neurons.append(Neuron(self.weights[i], self.biases[i]))

    def forward(self, inputs):
        for neuron in self.neurons:
            self.outputs.append(neuron.calculate(inputs))
        return self.outputs


class NN:
    layers = []

    def __init__(self, n_inputs, n_hidden, n_outputs):
        self.layers.append(Layer(n_hidden, n_inputs))
        self.layers.append(Layer(n_outputs, n_hidden))

    def forward(self, inputs):
        values = inputs
        for layer in self.layers:
            values = layer.forward(values)
        return values


random.seed(10)
net = NN(3, 2, 1)
print("first: ", net.forward([1, 0, 1]))
print("second:", net.forward([0, 1, 0]))
print("third: ", net.forward([1, 1, 1]))
