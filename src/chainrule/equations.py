"""Equations in Python notation, and the one evaluator that runs them.

An equation is a line of text such as ``"delta": "da * df(z, a)"``; a scope holds the equations of
one layer, loss or parameter array and looks a name up when it is first needed. It is no general
interpreter: what the grammar below does not list does not parse.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from chainrule import elementwise
from chainrule.errors import ChainruleError, UnknownNameError, unknown

Value: TypeAlias = Any  # an array, a NumPy scalar or a Python number
Function: TypeAlias = Callable[..., Value]


class EquationError(ChainruleError):
    """An equation that does not parse, or that needs itself."""


OPERATORS: dict[type[ast.AST], Function] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,  # pyright: ignore[reportUnknownMemberType] (typeshed leaves it untyped)
    ast.Pow: operator.pow,  # pyright: ignore[reportUnknownMemberType] (the same)
    ast.MatMult: operator.matmul,  # pyright: ignore[reportUnknownMemberType] (the same)
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

# What operands that do not fit raise: shapes, arguments, 1 / 0, a number's .T
OPERAND_FAULTS = (ArithmeticError, AttributeError, IndexError, TypeError, ValueError)

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
    except (SyntaxError, TypeError, ValueError) as error:  # TypeError: no string at all
        message = getattr(error, "msg", error)
        raise EquationError(f"equation {text!r} is no Python expression: {message}") from None
    _check(tree, text)
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Refuse whatever the grammar does not list."""
    for part in _parts(tree, text):
        _check(part, text)


def _parts(tree: ast.expr, text: str) -> list[ast.expr]:
    """Return the expressions that one form of the grammar is made of."""
    match tree:
        case ast.Name(name) if not name.startswith("__"):
            return []
        case ast.Constant(value) if type(value) in (int, float):
            return []
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]) if type(op) in OPERATORS:
            return [left, right]
        case ast.UnaryOp(ast.USub(), operand):
            return [operand]
        case ast.Attribute(value, "T"):
            return [value]
        case ast.Attribute(ast.Name() as scope, name) if not name.startswith("__"):
            return [scope]
        case ast.Call(ast.Name(name) as function, arguments, keywords):
            _check_keywords(name, keywords, text)
            return [function, *arguments]
        case ast.Subscript(value, place):
            _index(place, text)
            return [value]
        case _:
            raise EquationError(f"equation {text!r}: {ast.unparse(tree)!r} is not in the grammar")


def _check_keywords(name: str, keywords: list[ast.keyword], text: str) -> None:
    """Let a reduction name its axis, and nothing else have keywords."""
    given = {k.arg for k in keywords if isinstance(k.value, ast.Constant)}
    known: set[str | None] = {"axis", "keepdims"} if name in REDUCTIONS else set()
    if name in REDUCTIONS and "axis" not in given:
        example = f"{name}(…, axis=0)"
        raise EquationError(f"equation {text!r}: {name} must name its axis, as in {example}")
    if len(given) < len(keywords) or given - known:
        raise EquationError(f"equation {text!r}: {name} takes no such keyword")


def _index(place: ast.expr, text: str) -> Any:
    """Return the index of a subscript: integers, None, and slices without a step."""
    match place:
        case ast.Tuple(elements):
            return tuple(_index(e, text) for e in elements)
        case ast.Slice(lower, upper, None):
            return slice(lower and _index(lower, text), upper and _index(upper, text))
        case ast.Constant(value=int() | None as value) if not isinstance(value, bool):
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
    values : mapping of str to array or number
        Values that need no equation; a value takes precedence over an equation.
    functions : mapping of str to callable
        Functions beyond the vocabulary, such as an activation ``f`` and its derivative ``df``.

    Attributes
    ----------
    links : dict
        ``name -> (scope, name there)``: what this scope sees of another.
    neighbors : dict
        Scopes that an equation may name with a dot, such as ``above.W``.
    evaluation_stack : list of str
        What is being evaluated; scopes that share the list name the whole path of a cycle.
    """

    def __init__(
        self,
        label: str,
        equations: Mapping[str, str],
        values: Mapping[str, Value] | None = None,
        functions: Mapping[str, Function] | None = None,
    ) -> None:
        self.label = label
        self.equations = dict(equations)
        self.values = dict(values or {})
        self.functions = FUNCTIONS | dict(functions or {})
        self.links: dict[str, tuple[Scope, str]] = {}
        self.neighbors: dict[str, Scope] = {}
        self._results: dict[str, Value] = {}
        self._parts: dict[ast.expr, Value] = {}  # every subexpression once
        self.evaluation_stack: list[str] = []

    def resolve(self, name: str) -> "tuple[Scope, str]":
        """Return the scope in which `name` is given or has its equation, and its name there."""
        if name in self.values or name in self.equations:
            return self, name
        if name in self.links:
            scope, there = self.links[name]
            return scope.resolve(there)
        raise unknown(f"name in {self.label}", name, [*self.values, *self.equations, *self.links])

    def __getitem__(self, name: str) -> Value:
        """Return the value of `name`, evaluated when it is first needed."""
        scope, there = self.resolve(name)
        return scope.values[there] if there in scope.values else scope.run(there)

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.equations or name in self.links

    def run(self, name: str) -> Value:
        """Return the value of an equation of this scope, evaluated once.

        Raises
        ------
        EquationError
            If it needs itself, the message names the path; or if its operands do not fit.
        """
        key = f"{self.label}.{name}"
        if key in self.evaluation_stack:
            path = " -> ".join([*self.evaluation_stack[self.evaluation_stack.index(key) :], key])
            raise EquationError(f"{key} needs itself: {path}")
        if name not in self._results:
            self.evaluation_stack.append(key)
            try:
                self._results[name] = self.evaluate(parse(self.equations[name]))
            except UnknownNameError:  # it says itself where
                raise
            except OPERAND_FAULTS as error:  # shapes, arguments
                raise EquationError(f"{key} = {self.equations[name]!r}: {error}") from error
            finally:
                self.evaluation_stack.pop()
        return self._results[name]

    def clear_results(self) -> None:
        """Drop what was evaluated, as when given values have changed."""
        self._results.clear()
        self._parts.clear()

    def evaluate(self, tree: ast.expr) -> Value:
        """Return the value of an expression in this scope; each subexpression runs once."""
        match tree:
            case ast.Constant(value):
                return value
            case ast.Name(name):
                return self[name]
            case _:
                if tree not in self._parts:
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
                return self.neighbor(scope)[name]
            case ast.Call(ast.Name(name), arguments, keywords):
                options = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
                return self.function(name)(*map(self.evaluate, arguments), **options)
            case ast.Subscript(value, place):
                return self.evaluate(value)[_index(place, self.label)]
            case _:  # parse() lets nothing else through
                raise EquationError(f"{self.label}: cannot evaluate {ast.unparse(tree)!r}")

    def neighbor(self, name: str) -> "Scope":
        """Return the scope that equations here call `name`."""
        if name not in self.neighbors:
            raise unknown(f"scope seen from {self.label}", name, self.neighbors)
        return self.neighbors[name]

    def function(self, name: str) -> Function:
        """Return the function that equations here call `name`."""
        if name not in self.functions:
            raise unknown(f"function in {self.label}", name, self.functions)
        return self.functions[name]


@cache
def free_names(text: str) -> frozenset[str]:
    """Return the names that an equation uses, functions and neighbors apart."""
    tree = parse(text)
    called = {c.func for c in ast.walk(tree) if isinstance(c, ast.Call)}
    dotted = {a.value for a in ast.walk(tree) if isinstance(a, ast.Attribute) and a.attr != "T"}
    apart = called | dotted
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in apart)
