"""
Sinuskurve lernen mit einem mehrschichtigen Perzeptron.
Übungsblatt 5, Aufgabe 3
"""
import math
import numpy as np

NETWORK = {"layers": [1, 6, 1], "activation": "tanh", "loss": "squared-error"}


def gewichte_anlegen(schichten, zufall):
    gewichte, biasse = [], []
    for ein, aus in zip(schichten, schichten[1:]):
        grenze = math.sqrt(6 / (ein + aus))
        gewichte.append(zufall.uniform(-grenze, grenze, size=(aus, ein)))
        biasse.append(zufall.uniform(-0.1, 0.1, size=aus))
    return gewichte, biasse


def vorwaerts(gewichte, biasse, x):
    """Liste aller Aktivierungen, die Eingabe zuerst"""
    a = [x]
    for w, b in zip(gewichte, biasse):
        a.append(np.tanh(a[-1].dot(w.T) + b))
    return a


def fehler(gewichte, biasse, x, t):
    y = vorwaerts(gewichte, biasse, x)[-1]
    return 0.5 * ((y - t) ** 2).sum(axis=1).mean()


def gradienten(gewichte, biasse, x, t):
    anzahl = len(x)
    a = vorwaerts(gewichte, biasse, x)
    dW = [None] * len(gewichte)
    db = [None] * len(biasse)

    delta = a[-1] - t                      # Ableitung des Fehlers
    for s in range(len(gewichte) - 1, -1, -1):
        dW[s] = delta.T.dot(a[s]) / anzahl
        db[s] = delta.sum(axis=0) / anzahl
        # eine Schicht weiter nach vorne, tanh' = 1 - tanh^2
        delta = delta.dot(gewichte[s]) * (1 - a[s] ** 2)
    return dW, db


def lernen(durchlaeufe=3000, rate=0.2):
    zufall = np.random.RandomState(7)
    x = np.linspace(-math.pi, math.pi, 25).reshape(-1, 1)
    t = 0.9 * np.sin(x)
    w, b = gewichte_anlegen([1, 6, 1], zufall)
    for i in range(durchlaeufe):
        dw, dbias = gradienten(w, b, x, t)
        for s in range(len(w)):
            w[s] -= rate * dw[s]
            b[s] -= rate * dbias[s]
        if i % 600 == 0:
            print("Durchlauf", i, "Fehler", round(fehler(w, b, x, t), 6))
    return w, b, x, t


if __name__ == "__main__":
    w, b, x, t = lernen()
    y = vorwaerts(w, b, x)[-1]
    for xi, ti, yi in list(zip(x[:, 0], t[:, 0], y[:, 0]))[::4]:
        print(f"x={xi:+.2f}  soll={ti:+.3f}  ist={yi:+.3f}")
