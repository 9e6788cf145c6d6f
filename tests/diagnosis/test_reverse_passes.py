"""Programs with an automatic derivative: the number that their reverse pass begins with."""

from pathlib import Path

import pytest

from chainrule import check
from tests.rows import few_rows

TAPE = """import math, random
tape = []
class Var:
    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = value, parents, 0.0
        tape.append(self)
    def __add__(self, other):
        return Var(self.value + other.value, ((self, 1.0), (other, 1.0)))
    def __sub__(self, other):
        return Var(self.value - other.value, ((self, 1.0), (other, -1.0)))
    def __mul__(self, other):
        return Var(self.value * other.value, ((self, other.value), (other, self.value)))
def squash(v):
    s = math.tanh(v.value)
    return Var(s, ((v, 1 - s * s),))
def backprop(result):
    for node in tape:
        node.grad = 0.0
    result.grad = 1.0
    for node in reversed(tape):
        for parent, local in node.parents:
            parent.grad += local * node.grad
random.seed(2)
u = [Var(random.uniform(-2, 2)) for _ in range(3)]
v = [Var(random.uniform(-1, 1)) for _ in range(3)]
c = Var(0.1)
count = len(tape)
def net(x):
    total = c
    for i in range(3):
        total = total + v[i] * squash(u[i] * x)
    return total
samples = [(k / 2 - 1.0, (k / 2 - 1.0) ** 2) for k in range(4)]
for epoch in range(8):
    del tape[count:]
    loss = Var(0.0)
    for x, y in samples:
        diff = net(Var(x)) - Var(y)
        loss = loss + diff * diff
    backprop(loss)
    for p in u + v + [c]:
        p.value -= 0.05 * p.grad
    print(loss.value)
"""
FAULTS = {
    "right": ("", "", "right"),
    "overwritten": ("parent.grad += local", "parent.grad = local", "wrong"),
    "a wrong derivative of an operation": ("1 - s * s", "1 - s", "wrong"),
}


@pytest.mark.parametrize("name", few_rows(FAULTS, "overwritten"))
def test_a_scalar_derivative_is_judged_by_what_it_differentiates(tmp_path: Path, name: str):
    old, new, verdict = FAULTS[name]
    assert old in TAPE
    (tmp_path / "net.py").write_text(TAPE.replace(old, new))
    found = check(tmp_path / "net.py")
    assert found.verdict == verdict, found.to_text()
