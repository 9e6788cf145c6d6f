"""Models of other programs: exports to them, and networks from them."""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.exchange.checking import check_foreign
    from chainrule.exchange.comparison import Difference
    from chainrule.exchange.explaining import explain_foreign
    from chainrule.exchange.exports import EXPORTS, export, exporter
    from chainrule.exchange.imports import NEED_NETWORK, import_model, importer
    from chainrule.exchange.onnx_import import from_onnx
    from chainrule.exchange.records import Exported
    from chainrule.exchange.sklearn_export import to_sklearn
    from chainrule.exchange.sklearn_import import from_sklearn
    from chainrule.exchange.torch_import import from_torch

__all__ = [
    "Difference",
    "EXPORTS",
    "Exported",
    "NEED_NETWORK",
    "check_foreign",
    "explain_foreign",
    "export",
    "exporter",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "import_model",
    "importer",
    "to_sklearn",
]

_NAMES_BY_MODULE = {
    "checking": "check_foreign",
    "comparison": "Difference",
    "explaining": "explain_foreign",
    "exports": "EXPORTS export exporter",
    "sklearn_export": "to_sklearn",
    "sklearn_import": "from_sklearn",
    "torch_import": "from_torch",
    "imports": "NEED_NETWORK import_model importer",
    "onnx_import": "from_onnx",
    "records": "Exported",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__getattr__ = lazy_names(__name__, _MODULES)
