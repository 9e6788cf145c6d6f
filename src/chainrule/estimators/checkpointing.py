"""Checkpoints of a fit, and the continuation of a fit from one."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from chainrule.distributed import as_parallel
from chainrule.errors import DamagedFileError, InputError
from chainrule.estimators.fitting import FitLoop
from chainrule.estimators.history import TrainingData, TrainingHistory
from chainrule.estimators.hyperparameters import checkpoints_of, rank_of
from chainrule.estimators.persistence import types
from chainrule.estimators.saving import check_history, described
from chainrule.estimators.solvers import is_lbfgs
from chainrule.estimators.validation import ValidationData
from chainrule.files import Checkpoints, Writer, errors_about, model_in, to_plain, values_of
from chainrule.network import Network
from chainrule.sparse_samples import stored_arrays
from chainrule.training import Record, Run

Array: TypeAlias = NDArray[Any]

# What may differ when a fit is continued: how long it is and what it shows.
MAY_DIFFER = ("callbacks", "communicator", "max_iter", "random_state", "verbose", "warm_start")


class SavedFit(NamedTuple):
    """What a checkpoint knows of its fit.

    Attributes
    ----------
    path : str
        Of the checkpoint.
    history : TrainingHistory
    start : array (parameters,)
        The parameters before the first epoch.
    records : array (epochs, 6)
        Those of the fit, as `as_array` returns them.
    identity : dict of str to str
        What must be the same to continue the fit.
    """

    path: str
    history: TrainingHistory
    start: Array
    records: Array
    identity: dict[str, str]

    @property
    def restored(self) -> list[Record]:
        """The records of the fit so far, without times."""
        return [
            Record(int(epoch), int(step), loss, some(validation), some(metric), some(rate), 0.0)
            for epoch, step, loss, validation, metric, rate in self.records.tolist()
        ]


def some(number: float) -> float | None:
    """Return a number, None if it is NaN."""
    return None if np.isnan(number) else number


def as_array(records: list[Record]) -> Array:
    """Return records without their times as an array (epochs, 6); None is NaN."""
    rows = [[np.nan if x is None else x for x in record[:-1]] for record in records]
    return np.array(rows, np.float64).reshape(-1, len(Record._fields) - 1)


@dataclass
class FitCheckpoints:
    """Writes the checkpoints of one fit, and finds the one from which it continues.

    Parameters
    ----------
    estimator : estimator
    settings : Checkpoints
    saved : SavedFit, optional
        Of the newest checkpoint in the folder.
    identity : dict of str to str
        Of this fit.
    """

    estimator: Any
    settings: Checkpoints
    saved: SavedFit | None = None
    identity: dict[str, str] = field(default_factory=dict)

    def seed(self, drawn: int) -> int:
        """Return the seed of the fit: the saved one if the estimator draws another each time."""
        if self.saved is None or isinstance(self.estimator.random_state, int | np.integer):
            return drawn
        return self.saved.history.state.seed

    def continued(self, history: TrainingHistory, network: Network, epochs: int) -> TrainingHistory:
        """Return the history from which the fit continues: the given one if nothing is saved.

        Raises
        ------
        InputError
            If the saved fit is another one, or longer.
        """
        if self.saved is None:
            return history
        path, saved = self.saved.path, self.saved.history
        with errors_about(path):
            _require_same(self.saved.identity, self.identity)
            check_history(saved, network, history.state.theta)
            if saved.epochs > epochs:
                raise InputError(
                    f"it is after {saved.epochs} epochs, but max_iter={epochs}; increase max_iter, "
                    "or give Checkpoints another folder"
                )
        if saved.reason in ("", "epochs", "interrupted"):
            saved.reason = "epochs" if saved.epochs == epochs else ""
        saved.fingerprint, saved.memory = history.fingerprint, history.memory
        return saved

    def attach(
        self, loop: FitLoop, run: Run, history: TrainingHistory, publish: Callable[[], None]
    ) -> FitLoop:
        """Return a training loop that continues with a run and writes checkpoints."""
        return replace(
            loop,
            run=run,
            history=history,
            estimator=replace(loop.estimator, publish=publish),
            checkpoints=self,
            first=history.epochs,
            records=[] if self.saved is None else self.saved.restored,
            start=loop.start if self.saved is None else self.saved.start,
        )

    def left(self, loop: FitLoop) -> int:
        """Return the number of epochs to the next checkpoint, at least 1."""
        return self.settings.every - loop.history.epochs % self.settings.every

    def save(self, loop: FitLoop) -> None:
        """Write a checkpoint if it is time for one, or if the fit has ended."""
        history = loop.history
        if history.epochs % self.settings.every and not history.reason:
            return
        fit = {
            "start": loop.start,
            "records": as_array(loop.records),
            "identity": self.identity,
        }
        model = described(self.estimator)
        self.settings.write(history.epochs, "estimator", model, fit, types())


def fit_checkpoints(estimator: Any, *, part: bool) -> FitCheckpoints | None:
    """Return what writes the checkpoints of a fit, or None if it has none.

    Raises
    ------
    InputError
        If the fit cannot have checkpoints, or none in the folder can be used.
    """
    settings = checkpoints_of(estimator)
    if settings is None:
        return None
    if part:
        raise InputError(
            "partial_fit has no Checkpoints, since it does not know which data come next; call "
            "save(path) after it, and set callbacks=None"
        )
    if is_lbfgs(estimator):
        raise InputError(
            "lbfgs computes all iterations in one call, so that there are no Checkpoints; choose "
            "another solver, or set callbacks=None"
        )
    if not rank_of(estimator):
        settings.delete_unfinished()
    return FitCheckpoints(estimator, settings, _saved_fit(settings))


def _saved_fit(settings: Checkpoints) -> SavedFit | None:
    """Return the fit of the newest checkpoint, or None if there is none."""
    newest = settings.newest()
    if newest is None:
        return None
    path, content = newest
    model = model_in(content, path)
    with errors_about(path):
        if model.kind != "estimator":
            raise InputError(f"it is a checkpoint of a {model.kind}; give another folder")
        attributes = model.body.get("attributes", {}).get("named", {})
        parts = {**content.body["fit"], "history": attributes.get("_history")}
        values = values_of(parts, content.arrays, types(), complete=False)
        return _checked(str(path), values)


def _checked(path: str, values: dict[str, Any]) -> SavedFit:
    """Return a saved fit, whose parts have the right types and shapes."""
    wanted = {"history", "start", "records", "identity"}
    if values.keys() != wanted or not isinstance(values["history"], TrainingHistory):
        raise DamagedFileError("it does not have the parts of a fit")
    saved = SavedFit(path, **values)
    texts = isinstance(saved.identity, dict) and all(
        isinstance(text, str) for text in saved.identity.values()
    )
    arrays = isinstance(saved.start, np.ndarray) and isinstance(saved.records, np.ndarray)
    if not (texts and arrays and saved.start.shape == saved.history.state.theta.shape):
        raise DamagedFileError("the parts of its fit do not belong together")
    known = saved.records[:, :3] if saved.records.ndim == 2 else saved.records
    if saved.records.shape != (saved.history.epochs, 6) or not np.isfinite(known).all():
        raise DamagedFileError("its records are not those of its epochs")
    return saved


# ---- the identity of a fit ----------------------------------------------------------------------


def identity_of(
    estimator: Any, data: TrainingData, validation: ValidationData | None, history: TrainingHistory
) -> dict[str, str]:
    """Return what tells a fit from others: parameters, data and first weights, as short texts."""
    parameters = estimator.get_params(deep=False)
    arrays = {"X": data.X, "y": data.t, "sample_weight": data.weight}
    if validation is not None:
        batch = validation.batch
        arrays |= {"X_val": batch.x, "y_val": batch.t, "sample_weight_val": batch.weight}
    state, parallel = history.state, as_parallel(estimator.communicator)
    return {
        **({} if parallel is None else {"communicator": str(parallel)}),
        **{name: _text(value) for name, value in parameters.items() if name not in MAY_DIFFER},
        **{name: _checksum(array) for name, array in arrays.items() if array is not None},
        "seed": str(state.seed),
        "first weights": f"{_checksum(state.theta)} after {state.step} updates",
    }


def _text(value: Any) -> str:
    """Return a parameter as text, the same in every process."""
    writer = Writer()
    described_value = writer.json(to_plain(value, types()), "parameter")
    return " ".join([str(described_value), *map(_checksum, writer.arrays.values())])


def _checksum(array: Any) -> str:
    """Return the type, shape and checksum of an array, or of sparse samples."""
    checksum = 0
    for one in stored_arrays(array):
        checksum = crc32(np.ascontiguousarray(one).reshape(-1).view(np.uint8).data, checksum)
    return f"{array.dtype} {array.shape} {checksum:08x}"


def _require_same(saved: dict[str, str], own: dict[str, str]) -> None:
    """Raise InputError unless a saved fit is this one."""
    names = [name for name in {**own, **saved} if saved.get(name) != own.get(name)]
    if names:
        raise InputError(
            f"it is of another fit, of which {', '.join(map(str, names))[:300]} differ; give "
            "Checkpoints another folder, or delete this one"
        )
