import math
import random


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-z))


def sigmoidPrime(z):
    s = sigmoid(z)
    return s * (1.0 - s)


class Neuron:
    def __init__(self, numInputs):
        self.weights = [random.uniform(-1.0, 1.0) for _ in range(numInputs)]
        self.bias = random.uniform(-1.0, 1.0)
        self.inputs = []
        self.output = 0.0
        self.delta = 0.0

    def fire(self, inputs):
        self.inputs = list(inputs)
        total = self.bias
        for w, v in zip(self.weights, self.inputs):
            total += w * v
        self.output = sigmoid(total)
        return self.output

    def adjust(self, rate):
        for i in range(len(self.weights)):
            self.weights[i] -= rate * self.delta * self.inputs[i]
        self.bias -= rate * self.delta


class NeuralNet:
    def __init__(self, numInputs, numHidden, numOutputs, learningRate=0.5):
        self.learningRate = learningRate
        self.hiddenLayer = [Neuron(numInputs) for _ in range(numHidden)]
        self.outputLayer = [Neuron(numHidden) for _ in range(numOutputs)]

    def feedForward(self, inputs):
        hidden = [n.fire(inputs) for n in self.hiddenLayer]
        return [n.fire(hidden) for n in self.outputLayer]

    def trainSample(self, inputs, targets):
        self.feedForward(inputs)

        # output neurons
        for neuron, target in zip(self.outputLayer, targets):
            neuron.delta = (neuron.output - target) * sigmoidPrime(neuron.output)
            neuron.adjust(self.learningRate)

        # hidden neurons: collect what the output neurons report
        for j, neuron in enumerate(self.hiddenLayer):
            blame = 0.0
            for out in self.outputLayer:
                blame += out.delta * out.weights[j]
            neuron.delta = blame * sigmoidPrime(neuron.output)
            neuron.adjust(self.learningRate)

    def totalError(self, data):
        err = 0.0
        for inputs, targets in data:
            outs = self.feedForward(inputs)
            err += sum(0.5 * (t - o) ** 2 for t, o in zip(targets, outs))
        return err


if __name__ == "__main__":
    random.seed(99)
    # a and b, a or b
    data = [([0, 0], [0, 0]), ([0, 1], [0, 1]), ([1, 0], [0, 1]), ([1, 1], [1, 1])]
    net = NeuralNet(2, 3, 2)
    for epoch in range(2000):
        for inputs, targets in data:
            net.trainSample(inputs, targets)
        if epoch % 400 == 0:
            print("epoch", epoch, "error", net.totalError(data))
    for inputs, targets in data:
        print(inputs, targets, [round(o, 3) for o in net.feedForward(inputs)])
