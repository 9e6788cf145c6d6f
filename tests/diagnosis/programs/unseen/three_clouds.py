import numpy as np

# three clouds of points in four dimensions; parameters live in a dict


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(scores):
    exps = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    return exps / exps.sum(axis=1, keepdims=True)


def init(d, h, k, seed=0):
    g = np.random.RandomState(seed)
    return dict(W1=g.randn(d, h) * 0.5, b1=np.zeros(h), W2=g.randn(h, k) * 0.5, b2=np.zeros(k))


def model(params, X):
    hidden = sigmoid(X @ params["W1"] + params["b1"])
    return hidden, softmax(hidden @ params["W2"] + params["b2"])


def update(params, X, Y, learning_rate=0.1):
    N = X.shape[0]
    hidden, probs = model(params, X)

    d2 = (probs - Y) / N
    dW2 = hidden.T @ d2
    db2 = d2.sum(axis=0)

    d1 = d2 @ params["W2"].T * hidden * (1 - hidden)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)

    new = {}
    new["W1"] = params["W1"] - learning_rate * dW1
    new["b1"] = params["b1"] - db1
    new["W2"] = params["W2"] - learning_rate * dW2
    new["b2"] = params["b2"] - db2
    return new


def accuracy(params, X, labels):
    return np.mean(np.argmax(model(params, X)[1], axis=1) == labels)


g = np.random.RandomState(1)
centres = np.array([[1.5, 0, 0, 1], [-1, 1.5, 0, 0], [0, -1, 1.5, -1]])
labels = g.randint(0, 3, 90)
X = centres[labels] + 0.5 * g.randn(90, 4)
Y = np.eye(3)[labels]

params = init(4, 6, 3)
print("before:", accuracy(params, X, labels))
for epoch in range(500):
    params = update(params, X, Y, learning_rate=0.3)
    if epoch % 100 == 0:
        p = model(params, X)[1]
        print(epoch, "cross entropy", -np.mean(np.log(p[np.arange(90), labels])))
print("after:", accuracy(params, X, labels))
