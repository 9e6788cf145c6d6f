"""Lines that make a program train that only defines functions and classes."""

import ast
from collections.abc import Iterator

from chainrule.submission import TRAINS

MOST = 3  # lines that are tried


def calls_without_arguments(text: str) -> list[str]:
    """Return calls of a program's own functions and methods that need no arguments.

    Parameters
    ----------
    text : str
        Valid Python.

    Returns
    -------
    list of str
        Those with a name such as train or main first; none if the program calls one itself.
    """
    tree = ast.parse(text)
    found = [call for node in tree.body for call in _calls(node)]
    done = {ast.unparse(n) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    new = [call for call in found if call not in done]
    return sorted(new, key=lambda call: not TRAINS.search(call))[:MOST]


def _calls(node: ast.stmt) -> Iterator[str]:
    """Yield calls of a function, or of the methods of a class."""
    if isinstance(node, ast.FunctionDef) and not _needs_arguments(node, 0):
        yield f"{node.name}()"
    if not isinstance(node, ast.ClassDef):
        return
    methods = {m.name: m for m in node.body if isinstance(m, ast.FunctionDef)}
    created = methods.get("__init__")
    if created is not None and _needs_arguments(created, 1):
        return
    for name, method in methods.items():
        if TRAINS.search(name) and not name.startswith("_") and not _needs_arguments(method, 1):
            yield f"{node.name}().{name}()"


def _needs_arguments(function: ast.FunctionDef, bound: int) -> bool:
    """Return whether parameters have no default, apart from the first `bound`."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args) - len(arguments.defaults)
    return positional > bound or None in arguments.kw_defaults
