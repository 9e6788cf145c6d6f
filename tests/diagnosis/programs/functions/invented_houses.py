import numpy as np

# size (100 m2), rooms, age  -> price.  Invented data set.
np.random.seed(17)
n_houses = 40
X_train = np.random.rand(n_houses, 3) * 2 - 1
y_train = (1.5 * X_train[:, [0]] + 0.4 * X_train[:, [1]] * X_train[:, [0]]
           - 0.7 * X_train[:, [2]] + 0.05 * np.random.randn(n_houses, 1))

SLOPE = 0.01


def leaky(z):
    return np.where(z > 0, z, SLOPE * z)


def leakyGrad(z):
    return np.where(z > 0, 1.0, SLOPE)


def price(W1, b1, W2, b2, X):
    return leaky(X @ W1 + b1) @ W2 + b2


def loss(W1, b1, W2, b2, X, y):
    return 0.5 * np.sum(np.square(price(W1, b1, W2, b2, X) - y))


def backprop(W1, b1, W2, b2, X, y):
    # forward
    Z = X @ W1 + b1
    H = leaky(Z)
    P = H @ W2 + b2
    # backward
    dP = P - y
    dW2 = H.T @ dP
    db2 = np.sum(dP, axis=0)
    dZ = (dP @ W2.T) * leakyGrad(Z)
    dW1 = X.T @ dZ
    db1 = np.sum(dZ, axis=0)
    return dW1, db1, dW2, db2


W1 = np.random.randn(3, 6) * np.sqrt(2.0 / 3)
b1 = np.zeros(6)
W2 = np.random.randn(6, 1) * np.sqrt(2.0 / 6)
b2 = np.zeros(1)

print("loss before", loss(W1, b1, W2, b2, X_train, y_train))
for i in range(1000):
    grads = backprop(W1, b1, W2, b2, X_train, y_train)
    for par, g in zip((W1, b1, W2, b2), grads):
        par -= 0.003 * g
print("loss after ", loss(W1, b1, W2, b2, X_train, y_train))
for want, got in zip(y_train[:5, 0], price(W1, b1, W2, b2, X_train[:5])[:, 0]):
    print("price %6.3f   estimate %6.3f" % (want, got))
