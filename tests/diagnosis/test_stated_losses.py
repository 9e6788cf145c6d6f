"""Losses that are known without outputs and targets: what SciPy minimizes, and what is named so."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

COST = """import numpy as np
from scipy import optimize
rng = np.random.RandomState(4)
X, y = rng.randn(4, 2), np.array([0, 1, 1, 0])
def split(theta):
    return theta[:6].reshape(2, 3), theta[6:].reshape(1, 3)
def cost_and_gradient(theta, lam=0.1):
    A, B = split(theta)
    GA, GB, J = np.zeros(A.shape), np.zeros(B.shape), 0.0
    for x, t in zip(X, y):
        a = np.append(1.0, x)
        h = np.append(1.0, np.tanh(A @ a))
        p = 1 / (1 + np.exp(-B @ h))
        J += -np.sum(t * np.log(p) + (1 - t) * np.log(1 - p)) / 4
        d = (p - t) / 4
        GB += np.outer(d, h)
        GA += np.outer((B.T @ d)[1:] * (1 - h[1:] ** 2), a)
    J += lam / 2 * (np.sum(A[:, 1:] ** 2) + np.sum(B[:, 1:] ** 2))
    GA[:, 1:] += lam * A[:, 1:]
    GB[:, 1:] += lam * B[:, 1:]
    return J, np.concatenate([GA.ravel(), GB.ravel()])
def cost(theta, lam=0.1):
    return cost_and_gradient(theta, lam)[0]
def gradient(theta, lam=0.1):
    return cost_and_gradient(theta, lam)[1]
theta = rng.randn(9)
"""
WAYS = {
    "minimize": "made = optimize.minimize(cost_and_gradient, theta, jac=True)\nmade.x[made.nit]",
    "minimize with a gradient": "optimize.minimize(cost, theta, (0.1,), 'CG', gradient).success",
    "fmin_cg": "x, *rest = optimize.fmin_cg(cost, theta, gradient, full_output=True, maxiter=9)",
    "fmin_bfgs": "split(optimize.fmin_bfgs(cost, theta, gradient, disp=0))",
    "fmin_l_bfgs_b": "x, low, about = optimize.fmin_l_bfgs_b(cost_and_gradient, theta)",
    "a callback": (
        "def show(intermediate_result): print(intermediate_result.fun)\n"
        "optimize.minimize(cost_and_gradient, theta, jac=True, callback=show)"
    ),
    "fmin_tnc": "x, count, code = optimize.fmin_tnc(cost_and_gradient, theta, args=(0.1,))",
}


ROWS = {f"{way}, {'wrong' if wrong else 'right'}": (way, wrong) for way in WAYS for wrong in (0, 1)}


@pytest.mark.parametrize("row", few_rows(ROWS, "minimize, right"))
def test_a_gradient_that_scipy_takes_is_judged(tmp_path: Path, row: str):
    way, wrong = ROWS[row]
    text = COST.replace("(1 - h[1:] ** 2)", "(1 - h[1:])") if wrong else COST
    (tmp_path / "net.py").write_text(text + WAYS[way])
    found = check(tmp_path / "net.py")
    assert found.verdict == ("wrong" if wrong else "right"), found.to_text()
    assert "theta" in found.sentence or wrong


@pytest.mark.full_only
def test_scipy_takes_a_gradient_without_a_factor(tmp_path: Path):
    text = COST.replace("return J, np.concatenate", "return J, 2 * np.concatenate")
    (tmp_path / "net.py").write_text(text + WAYS["minimize"])
    found = check(tmp_path / "net.py")
    assert found.verdict == "could-not-run", found.to_text()
    assert "the gradient is 2 times the derivative of the cost" in found.sentence


@pytest.mark.full_only
def test_scipy_itself_minimizes_without_a_gradient(tmp_path: Path):
    """Then the program has none that could be judged."""
    text = COST.replace("return J, np.concatenate([GA.ravel(), GB.ravel()])", "return J")
    text = text.replace("cost_and_gradient(theta, lam)[0]", "cost_and_gradient(theta, lam)")
    (tmp_path / "net.py").write_text(f"{text}optimize.minimize(cost, theta)")
    assert check(tmp_path / "net.py").verdict == "could-not-run"


HINGE = """import numpy as np
rng = np.random.RandomState(3)
X, y = rng.randn(20, 4), rng.randint(3, size=20)
W1, W2 = rng.randn(4, 6), rng.randn(6, 3)
def svm(X, y):
    rows = range(len(y))
    h = np.maximum(0, X @ W1)
    s = h @ W2
    margins = np.maximum(0, s - s[rows, y][:, None] + 1)
    margins[rows, y] = 0
    loss = margins.sum() / len(y)
    ds = (margins > 0) * 1.0
    ds[rows, y] = -ds.sum(axis=1)
    ds /= len(y)
    dW2 = h.T @ ds
    dh = ds @ W2.T
    dh[h <= 0] = 0
    dW1 = X.T @ dh
    return loss, dW1, dW2
for epoch in range(6):
    loss, g1, g2 = svm(X, y)
    W1 -= 0.1 * g1
    W2 -= 0.1 * g2
"""
IN_A_LOOP = HINGE.replace("def svm(X, y):", "for epoch in range(6):").replace(
    HINGE[HINGE.index("    return") :], "    W1 -= 0.1 * dW1\n    W2 -= 0.1 * dW2\n"
)
ROW = ("-ds.sum(axis=1)", "-1")
HINGES = {
    "right": (HINGE, "right"),
    "wrong at the output": (HINGE.replace(*ROW), "wrong"),
    "wrong in the hidden layer": (HINGE.replace("dh[h <= 0] = 0", "pass"), "wrong"),
    "right in a loop": (IN_A_LOOP, "right"),
    # the number that is called a loss need not be what the updates reduce
    "wrong at the output, in a loop": (IN_A_LOOP.replace(*ROW), "could-not-run"),
    "wrong in the hidden layer, in a loop": (
        IN_A_LOOP.replace("dh[h <= 0] = 0", "pass"),
        "wrong",
    ),
}


@pytest.mark.parametrize("name", few_rows(HINGES, "wrong at the output"))
@pytest.mark.full_only
def test_a_hinge_loss_of_several_classes_is_judged(tmp_path: Path, name: str):
    text, verdict = HINGES[name]
    (tmp_path / "net.py").write_text(text)
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
