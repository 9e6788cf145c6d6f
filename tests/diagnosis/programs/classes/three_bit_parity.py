import numpy as np
import itertools

class NeuralNetwork(object):
    def __init__(self, inputSize, hiddenSize, outputSize):
        self.inputSize = inputSize
        self.hiddenSize = hiddenSize
        self.outputSize = outputSize

        # weights and biases
        self.W1 = np.random.randn(self.inputSize, self.hiddenSize)
        self.b1 = np.zeros(self.hiddenSize)
        self.W2 = np.random.randn(self.hiddenSize, self.outputSize)
        self.b2 = np.zeros(self.outputSize)

    def sigmoid(self, s):
        return 1 / (1 + np.exp(-s))

    def sigmoidPrime(self, s):
        # s is already sigmoid(x)
        return s * (1 - s)

    def forward(self, X):
        self.hidden = self.sigmoid(np.dot(X, self.W1) + self.b1)
        return self.sigmoid(np.dot(self.hidden, self.W2) + self.b2)

    def backward(self, X, y, o, lr):
        self.o_error = y - o
        self.o_delta = self.o_error * self.sigmoidPrime(o)

        # how much did the hidden layer contribute to the output error?
        self.hidden_error = self.o_error.dot(self.W2.T)
        self.hidden_delta = self.hidden_error * self.sigmoidPrime(self.hidden)

        self.W1 += lr * X.T.dot(self.hidden_delta)
        self.b1 += lr * self.hidden_delta.sum(axis=0)
        self.W2 += lr * self.hidden.T.dot(self.o_delta)
        self.b2 += lr * self.o_delta.sum(axis=0)

    def train(self, X, y, lr=0.4):
        o = self.forward(X)
        self.backward(X, y, o, lr)


np.random.seed(5)
X = np.array(list(itertools.product([0, 1], repeat=3)), dtype=float)
y = (X.sum(axis=1) % 2).reshape(-1, 1)

NN = NeuralNetwork(3, 6, 1)
history = []
for i in range(5000):
    NN.train(X, y)
    if i % 500 == 0:
        history.append(float(np.mean(np.square(y - NN.forward(X)))))
        print("Loss after", i, "iterations:", history[-1])

print("Input | Actual | Predicted")
for row, t, p in zip(X, y, NN.forward(X)):
    print(row, t, p.round(3))

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.plot(history)
except Exception:
    pass
