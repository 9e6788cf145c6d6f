"""Equations in Python notation, and the one evaluator that runs them.

An equation is a line of text such as ``"delta": "da * df(z, a)"``; a scope holds the equations of one
layer, loss or parameter array and looks a name up when it is first wanted. It is no general
interpreter: what the grammar below does not list does not parse.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from chainrule import elementwise
from chainrule.errors import ChainruleError, unknown

Value: TypeAlias = Any  # an array, a NumPy scalar or a Python number
Function: TypeAlias = Callable[..., Value]


class EquationError(ChainruleError):
    """An equation that does not parse, or that needs itself."""


OPERATORS: dict[type[ast.AST], Function] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

REDUCTIONS: dict[str, Function] = {"sum": np.sum, "mean": np.mean, "max": np.max}


def concat(*arrays: Value) -> Value:
    """Join arrays side by side: (n, i), (n, j), … -> (n, i + j + …)."""
    return np.concatenate(arrays, axis=1)


FUNCTIONS: dict[str, Function] = {**elementwise.VOCABULARY, **REDUCTIONS, "concat": concat}


# ---- grammar ------------------------------------------------------------------------------------


@cache
def parse(text: str) -> ast.expr:
    """Return the syntax tree of an equation.

    Parameters
    ----------
    text : str
        The right-hand side, in Python notation.

    Returns
    -------
    ast.expr
        The tree, the same object for the same text.

    Raises
    ------
    EquationError
        If the text is not an expression of the grammar.
    """
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise EquationError(f"equation {text!r} is no Python expression: {error.msg}") from None
    _check(tree, text)
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Refuse whatever the grammar does not list."""
    match tree:
        case ast.Constant(value=bool() | str() | bytes() | complex()):
            pass
        case ast.Constant() | ast.Name():
            return
        case ast.BinOp(left, op, right) if type(op) in OPERATORS:
            return _check_all(text, left, right)
        case ast.Compare(left, [op], [right]) if type(op) in OPERATORS:
            return _check_all(text, left, right)
        case ast.UnaryOp(ast.USub(), operand):
            return _check(operand, text)
        case ast.Attribute(ast.Name()) | ast.Attribute(_, "T"):
            return _check(tree.value, text)
        case ast.Call(ast.Name(name), arguments, keywords):
            _check_keywords(name, keywords, text)
            return _check_all(text, *arguments)
        case ast.Subscript(value, place):
            _index(place, text)
            return _check(value, text)
        case _:
            pass
    raise EquationError(f"equation {text!r}: {ast.unparse(tree)!r} is not in the grammar")


def _check_all(text: str, *trees: ast.expr) -> None:
    for tree in trees:
        _check(tree, text)


def _check_keywords(name: str, keywords: list[ast.keyword], text: str) -> None:
    """Let a reduction name its axis, and nothing else have keywords."""
    given = {k.arg for k in keywords if isinstance(k.value, ast.Constant)}
    if name in REDUCTIONS and "axis" not in given:
        raise EquationError(f"equation {text!r}: {name} must name its axis, as in {name}(…, axis=0)")
    if len(given) < len(keywords) or given - ({"axis", "keepdims"} if name in REDUCTIONS else set()):
        raise EquationError(f"equation {text!r}: {name} takes no such keyword")


def _index(place: ast.expr, text: str) -> Any:
    """Return the index of a subscript: integers, None, and slices without a step."""
    match place:
        case ast.Tuple(elements):
            return tuple(_index(e, text) for e in elements)
        case ast.Slice(lower, upper, None):
            return slice(lower and _index(lower, text), upper and _index(upper, text))
        case ast.Constant(value=int() | None as value):
            return value
        case ast.UnaryOp(ast.USub(), ast.Constant(value=int() as value)):
            return -value
        case _:
            raise EquationError(f"equation {text!r}: {ast.unparse(place)!r} is no index here")


# ---- evaluation ---------------------------------------------------------------------------------


class Scope:
    """The names of one layer, loss or parameter array: values given, equations, links elsewhere.

    Parameters
    ----------
    label : str
        How messages and keys call this scope, such as ``"layer1"``.
    equations : mapping of str to str
        Name and right-hand side.
    given : mapping of str to array or number
        Values that need no equation; a given value beats an equation.
    functions : mapping of str to callable
        Functions beyond the vocabulary, such as an activation ``f`` and its derivative ``df``.

    Attributes
    ----------
    links : dict
        ``name -> (scope, name there)``: what this scope sees of another.
    neighbours : dict
        Scopes that an equation may name with a dot, such as ``above.W``.
    """

    def __init__(
        self,
        label: str,
        equations: Mapping[str, str],
        given: Mapping[str, Value] | None = None,
        functions: Mapping[str, Function] | None = None,
    ) -> None:
        self.label = label
        self.equations = dict(equations)
        self.given = dict(given or {})
        self.functions = FUNCTIONS | dict(functions or {})
        self.links: dict[str, tuple[Scope, str]] = {}
        self.neighbours: dict[str, Scope] = {}
        self._values: dict[str, Value] = {}
        self._parts: dict[ast.expr, Value] = {}  # every subexpression once
        self._wanted: list[str] = []

    def home(self, name: str) -> "tuple[Scope, str]":
        """Return the scope in which `name` is given or has its equation, and its name there."""
        if name in self.given or name in self.equations:
            return self, name
        if name in self.links:
            scope, there = self.links[name]
            return scope.home(there)
        raise unknown(f"name in {self.label}", name, [*self.given, *self.equations, *self.links])

    def __getitem__(self, name: str) -> Value:
        """Return the value of `name`, evaluated when it is first wanted."""
        scope, there = self.home(name)
        return scope.given[there] if there in scope.given else scope._run(there)

    def __contains__(self, name: str) -> bool:
        return name in self.given or name in self.equations or name in self.links

    def _run(self, name: str) -> Value:
        if name in self._wanted:
            path = " -> ".join(f"{self.label}.{n}" for n in [*self._wanted, name])
            raise EquationError(f"{self.label}.{name} needs itself: {path}")
        if name not in self._values:
            self._wanted.append(name)
            try:
                self._values[name] = self.evaluate(parse(self.equations[name]))
            finally:
                self._wanted.pop()
        return self._values[name]

    def evaluate(self, tree: ast.expr) -> Value:
        """Return the value of an expression in this scope; each subexpression runs once."""
        match tree:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self[name]
            case _ if tree not in self._parts:
                self._parts[tree] = self._operate(tree)
        return self._parts[tree]

    def _operate(self, tree: ast.expr) -> Value:
        match tree:
            case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
                return OPERATORS[type(op)](self.evaluate(left), self.evaluate(right))
            case ast.UnaryOp(_, operand):
                return -self.evaluate(operand)
            case ast.Attribute(value, "T"):
                return self.evaluate(value).T
            case ast.Attribute(ast.Name(scope), name):
                return self.neighbour(scope)[name]
            case ast.Call(ast.Name(name), arguments, keywords):
                options = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
                return self.function(name)(*map(self.evaluate, arguments), **options)
            case ast.Subscript(value, place):
                return self.evaluate(value)[_index(place, self.label)]
            case _:  # parse() lets nothing else through
                raise EquationError(f"{self.label}: cannot evaluate {ast.unparse(tree)!r}")

    def neighbour(self, name: str) -> "Scope":
        """Return the scope that equations here call `name`."""
        if name not in self.neighbours:
            raise unknown(f"scope seen from {self.label}", name, self.neighbours)
        return self.neighbours[name]

    def function(self, name: str) -> Function:
        """Return the function that equations here call `name`."""
        if name not in self.functions:
            raise unknown(f"function in {self.label}", name, self.functions)
        return self.functions[name]


def names(text: str) -> set[str]:
    """Return the names that an equation uses, functions and neighbours apart."""
    tree = parse(text)
    called = {c.func for c in ast.walk(tree) if isinstance(c, ast.Call)}
    dotted = {a.value for a in ast.walk(tree) if isinstance(a, ast.Attribute) and a.attr != "T"}
    apart = called | dotted
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in apart}
