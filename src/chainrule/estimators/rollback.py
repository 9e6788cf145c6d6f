"""Restoring an estimator after an error before its first epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from chainrule.estimators.history import TrainingHistory


@contextmanager
def rollback_on_error(estimator: Any) -> Iterator[None]:
    """Restore an estimator if an exception occurs before the first epoch was evaluated."""
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        history: TrainingHistory | None = vars(estimator).get("_history")
        started = history is not before.get("_history")
        if not (history and started and (history.epochs or history.reason)):
            vars(estimator).clear()
            vars(estimator).update(before)
        raise
