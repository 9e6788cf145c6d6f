# Siec neuronowa bez bibliotek - zadanie domowe
import math
import random


def sigmoida(z):
    return 1 / (1 + math.exp(-z))


def warstwa(W, b, wejscie):
    return [sigmoida(sum(w * x for w, x in zip(wiersz, wejscie)) + prog) for wiersz, prog in zip(W, b)]


def zera(wiersze, kolumny):
    return [[0.0] * kolumny for _ in range(wiersze)]


def gradienty(W1, b1, W2, b2, X, Y):
    """gradienty dla calego zbioru (suma po przykladach)"""
    dW1 = zera(len(W1), len(W1[0]))
    dW2 = zera(len(W2), len(W2[0]))
    db1 = [0.0] * len(b1)
    db2 = [0.0] * len(b2)
    for x, y in zip(X, Y):
        ukryta = warstwa(W1, b1, x)
        wyjscie = warstwa(W2, b2, ukryta)
        # delta na wyjsciu
        d2 = []
        for k in range(len(wyjscie)):
            o = wyjscie[k]
            d2.append((o - y[k]) * o * (1 - o))
        # delta w warstwie ukrytej
        d1 = []
        for j in range(len(ukryta)):
            d1.append(sum(d2[k] * W2[k][j] for k in range(len(d2))))
        for k in range(len(d2)):
            for j in range(len(ukryta)):
                dW2[k][j] += d2[k] * ukryta[j]
            db2[k] = d2[k]
        for j in range(len(d1)):
            for i in range(len(x)):
                dW1[j][i] += d1[j] * x[i]
            db1[j] = d1[j]
    return dW1, db1, dW2, db2


def odejmij(W, dW, eta):
    return [[w - eta * g for w, g in zip(r, s)] for r, s in zip(W, dW)]


random.seed(21)
X = [[0, 0], [0, 1], [1, 0], [1, 1]]
Y = [[0], [1], [1], [1]]
W1 = [[random.gauss(0, 1) for _ in range(2)] for _ in range(3)]
b1 = [0.0, 0.0, 0.0]
W2 = [[random.gauss(0, 1) for _ in range(3)]]
b2 = [0.0]
eta = 0.2
for epoka in range(1000):
    dW1, db1, dW2, db2 = gradienty(W1, b1, W2, b2, X, Y)
    W1, W2 = odejmij(W1, dW1, eta), odejmij(W2, dW2, eta)
    b1 = [b - eta * g for b, g in zip(b1, db1)]
    b2 = [b - eta * g for b, g in zip(b2, db2)]
    if epoka % 100 == 0:
        blad = 0.0
        for x, y in zip(X, Y):
            blad += 0.5 * (warstwa(W2, b2, warstwa(W1, b1, x))[0] - y[0]) ** 2
        print("epoka", epoka, "blad", blad)
for x, y in zip(X, Y):
    print(x, y, warstwa(W2, b2, warstwa(W1, b1, x)))
