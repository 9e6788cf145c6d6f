# -*- coding: utf-8 -*-
# Rede neural com uma camada escondida - porta XOR
# Trabalho 2 de Inteligência Artificial
import numpy as np

np.random.seed(42)

entradas = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
saidas = np.array([[0], [1], [1], [0]])

TAXA = 1.5
EPOCAS = 4000


def sigmoide(soma):
    return 1 / (1 + np.exp(-soma))


def derivada_sigmoide(sig):
    # derivada da função sigmoide: s(x) * (1 - s(x))
    return sigmoide(sig) * (1 - sigmoide(sig))


def propagacao(W1, b1, W2, b2, X):
    camada_escondida = sigmoide(np.dot(X, W1) + b1)
    camada_saida = sigmoide(np.dot(camada_escondida, W2) + b2)
    return camada_escondida, camada_saida


def retropropagacao(W1, b1, W2, b2, X, y):
    m = X.shape[0]
    escondida, saida = propagacao(W1, b1, W2, b2, X)

    erro = saida - y
    delta_saida = erro * derivada_sigmoide(saida)

    erro_escondida = np.dot(delta_saida, W2.T)
    delta_escondida = erro_escondida * derivada_sigmoide(escondida)

    dW2 = np.dot(escondida.T, delta_saida) / m
    db2 = np.sum(delta_saida, axis=0) / m
    dW1 = np.dot(X.T, delta_escondida) / m
    db1 = np.sum(delta_escondida, axis=0) / m
    return dW1, db1, dW2, db2


# pesos iniciais entre -1 e 1
W1 = 2 * np.random.random((2, 4)) - 1
b1 = np.zeros(4)
W2 = 2 * np.random.random((4, 1)) - 1
b2 = np.zeros(1)

for epoca in range(EPOCAS):
    dW1, db1, dW2, db2 = retropropagacao(W1, b1, W2, b2, entradas, saidas)
    W1 = W1 - TAXA * dW1
    b1 = b1 - TAXA * db1
    W2 = W2 - TAXA * dW2
    b2 = b2 - TAXA * db2

    if epoca % 500 == 0:
        _, s = propagacao(W1, b1, W2, b2, entradas)
        media_absoluta = np.mean(np.abs(saidas - s))
        print("Época:", epoca, " Margem de erro:", str(media_absoluta))

print("Resultado final:")
print(propagacao(W1, b1, W2, b2, entradas)[1].round(3))
