# Minha primeira rede neural (MLP) para o problema XOR
# Aula 4 - Inteligencia Artificial
import math
import random

random.seed(3)


def sigmoide(v):
    return 1.0 / (1.0 + math.exp(-v))


class RedeNeural:
    def __init__(self, n_entrada, n_oculta, n_saida, taxa=0.5):
        self.n_entrada = n_entrada
        self.n_oculta = n_oculta
        self.n_saida = n_saida
        self.taxa = taxa
        # pesos entre -1 e 1
        self.pesos_oculta = [[random.uniform(-1, 1) for i in range(n_entrada)] for j in range(n_oculta)]
        self.vies_oculta = [random.uniform(-1, 1) for j in range(n_oculta)]
        self.pesos_saida = [[random.uniform(-1, 1) for j in range(n_oculta)] for k in range(n_saida)]
        self.vies_saida = [random.uniform(-1, 1) for k in range(n_saida)]

    def propagar(self, entrada):
        self.oculta = []
        for j in range(self.n_oculta):
            soma = self.vies_oculta[j]
            for i in range(self.n_entrada):
                soma += self.pesos_oculta[j][i] * entrada[i]
            self.oculta.append(sigmoide(soma))
        self.saida = []
        for k in range(self.n_saida):
            soma = self.vies_saida[k]
            for j in range(self.n_oculta):
                soma += self.pesos_saida[k][j] * self.oculta[j]
            self.saida.append(sigmoide(soma))
        return self.saida

    def treinar(self, entrada, alvo):
        """Um passo de retropropagacao com um unico exemplo."""
        self.propagar(entrada)
        delta_saida = []
        for k in range(self.n_saida):
            erro = alvo[k] - self.saida[k]
            delta_saida.append(erro * self.saida[k] * (1 - self.saida[k]))
        delta_oculta = []
        for j in range(self.n_oculta):
            soma = 0.0
            for k in range(self.n_saida):
                soma += delta_saida[k] * self.pesos_saida[k][j]
            delta_oculta.append(soma * self.oculta[j] * (1 - self.oculta[j]))
        # atualiza a camada de saida
        for k in range(self.n_saida):
            for j in range(self.n_oculta):
                self.pesos_saida[k][j] += self.taxa * delta_saida[k] * self.oculta[j]
        # atualiza a camada oculta
        for j in range(self.n_oculta):
            for i in range(self.n_entrada):
                self.pesos_oculta[j][i] += self.taxa * delta_oculta[j] * entrada[i]

    def erro(self, dados):
        total = 0.0
        for entrada, alvo in dados:
            saida = self.propagar(entrada)
            total += sum((a - s) ** 2 for a, s in zip(alvo, saida)) / 2
        return total


dados = [([0, 0], [0]), ([0, 1], [1]), ([1, 0], [1]), ([1, 1], [0])]
rede = RedeNeural(2, 3, 1)

for epoca in range(2000):
    for entrada, alvo in dados:
        rede.treinar(entrada, alvo)
    if epoca % 100 == 0:
        print("epoca", epoca, "erro", round(rede.erro(dados), 5))

print("Resultado:")
for entrada, alvo in dados:
    print(entrada, "->", rede.propagar(entrada), "esperado", alvo)
