"""Derivatives by forward quantities: as exact as one by one, in fewer runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from chainrule import check
from chainrule.diagnosis.tracing.directions import Probes, slopes_along
from chainrule.diagnosis.tracing.evidence import Evidence
from chainrule.diagnosis.tracing.gradients import Differences, Slopes
from chainrule.diagnosis.tracing.quantities import Quantity
from chainrule.diagnosis.tracing.quantity_slopes import quantity_slopes
from chainrule.diagnosis.tracing.sufficiency import is_enough
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import TracedProgram

LOSS = "squared error"
BATCH = """import numpy as np
rng = np.random.default_rng(1)
X, Y = rng.uniform(-1, 1, (5, 2)), rng.uniform(0, 1, (5, 2))
W, V = rng.uniform(-1, 1, (2, 3)), rng.uniform(-1, 1, (3, 2))
for turn in range(3):
    z = X @ W
    h = np.tanh({})
    o = h @ V
    e = o - Y
    V, W = V - 0.1 * h.T @ e, W - 0.1 * X.T @ (e @ V.T * (1 - h**2))
"""
LOOP = """import numpy as np
rng = np.random.default_rng(1)
X, Y = rng.uniform(-1, 1, (5, 2)), rng.uniform(0, 1, (5, 2))
W, V = rng.uniform(-1, 1, (3, 2)), rng.uniform(-1, 1, (2, 3))
for turn in range(3):
    dW, dV = np.zeros((3, 2)), np.zeros((2, 3))
    for x, y in zip(X, Y):
        z = W @ x
        h = np.tanh(z)
        o = V @ h
        e = o - y
        dV += np.outer(e, h)
        dW += np.outer(V.T @ e * (1 - h**2), x)
    W, V = W - 0.1 * dW, V - 0.1 * dV
"""


@contextmanager
def traced(folder: Path, text: str) -> Iterator[tuple[Differences, Quantity]]:
    """Yield the derivatives of a program's first iteration, and what it calls z in that."""
    path = folder / "net.py"
    path.write_text(text)
    with TracedProgram(path, text, 60.0) as program:
        evidence = Evidence(Trace(program, program.record(2.0)))
        assert evidence.prepare() == ""
        it, trace = evidence.iterations[0], evidence.trace
        own = trace.order[it.begin : it.end]
        named = [e for e in own if trace.place(e).name == "z"]
        events = tuple(e for e in named if trace.place(e).kind == "value")
        yield evidence.differences[0], Quantity(events, trace.base.shapes[events[0]])


def one_by_one(differences: Differences, q: Quantity) -> np.ndarray:
    size = q.size // len(q.events)
    rows = [differences.slopes(e, range(size)).values[LOSS] for e in q.events]
    return np.reshape(rows, (len(q.events), *q.shape))


@pytest.mark.parametrize(
    ("text", "most"),
    [(BATCH.format("z"), 9), (BATCH.format("z - z.mean(axis=0)"), 32), (LOOP, 9)],
    ids=["rows", "samples that depend on each other", "turns"],
)
def test_derivatives_by_samples_are_those_of_single_numbers(tmp_path: Path, text: str, most: int):
    with traced(tmp_path, text) as (differences, z):
        program = differences.trace.program
        before = program.requests
        made = quantity_slopes(differences, z, LOSS)
        assert program.requests - before <= most
        np.testing.assert_allclose(made, one_by_one(differences, z), rtol=0, atol=1e-8)


def test_multiples_are_found_along_directions(tmp_path: Path):
    with traced(tmp_path, BATCH.format("z")) as (differences, z):
        right = quantity_slopes(differences, z, LOSS)
        probes = Probes(differences, LOSS)
        before = differences.trace.program.requests
        for b, ratios in (
            (-0.25 * right, [-0.25]),
            (3 * right, [3.0]),
            (2 * np.swapaxes(right, 1, 2), [2.0]),
            (right * np.linspace(1, 1.001, 3), []),
            (0 * right, []),
        ):
            assert list(probes.ratios(b, z)) == pytest.approx(ratios, rel=1e-7)
        assert differences.trace.program.requests - before == 4
        v = np.ones(z.shape)
        (slope,) = slopes_along(differences, [{z.events[0]: v}], LOSS)
        assert slope == pytest.approx(right.sum(), rel=1e-7)


def seen(*counts: int) -> list[Slopes]:
    """Return the gradients of groups, so many numbers of which are not zero."""
    values = [np.array([0.5] * n + [0.0] * (6 - n)) for n in counts]
    return [Slopes({LOSS: v}, {LOSS: np.zeros(6)}) for v in values]


@pytest.mark.parametrize(
    ("iterations", "outputs", "enough"),
    [
        ([seen(4, 4)], 8, False),
        ([seen(4, 4), seen(4, 4)], 16, True),
        ([seen(4, 4), seen(4, 4)], 2, False),
        ([seen(1, 1), seen(1, 1)], 16, False),
        ([seen(4, 0), seen(4, 4)], 16, True),
        ([seen(4, 0), seen(4, 0)], 16, True),
        ([seen(4, 0), seen(4, 0)], 6, False),
        ([seen(6, 0, 0), seen(6, 6, 0)], 16, False),
        ([seen(6, 0, 0), seen(6, 6, 0), seen(6, 6, 6)], 24, True),
    ],
)
def test_iterations_are_added_while_they_show_more(
    iterations: list[list[Slopes]], outputs: int, *, enough: bool
):
    assert is_enough(iterations, outputs) is enough


def test_numbers_that_are_too_many_to_follow_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "net.py"
    path.write_text(LOOP)
    monkeypatch.setattr("chainrule.diagnosis.tracing.parameters.SECONDS", -1.0)
    found = check(path)
    assert found.verdict == "could-not-run"
    assert "not found out in time which numbers" in found.sentence
