# Rede neural para a porta XOR
# trabalho da disciplina de IA, primeira versao com numpy
import numpy as np

np.random.seed(7)


def sigmoide(z):
    return 1 / (1 + np.exp(-z))


def derivada(a):
    # derivada da ativacao, recebe o valor ja ativado
    return a * (1 - a)


class RedeNeural:
    def __init__(self, n_entrada, n_oculta, n_saida, taxa=0.5):
        self.taxa = taxa
        self.pesos1 = np.random.uniform(-1, 1, (n_entrada, n_oculta))
        self.vies1 = np.zeros((1, n_oculta))
        self.pesos2 = np.random.uniform(-1, 1, (n_oculta, n_saida))
        self.vies2 = np.zeros((1, n_saida))

    def prever(self, X):
        self.oculta = np.tanh(X @ self.pesos1 + self.vies1)
        self.saida = sigmoide(self.oculta @ self.pesos2 + self.vies2)
        return self.saida

    def treinar(self, X, Y):
        n = X.shape[0]
        saida = self.prever(X)

        erro = saida - Y
        delta_saida = erro * derivada(saida)
        delta_oculta = (delta_saida @ self.pesos2.T) * derivada(self.oculta)

        grad_p2 = self.oculta.T @ delta_saida / n
        grad_v2 = delta_saida.sum(axis=0, keepdims=True) / n
        grad_p1 = X.T @ delta_oculta / n
        grad_v1 = delta_oculta.sum(axis=0, keepdims=True) / n

        self.pesos2 -= self.taxa * grad_p2
        self.vies2 -= self.taxa * grad_v2
        self.pesos1 -= self.taxa * grad_p1
        self.vies1 -= self.taxa * grad_v1


entradas = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
saidas = np.array([[0], [1], [1], [0]], dtype=float)

rede = RedeNeural(2, 4, 1, taxa=1.0)
for epoca in range(3000):
    rede.treinar(entradas, saidas)
    if epoca % 500 == 0:
        custo = 0.5 * np.mean((rede.prever(entradas) - saidas) ** 2)
        print("epoca", epoca, "custo %.5f" % custo)

print("Resultado final:")
for x, y in zip(entradas, rede.prever(entradas)):
    print(x, "->", round(float(y[0]), 3))
