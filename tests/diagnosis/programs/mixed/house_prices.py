# predicting (fake) house prices from size and age with a tiny neural net
import numpy as np


class PriceNet:
    """2 inputs (or more), some tanh units, one linear output"""

    def __init__(self, n_inputs, n_hidden, learning_rate=0.05):
        rs = np.random.RandomState(0)
        self.lr = learning_rate
        self.n_hidden = n_hidden
        self.n_inputs = n_inputs
        self.W1 = rs.normal(0, 0.5, (n_hidden, n_inputs))
        self.b1 = np.zeros(n_hidden)
        self.w2 = rs.normal(0, 0.5, n_hidden)
        self.b2 = 0.0

    def predict(self, X):
        self.H = np.tanh(X.dot(self.W1.T) + self.b1)
        return self.H.dot(self.w2) + self.b2

    def fit_step(self, X, y):
        X = np.asarray(X, dtype=float)
        y = np.asarray(y, dtype=float).reshape(-1, 1)   # column vector, as in the lecture
        pred = self.predict(X)
        err = pred - y
        # gradients, one hidden unit after the other
        dw2 = np.zeros_like(self.w2)
        dW1 = np.zeros_like(self.W1)
        db1 = np.zeros_like(self.b1)
        for j in range(self.n_hidden):
            dw2[j] = np.mean(err * self.H[:, j])
            delta = err * self.w2[j] * (1 - self.H[:, j] ** 2)
            db1[j] = np.mean(delta)
            for i in range(self.n_inputs):
                dW1[j, i] = np.mean(delta * X[:, i])
        db2 = np.mean(err)
        # update
        self.W1 = self.W1 - self.lr * dW1
        self.b1 = self.b1 - self.lr * db1
        self.w2 = self.w2 - self.lr * dw2
        self.b2 = self.b2 - self.lr * db2
        return np.mean(err ** 2) / 2


data = np.random.RandomState(9)
size = data.uniform(-1, 1, 50)
age = data.uniform(-1, 1, 50)
price = 0.8 * size - 0.3 * age + 0.2 * size * age + 0.02 * data.randn(50)

net = PriceNet(2, 4)
for epoch in range(1000):
    mse = net.fit_step(np.column_stack([size, age]), price)
    if epoch % 100 == 0:
        print("epoch %4d   mse %.5f" % (epoch, mse))
print("first five prices   :", price[:5].round(2))
print("first five predicted:", net.predict(np.column_stack([size, age]))[:5].round(2))
