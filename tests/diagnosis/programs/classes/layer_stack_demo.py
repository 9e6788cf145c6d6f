import numpy as np

# ---------------------------------------------------------------
# stack of layers, every layer knows how to run itself forward and
# backward.  y - output everywhere, so updates are ADDED
# ---------------------------------------------------------------

rs = np.random.RandomState(42)


class Layer:
    def __init__(self, n_in, n_out):
        self.weights = rs.uniform(-1, 1, size=(n_in, n_out))
        self.bias = rs.uniform(-1, 1, size=n_out)

    @staticmethod
    def act(x):
        return 1 / (1 + np.exp(-x))

    @staticmethod
    def act_deriv(y):
        return y * (1 - y)

    def forward(self, inputs):
        self.inputs = inputs
        self.output = self.act(inputs @ self.weights + self.bias)
        return self.output

    def backward(self, error):
        self.delta = error * self.act_deriv(error)
        # what the layer before us has to answer for
        return self.delta @ self.weights.T

    def update(self, rate):
        self.weights += rate * self.inputs.T @ self.delta
        self.bias += rate * self.delta.sum(axis=0)


class Stack:
    def __init__(self, sizes, rate=0.3):
        self.layers = [Layer(a, b) for a, b in zip(sizes, sizes[1:])]
        self.rate = rate

    def run(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def learn(self, x, y):
        error = y - self.run(x)
        for layer in reversed(self.layers):
            error = layer.backward(error)
        for layer in self.layers:
            layer.update(self.rate)


if __name__ == "__main__":
    X = np.array([[0, 0, 1],
                  [0, 1, 1],
                  [1, 0, 1],
                  [1, 1, 1]], dtype=float)
    y = np.array([[0.0], [0.0], [1.0], [1.0]])

    stack = Stack([3, 4, 1], rate=0.02)
    for step in range(41):
        stack.learn(X, y)
        if step % 10 == 0:
            print("step", step, "error", np.abs(y - stack.run(X)).mean())
    print("after training:")
    print(stack.run(X))
