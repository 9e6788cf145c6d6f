# Rede neural do zero, cada neuronio e um objeto
import math
import random

random.seed(7)


def sigmoide(x):
    return 1.0 / (1.0 + math.exp(-x))


class Neuronio:
    def __init__(self, n_entradas):
        self.pesos = [random.uniform(-1, 1) for _ in range(n_entradas)]
        self.vies = random.uniform(-1, 1)
        self.saida = 0.0
        self.delta = 0.0
        self.entradas = []

    def ativar(self, entradas):
        self.entradas = entradas
        soma = self.vies
        for p, e in zip(self.pesos, entradas):
            soma += p * e
        self.saida = sigmoide(soma)
        return self.saida

    def ajustar(self, taxa):
        for i in range(len(self.pesos)):
            self.pesos[i] += taxa * self.delta * self.entradas[i]
        self.vies += taxa * self.delta


class Rede:
    def __init__(self, n_entradas, n_ocultos, n_saidas, taxa=0.5):
        self.taxa = taxa
        self.ocultos = [Neuronio(n_entradas) for _ in range(n_ocultos)]
        self.saidas = [Neuronio(n_ocultos) for _ in range(n_saidas)]

    def prever(self, entradas):
        h = [n.ativar(entradas) for n in self.ocultos]
        return [n.ativar(h) for n in self.saidas]

    def treinar(self, entradas, alvo):
        """um passo com um exemplo"""
        self.prever(entradas)

        # camada de saida
        for n, t in zip(self.saidas, alvo):
            erro = t - n.saida
            n.delta = erro * n.saida * (1 - n.saida)
            n.ajustar(self.taxa)

        # camada oculta: o erro vem de todos os neuronios de saida
        for j, n in enumerate(self.ocultos):
            erro = 0.0
            for s in self.saidas:
                erro += s.pesos[j] * s.delta
            n.delta = erro * n.saida * (1 - n.saida)
            n.ajustar(self.taxa)


if __name__ == "__main__":
    dados = [([0, 0], [0]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [0])]
    rede = Rede(2, 3, 1)
    for epoca in range(4001):
        total = 0.0
        for x, t in dados:
            rede.treinar(x, t)
            total += (t[0] - rede.saidas[0].saida) ** 2
        if epoca % 1000 == 0:
            print("epoca", epoca, "erro", round(total, 4))
    for x, t in dados:
        print(x, "->", round(rede.prever(x)[0], 3), "esperado", t[0])
