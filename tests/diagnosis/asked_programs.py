"""Small programs in many layouts, as text: right ones, helpers, and forward passes alone."""

FORWARD = """
    def predict(weights, biases, x):
        for i, (W, b) in enumerate(zip(weights, biases)):
            x = x @ W.T + b
            x = np.tanh(x) if i < len(weights) - 1 else x
        return x
"""

FAMILY = """
    def ahead(data, A, a, B, b):
        hidden = np.maximum(A @ data + a, 0)
        return B @ hidden + b, hidden


    def price(wanted, given, count):
        return -np.sum(wanted * np.log(given)) / count


    def back(data, given, wanted, hidden, B):
        e = given - wanted
        f = B.T @ e * (hidden > 0)
        return f @ data.T, f.sum(axis=1), e @ hidden.T, e.sum(axis=1)


    def change(A, a, B, b, dA, da, dB, db, pace):
        return A - pace * dA, a - pace * da, B - pace * dB, b - pace * db


    def glide(params, grads, v, beta, pace):
        for k in params:
            v[k] = beta * v[k] + (1 - beta) * grads[k]
            params[k] = params[k] - pace * v[k]
        return params, v
"""

SETS_OF_PARENTS = """
    class Part:
        def __init__(self, value):
            self.value = value


    def total(values):
        return sum(part.value for part in {Part(float(v)) for v in values})


    def gradients(weights, biases, x, t):
        (V, W), (b, c) = weights, biases
        h = np.tanh(np.array([[total(row * v) for v in V] for row in x]) + b)
        d = h @ W.T + c - t
        e = d @ W * (1 - h**2)
        return [e.T @ x, d.T @ h], [e.sum(axis=0), d.sum(axis=0)]
"""

SINGLE_SOFTMAX = """
    def step(V, b, W, c, x, t, rate):
        h = 1 / (1 + np.exp(-(x @ V + b)))
        e = np.exp(h @ W + c)
        s = e / e.sum(axis=1, keepdims=True)
        p = np.clip(s, 1e-15, 1 - 1e-15)
        d = ((1 - t) / (1 - p) - t / p) * s * (1 - s)
        f = d @ W.T * h * (1 - h)
        return (
            V - rate * x.T @ f,
            b - rate * f.sum(axis=0),
            W - rate * h.T @ d,
            c - rate * d.sum(axis=0),
        )
"""

MATRICES = """
    def step(low, high, x, t, pace):
        low, high, x, t = map(np.matrix, (low, high, x, t))
        x = np.vstack([np.ones((1, x.shape[1])), x])
        h = np.vstack([np.ones((1, x.shape[1])), 1 / (1 + np.exp(-low * x))])
        d = 1 / (1 + np.exp(-high * h)) - t
        e = np.multiply(high.T * d, np.multiply(h, 1 - h))[1:]
        return low - pace * e * x.T, high - pace * d * h.T
"""

KEYS_WITH_OTHERS = """
    def gradients(params, X, Y):
        depth, m = len(params) // 2, X.shape[1]
        acts = [X]
        for i in range(1, depth + 1):
            acts.append(np.tanh(params[f"W{i}"].dot(acts[-1]) + params[f"b{i}"]))
        grads, back = {}, acts[-1] - Y
        for i in range(depth, 0, -1):
            d = back * (1 - acts[i] ** 2)
            back = params[f"W{i}"].T.dot(d)
            grads[f"dA{i - 1}"] = back
            grads[f"dW{i}"] = d.dot(acts[i - 1].T) / m
            grads[f"db{i}"] = d.sum(axis=1, keepdims=True) / m
        return grads
"""

VECTOR_AND_SIZES = """
    def cost(theta, inputs, hidden, labels, X, y):
        cut = hidden * (inputs + 1)
        P = theta[:cut].reshape(hidden, inputs + 1)
        Q = theta[cut:].reshape(labels, hidden + 1)
        one = np.ones((len(X), 1))
        a = np.hstack([one, X])
        h = np.hstack([one, 1 / (1 + np.exp(-a @ P.T))])
        d = 1 / (1 + np.exp(-h @ Q.T)) - np.eye(labels)[y]
        e = d @ Q[:, 1:] * h[:, 1:] * (1 - h[:, 1:])
        return np.concatenate([(e.T @ a).ravel(), (d.T @ h).ravel()]) / len(X)
"""

VECTOR_AND_DIMENSIONS = """
    def loss_and_slope(data, labels, params, dimensions):
        n, h, k = dimensions
        parts = np.split(params, np.cumsum([n * h, h, h * k]))
        V, b, W, c = parts[0].reshape(n, h), parts[1], parts[2].reshape(h, k), parts[3]
        a = np.tanh(data @ V + b)
        d = (a @ W + c - labels) / len(data)
        e = d @ W.T * (1 - a**2)
        cost = (d**2).sum() / 2 * len(data)
        grads = [data.T @ e, e.sum(axis=0), a.T @ d, d.sum(axis=0)]
        return cost, np.concatenate([g.ravel() for g in grads])
"""

CALLS_ON_NUMBERS = """
    from math import exp


    def step(u, p, v, q, x, t, pace):
        h = 1 / (1 + exp(-(u * x + p)))
        o = 1 / (1 + exp(-(v * h + q)))
        d = (o - t) * o * (1 - o)
        e = d * v * h * (1 - h)
        return u - pace * e * x, p - pace * e, v - pace * d * h, q - pace * d
"""

RATE_UNUSED = """
    def step(P, Q, x, t, rate):
        h = np.tanh(x @ P)
        d = t - h @ Q
        return P + x.T @ (d @ Q.T * (1 - h**2)) / len(x), Q + h.T @ d / len(x)
"""

WRONG_SHAPE = """
    def gradients(params, X, Y):
        n = X.shape[1]
        h = np.tanh(params["W1"] @ X + params["b1"])
        o = 1 / (1 + np.exp(-(params["W2"] @ h + params["b2"])))
        d = o - Y
        e = params["W2"].T @ d * (1 - h**2)
        return {
            "dW1": e @ X.T / n,
            "db1": e.sum(axis=1, keepdims=True) / n,
            "dW2": np.abs(d) @ np.abs(h).T / n,
            "db2": d.sum(axis=1, keepdims=True) / n,
        }
"""

ONE_COLUMN = """
    class Net:
        def __init__(self, widths):
            self.W = [np.random.rand(m, n) for n, m in zip(widths, widths[1:])]
            self.b = [np.random.rand(m, 1) for m in widths[1:]]

        def slopes(self, x, y):
            acts = [x]
            for W, b in zip(self.W, self.b):
                acts.append(np.tanh(W @ acts[-1] + b))
            d, dW, db = acts[-1] - y, [], []
            for W, above, below in zip(self.W[::-1], acts[:0:-1], acts[-2::-1]):
                d = d * (1 - above**2)
                dW.insert(0, d @ below.T)
                db.insert(0, d)
                d = W.T @ d
            return dW, db

        def learn(self, pairs, rate, decay, count):
            for x, y in pairs:
                self.slopes(x, y)
"""

NUMERICAL_BESIDE = """
    class Net:
        def __init__(self, inputs, hidden, outputs):
            self.p = {
                "V": np.random.randn(inputs, hidden), "b": np.zeros(hidden),
                "W": np.random.randn(hidden, outputs), "c": np.zeros(outputs),
            }

        def output(self, x):
            return np.tanh(x @ self.p["V"] + self.p["b"]) @ self.p["W"] + self.p["c"]

        def loss(self, x, t):
            return np.sum((self.output(x) - t) ** 2) / 2

        def approximate_gradient(self, x, t):
            grads = {}
            for name, array in self.p.items():
                grads[name] = np.zeros_like(array)
                for i in np.ndindex(array.shape):
                    array[i] += 1e-3
                    grads[name][i] = self.loss(x, t)
                    array[i] -= 1e-3
                    grads[name][i] -= self.loss(x, t)
            return {name: g / 1e-3 for name, g in grads.items()}

        def gradient(self, x, t):
            h = np.tanh(x @ self.p["V"] + self.p["b"])
            d = self.output(x) - t
            e = d @ self.p["W"].T * (1 - h**2)
            return {"V": x.T @ e, "b": e.sum(axis=0), "W": h.T @ d, "c": d.sum(axis=0)}
"""

HIDDEN_FIRST = """
    class Net:
        def __init__(self, hidden, features=784, classes=10):
            widths = [features, *hidden, classes]
            pairs = list(zip(widths, widths[1:]))
            self.params = {f"W{i}": np.random.randn(*p) for i, p in enumerate(pairs, 1)}
            self.params |= {f"b{i}": np.zeros(m) for i, (_, m) in enumerate(pairs, 1)}
            self.depth = len(pairs)

        def gradients(self, X, y):
            acts = [X]
            for i in range(1, self.depth + 1):
                z = acts[-1] @ self.params[f"W{i}"] + self.params[f"b{i}"]
                acts.append(np.maximum(z, 0) if i < self.depth else z)
            d = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            d = (d - np.eye(d.shape[1])[y]) / len(X)
            grads = {}
            for i in range(self.depth, 0, -1):
                grads[f"W{i}"], grads[f"b{i}"] = acts[i - 1].T @ d, d.sum(axis=0)
                d = d @ self.params[f"W{i}"].T * (acts[i - 1] > 0)
            return grads
"""

NEVER_FILLED_IN = """
    class Net:
        def __init__(self, inputs, hidden, outputs):
            self.V, self.W = np.random.randn(inputs, hidden), np.random.randn(hidden, outputs)
            self.guess = 0.0

        def ahead(self, x):
            self.h = np.tanh(x @ self.V)
            return self.h @ self.W

        def train(self, x, t, rate):
            self.out = self.ahead(x)
            d = (self.guess - t) * self.guess
            self.W -= rate * self.h.T @ d
            self.V -= rate * x.T @ (d @ self.W.T * (1 - self.h**2))
"""

RUNNING_MEAN = """
    class Net:
        def __init__(self, inputs, hidden, outputs, rate, beta=0.9):
            self.V, self.b = np.random.randn(inputs, hidden), np.zeros(hidden)
            self.W, self.c = np.random.randn(hidden, outputs), np.zeros(outputs)
            self.mean = [0.0] * 4
            self.rate, self.beta = rate, beta

        def fit(self, x, t):
            h = np.tanh(x @ self.V + self.b)
            d = (h @ self.W + self.c - t) / len(x)
            e = d @ self.W.T * (1 - h**2)
            grads = [x.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)]
            old, beta = self.mean, self.beta
            self.mean = [beta * m + (1 - beta) * g for m, g in zip(old, grads)]
            for array, m in zip((self.V, self.b, self.W, self.c), self.mean):
                array -= self.rate * m
"""

ONE_BY_ONE_WITH_UPDATED_WEIGHTS = """
    def step(V, b, W, c, xs, ts, rate):
        V, b, W, c = V.copy(), b.copy(), W.copy(), c.copy()
        for x, t in zip(xs, ts):
            h = np.tanh(V @ x + b)
            d = W @ h + c - t
            W -= rate * np.outer(d, h)
            c -= rate * d
            e = W.T @ d * (1 - h**2)
            V -= rate * np.outer(e, x)
            b -= rate * e
        return V, b, W, c
"""

OWN_RATE_WITH_UPDATED_WEIGHTS = """
    class Net:
        def __init__(self, inputs, hidden, outputs):
            self.V, self.W = np.random.rand(hidden, inputs), np.random.rand(outputs, hidden)

        def learn(self, x, t):
            h = np.tanh(self.V @ x)
            d = self.W @ h - t
            self.W -= 0.05 * np.outer(d, h)
            self.V -= 0.05 * np.outer(self.W.T @ d * (1 - h**2), x)
"""

COLUMN_LISTS = """
    def softmax(z):
        e = np.exp(z - np.max(z))
        return e / np.sum(e)


    def slopes(weights, biases, x, y):
        (V, W), (b, c) = weights, biases
        h = np.maximum(V @ x + b, 0)
        d = softmax(W @ h + c) - y
        e = (W.T @ d) * (h > 0)
        return [e, d], [e @ x.T, d @ h.T]
"""

SEVERAL_COLUMNS = """
    def back(d, a):
        return d @ a.T{mean}, d


    def gradients(V, b, W, c, X, Y):
        h = np.tanh(V @ X + b)
        d = W @ h + c - Y
        dW, dc = back(d, h)
        dV, db = back(W.T @ d * (1 - h**2), X)
        return dV, db, dW, dc
"""
