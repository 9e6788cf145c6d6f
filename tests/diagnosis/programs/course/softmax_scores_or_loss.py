import numpy as np
def softmax_loss(W1, b1, W2, b2, X, y=None):
    n = len(X)
    h = np.tanh(X @ W1 + b1)
    s = h @ W2 + b2
    if y is None:
        return s
    e = np.exp(s - s.max(axis=1, keepdims=True))
    probs = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(probs[range(n), y]).mean()
    probs[range(n), y] -= 1
    probs /= n
    dh = probs @ W2.T * (1 - h ** 2)
    return loss, (X.T @ dh, dh.sum(axis=0), h.T @ probs, probs.sum(axis=0))
