# Punkte im Kreis / ausserhalb des Kreises - Uebungsblatt 7
import numpy as np

zufall = np.random.RandomState(11)


def vorwaerts(gewichte, schwellen, x):
    """gibt (versteckte Ausgabe, Ausgabe) fuer EINEN Punkt zurueck"""
    h = np.tanh(np.dot(gewichte[0], x) + schwellen[0])
    o = np.tanh(np.dot(gewichte[1], h) + schwellen[1])
    return h, o


def schritt(gewichte, schwellen, x, t, eta=0.1):
    """ein Lernschritt mit einem Muster (x, t)"""
    W1, W2 = gewichte
    b1, b2 = schwellen
    h, o = vorwaerts(gewichte, schwellen, x)

    # Ausgabeschicht
    fehler = o - t
    delta_o = fehler * (1 - o ** 2)
    # versteckte Schicht: Fehler zurueck mal Ableitung
    delta_h = np.dot(np.dot(W2.T, delta_o), 1 - h ** 2)

    dW2 = np.outer(delta_o, h)
    dW1 = np.outer(delta_h, x)
    neue_gewichte = [W1 - eta * dW1, W2 - eta * dW2]
    neue_schwellen = [b1 - eta * delta_h, b2 - eta * delta_o]
    return neue_gewichte, neue_schwellen


def gesamtfehler(gewichte, schwellen, X, T):
    return sum(0.5 * np.sum((vorwaerts(gewichte, schwellen, x)[1] - t) ** 2) for x, t in zip(X, T))


if __name__ == "__main__":
    X = zufall.uniform(-1, 1, (60, 2))
    T = np.where((X ** 2).sum(axis=1) < 0.5, 0.9, -0.9).reshape(-1, 1)
    gewichte = [zufall.randn(5, 2) * 0.7, zufall.randn(1, 5) * 0.7]
    schwellen = [np.zeros(5), np.zeros(1)]
    for runde in range(60):
        for x, t in zip(X, T):
            gewichte, schwellen = schritt(gewichte, schwellen, x, t, 0.05)
        if runde % 10 == 0:
            print("Runde %3d  Fehler %.4f" % (runde, gesamtfehler(gewichte, schwellen, X, T)))
    richtig = sum(np.sign(vorwaerts(gewichte, schwellen, x)[1][0]) == np.sign(t[0]) for x, t in zip(X, T))
    print("richtig:", richtig, "von", len(X))
