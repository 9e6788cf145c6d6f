# Clasificador de flores (inventadas) con una red de varias capas
import numpy as np


class RedNeuronal:
    def __init__(self, capas, alfa=0.2):
        self.n_capas = len(capas) - 1
        self.alfa = alfa
        self.params = {}
        gen = np.random.default_rng(21)
        for i in range(1, len(capas)):
            self.params["W" + str(i)] = gen.normal(0, 0.5, (capas[i - 1], capas[i]))
            self.params["b" + str(i)] = np.zeros((1, capas[i]))

    def adelante(self, X):
        a = X
        self.cache = {"a0": X}
        for i in range(1, self.n_capas + 1):
            z = a @ self.params[f"W{i}"] + self.params[f"b{i}"]
            if i < self.n_capas:
                a = np.tanh(z)
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                a = e / e.sum(axis=1, keepdims=True)
            self.cache[f"a{i}"] = a
        return a

    def costo(self, X, Y):
        p = self.adelante(X)
        return -np.mean(np.sum(Y * np.log(p + 1e-15), axis=1))

    def entrenar(self, X, Y):
        m = len(X)
        p = self.adelante(X)
        delta = (p - Y) / m
        for i in range(self.n_capas, 0, -1):
            a_prev = self.cache[f"a{i-1}"]
            dW = a_prev.T @ delta
            db = delta.sum(axis=0, keepdims=True)
            # primero el delta de la capa anterior, luego los pesos
            delta = (delta @ self.params[f"W{i}"].T) * (1 - a_prev ** 2)
            self.params[f"W{i}"] = self.params[f"W{i}"] - self.alfa * dW
            self.params[f"b{i}"] = self.params[f"b{i}"] - self.alfa * db
            return p


if __name__ == "__main__":
    gen = np.random.default_rng(4)
    centros = np.array([[0.0, 1.0], [1.0, -0.5], [-1.0, -0.5]])
    X = np.vstack([c + 0.35 * gen.standard_normal((30, 2)) for c in centros])
    Y = np.repeat(np.eye(3), 30, axis=0)

    red = RedNeuronal([2, 6, 3])
    for vuelta in range(300):
        red.entrenar(X, Y)
        if vuelta % 50 == 0:
            aciertos = (red.adelante(X).argmax(1) == Y.argmax(1)).mean()
            print(f"vuelta {vuelta}: costo={red.costo(X, Y):.4f} aciertos={aciertos:.2%}")
    print("final:", red.costo(X, Y))
