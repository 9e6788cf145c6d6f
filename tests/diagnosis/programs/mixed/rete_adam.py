# Rete con ottimizzatore Adam (esercizio facoltativo)
import numpy as np


def sigmoide(z):
    return 1 / (1 + np.exp(-z))


class ReteAdam:
    def __init__(self, dimensioni, lr=0.01, beta1=0.9, beta2=0.999, eps=1e-8):
        caso = np.random.default_rng(2)
        self.lr, self.beta1, self.beta2, self.eps = lr, beta1, beta2, eps
        self.pesi = [caso.normal(0, 1, (d, s)) for d, s in zip(dimensioni[1:], dimensioni[:-1])]
        self.bias = [np.zeros(d) for d in dimensioni[1:]]
        # momenti di Adam
        self.m_pesi = [np.zeros_like(w) for w in self.pesi]
        self.v_pesi = [np.zeros_like(w) for w in self.pesi]
        self.m_bias = [np.zeros_like(b) for b in self.bias]
        self.v_bias = [np.zeros_like(b) for b in self.bias]

    def uscite(self, X):
        tutte = [X]
        for w, b in zip(self.pesi, self.bias):
            tutte.append(sigmoide(tutte[-1] @ w.T + b))
        return tutte

    def gradienti(self, X, Y):
        a = self.uscite(X)
        delta = (a[-1] - Y) * a[-1] * (1 - a[-1]) / len(X)
        gw, gb = [], []
        for k in range(len(self.pesi) - 1, -1, -1):
            gw.insert(0, delta.T @ a[k])
            gb.insert(0, delta.sum(axis=0))
            if k > 0:
                delta = (delta @ self.pesi[k]) * a[k] * (1 - a[k])
        return gw, gb

    def _adam(self, valore, grad, m, v):
        m[...] = self.beta1 * m + (1 - self.beta1) * grad
        v[...] = self.beta2 * v + (1 - self.beta2) * grad ** 2
        return valore - self.lr * m / (np.sqrt(v) + self.eps)

    def passo(self, X, Y):
        gw, gb = self.gradienti(X, Y)
        for k in range(len(self.pesi)):
            self.pesi[k] = self._adam(self.pesi[k], gw[k], self.m_pesi[k], self.v_pesi[k])
            self.bias[k] = self._adam(self.bias[k], gb[k], self.m_bias[k], self.v_bias[k])


def errore(rete, X, Y):
    return 0.5 * np.mean(np.sum((rete.uscite(X)[-1] - Y) ** 2, axis=1))


if __name__ == "__main__":
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    Y = np.array([[0], [1], [1], [0]], float)
    rete = ReteAdam([2, 4, 1])
    for i in range(1500):
        rete.passo(X, Y)
        if i % 150 == 0:
            print("passo", i, "errore", round(float(errore(rete, X, Y)), 6))
    print(rete.uscite(X)[-1])
