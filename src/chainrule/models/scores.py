"""How good predictions are: the scores of a classification or a regression, as a document."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.pages import (
    Document,
    Heading,
    Item,
    Listing,
    Page,
    Paragraph,
    Table,
    four_digits,
    json_number,
)

Array: TypeAlias = NDArray[Any]

MOST_CLASSES = 12  # in the table of confusions
WORDS = {
    "accuracy": "accuracy",
    "always_most_frequent": "accuracy of the most frequent class",
    "balanced_accuracy": "balanced accuracy (mean recall)",
    "log_loss": "log loss",
    "r2": "R²",
    "rmse": "root mean squared error (RMSE)",
    "mae": "mean absolute error",
    "rmse_of_mean": "RMSE of predicting the mean",
}  # what the scores are called


@dataclass(frozen=True, repr=False)
class Scores(Document):
    """The scores of a model on the rows of a table.

    Parameters
    ----------
    source : str
        What messages call the table.
    rows : int
    values : dict of str to float
        Of a classification ``accuracy``, ``always_most_frequent``, ``balanced_accuracy`` and
        ``log_loss`` (natural logarithm); of a regression ``r2``, and ``rmse``, ``mae`` and
        ``rmse_of_mean`` in the unit of the target.
    classes : tuple of str
        Empty for a regression.
    confusion : tuple of tuple of int
        The rows of each true class, by predicted class.
    """

    source: str
    rows: int
    values: dict[str, float]
    classes: tuple[str, ...] = ()
    confusion: tuple[tuple[int, ...], ...] = ()

    def __getitem__(self, name: str) -> float:
        """Return a score by its name."""
        return self.values[name]

    @property
    def main(self) -> tuple[str, float]:
        """The name and the value of the most important score: accuracy, or R²."""
        return next(iter(self.values.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values."""
        return {
            "schema": "chainrule.scores/1",
            "source": self.source,
            "rows": self.rows,
            **{name: json_number(value) for name, value in self.values.items()},
            "classes": list(self.classes),
            "confusion": [list(row) for row in self.confusion],
        }

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        title = f"{self.source}: {self.rows:,} row{'s' * (self.rows != 1)}"
        return Page(title, tuple(self.items()))

    def items(self) -> list[Item]:
        """Return the scores and the table of confusions as items of a page."""
        rows = tuple((WORDS[name], written(name, v)) for name, v in self.values.items())
        found: list[Item] = [Listing(Table("Scores", ("score", "value"), rows), rows)]
        if self.confusion:
            found += [Heading("Confusions", 2, "confusions"), self._confusions()]
        return found

    def _confusions(self) -> Item:
        if len(self.classes) > MOST_CLASSES:
            return Paragraph(
                f"{len(self.classes)} classes, of which the most frequent confusions are: "
                + "; ".join(self._worst())
            )
        header = ("true \\ predicted", *self.classes)
        rows = tuple(
            (name, *(f"{count:,}" for count in row))
            for name, row in zip(self.classes, self.confusion, strict=True)
        )
        return Listing(Table("Rows of each class, by predicted class", header, rows), rows)

    def _worst(self) -> list[str]:
        """Return the most frequent confusions in words."""
        wrong = np.array(self.confusion)
        np.fill_diagonal(wrong, 0)
        places = np.argsort(wrong, axis=None)[::-1][:MOST_CLASSES]
        pairs = [divmod(int(place), len(wrong)) for place in places]
        return [
            f"{self.classes[true]} as {self.classes[said]} ({wrong[true, said]:,})"
            for true, said in pairs
            if wrong[true, said]
        ]

    def __repr__(self) -> str:
        name, value = self.main
        return f"<Scores: {name} {written(name, value)} on {self.rows:,} rows of {self.source!r}>"


def written(name: str, value: float) -> str:
    """Return a score as it is printed."""
    shares = ("accuracy", "always_most_frequent", "balanced_accuracy")
    return f"{value:.1%}" if name in shares and math.isfinite(value) else four_digits(value)


def class_scores(
    source: str, labels: Array, p: Array, classes: Sequence[Any], predicted: Array
) -> Scores:
    """Return the scores of a classification.

    Parameters
    ----------
    source : str
    labels, predicted : array (n,)
        True and predicted classes. A label that is not among the classes counts as wrong.
    p : array (n, classes)
        The probability of each class.
    classes : sequence
        Sorted.
    """
    known = np.asarray(classes)
    true = np.minimum(np.searchsorted(known, labels), len(known) - 1)  # (n,)
    seen = known[true] == labels  # (n,)
    said = np.searchsorted(known, predicted)  # (n,)
    confusion = np.zeros((len(known), len(known)), np.int64)
    np.add.at(confusion, (true[seen], said[seen]), 1)
    counts = confusion.sum(axis=1)
    recall = np.diag(confusion)[counts > 0] / counts[counts > 0]
    of_true = np.where(seen, p[np.arange(len(true)), true], 0.0)  # (n,)
    with np.errstate(divide="ignore"):
        log_loss = float(-np.log(of_true).mean())
    values = {
        "accuracy": float(np.mean(predicted == labels)),
        "always_most_frequent": float(counts.max() / len(labels)),
        "balanced_accuracy": float(recall.mean()) if len(recall) else math.nan,
        "log_loss": log_loss,
    }
    names = tuple(str(one) for one in classes)
    table = tuple(tuple(int(n) for n in row) for row in confusion)
    return Scores(source, len(labels), values, names, table)


def number_scores(source: str, t: Array, predicted: Array) -> Scores:
    """Return the scores of a regression.

    Parameters
    ----------
    source : str
    t, predicted : array (n,)
        In the unit of the target.
    """
    error, spread = predicted - t, t - t.mean()
    total = float(spread @ spread)
    values = {
        "r2": 1 - float(error @ error) / total if total else math.nan,
        "rmse": float(np.sqrt(np.mean(error**2))),
        "mae": float(np.mean(np.abs(error))),
        "rmse_of_mean": float(np.sqrt(np.mean(spread**2))),
    }
    return Scores(source, len(t), values)
