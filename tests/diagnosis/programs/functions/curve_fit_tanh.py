import numpy as np

# fit y = x^3 - x on [-1.5, 1.5] with one tanh layer and a linear output

def model(W1, b1, W2, b2, X):
    h = np.tanh(X.dot(W1) + b1)
    return h, h.dot(W2) + b2

def mse(pred, y):
    return 0.5 * np.mean(np.sum((pred - y)**2, axis=1))

def backprop(W1, b1, W2, b2, X, y):
    N = X.shape[0]
    h, pred = model(W1, b1, W2, b2, X)
    # gradient of the loss w.r.t. the prediction (loss is a mean over N)
    dout = (pred - y) / N
    dW2 = h.T.dot(dout) / N
    db2 = np.mean(dout, axis=0)
    dh = dout.dot(W2.T)
    dz = dh * (1 - h**2)
    dW1 = X.T.dot(dz) / N
    db1 = np.mean(dz, axis=0)
    return dW1, db1, dW2, db2

def train(epochs, lr):
    rng = np.random.RandomState(0)
    X = np.linspace(-1.5, 1.5, 20)[:, None]
    y = X**3 - X
    W1 = rng.randn(1, 8)
    b1 = rng.randn(8) * 0.1
    W2 = rng.randn(8, 1) * 0.3
    b2 = np.zeros(1)
    history = []
    for e in range(epochs):
        g1, gb1, g2, gb2 = backprop(W1, b1, W2, b2, X, y)
        W1 -= lr * g1
        b1 -= lr * gb1
        W2 -= lr * g2
        b2 -= lr * gb2
        history.append(mse(model(W1, b1, W2, b2, X)[1], y))
    return history

hist = train(4000, 1.5)   # needs a rather big lr to get going
for e in range(0, 4000, 800):
    print(e, hist[e])
print("final", hist[-1])
