"""Models in files, and `TableModel`, which has a table's preparation and a network."""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.models.card import ModelCard
    from chainrule.models.loading import LOADERS, load, save
    from chainrule.models.records import Epoch, TrainingReport
    from chainrule.models.scores import Scores
    from chainrule.models.table_model import Observers, TableModel

__all__ = [
    "Epoch",
    "LOADERS",
    "ModelCard",
    "Observers",
    "Scores",
    "TableModel",
    "TrainingReport",
    "load",
    "save",
]

_NAMES_BY_MODULE = {
    "card": "ModelCard",
    "loading": "LOADERS load save",
    "records": "Epoch TrainingReport",
    "scores": "Scores",
    "table_model": "Observers TableModel",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__getattr__ = lazy_names(__name__, _MODULES)
