"""What the rewriter of a program asks about its syntax tree."""

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

PURE = ("len", "range", "arange", "str", "int")  # functions that may be called again

GRADIENT = re.compile(r"grad|adj|deriv|sens|delta|^_?(d|g|bar)$", re.IGNORECASE)  # an attribute
ONE = re.compile(r"1(\.0*)?|(np\.|numpy\.)?(ones(_like)?\(.*\)|(array|float64)\(1(\.0*)?\))")


def names_bound(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a statement in a class defines."""
    if isinstance(statement, ast.FunctionDef):
        yield statement.name
    yield from (n.id for n in ast.walk(statement) if isinstance(n, ast.Name))


def code_of(node: ast.AST) -> int:
    """Return the number of the place of a wrapped expression, or -1."""
    return getattr(node, "code", -1)


def has_call(node: ast.AST) -> bool:
    """Return whether a target calls something, other than a function without side effects."""
    calls = (n for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(not ast.unparse(c.func).endswith(PURE) for c in calls)


def with_keys(target: ast.expr) -> tuple[str, list[ast.expr]]:
    """Return the text of a target with ``{}`` for each key that is computed, and these keys.

    There are none if elements are chosen by a slice or by several indices.
    """
    if isinstance(target, ast.Attribute):
        text, keys = with_keys(target.value)
        return f"{text}.{target.attr}", keys
    if not isinstance(target, ast.Subscript):
        return ast.unparse(target).replace("{", "{{").replace("}", "}}"), []
    text, keys = with_keys(target.value)
    if isinstance(target.slice, ast.Constant):
        return f"{text}[{target.slice.value!r}]", keys
    if isinstance(target.slice, ast.Slice | ast.Tuple):
        return text, []
    return f"{text}[{{}}]", [*keys, target.slice]


def differentiated(node: ast.Assign) -> tuple[str, str]:
    """Return the object by which a reverse pass differentiates, and its gradient's attribute.

    The pass begins with ``loss.grad = 1``. Both are empty texts for any other assignment.
    """
    target = node.targets[0]
    if not isinstance(target, ast.Attribute) or has_call(target):
        return "", ""
    begins = GRADIENT.search(target.attr) and ONE.fullmatch(ast.unparse(node.value))
    return (ast.unparse(target.value), target.attr) if begins else ("", "")


def as_expression(name: str) -> ast.expr:
    return ast.parse(name, mode="eval").body


def located(statement: ast.stmt, node: ast.stmt) -> ast.stmt:
    """Return a statement whose parts that were made here all have a node's location."""
    if statement is not node:
        for inner in ast.walk(statement):
            ast.copy_location(inner, node)
    return statement


def as_list(found: Any) -> Iterable[ast.stmt]:
    return found if isinstance(found, list) else [found]


def move_declarations_up(tree: ast.AST) -> None:
    """Move global and nonlocal statements before the first use of their names."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            declared = [s for s in ast.walk(function) if isinstance(s, ast.Global | ast.Nonlocal)]
            own = [s for s in function.body if s in declared]
            function.body = [*own, *(s for s in function.body if s not in own)]
