"""Tables: from a file, a data frame or a name to the inputs and targets of a network."""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.data.facts import words_of
    from chainrule.data.features import BooleanColumn, CategoryColumn, Feature, NumberColumn
    from chainrule.data.folders import is_folder
    from chainrule.data.named import NAMED_SETS
    from chainrule.data.preparation import Preparation
    from chainrule.data.problems import UnknownCategoryWarning
    from chainrule.data.reading import read
    from chainrule.data.streams import Stream, open_stream
    from chainrule.data.table import Column, Table
    from chainrule.data.targets import Target

__all__ = [
    "BooleanColumn",
    "CategoryColumn",
    "Column",
    "Feature",
    "NAMED_SETS",
    "NumberColumn",
    "Preparation",
    "Stream",
    "Table",
    "Target",
    "UnknownCategoryWarning",
    "is_folder",
    "open_stream",
    "read",
    "words_of",
]

_NAMES_BY_MODULE = {
    "facts": "words_of",
    "features": "BooleanColumn CategoryColumn Feature NumberColumn",
    "folders": "is_folder",
    "named": "NAMED_SETS",
    "preparation": "Preparation",
    "problems": "UnknownCategoryWarning",
    "reading": "read",
    "streams": "Stream open_stream",
    "table": "Column Table",
    "targets": "Target",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__getattr__ = lazy_names(__name__, _MODULES)
