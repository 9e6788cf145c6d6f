"""Find the trainings of a program after its first one, such as one with dropout.

A program may call the same function several times, with other options. What the first call does
not use, such as a penalty that is zero, is not judged by it.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chainrule.submission import TRAINS, Source

MOST = 3  # trainings after the first one
# Options that change neither the forward pass nor the gradient
WITHOUT_EFFECT = re.compile(
    r"(learning_?|l_?)?rate|alpha|eta|lr|learning_?rate_?decay|(n|num|max|no_of)?_?"
    r"(epochs?|iter(ation)?s?|steps?)|(random_?)?(seed|state)|rng|verbose|print_?\w*|plot\w*|"
    r"title|names?|(n_?)?(hidden|units)(_?(size|units|dim))?|layers?_?(dims?|sizes)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Training:
    """A call that trains with other options than an earlier one.

    Parameters
    ----------
    line : int
    omitted : tuple of (int, int)
        The first and last lines of the statements without which it is the first training.
    """

    line: int
    omitted: tuple[tuple[int, int], ...]


def other_trainings(source: Source) -> list[Training]:
    """Return the calls that train after the first one, with options that may matter."""
    tree = ast.parse(source.text)
    functions = {n.name: n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)}
    found = [t for body in _bodies(tree) for t in _in_body(body, functions)]
    return found[:MOST]


def _bodies(tree: ast.Module) -> Iterator[Sequence[ast.stmt]]:
    """Yield the statements at the top, and those of a main function or block."""
    yield tree.body
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "main":
            yield node.body
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            yield node.body


def _in_body(body: Sequence[ast.stmt], functions: dict[str, ast.FunctionDef]) -> Iterator[Training]:
    """Yield the later trainings among some statements."""
    calls = [(n, call) for n, s in enumerate(body) if (call := _training(s)) is not None]
    seen: dict[str, list[dict[str, str]]] = {}
    first: dict[str, int] = {}
    for n, call in calls:
        name = _name(call)
        options = _options(call, functions.get(name))
        earlier = seen.setdefault(name, [])
        start = first.setdefault(name, n)
        if earlier and all(options != other for other in earlier):
            yield Training(body[n].lineno, tuple(_lines(s) for s in _omitted(body, start, n)))
        earlier.append(options)


def _training(statement: ast.stmt) -> ast.Call | None:
    """Return the call of a statement that trains, by its name, or None."""
    simple = isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr)
    calls = (n for n in ast.walk(statement) if isinstance(n, ast.Call)) if simple else ()
    return next((call for call in calls if TRAINS.search(_name(call))), None)


def _name(call: ast.Call) -> str:
    """Return the name of the function or method that is called."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _options(call: ast.Call, function: ast.FunctionDef | None) -> dict[str, str]:
    """Return the arguments of a call that may change what it computes, by their names."""
    names = [a.arg for a in function.args.args] if function else []
    if isinstance(call.func, ast.Attribute) and names[:1] == ["self"]:
        names = names[1:]
    found = {k.arg or "**": ast.unparse(k.value) for k in call.keywords}
    for n, argument in enumerate(call.args):
        found[names[n] if n < len(names) else f"argument {n}"] = ast.unparse(argument)
    return {name: text for name, text in found.items() if not WITHOUT_EFFECT.fullmatch(name)}


def _omitted(body: Sequence[ast.stmt], start: int, end: int) -> list[ast.stmt]:
    """Return the earlier training, and what follows from it before another one."""
    made: set[str] = set()
    found: list[ast.stmt] = []
    for n in range(start, end):
        statement = body[n]
        used = {x.id for x in ast.walk(statement) if isinstance(x, ast.Name)}
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        if _training(statement) is not None or used & made:
            found.append(statement)
            stored = (x for x in ast.walk(statement) if isinstance(x, ast.Name))
            made |= {x.id for x in stored if isinstance(x.ctx, ast.Store)}
    return found


def _lines(statement: ast.stmt) -> tuple[int, int]:
    return statement.lineno, statement.end_lineno or statement.lineno
