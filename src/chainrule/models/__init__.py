"""Models in files, and `TableModel`, which has a table's preparation and a network."""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.models.card import ModelCard
    from chainrule.models.cross_validation import CrossValidation, cross_validate
    from chainrule.models.held_out import hold_out
    from chainrule.models.loading import LOADERS, load, save
    from chainrule.models.plain_estimators import with_columns
    from chainrule.models.plots import plot_bytes, plot_run
    from chainrule.models.prediction import explain_prediction
    from chainrule.models.prediction_page import Explanation, Influence, UnitShare
    from chainrule.models.predictor import Predictions, Predictor, read_predictor
    from chainrule.models.records import Epoch, TrainingReport
    from chainrule.models.scores import Scores, written
    from chainrule.models.streamed_parts import stream_parts
    from chainrule.models.table_model import Observers, TableModel

__all__ = [
    "CrossValidation",
    "Epoch",
    "Explanation",
    "Influence",
    "LOADERS",
    "ModelCard",
    "Observers",
    "Predictions",
    "Predictor",
    "Scores",
    "TableModel",
    "TrainingReport",
    "UnitShare",
    "cross_validate",
    "explain_prediction",
    "hold_out",
    "stream_parts",
    "load",
    "plot_bytes",
    "plot_run",
    "read_predictor",
    "save",
    "with_columns",
    "written",
]

_NAMES_BY_MODULE = {
    "card": "ModelCard",
    "cross_validation": "CrossValidation cross_validate",
    "held_out": "hold_out",
    "streamed_parts": "stream_parts",
    "loading": "LOADERS load save",
    "prediction": "explain_prediction",
    "prediction_page": "Explanation Influence UnitShare",
    "predictor": "Predictions Predictor read_predictor",
    "records": "Epoch TrainingReport",
    "plain_estimators": "with_columns",
    "plots": "plot_bytes plot_run",
    "scores": "Scores written",
    "table_model": "Observers TableModel",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__getattr__ = lazy_names(__name__, _MODULES)
