"""What the text of a function tells: which arguments are dictionaries, and the returned names."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterator
from typing import Any


def tree(function: Callable[..., Any]) -> ast.AST | None:
    """Return the parsed source of a function, or None if it is not available."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None


def dictionary_keys(function: Callable[..., Any]) -> dict[str, list[str]]:
    """Return the keys that are read of each name, as in ``param["stride"]``, without defaults.

    Parameters
    ----------
    function : callable

    Returns
    -------
    dict of str to list of str
        Names of which only ``.get`` is used have no keys.
    """
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree(function) or ast.Module([], [])):
        match node:
            case ast.Subscript(ast.Name(name), ast.Constant(str(key)), ast.Load()):
                found.setdefault(name, [])
                found[name] += [key] * (key not in found[name])
            case ast.Call(ast.Attribute(ast.Name(name), "get" | "setdefault" | "items" | "keys")):
                found.setdefault(name, [])
            case ast.Compare(ast.Constant(str()), [ast.In() | ast.NotIn()], [ast.Name(name)]):
                found.setdefault(name, [])
            case _:
                pass
    return found


def mentions(function: Callable[..., Any], names: Collection[str]) -> bool:
    """Return whether a function uses one of these names, such as log."""
    nodes = ast.walk(tree(function) or ast.Module([], []))
    return any(getattr(n, "attr", getattr(n, "id", "")) in names for n in nodes)


def returned_names(function: Callable[..., Any]) -> list[str]:
    """Return the variables in the last return statement, or nothing if it has other things."""
    last = None
    for node in _own_nodes(tree(function)):
        if isinstance(node, ast.Return) and node.value is not None:
            last = node.value
    parts = last.elts if isinstance(last, ast.Tuple) else [last]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return names if len(names) == len(parts) else []


def _own_nodes(node: ast.AST | None) -> Iterator[ast.AST]:
    """Yield the nodes of the outermost function, without those of functions inside it."""
    function = (
        next((n for n in ast.walk(node) if isinstance(n, ast.FunctionDef)), None) if node else None
    )
    stack = list(function.body) if function else []
    while stack:
        here = stack.pop(0)
        yield here
        if not isinstance(here, ast.FunctionDef | ast.Lambda):
            stack = [*ast.iter_child_nodes(here), *stack]
