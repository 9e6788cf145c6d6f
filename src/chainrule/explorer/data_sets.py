"""The data sets of the live page, drawn from a seed, with networks that learn them.

The page draws the same numbers (page/datasets.mjs), and others from other seeds; a test compares
them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from chainrule.batch import Batch
from chainrule.layers import mix
from chainrule.multilayer import mlp
from chainrule.names import DATA_SETS, PROBLEMS, canonical
from chainrule.optimizers import Adam
from chainrule.problems import Problem, problem

Row = tuple[float, ...]
Random = Callable[[], float]  # the next number in [0, 1)
SEED = 1  # of the samples
NUMBERS = 4096  # drawn at most
DECIMALS = 3  # of a sample, so that it can be read
HELD_OUT = 0.25  # the share of the samples for validation
SIDE = 8  # pixels of a digit
SEEDS = {"xor": 1}  # of first weights: a run from those of seed 0 stays in a local minimum
DATA_SET_LEVEL = "summary"  # of the page below the live part: the samples are too many for more


@dataclass(frozen=True)
class Recipe:
    """A network that learns a data set, and how it is trained.

    Parameters
    ----------
    title : str
    hidden : tuple of int
        Units of each hidden layer.
    activation, loss : str
    rate : float
        The learning rate of Adam.
    batch : int, optional
        Samples of an update; all of them by default.
    """

    title: str
    hidden: tuple[int, ...]
    activation: str
    loss: str
    rate: float
    batch: int | None = None


_YES_OR_NO = partial(Recipe, activation="tanh", loss="logistic-cross-entropy")
RECIPES = {
    "spiral": _YES_OR_NO("Spiral", (16, 16), rate=0.02),
    "moons": _YES_OR_NO("Moons", (8,), rate=0.03),
    "circles": _YES_OR_NO("Circles", (6,), rate=0.03),
    "regression": Recipe("Regression of a noisy curve", (12,), "tanh", "squared-error", 0.02),
    "digits": Recipe("Digits of 8×8 pixels", (32,), "relu", "softmax-cross-entropy", 0.005, 32),
}  # the page has its own samples of digits: more than the problem of the same name


class Samples(NamedTuple):
    """The samples of a data set: inputs and targets, for training and for validation."""

    x: tuple[Row, ...]
    t: tuple[Row, ...]
    held_x: tuple[Row, ...]
    held_t: tuple[Row, ...]


def preset(name: str) -> Problem:
    """Return the problem or data set of a name.

    Raises
    ------
    UnknownNameError
        If there is neither.
    """
    found = canonical("preset", name, (*PROBLEMS, *DATA_SETS))
    return data_set(found) if found in DATA_SETS else problem(found)


def seed_of(name: str) -> int:
    """Return the seed of a problem's first weights from which its run on the page learns."""
    return SEEDS.get(name, 0)


@cache
def data_set(name: str) -> Problem:
    """Return a data set as a problem, with its samples for training."""
    recipe, drawn = RECIPES[name], samples(name)
    units = (len(drawn.x[0]), *recipe.hidden, len(drawn.t[0]))
    return Problem(
        name,
        title=recipe.title,
        source=f"drawn at random, from seed {SEED}",
        network=mlp(*units, activation=recipe.activation, output="identity", loss=recipe.loss),
        x=drawn.x,
        t=drawn.t,
        optimizer=Adam(recipe.rate),
    )


def page_data(batch: Batch) -> dict[str, Any]:
    """Return what the page knows of samples besides the numbers, if they are those of a preset."""
    if batch.x.shape[1] == SIDE**2 and _same(batch, problem("digits").data()[:2]):
        return {"side": SIDE, "classes": [str(k) for k in range(10)]}
    for name in DATA_SETS:
        drawn = samples(name)
        if _same(batch, drawn[:2]):
            names = {"x": [f"x{k + 1}" for k in range(len(drawn.x[0]))], "t": ["y"]}
            held = {"x": [*map(list, drawn.held_x)], "t": [*map(list, drawn.held_t)]}
            return {"validation": held, "names": names}
    return {}


def _same(batch: Batch, rows: tuple[Any, ...]) -> bool:
    """Return whether a batch has these inputs and targets."""
    return all(np.array_equal(a, b) for a, b in zip((batch.x, batch.t), rows, strict=True))


# ---- samples ------------------------------------------------------------------------------------


@cache
def samples(name: str) -> Samples:
    """Draw a data set, and divide it into samples for training and for validation."""
    count, draw = DRAWN[name]
    numbers = uniform(SEED)
    rows = [draw(i, partial(next, numbers)) for i in range(count)]
    rows = [tuple(round(v, DECIMALS) for v in row) for row in rows]
    order = [rows[i] for i in shuffled(count, SEED)]
    held = round(HELD_OUT * count)
    return Samples(*inputs_and_targets(order[held:]), *inputs_and_targets(order[:held]))


def inputs_and_targets(rows: list[Row]) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the inputs, and the targets, which are last in each row."""
    return tuple(row[:-1] for row in rows), tuple(row[-1:] for row in rows)


def uniform(seed: int) -> Iterator[float]:
    """Return numbers in [0, 1), the same for the same seed."""
    keys = np.uint64(seed) + np.arange(1, NUMBERS + 1, dtype=np.uint64)
    return iter(((mix(mix(keys)) >> np.uint64(11)) / 2**53).tolist())


def shuffled(n: int, seed: int) -> list[int]:
    """Return the numbers below n in a random order (Fisher, Yates)."""
    order, numbers = list(range(n)), uniform(seed)
    for i in range(n - 1, 0, -1):
        j = int(next(numbers) * (i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def normal(random: Random) -> float:
    """Return a number of mean 0 and variance 1 (Box, Muller 1958)."""
    return math.sqrt(-2 * math.log(1 - random())) * math.cos(2 * math.pi * random())


def polar(radius: float, angle: float, noise: float, random: Random) -> Row:
    """Return a point near a circle."""
    x = radius * math.cos(angle) + noise * normal(random)
    return x, radius * math.sin(angle) + noise * normal(random)


def spiral(i: int, random: Random) -> Row:
    """Return a point on one of two arms, and which."""
    k, arm = divmod(i, 2)
    return *polar(k / 60, k / 120 * 3 * math.pi + arm * math.pi, 0.04, random), arm


def moons(i: int, random: Random) -> Row:
    """Return a point on one of two half circles that reach into each other, and which."""
    x, y = polar(1, math.pi * random(), 0.12, random)
    return (1 - x, 0.5 - y, 1) if i % 2 else (x, y, 0)


def circles(i: int, random: Random) -> Row:
    """Return a point on one of two circles, and which."""
    return *polar(0.5 if i % 2 else 1.2, 2 * math.pi * random(), 0.12, random), i % 2


def regression(i: int, random: Random) -> Row:
    """Return a point near a curve."""
    x = 6 * random() - 3
    return x, math.sin(2 * x) + 0.3 * x + 0.1 * normal(random)


DRAWN: dict[str, tuple[int, Callable[[int, Random], Row]]] = {
    "spiral": (240, spiral),
    "moons": (200, moons),
    "circles": (200, circles),
    "regression": (80, regression),
}  # how many samples, and how each is drawn
