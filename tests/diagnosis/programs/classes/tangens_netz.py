# Neuronales Netz mit tanh, Beispiele stehen in den Spalten
import numpy as np


def ableitung_tanh(a):
    return 1.0 - a * a


class Netz:
    def __init__(self, schichten, lernrate=0.1):
        zufall = np.random.RandomState(11)
        self.lernrate = lernrate
        self.gewichte = []
        self.schwellen = []
        for ein, aus in zip(schichten[:-1], schichten[1:]):
            self.gewichte.append(zufall.randn(aus, ein) * 0.5)
            self.schwellen.append(zufall.randn(aus, 1) * 0.1)

    def vorwaerts(self, x):
        aktiv = [x]
        for w, s in zip(self.gewichte, self.schwellen):
            aktiv.append(np.tanh(w @ aktiv[-1] + s))
        return aktiv

    def fehler(self, x, soll):
        ist = self.vorwaerts(x)[-1]
        return 0.5 * np.sum((ist - soll) ** 2) / x.shape[1]

    def lerne(self, x, soll):
        anzahl = x.shape[1]
        aktiv = self.vorwaerts(x)

        # Ausgabeschicht
        delta = aktiv[-1] - soll
        delta *= ableitung_tanh(aktiv[-1])

        gradienten = []
        for k in range(len(self.gewichte) - 1, -1, -1):
            gw = delta @ aktiv[k].T / anzahl
            gs = delta.sum(axis=1, keepdims=True) / anzahl
            gradienten.append((k, gw, gs))
            if k > 0:
                # Delta eine Schicht zurueck
                delta = self.gewichte[k].T @ delta
                delta = ableitung_tanh(aktiv[k])

        for k, gw, gs in gradienten:
            self.gewichte[k] -= self.lernrate * gw
            self.schwellen[k] -= self.lernrate * gs


if __name__ == "__main__":
    # XOR mit -1 und 1
    X = np.array([[-1, -1, 1, 1],
                  [-1, 1, -1, 1]], dtype=float)
    T = np.array([[-1, 1, 1, -1]], dtype=float) * 0.9

    netz = Netz([2, 4, 1])
    for runde in range(601):
        netz.lerne(X, T)
        if runde % 100 == 0:
            print("Runde %4d  Fehler %.4f" % (runde, netz.fehler(X, T)))
    print("Ausgabe:", np.round(netz.vorwaerts(X)[-1], 2))
    print("Soll:   ", T)
