"""
network_chapter2
~~~~~~~~~~~~~~~~
My own version of the network of the book, with gradients of a whole batch.
"""
import numpy as np


def sigmoid(z):
    """The sigmoid function."""
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    """Derivative of the sigmoid function."""
    return sigmoid(z) * (1 - sigmoid(z))


def feedforward(weights, biases, x):
    a = x
    for w, b in zip(weights, biases):
        a = sigmoid(np.dot(a, w.T) + b)
    return a


def cost(weights, biases, x, t):
    return 0.5 * np.sum((feedforward(weights, biases, x) - t) ** 2) / x.shape[0]


def gradients(weights, biases, x, t):
    """Return (nabla_w, nabla_b), the gradient of the cost function."""
    nabla_w = [np.zeros(w.shape) for w in weights]
    nabla_b = [np.zeros(b.shape) for b in biases]
    # feedforward
    activation = x
    activations = [x]   # all the activations, layer by layer
    zs = []             # all the z vectors, layer by layer
    for w, b in zip(weights, biases):
        z = np.dot(activation, w.T) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    # backward pass
    n = x.shape[0]
    delta = (activations[-1] - t) * sigmoid_prime(zs[-1])
    nabla_w[-1] = np.dot(delta.T, activations[-2]) / n
    nabla_b[-1] = delta.sum(axis=0) / n
    # l = 2 is the second-last layer and so on
    for l in range(2, len(weights) + 1):
        delta = np.dot(delta, weights[-l + 1]) * sigmoid_prime(zs[-l])
        nabla_w[-l] = np.dot(delta.T, activations[-l - 1]) / n
        nabla_b[-l] = delta.sum(axis=0) / n
    return nabla_w, nabla_b


if __name__ == "__main__":
    np.random.seed(0)
    sizes = [2, 3, 1]
    weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]
    biases = [np.random.randn(y) for y in sizes[1:]]
    x = np.array([[0., 0.], [0., 1.], [1., 0.], [1., 1.]])
    t = np.array([[0.], [1.], [1.], [0.]])
    eta = 3.0
    for epoch in range(4001):
        nw, nb = gradients(weights, biases, x, t)
        weights = [w - eta * g for w, g in zip(weights, nw)]
        biases = [b - eta * g for b, g in zip(biases, nb)]
        if epoch % 1000 == 0:
            print("Epoch {0}: cost {1:.5f}".format(epoch, cost(weights, biases, x, t)))
    print(feedforward(weights, biases, x))
