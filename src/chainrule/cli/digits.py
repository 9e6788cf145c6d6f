"""The second half of the demo: a network learns the 1,797 handwritten digits of scikit-learn.

The data are real (Alpaydin, Kaynak 1998, 8×8 pixels); a quarter of them is never trained on.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chainrule.cli.output import show, waiting
from chainrule.cli.progress import follow
from chainrule.errors import missing
from chainrule.multilayer import mlp
from chainrule.optimizers import Adam
from chainrule.schedules import CosineDecay
from chainrule.training import Record, Run, train

Array: TypeAlias = NDArray[Any]

ENOUGH = 0.97  # of the held-out digits
HELD_OUT = 4  # one in so many
EPOCHS, BATCH, RATE = 20, 32, 0.004
NETWORK = mlp(64, 128, 64, 10, activation="relu", loss="softmax-cross-entropy")
WIDE = 8  # characters, which a picture takes
BLOCKS = (" ▀", "▄█")  # by the lower and the upper pixel


class Digits(NamedTuple):
    """Pictures X (n, 64) with ink from 0 to 1, and the digits y (n,) that they show."""

    X: Array
    y: Array


def learn(seed: int) -> float:
    """Train on the digits, show how it goes and what came of it; return the held-out accuracy."""
    with waiting("reading the digits"):
        learned, held_out = split(load())
    show(lambda console: console.print(introduction(len(learned.y), len(held_out.y))))
    run = begin(learned, held_out, seed)
    last = follow(run, EPOCHS)
    p = run.predict(held_out.X)  # (n, 10)
    show(lambda console: report(console, last, held_out, p))
    return float(last.metric or 0.0)


def load() -> Digits:
    """Read the digits that scikit-learn brings."""
    try:
        with uninterrupted():
            from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise missing("scikit-learn", "the digits of the demo", "train") from None
    X, y = load_digits(return_X_y=True)
    return Digits((np.asarray(X) / 16).astype(np.float32), np.asarray(y))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off: modules that are being imported may swallow it, or take it for a fault."""
    seen: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if seen:
        raise KeyboardInterrupt


def split(data: Digits) -> tuple[Digits, Digits]:
    """Return what is trained on and what is held out, in an order that is always the same."""
    order = np.random.default_rng(0).permutation(len(data.y))
    held_out = order[: len(order) // HELD_OUT]
    learned = order[len(order) // HELD_OUT :]
    return Digits(data.X[learned], data.y[learned]), Digits(data.X[held_out], data.y[held_out])


def begin(learned: Digits, held_out: Digits, seed: int) -> Run:
    """Return the training run."""
    steps = EPOCHS * -(-len(learned.y) // BATCH)
    return train(
        NETWORK,
        learned.X,
        learned.y,
        Adam(CosineDecay(RATE, steps)),
        epochs=EPOCHS,
        batch_size=BATCH,
        seed=seed,
        validation=held_out,
        metric="accuracy",
    )


# ---- what is shown ------------------------------------------------------------------------------


def introduction(learned: int, held_out: int) -> Text:
    """Say what is trained on what."""
    return Text.assemble(
        ("\nA larger one: it learns to read handwritten digits\n", "bold"),
        f"{learned:,} pictures of 8×8 pixels to learn from, {held_out} held out; "
        f"{'-'.join(map(str, NETWORK.widths))}, relu, softmax, Adam: "
        f"{NETWORK.layout.size:,} parameters.\n",
    )


def report(console: Console, last: Record, held_out: Digits, p: Array) -> None:
    """Print the accuracy, a picture of each digit with what the network says, and its mistakes."""
    said = np.argmax(p, axis=1)  # (n,)
    wrong = np.flatnonzero(said != held_out.y)
    console.print(verdict(last, len(held_out.y), len(wrong)))
    _, first = np.unique(held_out.y, return_index=True)
    row(
        console,
        "The first of each among them, what the network says, and how surely",
        held_out,
        p,
        first,
    )
    if len(wrong):
        row(console, f"Read wrong: {len(wrong)}", held_out, p, wrong)


def verdict(last: Record, count: int, wrong: int) -> Text:
    """Say how many are right, and how long it took."""
    style = "bold green" if last.metric and last.metric >= ENOUGH else "bold red"
    told = f"are read right: {count - wrong} of {count}, after {last.seconds:.1f} s"
    return Text.assemble((f"{last.metric:.1%}", style), f" of those held out {told}")


def row(console: Console, title: str, data: Digits, p: Array, chosen: Array) -> None:
    """Print as many pictures as fit side by side, and under each what the network says."""
    fitting = chosen[: console.width // WIDE]
    table = Table.grid()
    for _ in fitting:
        table.add_column(width=WIDE, no_wrap=True)
    table.add_row(*(draw(data.X[i].reshape(8, 8)) for i in fitting))
    table.add_row(*(caption(p[i], int(data.y[i])) for i in fitting))
    console.print(Text(f"\n{title}", style="bold"), table, sep="\n")


def draw(ink: Array) -> Text:
    """Return a picture (8, 8) in four lines: a character shows two pixels, one over the other."""
    dark = (ink > 0.5).astype(int)
    lines = (
        "".join(BLOCKS[low][high] for high, low in zip(upper, lower, strict=True))
        for upper, lower in zip(dark[::2], dark[1::2], strict=True)
    )
    return Text("\n".join(lines))


def caption(p: Array, digit: int) -> Text:
    """Say what a picture is taken for, how surely, and what it is if that is wrong."""
    said = int(np.argmax(p))
    if said == digit:
        return Text(f" {said} {p[said]:4.0%}", style="green")
    return Text(f" {said} not {digit}", style="red")
