"""A scalar expression: what is added, multiplied and called, with the value of every part.

``explanation/expand.py`` creates it, ``explanation/apply_notation.py`` names its leaves, and
renderers only read it. Nothing here computes a value that the engine did not.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from chainrule.equations import Scope

Index: TypeAlias = tuple[int, ...]


class Ref(NamedTuple):
    """Identifies one number of a worked example.

    Attributes
    ----------
    quantity : str
        Such as ``"z"``, ``"dW"``, ``"W_new"``, ``"m_W"`` or ``"loss"``.
    layer : str
        The layer's label, ``""`` for a quantity of no layer.
    index : tuple of int
        (to, from) of a weight, (unit,) of a bias, otherwise (sample, unit), (sample,) or ().
    sampled : bool
        Whether the index begins with a sample.
    """

    quantity: str
    layer: str
    index: tuple[int, ...]  # pyright: ignore[reportIncompatibleMethodOverride] (no search here)
    sampled: bool


@dataclass(frozen=True)
class Literal:
    """A number in an equation; `mark` is a sign for it, such as ½."""

    value: float
    mark: str = ""


@dataclass(frozen=True)
class Leaf:
    """One entry of a named quantity, with the scope that the name belongs to."""

    scope: Scope
    name: str
    index: Index
    value: float


@dataclass(frozen=True)
class Symbol:
    """One number of the document: a leaf with its name in the notation."""

    ref: Ref
    name: str  # in the markup of notations
    value: float


@dataclass(frozen=True)
class Operation:
    """An operator and its two operands: + - * / ** @ or a comparison."""

    symbol: str
    left: "Expression"
    right: "Expression"
    value: float


@dataclass(frozen=True)
class Negation:
    """The negative of an operand."""

    operand: "Expression"
    value: float


@dataclass(frozen=True)
class Call:
    """A named function of operands; `function` computes it unless the name is a common one."""

    name: str
    arguments: tuple["Expression", ...]
    value: float
    function: Callable[..., float] | None = None


@dataclass(frozen=True)
class Sum:
    """Any number of terms, written out."""

    terms: tuple["Expression", ...]
    value: float


@dataclass(frozen=True)
class Rest:
    """The omitted terms of a shortened sum: their count and their total."""

    count: int
    value: float


@dataclass(frozen=True)
class Choice:
    """`yes` where the condition holds, else `no`; only the branch that applies has to be shown."""

    condition: "Expression"
    yes: "Expression"
    no: "Expression"
    value: float


Expression: TypeAlias = Literal | Leaf | Symbol | Operation | Negation | Call | Sum | Rest | Choice


def parts(tree: Expression) -> tuple[Expression, ...]:
    """Return the direct subexpressions of an expression."""
    match tree:
        case Operation(_, left, right):
            return (left, right)
        case Negation(operand):
            return (operand,)
        case Call(_, several) | Sum(several):
            return several
        case Choice(condition, yes, no):
            return (condition, yes, no)
        case _:
            return ()


def rebuilt(tree: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return an expression with each of its parts changed."""
    match tree:
        case Operation(_, left, right):
            return replace(tree, left=change(left), right=change(right))
        case Negation(operand):
            return replace(tree, operand=change(operand))
        case Call(_, arguments):
            return replace(tree, arguments=tuple(map(change, arguments)))
        case Sum(terms):
            return replace(tree, terms=tuple(map(change, terms)))
        case Choice(condition, yes, no):
            return replace(tree, condition=change(condition), yes=change(yes), no=change(no))
        case _:
            return tree


def named_leaves(tree: Expression) -> list[Leaf]:
    """Return the leaves of an expression, from left to right."""
    if isinstance(tree, Leaf):
        return [tree]
    return [leaf for part in parts(tree) for leaf in named_leaves(part)]


def calls(tree: Expression) -> dict[str, Callable[..., float]]:
    """Return the functions of an expression whose names are not common ones."""
    own = {tree.name: tree.function} if isinstance(tree, Call) and tree.function else {}
    return own | {name: f for part in parts(tree) for name, f in calls(part).items()}


def calls_in(tree: Expression) -> set[str]:
    """Return the names of the functions that an expression calls."""
    own = {tree.name} if isinstance(tree, Call) else set[str]()
    return own.union(*map(calls_in, parts(tree)))


def computes(tree: Expression) -> bool:
    """Return whether an expression is more than a name, a negated name or a number."""
    inner = tree.operand if isinstance(tree, Negation) else tree
    return not isinstance(inner, Leaf | Symbol | Literal)
