"""The second part of the demo: train a network on the 1,797 handwritten digits of scikit-learn.

A quarter of the digits (Alpaydin and Kaynak, 1998, 8×8 pixels) is held out.
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

ENOUGH = 0.97  # accuracy on the held-out digits
HELD_OUT = 4  # one digit in four
EPOCHS, BATCH_SIZE, LEARNING_RATE = 20, 32, 0.004
NETWORK = mlp(64, 128, 64, 10, activation="relu", loss="softmax-cross-entropy")
WIDTH = 8  # characters of a picture
BLOCKS = (" ▀", "▄█")  # by the lower and the upper pixel


class Digits(NamedTuple):
    """Pictures X (n, 64) with values from 0 (paper) to 1 (ink), and their digits y (n,)."""

    X: Array
    y: Array


def learn(seed: int) -> float:
    """Train on the digits, show progress and results, and return the held-out accuracy."""
    with waiting("reading the digits"):
        learned, held_out = split(load())
    show(lambda console: console.print(introduction(len(learned.y), len(held_out.y))))
    run = begin(learned, held_out, seed)
    last = follow(run, EPOCHS)
    p = run.predict(held_out.X)  # (n, 10)
    show(lambda console: report(console, last, held_out, p))
    return float(last.metric or 0.0)


def load() -> Digits:
    """Load the digits of scikit-learn."""
    try:
        with uninterrupted():
            from sklearn.datasets import load_digits
    except ModuleNotFoundError:
        raise missing("scikit-learn", "the demo with digits", "train") from None
    X, y = load_digits(return_X_y=True)
    return Digits((np.asarray(X) / 16).astype(np.float32), np.asarray(y))


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay Ctrl-C until the end, because imports may ignore it or fail because of it."""
    seen: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: seen.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
    if seen:
        raise KeyboardInterrupt


def split(data: Digits) -> tuple[Digits, Digits]:
    """Return the training digits and the held-out digits, always in the same order."""
    order = np.random.default_rng(0).permutation(len(data.y))
    held_out = order[: len(order) // HELD_OUT]
    learned = order[len(order) // HELD_OUT :]
    return Digits(data.X[learned], data.y[learned]), Digits(data.X[held_out], data.y[held_out])


def begin(learned: Digits, held_out: Digits, seed: int) -> Run:
    """Return the training run."""
    steps = EPOCHS * -(-len(learned.y) // BATCH_SIZE)
    return train(
        NETWORK,
        learned.X,
        learned.y,
        Adam(CosineDecay(LEARNING_RATE, steps)),
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        seed=seed,
        validation=held_out,
        metric="accuracy",
    )


# ---- what is shown ------------------------------------------------------------------------------


def introduction(learned: int, held_out: int) -> Text:
    """Return a description of the network and its data."""
    return Text.assemble(
        ("\nA larger network, which learns to read handwritten digits\n", "bold"),
        f"{learned:,} training pictures of 8×8 pixels, {held_out} held out; "
        f"{'-'.join(map(str, NETWORK.widths))}, relu, softmax, Adam: "
        f"{NETWORK.layout.size:,} parameters.\n",
    )


def report(console: Console, last: Record, held_out: Digits, p: Array) -> None:
    """Print the accuracy, a picture of each digit with the prediction, and the mistakes."""
    predicted = np.argmax(p, axis=1)  # (n,)
    wrong = np.flatnonzero(predicted != held_out.y)
    console.print(verdict(last, len(held_out.y), len(wrong)))
    _, first = np.unique(held_out.y, return_index=True)
    row(
        console,
        "The first of each digit, with the prediction and its probability",
        held_out,
        p,
        first,
    )
    if len(wrong):
        row(console, f"Mistakes: {len(wrong)}", held_out, p, wrong)


def verdict(last: Record, count: int, wrong: int) -> Text:
    """Return the accuracy and the training time."""
    style = "bold green" if last.metric and last.metric >= ENOUGH else "bold red"
    details = f"{count - wrong} of {count}, after {last.seconds:.1f} s"
    return Text.assemble((f"{last.metric:.1%}", style), f" accuracy on held-out digits: {details}")


def row(console: Console, title: str, data: Digits, p: Array, chosen: Array) -> None:
    """Print as many pictures as fit side by side, with the prediction under each."""
    fitting = chosen[: console.width // WIDTH]
    table = Table.grid()
    for _ in fitting:
        table.add_column(width=WIDTH, no_wrap=True)
    table.add_row(*(draw(data.X[i].reshape(8, 8)) for i in fitting))
    table.add_row(*(caption(p[i], int(data.y[i])) for i in fitting))
    console.print(Text(f"\n{title}", style="bold"), table, sep="\n")


def draw(ink: Array) -> Text:
    """Return a picture (8, 8) as four lines, where one character shows two pixels."""
    dark = (ink > 0.5).astype(int)
    lines = (
        "".join(BLOCKS[low][high] for high, low in zip(upper, lower, strict=True))
        for upper, lower in zip(dark[::2], dark[1::2], strict=True)
    )
    return Text("\n".join(lines))


def caption(p: Array, digit: int) -> Text:
    """Return the prediction with its probability, or with the right digit if it is wrong."""
    predicted = int(np.argmax(p))
    if predicted == digit:
        return Text(f" {predicted} {p[predicted]:4.0%}", style="green")
    return Text(f" {predicted} not {digit}", style="red")
