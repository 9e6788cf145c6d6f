# -*- coding: utf-8 -*-
# TP reseau de neurones : chaque neurone est un objet
from math import exp
from random import Random

hasard = Random(42)


class Neurone:
    def __init__(self, nb_entrees):
        self.poids = [hasard.uniform(-0.8, 0.8) for _ in range(nb_entrees)]
        self.biais = hasard.uniform(-0.8, 0.8)
        self.sortie = 0.0
        self.delta = 0.0

    def activer(self, entrees):
        somme = self.biais
        for p, e in zip(self.poids, entrees):
            somme += p * e
        self.sortie = 1 / (1 + exp(-somme))
        return self.sortie

    def pente(self):
        return self.sortie * (1 - self.sortie)


class Reseau:
    def __init__(self, tailles, taux=0.3):
        self.taux = taux
        self.couches = []
        for avant, apres in zip(tailles[:-1], tailles[1:]):
            self.couches.append([Neurone(avant) for _ in range(apres)])

    def calculer(self, x):
        valeurs = list(x)
        for couche in self.couches:
            valeurs = [n.activer(valeurs) for n in couche]
        return valeurs

    def apprendre(self, x, cible):
        sortie = self.calculer(x)
        # 1) deltas, de la fin vers le debut
        for n, s, c in zip(self.couches[-1], sortie, cible):
            n.delta = (c - s) * n.pente()
        for i in range(len(self.couches) - 2, -1, -1):
            for j, n in enumerate(self.couches[i]):
                n.delta = n.pente() * sum(m.poids[j] * m.delta for m in self.couches[i + 1])
        # 2) descente de gradient
        entrees = list(x)
        for couche in self.couches:
            for n in couche:
                for k in range(len(n.poids)):
                    n.poids[k] -= self.taux * n.delta * entrees[k]
                n.biais -= self.taux * n.delta
            entrees = [n.sortie for n in couche]
        return sum((c - s) ** 2 for c, s in zip(cible, sortie)) / 2


exemples = [((0, 0), (0,)), ((0, 1), (1,)), ((1, 0), (1,)), ((1, 1), (1,))]
reseau = Reseau([2, 3, 1])
for tour in range(200):
    erreur = 0
    for x, cible in exemples:
        erreur += reseau.apprendre(x, cible)
    if tour % 20 == 0:
        print("tour", tour, "erreur", "%.4f" % erreur)
for x, cible in exemples:
    print(x, cible, ["%.3f" % v for v in reseau.calculer(x)])
