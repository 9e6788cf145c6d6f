"""The state of an estimator as plain containers and arrays, for pickle, joblib, skops and files.

So a saved estimator contains one type only, its own, which skops has to trust. Objects of users,
such as callbacks, are kept as they are.
"""

from functools import cache
from typing import Any

from chainrule.estimators.columns import ColumnLabels
from chainrule.estimators.history import Checkpoint, Fingerprint, Plateau, TrainingHistory
from chainrule.estimators.labels import Labels
from chainrule.estimators.networks import Forward
from chainrule.files import engine_types, from_plain, to_plain
from chainrule.health import Finding, Health

RECORDS = (
    *(Checkpoint, Fingerprint, Forward, Plateau, TrainingHistory),
    *(ColumnLabels, Labels, Finding, Health),
)


class Plain:
    """An estimator whose state is saved as plain containers and arrays."""

    def __getstate__(self) -> dict[str, Any]:
        """Return the state, in which our own types are dictionaries."""
        parent: Any = super()
        return to_plain(parent.__getstate__(), types())

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore the state."""
        parent: Any = super()
        parent.__setstate__(from_plain(state, types()))


@cache
def types() -> dict[str, type[Any]]:
    """Return the types that are saved as dictionaries, by name."""
    return {**engine_types(), **{cls.__name__: cls for cls in RECORDS}}
