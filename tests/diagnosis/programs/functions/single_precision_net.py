"""Majority of five bits.  All numbers are kept as float32, like on the GPU."""
import numpy as np

DT = np.float32
NETWORK = dict(layers=[5, 4, 1], activation="logistic", loss="logistic-cross-entropy")


def f32(arrays):
    return [np.asarray(a, dtype=DT) for a in arrays]


def sigmoid(z):
    return DT(1) / (DT(1) + np.exp(-z))


def forward_all(weights, biases, x):
    acts = [np.asarray(x, dtype=DT)]
    for W, b in zip(f32(weights), f32(biases)):
        acts.append(sigmoid(acts[-1] @ W.T + b))
    return acts


def bce(weights, biases, x, t):
    p = forward_all(weights, biases, x)[-1]
    t = np.asarray(t, dtype=DT)
    return -np.mean(np.sum(t * np.log(p) + (1 - t) * np.log(1 - p), axis=1))


def gradients(weights, biases, x, t):
    weights = f32(weights)
    acts = forward_all(weights, biases, x)
    t = np.asarray(t, dtype=DT)
    scale = DT(1.0 / len(acts[0]))
    grads_w, grads_b = [], []
    delta = (acts[-1] - t) * scale       # sigmoid + cross entropy
    for W, a_in in zip(weights[::-1], acts[-2::-1]):
        grads_w = [delta.T @ a_in] + grads_w
        grads_b = [delta.sum(axis=0)] + grads_b
        delta = (delta @ W) * a_in * (1 - a_in)
    return grads_w, grads_b


if __name__ == "__main__":
    bits = np.array([[(k >> i) & 1 for i in range(5)] for k in range(32)], dtype=DT)
    majority = (bits.sum(axis=1, keepdims=True) > 2).astype(DT)
    rng = np.random.default_rng(6)
    ws = f32([rng.normal(size=(4, 5)), rng.normal(size=(1, 4))])
    bs = f32([np.zeros(4), np.zeros(1)])
    for epoch in range(601):
        gw, gb = gradients(ws, bs, bits, majority)
        ws = [w - DT(1.0) * g for w, g in zip(ws, gw)]
        bs = [b - DT(1.0) * g for b, g in zip(bs, gb)]
        if epoch % 150 == 0:
            print(epoch, bce(ws, bs, bits, majority), ws[0].dtype)
    wrong = np.sum((forward_all(ws, bs, bits)[-1] > 0.5) != (majority > 0.5))
    print("misclassified:", int(wrong))
