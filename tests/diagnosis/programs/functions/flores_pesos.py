# Clasificar flores (tres especies, cuatro medidas) con una red de dos capas.
# El sesgo va en la primera columna de cada matriz de pesos.
import numpy as np

NETWORK = {"layers": [4, 5, 3], "activation": ["logistic", "softmax"], "loss": "softmax-squared-error"}

azar = np.random.default_rng(21)


def con_uno(m):
    return np.hstack([np.ones((m.shape[0], 1)), m])


def logistica(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def adelante(pesos, x):
    a0 = con_uno(x)
    oculta = logistica(a0 @ pesos[0].T)
    a1 = con_uno(oculta)
    p = softmax(a1 @ pesos[1].T)
    return a0, oculta, a1, p


def error(pesos, x, t):
    p = adelante(pesos, x)[-1]
    return 0.5 * np.mean(np.sum((p - t) ** 2, axis=1))


def gradiente(pesos, x, t):
    n = x.shape[0]
    a0, oculta, a1, p = adelante(pesos, x)
    d2 = p - t
    # la columna 0 es el sesgo, no se propaga hacia atras
    d1 = (d2 @ pesos[1][:, 1:]) * oculta * (1 - oculta)
    return [d1.T @ a0 / n, d2.T @ a1 / n]


def datos(n=60):
    centros = np.array([[1, 0, .2, 0], [0, 1, 0, .5], [-1, -.5, .4, 1]])
    clase = np.arange(n) % 3
    return centros[clase] + 0.4 * azar.normal(size=(n, 4)), np.eye(3)[clase]


if __name__ == "__main__":
    x, t = datos()
    pesos = [azar.normal(size=(5, 5)) * 0.5, azar.normal(size=(3, 6)) * 0.5]
    for vuelta in range(601):
        g = gradiente(pesos, x, t)
        pesos = [w - 0.5 * gw for w, gw in zip(pesos, g)]
        if vuelta % 150 == 0:
            print("vuelta", vuelta, "error", round(error(pesos, x, t), 5))
    aciertos = (adelante(pesos, x)[-1].argmax(1) == t.argmax(1)).sum()
    print("aciertos:", aciertos, "de", len(x))
