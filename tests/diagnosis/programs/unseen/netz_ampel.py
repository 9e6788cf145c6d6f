# Neuronales Netz fuer die Ampel-Aufgabe (Informatik, Klasse 12)
# Eingabe: rot, gelb, gruen   Ausgabe: fahren / bremsen
import numpy as np


class Netz:
    def __init__(self, schichten, lernrate=0.1):
        zufall = np.random.RandomState(4)
        self.lernrate = lernrate
        self.gewichte = [zufall.randn(aus, ein) * 0.6 for ein, aus in zip(schichten[:-1], schichten[1:])]
        self.schwellen = [zufall.randn(aus) * 0.1 for aus in schichten[1:]]
        # hier werden die Ausgaben aller Schichten gemerkt
        self.ausgaben = []

    def vorwaerts(self, x):
        a = np.array(x, dtype=float)
        self.ausgaben.append(a)
        for W, b in zip(self.gewichte, self.schwellen):
            a = np.tanh(W @ a + b)
            self.ausgaben.append(a)
        return a

    def lerne(self, x, ziel):
        y = self.vorwaerts(x)
        fehler = y - np.array(ziel, dtype=float)
        delta = fehler * (1 - y ** 2)

        deltas = [delta]
        for l in range(len(self.gewichte) - 1, 0, -1):
            a = self.ausgaben[l]
            delta = (self.gewichte[l].T @ delta) * (1 - a ** 2)
            deltas.insert(0, delta)

        for l in range(len(self.gewichte)):
            self.gewichte[l] -= self.lernrate * np.outer(deltas[l], self.ausgaben[l])
            self.schwellen[l] -= self.lernrate * deltas[l]


if __name__ == "__main__":
    beispiele = [
        ([1, 0, 0], [-1, 1]),
        ([1, 1, 0], [-1, 1]),
        ([0, 0, 1], [1, -1]),
        ([0, 1, 0], [-1, 1]),
    ]
    netz = Netz([3, 4, 2], lernrate=0.1)
    for runde in range(300):
        summe = 0.0
        for x, ziel in beispiele:
            netz.lerne(x, ziel)
        for x, ziel in beispiele:
            summe += 0.5 * np.sum((netz.vorwaerts(x) - ziel) ** 2)
        if runde % 50 == 0:
            print("Runde", runde, "Fehler", round(summe, 4))

    for x, ziel in beispiele:
        print(x, "Soll", ziel, "Ist", np.round(netz.vorwaerts(x), 2))
