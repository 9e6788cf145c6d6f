# Netz mit kurzen Zahlen (float32) fuer den Mikrocontroller; Gewichte als verschachtelte Tupel, damit sie niemand aendert
import numpy as np

f32 = np.float32
NULL, EINS = f32(0), f32(1)


def als_tupel(matrix):
    return tuple(tuple(f32(v) for v in zeile) for zeile in matrix)


def ausgabe(gewichte, schwellen, x):
    werte = [tuple(f32(v) for v in x)]
    for W, b in zip(gewichte, schwellen):
        neu = []
        for zeile, schwelle in zip(W, b):
            summe = f32(schwelle)
            for w, v in zip(zeile, werte[-1]):
                summe = f32(summe + f32(w) * v)
            neu.append(f32(np.tanh(summe)))
        werte.append(tuple(neu))
    return werte


def gradienten(gewichte, schwellen, x, t):
    """Gradienten fuer ein einzelnes Muster, wieder als Tupel"""
    werte = ausgabe(gewichte, schwellen, x)
    delta = tuple((o - f32(z)) * (EINS - o * o) for o, z in zip(werte[-1], t))
    gW, gb = (), ()
    for W, ein in zip(reversed(gewichte), reversed(werte[:-1])):
        gW = (tuple(tuple(d * e for e in ein) for d in delta),) + gW
        gb = (delta,) + gb
        zurueck = []
        for i, e in enumerate(ein):
            s = NULL
            for d, zeile in zip(delta, W):
                s = f32(s + d * f32(zeile[i]))
            zurueck.append(s * (EINS - e * e))
        delta = tuple(zurueck)
    return gW, gb


def lernen(gewichte, schwellen, x, t, eta):
    gW, gb = gradienten(gewichte, schwellen, x, t)
    eta = f32(eta)
    gewichte = tuple(tuple(tuple(w - eta * g for w, g in zip(z, gz)) for z, gz in zip(W, G))
                     for W, G in zip(gewichte, gW))
    schwellen = tuple(tuple(w - eta * g for w, g in zip(b, g_)) for b, g_ in zip(schwellen, gb))
    return gewichte, schwellen


wuerfel = np.random.RandomState(1)
gewichte = (als_tupel(wuerfel.uniform(-1, 1, (3, 2))), als_tupel(wuerfel.uniform(-1, 1, (2, 3))))
schwellen = ((NULL,) * 3, (NULL,) * 2)
muster = [((-1, -1), (-0.9, -0.9)), ((-1, 1), (0.9, -0.9)), ((1, -1), (0.9, -0.9)), ((1, 1), (0.9, 0.9))]

for runde in range(300):
    for x, t in muster:
        gewichte, schwellen = lernen(gewichte, schwellen, x, t, 0.1)
    if runde % 50 == 0:
        fehler = sum(float(o - f32(z)) ** 2 for x, t in muster for o, z in zip(ausgabe(gewichte, schwellen, x)[-1], t))
        print("Runde", runde, "Fehler", fehler / 2)
print("Datentyp:", type(gewichte[0][0][0]).__name__)
