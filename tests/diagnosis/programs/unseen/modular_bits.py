import numpy as np


class Module:
    def parameters(self):
        return []


class Affine(Module):
    def __init__(self, n_in, n_out):
        self.weight = np.random.randn(n_out, n_in) * np.sqrt(1.0 / n_in)
        self.bias = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x.dot(self.weight.T) + self.bias

    def backward(self, g):
        self.grad_weight = g.T.dot(self.x)
        self.grad_bias = g.sum(axis=0)
        return g.dot(self.weight)

    def parameters(self):
        return [(self.weight, self.grad_weight), (self.bias, self.grad_bias)]


class LeakyReLU(Module):
    def __init__(self, slope=0.01):
        self.slope = slope

    def forward(self, x):
        self.factor = np.where(x > 0, 1.0, self.slope)
        return x * self.factor

    def backward(self, g):
        return g * self.factor


class Sigmoid(Module):
    def forward(self, x):
        self.y = 1.0 / (1.0 + np.exp(-x))
        return self.y

    def backward(self, g):
        return g * self.y * (1.0 - self.y)


class BinaryCrossEntropy:
    def forward(self, p, t):
        self.p, self.t = p, t
        return -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p)) / len(p)

    def backward(self):
        return (self.p - self.t) / (self.p * (1 - self.p)) / len(self.p)


class Model:
    def __init__(self, sizes, lr=0.5):
        self.lr = lr
        self.modules = []
        for i in range(len(sizes) - 1):
            self.modules.append(Affine(sizes[i], sizes[i + 1]))
            self.modules.append(LeakyReLU() if i < len(sizes) - 2 else Sigmoid())
        self.criterion = BinaryCrossEntropy()

    def forward(self, x):
        for m in self.modules:
            x = m.forward(x)
        return x

    def fit_step(self, x, t):
        loss = self.criterion.forward(self.forward(x), t)
        g = self.criterion.backward()
        for m in reversed(self.modules):
            g = m.backward(g)
        for m in self.modules:
            for value, grad in m.parameters():
                value -= self.lr * grad
        return loss


if __name__ == "__main__":
    np.random.seed(13)
    # is a four-bit number divisible by 3? is it larger than 7?
    numbers = np.arange(16)
    X = ((numbers[:, None] >> np.arange(4)) & 1) * 2.0 - 1.0
    T = np.stack([numbers % 3 == 0, numbers > 7], axis=1).astype(float)
    model = Model([4, 12, 6, 2], lr=0.5)
    for epoch in range(1001):
        loss = model.fit_step(X, T)
        if epoch % 200 == 0:
            print(epoch, "loss before the step: %.4f" % loss)
    print("right bits:", int(np.sum((model.forward(X) > 0.5) == (T > 0.5))), "of", T.size)
