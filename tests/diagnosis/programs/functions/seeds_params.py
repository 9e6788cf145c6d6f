import numpy as np

# two kinds of seeds (length, width, weight), made up numbers.  softplus hidden
# layer, sigmoid output, squared error

rs = np.random.RandomState(5)
N = 30
kind = (np.arange(N) % 2).reshape(-1, 1).astype(float)
features = rs.randn(N, 3) + kind * np.array([1.0, -0.5, 0.8])


def softplus(z):
    return np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0)


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def make_params(n_x, n_h, n_y):
    return {
        "W1": rs.randn(n_x, n_h) * np.sqrt(1.0 / n_x),
        "b1": np.zeros((1, n_h)),
        "W2": rs.randn(n_h, n_y) * np.sqrt(1.0 / n_h),
        "b2": np.zeros((1, n_y)),
    }


def forward_propagation(params, X):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = softplus(Z1)
    Z2 = A1 @ params["W2"] + params["b2"]
    A2 = sig(Z2)
    return A2, {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}


def cost(A2, Y):
    return np.sum((A2 - Y) ** 2) / (2 * len(Y))


def compute_grads(params, X, Y):
    m = X.shape[0]
    A2, cache = forward_propagation(params, X)
    grads = {}

    # ---- output layer
    dA2 = (A2 - Y) / m
    dZ2 = dA2 * A2 * (1 - A2)
    grads["W2"] = cache["A1"].T @ dZ2
    grads["b2"] = np.sum(dA2, axis=0, keepdims=True)

    # ---- hidden layer
    dA1 = dZ2 @ params["W2"].T
    dZ1 = dA1 * sig(cache["Z1"])          # softplus' is the sigmoid
    grads["W1"] = X.T @ dZ1
    grads["b1"] = np.sum(dA1, axis=0, keepdims=True)
    return grads


params = make_params(3, 5, 1)
for it in range(1201):
    g = compute_grads(params, features, kind)
    for key in params:
        params[key] = params[key] - 0.8 * g[key]
    if it % 300 == 0:
        print(it, cost(forward_propagation(params, features)[0], kind))

hits = np.mean((forward_propagation(params, features)[0] > 0.5) == (kind > 0.5))
print("hit rate", hits)

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.scatter(features[:, 0], features[:, 1], c=kind[:, 0])
    plt.close()
except Exception:
    print("no picture")
