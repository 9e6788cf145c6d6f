"""Programs that train several times, with other options each time."""

from pathlib import Path

import pytest

from chainrule import check
from chainrule.diagnosis.tracing.other_trainings import other_trainings
from chainrule.submission import read_program
from tests.rows import few_rows

PROGRAM = """import numpy as np
rng = np.random.RandomState(7)
X, Y = rng.randn(12, 3), np.eye(3)[rng.randint(3, size=12)]
def model(X, Y, rate=0.5, lam=0.0, keep=1.0):
    rng = np.random.RandomState(1)
    P = {"W1": rng.randn(3, 8), "b1": np.zeros(8), "W2": rng.randn(8, 3), "b2": np.zeros(3)}
    for epoch in range(4):
        h = np.where(X @ P["W1"] + P["b1"] > 0, X @ P["W1"] + P["b1"], 0)
        D = (rng.rand(*h.shape) < keep) / keep
        e = np.exp((h * D) @ P["W2"] + P["b2"])
        p = e / e.sum(axis=1, keepdims=True)
        d = (p - Y) / len(X)
        dh = (d @ P["W2"].T) * D * (h > 0)
        G = {"W2": (h * D).T @ d + lam * P["W2"], "b2": d.sum(axis=0)}
        G |= {"W1": X.T @ dh + lam * P["W1"], "b1": dh.sum(axis=0)}
        for k in P:
            P[k] = P[k] - rate * G[k]
    return P
P = model(X, Y)
print(P["W1"].sum())
P = model(X, Y, OPTION)
"""
# name: the option of the second training, a change of the program, and the verdict
CASES = {
    "dropout": ("keep=0.5", ("", ""), "right"),
    "dropout without its mask": ("keep=0.5", ("* D * (h > 0)", "* (h > 0)"), "wrong"),
    "dropout without its scale": ("keep=0.5", ("* D * (h > 0)", "* (D > 0) * (h > 0)"), "wrong"),
}


@pytest.mark.parametrize("name", few_rows(CASES, "dropout without its scale"))
def test_a_later_training_with_other_options_is_judged(tmp_path: Path, name: str):
    option, change, verdict = CASES[name]
    (tmp_path / "net.py").write_text(PROGRAM.replace(*change).replace("OPTION", option))
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
    if verdict == "wrong":
        assert any("in the training of line 21" in remark for remark in found.remarks)


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        *((name, []) for name in ("rate=0.1", "n_epochs=9", "random_state=2", "hidden_size=4")),
        *(
            (name, [21])
            for name in ("lam=0.1", "0.2, 0.1", "dropout_rate=0.5", "label_smoothing=1")
        ),
    ],
)
def test_only_options_that_may_matter_are_tried(tmp_path: Path, option: str, lines: list[int]):
    (tmp_path / "net.py").write_text(PROGRAM.replace("OPTION", option))
    found = other_trainings(read_program(tmp_path / "net.py"))
    assert [training.line for training in found] == lines
    (tmp_path / "net.py").write_text(
        PROGRAM.replace("P = model(X, Y, OPTION)", f"print(model(X, Y, {option})[0])")
    )
    again = other_trainings(read_program(tmp_path / "net.py"))
    assert [training.line for training in again] == lines
    assert all(training.omitted == ((19, 19), (20, 20)) for training in found)
