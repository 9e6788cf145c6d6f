"""The level "summary" for networks too large to write out: one step in tables.

Shapes, means and spreads by layer, saturated and dead units, the size of the error signal in each
layer, and the parameters with the largest gradients.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.equations import Scope
from chainrule.explanation.chain import sloping
from chainrule.explanation.notation import key
from chainrule.explanation.numerical import numerical_derivatives
from chainrule.explanation.record import ExampleStep
from chainrule.explanation.setup import WORDS, activation_words
from chainrule.explanation.work import Writer, drawn, finished, require_finite
from chainrule.loops import State
from chainrule.pages import Ref, Table
from chainrule.wiring import Step

Array: TypeAlias = NDArray[Any]
Row: TypeAlias = tuple[str | float | int, ...]

FLAT = 0.05  # a slope below this fraction of the activation's largest counts as saturated
MOST = 8  # rows in a table of the largest values

# Titles, headings and sentences of the tables; a name in braces is filled in.
SHAPES = Table(
    "The network",
    ("layer", "kind", "units", "parameters", "arrays"),
    (),
    "{parameters} parameters, {samples}.",
)
FORWARD = Table(
    "Forward: the activations",
    ("layer", "mean", "spread", "least", "most", "saturated %", "dead units"),
    (),
    "Of the outputs a. Saturated: where the activation's slope is below "
    f"{FLAT:.0%} of its maximum, in percent of units × samples. Dead: units whose slope is 0 "
    "for every sample; they learn nothing from this batch.",
)
BACKWARD = Table(
    "Backward: the error signal",
    ("layer", "size", "largest", "ratio", ""),
    (),
    "Of ∂C/∂z, or of ∂C/∂x where a layer has no z: the root mean square, and its ratio to that "
    "of the layer above. A ratio below 0.1 is marked as vanishing, above 10 as exploding; if "
    "this happens at every layer, the first layers hardly learn, or their weights change too "
    "much.",
)
PARAMETERS = Table(
    "Parameters, gradients, updates",
    ("array", "‖w‖", "‖∂C/∂w‖", "‖change‖", "change / w"),
    (),
    "Euclidean norms. The change relative to the parameters shows how fast they learn: about "
    "0.001 is usual, and 0.1 is very large.",
)
SAMPLES = Table(
    "Samples",
    ("sample", "error", "share %", "predicted", "target"),
    (),
    "The samples with the largest errors{weighted}, and their share of the total.{right}",
)
LARGEST = Table(
    "Largest gradients",
    ("parameter", "∂C/∂w", "numerically", "share %"),
    (),
    "The largest entries of the gradient, with their numerical derivatives and their shares of "
    "its squared norm. To see the derivation of one, choose it as the parameter, such as {key}.",
)
TABLES = (SHAPES, FORWARD, BACKWARD, PARAMETERS, SAMPLES, LARGEST)


def summarize(writer: Writer, state: State) -> ExampleStep:
    """Return the step that begins at a state, in tables."""
    with np.errstate(all="ignore"):
        step = writer.wired(state)
        require_finite(float(step.value), "the loss")
        require_finite(float(np.abs(step.gradient).max(initial=0.0)), "the largest gradient")
        tables = (
            _shapes(step),
            _forward(step),
            _backward(step),
            _parameters(writer, step),
            _samples(step),
            _largest(writer, state, step),
        )
        seen = drawn(writer, step)
    return replace(finished(writer, state, step), tables=tables, drawn=seen)


def summary_texts() -> dict[str, Any]:
    """Return titles, headings and sentences of the tables, and their limits, as plain values.

    Returns
    -------
    dict
        ``tables``, in their order; ``words``, what activations are called; ``flat``, the fraction
        of the largest slope that counts as saturated; ``most``, the rows of the largest values.
    """
    return {"tables": [vars(table) for table in TABLES], "words": WORDS, "flat": FLAT, "most": MOST}


def _layers(step: Step) -> Iterator[tuple[str, Scope]]:
    yield from zip(step.network.labels, step.layers, strict=True)


def _shapes(step: Step) -> Table:
    network = step.network
    rows: list[Row] = [("inputs", "", network.inputs, 0, "")]
    for i, (label, _) in enumerate(_layers(step)):
        blocks = [b for b in network.layout.blocks if b.layer == i]
        shapes = ", ".join(f"{b.name} {'×'.join(map(str, b.shape))}" for b in blocks)
        kind = network.layers[i].kind
        activation = activation_words(network.layers[i])
        what = f"{kind}, {activation}" if activation else kind
        rows.append((label, what, network.widths[i + 1], sum(b.size for b in blocks), shapes))
    samples = len(step.batch.x)
    counted = f"{samples} sample{'s' * (samples > 1)}"
    return _filled(SHAPES, rows, parameters=f"{network.layout.size:,}", samples=counted)


def _filled(table: Table, rows: list[Row], **values: str) -> Table:
    """Return a table with rows, and with values in its sentence."""
    return replace(table, rows=tuple(rows), remark=table.remark.format(**values))


def _spread(values: Array) -> tuple[float, float, float, float]:
    return (*(float(f(values)) for f in (np.mean, np.std, np.min, np.max)),)  # pyright: ignore[reportReturnType]


def _forward(step: Step) -> Table:
    rows: list[Row] = [("inputs", *_spread(step.batch.x), "", "")]
    for label, scope in _layers(step):
        flat, dead = _saturated_and_dead(scope)
        rows.append((label, *_spread(scope["a"]), flat, dead))
    return _filled(FORWARD, rows)


def _saturated_and_dead(scope: Scope) -> tuple[float | str, int | str]:
    """Return the percentage of saturated units × samples, and the number of dead units."""
    if "df" not in scope.functions or not sloping(scope):
        return "", ""
    z = scope["z"] if "z" in scope else scope["x"]
    slopes = np.abs(scope.functions["df"](z, scope["a"]))  # (n, units)
    flat = slopes < FLAT * _steepest(scope)
    return float(100 * flat.mean()), int((slopes == 0).all(axis=0).sum())


def _steepest(scope: Scope) -> float:
    """Return the largest slope of a layer's activation over all net inputs."""
    z = np.linspace(-8.0, 8.0, 1601)[None, :]
    return float(np.abs(scope.functions["df"](z, scope.functions["f"](z))).max())


def _backward(step: Step) -> Table:
    rows: list[Row] = []
    above = None
    for label, scope in reversed(list(_layers(step))):
        signal = scope["delta"] if "delta" in scope else scope["dx"]
        size = _size(signal)
        ratio = "" if above is None or above == 0 else size / above
        rows.append((label, size, float(np.abs(signal).max()), ratio, _verdict(ratio)))
        above = size
    return _filled(BACKWARD, rows)


def _size(signal: Array) -> float:
    return float(np.sqrt(np.mean(np.square(signal))))


def _verdict(ratio: float | str) -> str:
    if isinstance(ratio, str):
        return ""
    return "vanishing" if ratio < 0.1 else "exploding" if ratio > 10 else ""


def _parameters(writer: Writer, step: Step) -> Table:
    updates = writer.setup.rule is not None
    rows: list[Row] = []
    for block in step.network.layout.blocks:
        scope = step.arrays[block.name]
        w, d = np.asarray(scope["w"]), np.asarray(scope["dC"])
        length: Callable[[Array], float] = lambda v: float(np.linalg.norm(v))  # noqa: E731 (short)
        change = length(scope["w_new"] - w) if updates else ""
        relative = "" if change == "" or not length(w) else float(change) / length(w)
        rows.append((block.name, length(w), length(d), change, relative))
    return _filled(PARAMETERS, rows)


def _samples(step: Step) -> Table:
    terms, p, t = step.loss["terms"], step.loss["p"], step.batch.t
    weight = step.batch.weight
    errors = terms.sum(axis=1) if weight is None else weight * terms.sum(axis=1)
    classes = step.network.loss.classes
    rows: list[Row] = []
    for s in np.argsort(-errors, kind="stable")[:MOST].tolist():
        guess = (int(p[s].argmax()), int(t[s].argmax())) if classes else ()
        rows.append((s, float(errors[s]), _share(errors[s], errors.sum()), *guess))
    right = ""
    if classes:
        count = int((p.argmax(axis=1) == t.argmax(axis=1)).sum())
        right = f" {count} of {len(t)} samples have the right class."
    weighted = "" if weight is None else ", times their weight"
    table = SAMPLES if classes else replace(SAMPLES, header=SAMPLES.header[:3])
    return _filled(table, rows, weighted=weighted, right=right)


def _share(part: float, whole: float) -> float | str:
    """Return a part in percent, or an empty string if the whole is 0."""
    return float(100 * part / whole) if whole else ""


def _index(place: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return (place,) if len(shape) == 1 else divmod(place, shape[1])


def _largest(writer: Writer, state: State, step: Step) -> Table:
    layout, network = step.network.layout, step.network
    flat = layout.join({n: s["d"] for n, s in step.arrays.items()}, np.float64)
    places = np.argsort(-np.abs(flat), kind="stable")[:MOST]
    numerical = numerical_derivatives(writer.setup, state, step, places)
    rows: list[Row] = []
    for place in places.tolist():
        block = next(b for b in layout.blocks if b.start <= place < b.stop)
        index = _index(place - block.start, block.shape)
        ref = Ref(block.param, network.labels[block.layer], index, sampled=False)
        derivative = float(numerical[f"d{block.name}"][index])
        share = _share(float(flat[place] ** 2), float(np.sum(flat**2)))
        shown = "kink" if np.isnan(derivative) else derivative
        rows.append((key(ref, writer.places), float(flat[place]), shown, share))
    return _filled(LARGEST, rows, key=str(rows[0][0]))
