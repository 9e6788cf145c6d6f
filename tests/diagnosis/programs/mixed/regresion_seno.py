# Aproximar sen(x) con una capa oculta. Practica 2.
import numpy as np


def adelante(pesos, sesgos, x):
    activaciones = [x]
    a = x
    ultima = len(pesos) - 1
    for i in range(len(pesos)):
        z = a @ pesos[i].T + sesgos[i]
        a = z if i == ultima else np.tanh(z)
        activaciones.append(a)
    return activaciones


def correcciones(pesos, sesgos, x, t, tasa):
    """lo que hay que mover cada peso y cada sesgo"""
    act = adelante(pesos, sesgos, x)
    n = len(x)
    delta = (act[-1] - t) / n
    mov_pesos, mov_sesgos = [None] * len(pesos), [None] * len(pesos)
    for i in reversed(range(len(pesos))):
        mov_pesos[i] = tasa * (delta.T @ act[i])
        mov_sesgos[i] = tasa * delta.sum(axis=0)
        if i > 0:
            delta = (delta @ pesos[i]) * (1 - act[i] ** 2)
    return mov_pesos, mov_sesgos


def paso(pesos, sesgos, x, t, tasa=0.3):
    dp, ds = correcciones(pesos, sesgos, x, t, tasa)
    nuevos_pesos = [p - tasa * d for p, d in zip(pesos, dp)]
    nuevos_sesgos = [s - tasa * d for s, d in zip(sesgos, ds)]
    return nuevos_pesos, nuevos_sesgos


def perdida(pesos, sesgos, x, t):
    return np.sum((adelante(pesos, sesgos, x)[-1] - t) ** 2) / (2 * len(x))


gen = np.random.default_rng(5)
x = np.linspace(-3, 3, 40).reshape(-1, 1)
t = np.sin(x)
pesos = [gen.normal(size=(8, 1)), gen.normal(size=(1, 8)) * 0.3]
sesgos = [np.zeros(8), np.zeros(1)]
for vuelta in range(2000):
    pesos, sesgos = paso(pesos, sesgos, x, t)
    if vuelta % 250 == 0:
        print(f"vuelta {vuelta:5d}   perdida {perdida(pesos, sesgos, x, t):.5f}")
print("final:", perdida(pesos, sesgos, x, t))
