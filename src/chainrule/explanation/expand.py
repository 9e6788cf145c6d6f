"""Expands one entry of an array equation into a scalar expression.

An equation such as ``delta.T @ x`` becomes the sum of products that a person would write down for
one weight. The values are those that the engine's evaluator computed.
"""

import ast
import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from chainrule.activations import ACTIVATIONS, Activation
from chainrule.elementwise import VOCABULARY
from chainrule.equations import REDUCTIONS, EquationError, Scope, parse
from chainrule.pages import (
    READERS,
    Call,
    Choice,
    Expression,
    Index,
    Leaf,
    Literal,
    Negation,
    Operation,
    Sum,
)

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "**",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


CLOSE = 1e-13  # relative difference at which a textbook formula equals the stable one


def entry(scope: Scope, name: str, index: Index) -> Expression:
    """Return the equation of one entry of a quantity, expanded into scalars.

    Parameters
    ----------
    scope : Scope
        The scope that contains the quantity's equation.
    name : str
    index : tuple of int
        The entry; empty for a single number.

    Returns
    -------
    Expression
    """
    return _expand(scope, parse(scope.equations[name]), index)


def named(scope: Scope, name: str, index: Index) -> Expression:
    """Return the line of one entry: its equation, or a leaf if the name only refers to another."""
    owner, there = scope.resolve(name)
    if owner is not scope or there in owner.values:
        return _leaf(scope, name, index)
    return entry(scope, name, index)


def origin(scope: Scope, name: str) -> tuple[Scope, str]:
    """Return the scope and name a value comes from, past links and equations that only rename."""
    scope, name = scope.resolve(name)
    if name not in scope.values and isinstance(tree := parse(scope.equations[name]), ast.Name):
        return origin(scope, tree.id)
    return scope, name


# ---- the expansion ------------------------------------------------------------------------------


def _expand(scope: Scope, tree: ast.expr, index: Index) -> Expression:
    """Return the scalar expression of one entry of an array expression."""
    array = scope.evaluate(tree)
    index = _fit(index, np.shape(array))
    value = number(array, index)
    match tree:
        case ast.Constant(int() | float() as literal):
            return Literal(literal)
        case ast.Name(name):
            return _leaf(scope, name, index)
        case ast.Attribute(inner, "T"):
            return _expand(scope, inner, index[::-1])
        case ast.Attribute(ast.Name(there), name):
            return _leaf(scope.neighbor(there), name, index)
        case ast.Subscript(inner, place):
            return _expand(scope, inner, _through(place, index))
        case ast.Call(ast.Name(name), arguments, _):
            return _function(scope, tree, name, arguments, index, value)
        case _:
            return _operator(scope, tree, index, value)


def _operator(scope: Scope, tree: ast.expr, index: Index, value: float) -> Expression:
    """Return the expression of an operator and its operands."""
    match tree:
        case ast.UnaryOp(_, operand):
            return Negation(_expand(scope, operand, index), value)
        case ast.BinOp(left, ast.MatMult(), right):
            return _product(scope, left, right, index, value)
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
            operands = _expand(scope, left, index), _expand(scope, right, index)
            return _operation(SYMBOLS[type(op)], *operands, value)
        case _:
            raise EquationError(f"{scope.label}: cannot expand {ast.unparse(tree)!r}")


def _function(
    scope: Scope, tree: ast.Call, name: str, arguments: list[ast.expr], index: Index, value: float
) -> Expression:
    """Return the expression of a function call."""
    if name in REDUCTIONS:
        return _reduction(scope, tree, name, index, value)
    if name == "where":
        condition, yes, no = (_expand(scope, part, index) for part in arguments)
        return Choice(condition, yes, no, value)
    return _call(scope, name, arguments, index, value)


def _fit(index: Index, shape: Index) -> Index:
    """Return the entry of an operand that broadcasting pairs with an entry of the result."""
    if not shape:
        return ()
    return tuple(0 if size == 1 else i for i, size in zip(index[-len(shape) :], shape, strict=True))


def number(array: Any, index: Index) -> Any:
    """Return one entry of an array, or a scalar, as a Python number."""
    return array[index].item() if np.shape(array) else getattr(array, "item", lambda: array)()


def _leaf(scope: Scope, name: str, index: Index) -> Leaf:
    owner, there = origin(scope, name)
    array = owner[there]
    index = _fit(index, np.shape(array))
    return Leaf(owner, there, index, number(array, index))


def _operation(symbol: str, left: Expression, right: Expression, value: float) -> Expression:
    """Return an operation, without a division by a count of 1."""
    if symbol == "/" and isinstance(right, Leaf) and right.name == "n" and right.value == 1:
        return left
    return Operation(symbol, left, right, value)


def _product(
    scope: Scope, left: ast.expr, right: ast.expr, index: Index, value: float
) -> Expression:
    """Return one entry of a matrix product as a sum of products."""
    terms: list[Expression] = []
    for i in range(np.shape(scope.evaluate(left))[1]):
        a, b = _expand(scope, left, (index[0], i)), _expand(scope, right, (i, index[1]))
        terms.append(Operation("*", a, b, a.value * b.value))
    return terms[0] if len(terms) == 1 else Sum(tuple(terms), value)


def _reduction(scope: Scope, tree: ast.Call, name: str, index: Index, value: float) -> Expression:
    """Return a sum, mean or maximum over an axis, with all of its terms."""
    options = {str(k.arg): ast.literal_eval(k.value) for k in tree.keywords}
    shape = np.shape(scope.evaluate(tree.args[0]))
    places = _places(shape, index, options.get("axis"), options.get("keepdims", False))
    terms = tuple(_expand(scope, tree.args[0], place) for place in places)
    if len(terms) == 1:
        return terms[0]
    if name == "max":
        return Call("max", terms, value)
    total = Sum(terms, value * len(terms) if name == "mean" else value)
    return total if name == "sum" else Operation("/", total, Literal(len(terms)), value)


def _places(shape: Index, index: Index, axis: int | None, keepdims: bool) -> list[Index]:  # noqa: FBT001 (an option of the equation)
    """Return the entries that a reduction combines into one entry of its result."""
    if axis is None:
        return list(np.ndindex(*shape))
    before, after = index[:axis], index[axis + 1 :] if keepdims else index[axis:]
    return [(*before, i, *after) for i in range(shape[axis])]


def _through(place: ast.expr, index: Index) -> Index:
    """Return the index into an array of an entry of its subscript."""
    inner: list[int] = []
    rest = list(index)
    for part in place.elts if isinstance(place, ast.Tuple) else [place]:
        match part:
            case ast.Slice(lower):
                inner.append(rest.pop(0) + (ast.literal_eval(lower) if lower else 0))
            case ast.Constant(value=None):
                rest.pop(0)
            case _:
                inner.append(ast.literal_eval(part))
    return (*inner, *rest)


# ---- functions, as textbooks write them ---------------------------------------------------------


def _call(
    scope: Scope, name: str, arguments: list[ast.expr], index: Index, value: float
) -> Expression:
    """Return a function's textbook formula if it gives the computed value, else a call by name."""
    activation, formula = _formula(scope, name)
    if activation and activation.name in READERS and name != "df":  # calculators have it
        return Call(activation.name, (_expand(scope, arguments[0], index),), value)
    if activation and formula:
        texts = tuple(ast.unparse(a) for a in arguments)
        tree = _substituted(formula, texts, tuple(activation.constants.items()))
        if _equals(scope, tree, index, value):
            return _expand(scope, tree, index)
    operands = tuple(_expand(scope, a, index) for a in arguments)
    if activation is None:
        function = None if name in VOCABULARY else _scalar(scope.functions[name])
        return Call(name, operands, value, function)
    shown = re.sub(r"\W", "_", activation.name)
    if name == "df":
        return Call(f"d{shown}", operands[:1], value, _scalar(activation.slope_at))
    return Call(shown, operands, value, _scalar(activation))


def _equals(scope: Scope, tree: ast.expr, index: Index, value: float) -> bool:
    """Return whether a textbook formula gives the value of the stable formula."""
    try:
        with np.errstate(over="raise", divide="raise"):
            written = scope.evaluate(tree)
    except FloatingPointError:  # such as 1 / (1 + e^−z) at large negative z
        return False
    gap = abs(number(written, _fit(index, np.shape(written))) - value)
    return bool(gap <= CLOSE * abs(value))


def _scalar(function: Callable[..., Any]) -> Callable[..., float]:
    """Return a function of arrays as a function of numbers."""
    return lambda *numbers: float(
        np.asarray(function(*(np.array([[float(v)]]) for v in numbers))).item()
    )


def _formula(scope: Scope, name: str) -> tuple[Activation | None, str]:
    """Return the activation behind a name of a scope, and its formula or derivative."""
    function = scope.functions.get(name)
    owner = getattr(function, "__self__", function)
    if isinstance(owner, Activation):
        return owner, owner.dformula if name == "df" else owner.formula
    if name in ("logistic", "softplus"):  # of the losses that own a link
        return ACTIVATIONS[name], ACTIVATIONS[name].formula
    return None, ""


@cache
def _substituted(
    formula: str, arguments: tuple[str, ...], constants: tuple[tuple[str, float], ...]
) -> ast.expr:
    """Return a formula's tree with z, a and the constants replaced by arguments and values."""
    names = {name: parse(text) for name, text in zip("za", arguments, strict=False)}
    names |= {name: ast.Constant(value) for name, value in constants}
    return parse(ast.unparse(_Substitution(names).visit(ast.parse(formula, mode="eval")).body))


class _Substitution(ast.NodeTransformer):
    """Replaces names by expressions."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)
