"""Models of other programs: exports to them, and networks from them."""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.exchange.comparison import Difference
    from chainrule.exchange.exports import EXPORTS, export, exporter
    from chainrule.exchange.records import Exported

__all__ = [
    "Difference",
    "EXPORTS",
    "Exported",
    "export",
    "exporter",
]

_NAMES_BY_MODULE = {
    "comparison": "Difference",
    "exports": "EXPORTS export exporter",
    "records": "Exported",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__getattr__ = lazy_names(__name__, _MODULES)
