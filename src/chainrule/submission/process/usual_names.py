"""Names that programs rely on: modules whose import was not posted, and what NumPy once had."""

import ast
import builtins
import warnings
from importlib import import_module
from typing import Any

import numpy as np

USUAL = {"np": "numpy", "numpy": "numpy", "math": "math", "random": "random"}
OLD_NAMES: dict[str, Any] = {
    "float": float,
    "int": int,
    "bool": bool,
    "object": object,
    "str": str,
    "complex": complex,
    "product": np.prod,
    "cumproduct": np.cumprod,
    "alltrue": np.all,
    "sometrue": np.any,
    "Inf": np.inf,
    "infty": np.inf,
    "PINF": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "float_": np.float64,
    "mat": np.asmatrix,
    "row_stack": np.vstack,
    "in1d": np.isin,
    "trapz": getattr(np, "trapezoid", None),
    "asfarray": lambda a, dtype=float: np.asarray(a, dtype),  # pyright: ignore[reportUnknownLambdaType]
    "asscalar": lambda a: np.asarray(a).item(),  # pyright: ignore[reportUnknownLambdaType]
    "msort": lambda a: np.sort(a, axis=0),  # pyright: ignore[reportUnknownLambdaType]
}
REMARK = "it does not import {0}; {1} was used"


def provide_usual_names() -> None:
    """Make the names known in this process, to programs that do not define them."""
    for name, module in USUAL.items():
        setattr(builtins, name, import_module(module))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy warns when it is asked for some of them
        new = {name: value for name, value in OLD_NAMES.items() if not hasattr(np, name)}
    for name, value in new.items():
        setattr(np, name, value)


def missing_imports(text: str) -> list[str]:
    """Return a remark for each of the names that a program uses and does not define.

    Parameters
    ----------
    text : str
        Valid Python.
    """
    nodes = list(ast.walk(ast.parse(text)))
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    aliases = [a for n in imports for a in n.names]
    if any(a.name == "*" for a in aliases):
        return []
    known = {(a.asname or a.name).partition(".")[0] for a in aliases}
    known |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    names = [n for n in nodes if isinstance(n, ast.Name)]
    known |= {n.id for n in names if not isinstance(n.ctx, ast.Load)}
    used = {n.id for n in names} - known
    return [REMARK.format(name, module) for name, module in USUAL.items() if name in used]
