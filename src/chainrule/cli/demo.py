"""``chainrule demo``: a worked example, and a network trained on real digits before your eyes.

It exits with 1 where the network does not reach 97 % on the digits that it has not seen.
"""

import sys
from typing import TYPE_CHECKING, Any

import typer

from chainrule.errors import missing

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from rich.console import Console

    from chainrule.training import Record, Run

GOAL = 0.97
EPOCHS = 30
FAILED = 1
SHADES = " .:*#"  # from white to black
PICTURE = 19  # columns of a drawn digit: two signs for each of eight pixels, and a gap


def command() -> None:
    """Show what chainrule does: one step by hand, then 1,797 real digits learned in seconds."""
    from chainrule.cli.output import console
    from chainrule.explanation import explain_problem
    from chainrule.problems import problem

    data = _digits()
    out = console()
    explain_problem(problem("mazur")).print(out, compact=True)
    run, accuracy = _train(data, out)
    _show(run, data, out)
    if accuracy < GOAL:
        print(f"chainrule: {accuracy:.2%} is short of {GOAL:.0%}", file=sys.stderr)  # noqa: T201 (a message)
        raise typer.Exit(FAILED)


def _digits() -> tuple["NDArray[Any]", ...]:
    """Return the digits to learn from and a quarter held out: X, y, X held out, y held out."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing("scikit-learn", "the demo's real digits", "train") from None
    import numpy as np

    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = (X[order] / 16).astype(np.float32), y[order]
    seen = len(X) * 3 // 4
    return X[:seen], y[:seen], X[seen:], y[seen:]


def _train(data: tuple["NDArray[Any]", ...], out: "Console") -> tuple["Run", float]:
    """Train 64-64-32-10 with Adam; show each epoch; say what came of it."""
    from chainrule.network import mlp
    from chainrule.optimizers import Adam
    from chainrule.schedules import CosineDecay
    from chainrule.training import train

    X, y, *held_out = data
    network = mlp(64, 64, 32, 10, activation="relu", loss="softmax-cross-entropy")
    batch = 32
    updates = EPOCHS * -(-len(X) // batch)
    run = train(
        network, X, y, Adam(CosineDecay(0.004, updates)), epochs=EPOCHS, batch=batch, seed=0,
        validation=(held_out[0], held_out[1]), metric="accuracy",
    )  # fmt: skip
    out.rule("Training 64-64-32-10 on real handwritten digits", align="left", characters="─")
    _watch(run)
    last = run.history[-1]
    accuracy = float(last.metric or 0.0)
    out.print(
        f"  {len(X):,} digits seen, {len(held_out[0])} held out: {accuracy:.2%} of those right "
        f"after {last.epoch} epochs, {network.layout.size:,} parameters, {last.seconds:.1f} s"
    )
    return run, accuracy


def _watch(run: "Run") -> None:
    """Show progress on standard error: a live bar in a terminal, a few plain lines elsewhere."""
    if not sys.stderr.isatty():
        for record in run:
            if record.epoch % 10 == 0 or record.epoch == 1:
                print(f"epoch {record.epoch}: {_said(record)}", file=sys.stderr)  # noqa: T201 (a message)
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("epoch {task.completed}/{task.total}"), BarColumn(),
               TextColumn("{task.fields[said]}"), TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("training", total=EPOCHS, said="")
        for record in run:
            progress.update(task, completed=record.epoch, said=_said(record))


def _said(record: "Record") -> str:
    accuracy = float(record.metric or 0.0)
    return f"loss {record.loss:.4f}, held out {accuracy:.2%}"


def _show(run: "Run", data: tuple["NDArray[Any]", ...], out: "Console") -> None:
    """Draw some held-out digits, the wrong ones first, with what the network takes them for."""
    import numpy as np

    X, y = data[2], data[3]
    p = run.predict(X)  # (n, 10)
    guesses = np.argmax(p, axis=1)
    fitting = max(1, (out.width - 2) // PICTURE)
    order = np.argsort(guesses == y, kind="stable")[:fitting]  # wrong ones first
    pictures = [_picture(X[i]) for i in order]
    out.print(f"  {int(np.sum(guesses != y))} of {len(y)} wrong. Some of all, wrong ones first:\n")
    for lines in zip(*pictures, strict=True):
        out.print("  " + "   ".join(lines))
    said = [f"{y[i]} read as {guesses[i]}".ljust(16) for i in order]
    sure = [f"{p[i, guesses[i]]:.0%} sure".ljust(16) for i in order]
    out.print("  " + "   ".join(said))
    out.print("  " + "   ".join(sure))


def _picture(pixels: "NDArray[Any]") -> list[str]:
    """Return an 8×8 digit as eight lines, two signs for a pixel."""
    levels = (pixels.reshape(8, 8) * (len(SHADES) - 1)).round().astype(int)
    return ["".join(SHADES[v] * 2 for v in row) for row in levels]
