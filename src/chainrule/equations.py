"""Equations in Python notation: the parser, and the scopes that evaluate them.

An equation is a name and a line of text, such as ``"delta": "da * df(z, a)"``. A `Scope` holds the
equations of one layer, loss or parameter array. Text outside the grammar below does not parse.
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
Evaluator: TypeAlias = "Callable[[Scope], Value]"


class EquationError(ChainruleError):
    """An equation that does not parse, cannot be evaluated, or depends on itself."""


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

# What operators and functions raise for wrong shapes, wrong arguments, 1 / 0, a number's .T
OPERAND_ERRORS = (ArithmeticError, AttributeError, IndexError, TypeError, ValueError)

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
    except (SyntaxError, TypeError, ValueError) as error:  # TypeError: not a string
        message = getattr(error, "msg", error)
        raise EquationError(
            f"equation {text!r} is not a Python expression: {message}; write one such as 'da * W'"
        ) from None
    _check(tree, text)
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Raise EquationError for anything that the grammar does not list."""
    for part in _parts(tree, text):
        _check(part, text)


def _parts(tree: ast.expr, text: str) -> list[ast.expr]:
    """Return the direct subexpressions of an expression that is in the grammar."""
    match tree:
        case ast.Name(name) if not name.startswith("__"):  # no access to Python's internals
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
            raise EquationError(
                f"equation {text!r}: {ast.unparse(tree)!r} is not in the grammar; use names, "
                "numbers, + - * / ** @, comparisons, .T, indices and calls of functions"
            )


def _check_keywords(name: str, keywords: list[ast.keyword], text: str) -> None:
    """Raise EquationError unless a reduction names its axis, and other calls have no keywords."""
    given = {k.arg for k in keywords if isinstance(k.value, ast.Constant)}
    known: set[str | None] = {"axis", "keepdims"} if name in REDUCTIONS else set()
    if name in REDUCTIONS and "axis" not in given:
        example = f"{name}(…, axis=0)"
        raise EquationError(f"equation {text!r}: {name} must name its axis, as in {example}")
    if len(given) < len(keywords) or given - known:
        raise EquationError(f"equation {text!r}: {name} takes no such keyword")


def _index(place: ast.expr, text: str) -> Any:
    """Return the index of a subscript: integers, None, slices without a step, or a tuple."""
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
            raise EquationError(
                f"equation {text!r}: {ast.unparse(place)!r} cannot be an index; use integers, None "
                "and slices such as 1:3"
            )


# ---- evaluation ---------------------------------------------------------------------------------


class Scope:
    """The names of one layer, loss or parameter array, each with a value or an equation.

    A name is looked up in `values`, then in `equations`, then through `links` in another scope; an
    equation is evaluated when it is first needed, and its result is kept.

    Parameters
    ----------
    label : str
        The name of this scope in messages and keys, such as ``"layer1"``.
    equations : mapping of str to str
        Name and right-hand side.
    values : mapping of str to array or number
        Known values; a value takes precedence over an equation.
    functions : mapping of str to callable
        Functions besides those of ``elementwise``, such as an activation ``f`` and its derivative
        ``df``.

    Attributes
    ----------
    links : dict
        ``name -> (scope, name there)``: names whose values come from another scope.
    neighbors : dict
        Scopes that an equation refers to with a dot, such as ``above.W``.
    evaluation_stack : list of str
        The equations being evaluated, outermost first. All scopes of a step share one list, so that
        the error for equations that depend on each other can show the whole cycle.
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
        self.functions = FUNCTIONS | dict(functions) if functions else FUNCTIONS
        self.links: dict[str, tuple[Scope, str]] = {}
        self.neighbors: dict[str, Scope] = {}
        self._results: dict[str, Value] = {}
        # Subexpressions by node: `parse` returns the same tree for the same text.
        self._parts: dict[ast.expr, Value] = {}
        self.evaluation_stack: list[str] = []

    def resolve(self, name: str) -> "tuple[Scope, str]":
        """Return the scope that has a value or an equation for `name`, and the name there."""
        if name in self.values or name in self.equations:
            return self, name
        if name in self.links:
            scope, there = self.links[name]
            return scope.resolve(there)
        raise unknown(f"name in {self.label}", name, [*self.values, *self.equations, *self.links])

    def __getitem__(self, name: str) -> Value:
        """Return the value of `name`, evaluated when it is first needed."""
        for known in (self.values, self._results):
            if name in known:
                return known[name]
        scope, there = self.resolve(name)
        return self.run(name) if scope is self else scope[there]

    def __contains__(self, name: str) -> bool:
        return name in self.values or name in self.equations or name in self.links

    def run(self, name: str) -> Value:
        """Return the value of an equation of this scope, which is evaluated once.

        Raises
        ------
        EquationError
            If it depends on itself; the message shows the cycle. Or if its operands do not fit.
        """
        if name in self._results:
            return self._results[name]
        key = f"{self.label}.{name}"
        if key in self.evaluation_stack:
            path = " -> ".join([*self.evaluation_stack[self.evaluation_stack.index(key) :], key])
            raise EquationError(f"{key} depends on itself: {path}; change one of these equations")
        self.evaluation_stack.append(key)
        try:
            self._results[name] = evaluator(self.equations[name])(self)
        except UnknownNameError:  # a ValueError, whose message names the scope already
            raise
        except OPERAND_ERRORS as error:
            raise EquationError(f"{key} = {self.equations[name]!r}: {error}") from error
        finally:
            self.evaluation_stack.pop()
        return self._results[name]

    def clear_results(self) -> None:
        """Discard all results, which is necessary after a change of `values`."""
        self._results.clear()
        self._parts.clear()

    def evaluate(self, tree: ast.expr) -> Value:
        """Return the value of an expression in this scope, which is evaluated once."""
        if isinstance(tree, ast.Name):
            return self[tree.id]
        if tree not in self._parts:
            self._parts[tree] = _evaluator(tree)(self)
        return self._parts[tree]

    def neighbor(self, name: str) -> "Scope":
        """Return the scope that `name` stands for in equations of this scope."""
        if name not in self.neighbors:
            raise unknown(f"scope seen from {self.label}", name, self.neighbors)
        return self.neighbors[name]

    def function(self, name: str) -> Function:
        """Return the function that `name` stands for in equations of this scope."""
        if name not in self.functions:
            raise unknown(f"function in {self.label}", name, self.functions)
        return self.functions[name]


@cache
def evaluator(text: str) -> Evaluator:
    """Return the function that evaluates an equation in a scope, made once for each text."""
    return _evaluator(parse(text))


def _evaluator(tree: ast.expr) -> Evaluator:
    """Return the function that evaluates an expression in a scope."""
    match tree:
        case ast.Constant(value):
            return lambda _: value
        case ast.Name(name):
            return operator.itemgetter(name)
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
            return _operation(OPERATORS[type(op)], _evaluator(left), _evaluator(right))
        case ast.Call(ast.Name(name), arguments, keywords):
            return _call(name, [_evaluator(a) for a in arguments], keywords)
        case ast.Attribute(ast.Name(neighbor), name) if name != "T":
            return lambda scope: scope.neighbor(neighbor)[name]
        case ast.UnaryOp(_, part) | ast.Attribute(part, "T") | ast.Subscript(part):
            return _unary(tree, _evaluator(part))
        case _:  # only for a tree that does not come from `parse`
            raise EquationError(f"cannot evaluate {ast.unparse(tree)!r}")


def _operation(operate: Function, left: Evaluator, right: Evaluator) -> Evaluator:
    return lambda scope: operate(left(scope), right(scope))


def _call(name: str, arguments: list[Evaluator], keywords: list[ast.keyword]) -> Evaluator:
    options = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
    return lambda scope: scope.function(name)(*[a(scope) for a in arguments], **options)


def _unary(tree: ast.expr, part: Evaluator) -> Evaluator:
    """Return the evaluator of a negative, transposed or indexed part."""
    match tree:
        case ast.UnaryOp():
            return lambda scope: -part(scope)
        case ast.Subscript(_, place):
            index = _index(place, ast.unparse(tree))
            return lambda scope: part(scope)[index]
        case _:
            return lambda scope: part(scope).T


@cache
def free_names(text: str) -> frozenset[str]:
    """Return the names that an equation uses, without those of functions and neighbors."""
    tree = parse(text)
    called = {c.func for c in ast.walk(tree) if isinstance(c, ast.Call)}
    dotted = {a.value for a in ast.walk(tree) if isinstance(a, ast.Attribute) and a.attr != "T"}
    others = called | dotted
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in others)
