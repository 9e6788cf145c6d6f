"""Tres especies de flores (dados inventados), amostras nas colunas, curso online semana 3."""
import numpy as np

np.random.seed(8)


def inicializa(n_x, n_h, n_y):
    return {
        "W1": np.random.randn(n_h, n_x) * 0.5,
        "b1": np.zeros((n_h, 1)),
        "W2": np.random.randn(n_y, n_h) * 0.5,
        "b2": np.zeros((n_y, 1)),
    }


def softmax(Z):
    E = np.exp(Z - Z.max(axis=0, keepdims=True))
    return E / E.sum(axis=0, keepdims=True)


def forward_prop(params, X):
    Z1 = params["W1"] @ X + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = params["W2"] @ A1 + params["b2"]
    A2 = softmax(Z2)
    return A1, A2


def backward_prop(params, X, Y):
    """X: (n_x, m), Y: (n_y, m) one-hot"""
    m = X.shape[1]
    A1, A2 = forward_prop(params, X)

    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dZ1 = (params["W2"].T @ dZ2) * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=0, keepdims=True) / m

    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


def custo(A2, Y):
    return -np.sum(Y * np.log(A2 + 1e-12)) / Y.shape[1]


centros = np.array([[0.0, 1.5, -1.5], [1.5, -1.0, -1.0]])
classe = np.arange(90) % 3
X = centros[:, classe] + 0.4 * np.random.randn(2, 90)
Y = np.eye(3)[:, classe]

params = inicializa(2, 4, 3)
for i in range(300):
    grads = backward_prop(params, X, Y)
    for nome in ["W1", "b1", "W2", "b2"]:
        params[nome] = params[nome] - 0.5 * grads["d" + nome]
    if i % 50 == 0:
        print("iteracao", i, "custo", custo(forward_prop(params, X)[1], Y))

_, A2 = forward_prop(params, X)
print("acuracia:", np.mean(A2.argmax(axis=0) == classe))
try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.scatter(X[0], X[1], c=A2.argmax(axis=0))
except Exception:
    print("sem grafico")
