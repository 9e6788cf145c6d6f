# Spiral toy data, 3 arms, one hidden layer -- after a well-known lecture note
import numpy as np

np.random.seed(1)

N, D, K = 40, 2, 3   # points per class, dimensions, classes
X = np.zeros((N * K, D))
labels = np.zeros(N * K, dtype=int)
for j in range(K):
    ix = range(N * j, N * (j + 1))
    r = np.linspace(0.0, 1, N)
    theta = np.linspace(j * 4, (j + 1) * 4, N) + np.random.randn(N) * 0.2
    X[ix] = np.c_[r * np.sin(theta), r * np.cos(theta)]
    labels[ix] = j
Y = np.eye(K)[labels]


def scores_and_probs(params, X):
    hidden = np.maximum(0, X @ params["W1"] + params["b1"])
    scores = hidden @ params["W2"] + params["b2"]
    scores = scores - scores.max(axis=1, keepdims=True)   # numerically safe
    ex = np.exp(scores)
    return hidden, ex / ex.sum(axis=1, keepdims=True)


def data_loss(params, X, Y):
    _, probs = scores_and_probs(params, X)
    return -np.sum(Y * np.log(probs)) / X.shape[0]


def backward(params, X, Y):
    hidden, probs = scores_and_probs(params, X)
    dscores = (probs - Y) / X.shape[0]
    grads = {}
    grads["W2"] = np.dot(hidden.T, dscores)
    grads["b2"] = np.sum(dscores, axis=0)
    dhidden = np.dot(dscores, params["W2"].T)
    dhidden[hidden <= 0] = 0           # ReLU gate
    grads["W1"] = np.dot(X.T, dhidden)
    grads["b1"] = np.sum(dhidden, axis=0)
    return grads


h = 16
params = {
    "W1": 0.3 * np.random.randn(D, h),
    "b1": np.zeros(h),
    "W2": 0.3 * np.random.randn(h, K),
    "b2": np.zeros(K),
}
for i in range(1001):
    if i % 250 == 0:
        print("iteration %d: loss %f" % (i, data_loss(params, X, Y)))
    grads = backward(params, X, Y)
    for name in params:
        params[name] += -1.0 * grads[name]

predicted = scores_and_probs(params, X)[1].argmax(axis=1)
print("training accuracy: %.2f" % np.mean(predicted == labels))
