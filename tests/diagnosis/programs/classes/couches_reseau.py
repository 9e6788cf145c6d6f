# Réseau avec une liste d'objets "Couche" (forward / backward / update)
import numpy as np


def softplus(z):
    return np.logaddexp(0, z)


class Couche:
    def __init__(self, n_entrees, n_sorties, lineaire=False):
        self.W = np.random.randn(n_sorties, n_entrees) * np.sqrt(1 / n_entrees)
        self.b = np.zeros(n_sorties)
        self.lineaire = lineaire

    def forward(self, x):
        # x : (n, entrees), un exemple par ligne
        self.x = x
        self.z = x @ self.W.T + self.b
        return self.z if self.lineaire else softplus(self.z)

    def backward(self, grad):
        if not self.lineaire:
            # la dérivée de softplus est la sigmoïde
            grad = grad * (1 / (1 + np.exp(-self.z)))
        self.dW = grad.T @ self.x
        self.db = grad.sum(axis=0)
        return grad @ self.W

    def update(self, pas):
        self.W -= pas * self.dW
        self.b -= pas * self.db


class Reseau:
    def __init__(self, tailles, pas=0.05):
        self.pas = pas
        n = len(tailles) - 1
        self.couches = [Couche(tailles[i], tailles[i + 1], lineaire=(i == n - 1))
                        for i in range(n)]

    def predire(self, x):
        for c in self.couches:
            x = c.forward(x)
        return x

    def entrainer(self, x, y):
        sortie = self.predire(x)
        perte = np.mean(np.sum((sortie - y) ** 2, axis=1))
        grad = 2 * (sortie - y) / len(x)
        for c in reversed(self.couches):
            grad = c.backward(grad)
        for c in self.couches:
            c.update(self.pas)
        return perte


if __name__ == "__main__":
    np.random.seed(6)
    x = np.random.uniform(-2, 2, (50, 2))
    y = np.column_stack([np.abs(x[:, 0]), x[:, 0] * x[:, 1] / 2])

    reseau = Reseau([2, 7, 2])
    for epoque in range(1000):
        p = reseau.entrainer(x, y)
        if epoque % 200 == 0:
            print("époque", epoque, "perte", round(float(p), 5))
    print("perte finale", round(float(p), 5))
