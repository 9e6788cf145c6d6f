"""pyarrow, which reads and keeps tables: it is loaded when it is first used."""

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from chainrule.errors import missing


@cache
def arrow(module: str = "pyarrow") -> Any:
    """Return pyarrow or one of its modules, such as ``"pyarrow.compute"``.

    Raises
    ------
    MissingPackageError
        If pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise missing("pyarrow", "reading a table", "files")
    return import_module(module)


def compute() -> Any:
    """Return pyarrow's functions of columns."""
    return arrow("pyarrow.compute")
