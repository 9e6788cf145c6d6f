"""Cross-validation: how good models are that are trained on parts of a table."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data import Table
from chainrule.errors import InputError
from chainrule.models.held_out import strata
from chainrule.models.scores import Scores, written
from chainrule.models.table_model import TableModel, target_of
from chainrule.pages import Document, Item, Listing, Page
from chainrule.pages import Table as Cells


@dataclass(frozen=True, repr=False)
class CrossValidation(Document):
    """The scores of a model for each fold, on the rows that it has not seen.

    Parameters
    ----------
    source, target : str
    folds : tuple of Scores
    """

    source: str
    target: str
    folds: tuple[Scores, ...]

    def values(self, name: str) -> list[float]:
        """Return a score of each fold."""
        return [scores[name] for scores in self.folds]

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        names = list(self.folds[0].values)
        header = ("fold", *(name.replace("_", " ") for name in names))
        several: dict[str, Callable[[list[float]], float]] = {"mean": mean, "deviation": deviation}
        rows = (
            *(
                (str(i + 1), *(written(name, scores[name]) for name in names))
                for i, scores in enumerate(self.folds)
            ),
            *(
                (word, *(written(name, of(self.values(name))) for name in names))
                for word, of in several.items()
            ),
        )
        title = f"{self.source}: {self.target}, {len(self.folds)} folds"
        items: tuple[Item, ...] = (Listing(Cells("Scores by fold", header, rows), rows),)
        return Page(title, items)

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values."""
        return {
            "schema": "chainrule.cross-validation/1",
            "source": self.source,
            "target": self.target,
            "folds": [scores.to_dict() for scores in self.folds],
        }

    def __repr__(self) -> str:
        name = self.folds[0].main[0]
        return f"<CrossValidation: {name} {mean(self.values(name)):.3g}>"


def cross_validate(
    table: Table,
    target: str | None = None,
    *,
    folds: int = 5,
    seed: int = 0,
    after_fold: Callable[[int, Scores], object] | None = None,
    **settings: Any,
) -> CrossValidation:
    """Train a model on all folds but one, for each of them, and evaluate it on that one.

    Parameters
    ----------
    table : Table
    target : str, optional
    folds : int, default 5
        From 2. The classes have the same shares in each.
    seed : int, default 0
    after_fold : callable, optional
        ``after_fold(number, scores)``, called after each fold, counted from 1.
    **settings
        As in `TableModel.train`; rows for early stopping are held out of the others.

    Returns
    -------
    CrossValidation

    Raises
    ------
    InputError
        If there are fewer rows than folds.
    """
    name = target_of(table, target)
    if not 2 <= folds <= len(table):
        raise InputError(f"folds={folds}: give a number from 2 to the {len(table):,} rows")
    fold_of = assigned(strata(table, name), folds, seed)
    found: list[Scores] = []
    for fold in range(folds):
        model = TableModel.train(table.take(fold_of != fold), name, seed=seed, **settings)
        scores = model.evaluate(table.take(fold_of == fold), unknown_categories="ignore")
        found.append(scores)
        if after_fold is not None:
            after_fold(fold + 1, scores)
    return CrossValidation(table.source, name, tuple(found))


def mean(values: list[float]) -> float:
    """Return the mean of scores, of which some may be infinite."""
    return float(np.mean(values))


def deviation(values: list[float]) -> float:
    """Return the standard deviation, dividing by n − 1; nan if a score is infinite."""
    with np.errstate(invalid="ignore"):
        return float(np.std(values, ddof=1))


def assigned(classes: Any, folds: int, seed: int) -> Any:
    """Return the fold of each row, (n,), drawn so that each has its share of every class."""
    order = np.random.default_rng(seed).permutation(len(classes))
    by_class = order[np.argsort(classes[order], kind="stable")]
    fold_of = np.empty(len(classes), np.intp)
    fold_of[by_class] = np.arange(len(classes)) % folds
    return fold_of
