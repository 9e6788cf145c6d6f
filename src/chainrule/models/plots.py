"""Plots of a training run, drawn with matplotlib: losses, confusions or residuals, calibration."""

import io
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.data import Table
from chainrule.errors import missing
from chainrule.models.table_model import TableModel

Array: TypeAlias = NDArray[Any]
Axes: TypeAlias = Any  # matplotlib.axes.Axes

BINS = 10  # of the calibration
MOST_NAMED = 12  # classes whose names stand at the axes
PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
    "<body><h1>{title}</h1>{svg}</body></html>\n"
)


def plot_run(model: TableModel, rows: Table) -> Any:
    """Return a figure of a run and of its predictions for some rows.

    Parameters
    ----------
    model : TableModel
    rows : Table
        With the target, such as the rows held out.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise missing("matplotlib", "a plot", "plots") from None
    figure = Figure(figsize=(12, 4), layout="constrained")
    first, second, third = figure.subplots(1, 3)
    draw_losses(first, model)
    if model.classes:
        draw_confusions(second, model, rows)
        draw_calibration(third, model, rows)
    else:
        t, p = model.target.numbers(rows), model.predict(rows, unknown_categories="ignore")
        draw_predictions(second, t, p)
        draw_residuals(third, t, p)
    return figure


def draw_losses(axes: Axes, model: TableModel) -> None:
    """Draw the losses by epoch."""
    epochs = [one.epoch for one in model.history]
    axes.plot(epochs, [one.loss for one in model.history], label="training")
    held = [one.validation_loss for one in model.history]
    if held and held[0] is not None:
        axes.plot(epochs, held, label="held out")
    axes.set(title="Loss", xlabel="epoch", ylabel="loss")
    axes.legend()


def draw_confusions(axes: Axes, model: TableModel, rows: Table) -> None:
    """Draw how many rows of each class are predicted as which."""
    counts = np.array(model.evaluate(rows, unknown_categories="ignore").confusion)
    axes.imshow(counts, cmap="Blues")
    places = range(len(counts)) if len(counts) <= MOST_NAMED else []
    names = [str(model.classes[i]) for i in places]
    axes.set_xticks(list(places), names, rotation=45)
    axes.set_yticks(list(places), names)
    for i in places:
        for j in places:
            color = "white" if counts[i, j] > counts.max() / 2 else "black"
            axes.text(j, i, str(counts[i, j]), ha="center", va="center", color=color)
    axes.set(title="Confusions", xlabel="predicted", ylabel="true")


def draw_calibration(axes: Axes, model: TableModel, rows: Table) -> None:
    """Draw how often the predicted class is right, by its probability."""
    p = model.predict_proba(rows, unknown_categories="ignore")
    sure, labels = p.max(axis=1), np.array(model.classes)[p.argmax(axis=1)]
    right = labels == model.target.labels(rows)
    bins = np.minimum((sure * BINS).astype(int), BINS - 1)
    used = np.unique(bins)
    axes.plot([0, 1], [0, 1], linestyle="dashed", color="gray")
    means = [[values[bins == b].mean() for b in used] for values in (sure, right)]
    axes.plot(*means, marker="o")
    axes.set(title="Calibration", xlabel="probability", ylabel="share that is right")


def draw_predictions(axes: Axes, t: Array, p: Array) -> None:
    """Draw predictions over targets."""
    axes.scatter(t, p, s=8, alpha=0.5)
    ends = [min(t.min(), p.min()), max(t.max(), p.max())]
    axes.plot(ends, ends, linestyle="dashed", color="gray")
    axes.set(title="Predictions", xlabel="true", ylabel="predicted")


def draw_residuals(axes: Axes, t: Array, p: Array) -> None:
    """Draw the differences over predictions."""
    axes.scatter(p, t - p, s=8, alpha=0.5)
    axes.axhline(0, linestyle="dashed", color="gray")
    axes.set(title="Residuals", xlabel="predicted", ylabel="true − predicted")


def plot_bytes(figure: Any, path: Path, title: str) -> bytes:
    """Return a figure as the content of a file: .svg, .png, or .html."""
    from matplotlib import rc_context

    file = io.BytesIO()
    kind = "png" if path.suffix.lower() == ".png" else "svg"
    with rc_context({"svg.hashsalt": "chainrule"}):
        # Without the date, the same run gives the same bytes.
        figure.savefig(file, format=kind, metadata={"Date": None} if kind == "svg" else None)
    if path.suffix.lower() != ".html":
        return file.getvalue()
    svg = file.getvalue().decode()
    return PAGE.format(title=title, svg=svg[svg.index("<svg") :]).encode()
