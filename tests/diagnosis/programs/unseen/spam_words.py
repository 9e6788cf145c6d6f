import numpy as np


def relu(x):
    return x * (x > 0)


def sigmoid(x):
    out = np.empty_like(x)
    pos = x >= 0
    out[pos] = 1 / (1 + np.exp(-x[pos]))
    e = np.exp(x[~pos])
    out[~pos] = e / (1 + e)
    return out


def make_params(n_words, n_hidden, n_out, seed=5):
    r = np.random.RandomState(seed)
    params = {}
    params["W1"] = r.normal(scale=0.4, size=(n_words, n_hidden))
    params["b1"] = np.zeros(n_hidden)
    params["W2"] = r.normal(scale=0.4, size=(n_hidden, n_out))
    params["b2"] = np.zeros(n_out)
    return params


def get_gradients(params, X, y):
    """cross-entropy gradients, summed over the mails in X"""
    z1 = X @ params["W1"] + params["b1"]
    h = relu(z1)
    p = sigmoid(h @ params["W2"] + params["b2"])

    dz2 = p - y
    dz1 = (dz2 @ params["W2"].T) * (z1 > 0)
    return {
        "W1": X.T @ dz1,
        "b1": dz1.sum(axis=0),
        "W2": h.T @ dz2,
        "b2": dz2.sum(axis=0),
    }


def spam_probability(params, X):
    return sigmoid(relu(X @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"])


WORDS = ["free", "money", "meeting", "lunch", "winner", "report"]
MAILS = [
    ("free money winner", 1), ("meeting report", 0), ("lunch meeting", 0), ("free lunch", 0),
    ("winner free free", 1), ("money report", 0), ("money money winner", 1), ("report lunch", 0),
    ("free money", 1), ("meeting winner", 0),
]


def vector(text):
    return [text.split().count(w) for w in WORDS]


X = np.array([vector(m) for m, _ in MAILS], dtype=float)
y = np.array([[label] for _, label in MAILS], dtype=float)

params = make_params(len(WORDS), 5, 1)
for epoch in range(401):
    g = get_gradients(params, X, y)
    for name in params:
        params[name] -= 0.05 * g[name]
    if epoch % 100 == 0:
        p = spam_probability(params, X)
        print("epoch", epoch, "loss", -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))

for text in ("free winner", "report meeting lunch", "free meeting"):
    print("%-22s %.2f" % (text, spam_probability(params, np.array([vector(text)], dtype=float))[0, 0]))
