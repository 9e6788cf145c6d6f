"""Writes an expression as one line: with names or with numbers, as Python text, LaTeX or MathML.

Where parentheses belong is decided here once; a format only says how its signs are written.
"""

from collections.abc import Callable
from typing import Protocol

from chainrule.pages.markup import plain_name
from chainrule.pages.tree import (
    Call,
    Choice,
    Expression,
    Leaf,
    Literal,
    Negation,
    Operation,
    Rest,
    Sum,
    Symbol,
)

CHOICE, COMPARISON, ADDITION, MINUS, PRODUCT, POWER, ATOM = 0.1, 0.5, 1, 1.5, 2, 4, 9
PRECEDENCE = {
    "<": COMPARISON,
    "<=": COMPARISON,
    ">": COMPARISON,
    ">=": COMPARISON,
    "+": ADDITION,
    "-": ADDITION,
    "*": PRODUCT,
    "/": PRODUCT,
    "**": POWER,
    "@": PRODUCT,
    "⊙": PRODUCT,
}


class Setter(Protocol):
    """How one format writes the parts of an expression.

    Attributes
    ----------
    stacked : bool
        Whether a fraction's line, a root's and an exponent's place do without parentheses.
    """

    stacked: bool

    def name(self, markup: str) -> str: ...
    def number(self, text: str) -> str: ...
    def fence(self, inner: str) -> str: ...
    def negation(self, inner: str) -> str: ...
    def operation(self, symbol: str, left: str, right: str) -> str: ...
    def fraction(self, top: str, bottom: str) -> str: ...
    def power(self, base: str, exponent: str) -> str: ...
    def call(self, name: str, arguments: list[str]) -> str: ...
    def total(
        self, terms: list[tuple[bool, str]]
    ) -> str: ...  # whether it is subtracted, and the term
    def rest(self, count: int) -> str: ...
    def choice(self, condition: str, yes: str, no: str) -> str: ...


class Text:
    """Python source, with ``*`` for a product, that can be evaluated."""

    stacked = False

    def name(self, markup: str) -> str:
        return plain_name(markup)

    def number(self, text: str) -> str:
        return text

    def fence(self, inner: str) -> str:
        return f"({inner})"

    def negation(self, inner: str) -> str:
        return f"-{inner}"

    def operation(self, symbol: str, left: str, right: str) -> str:
        space = "" if symbol == "*" else " "
        return f"{left}{space}{symbol}{space}{right}"

    def fraction(self, top: str, bottom: str) -> str:
        return f"{top} / {bottom}"

    def power(self, base: str, exponent: str) -> str:
        return f"{base}**{exponent}"

    def call(self, name: str, arguments: list[str]) -> str:
        if name == "transpose":
            return f"{arguments[0]}ᵀ"
        return f"{name}({', '.join(arguments)})"

    def total(self, terms: list[tuple[bool, str]]) -> str:
        (less, first), *others = terms
        signed = "".join((" - " if less else " + ") + term for less, term in others)
        return (self.negation(first) if less else first) + signed

    def rest(self, count: int) -> str:
        return f"[{count} further terms]"

    def choice(self, condition: str, yes: str, no: str) -> str:
        return f"{yes} if {condition} else {no}"


TEXT = Text()
Number = Callable[[float], str]


def in_symbols(tree: Expression, setter: Setter = TEXT) -> str:
    """Return an expression in symbols."""
    return _Line(setter, None).show(tree)


def in_numbers(tree: Expression, number: Number, setter: Setter = TEXT) -> str:
    """Return an expression with the numbers substituted, each written by `number`."""
    return _Line(setter, number).show(tree)


class _Line:
    """Writes one expression in one format."""

    def __init__(self, setter: Setter, number: Number | None) -> None:
        self.setter, self.written = setter, number

    def show(self, tree: Expression, around: float = 0) -> str:
        """Return the text of an expression, in parentheses if its surroundings bind tighter."""
        text, mine = self.set(tree)
        return self.setter.fence(text) if mine < around else text

    def set(self, tree: Expression) -> tuple[str, float]:
        """Return the text of an expression, and how tightly it holds together."""
        match tree:
            case Literal(value, mark):
                symbols = mark and self.written is None
                return self.setter.number(mark if symbols else str(value)), ATOM
            case Symbol() | Leaf() | Rest():
                return self._leaf(tree)
            case Negation(operand):
                return self.setter.negation(self.show(operand, PRODUCT)), MINUS
            case Sum(terms):
                return self.setter.total([self._term(term) for term in terms]), ADDITION
            case Call(name, arguments):
                return self.setter.call(name, [self.show(a) for a in arguments]), ATOM
            case Choice(condition, yes, no):
                parts = [self.show(part, COMPARISON) for part in (condition, yes, no)]
                return self.setter.choice(*parts), CHOICE
            case Operation(symbol, left, right):
                return self._operation(symbol, left, right), PRECEDENCE[symbol]

    def _term(self, tree: Expression) -> tuple[bool, str]:
        """Return whether a term of a sum is subtracted, and the term."""
        if isinstance(tree, Negation):
            return True, self.show(tree.operand, PRODUCT)
        return False, self.show(tree, MINUS)

    def _leaf(self, leaf: Symbol | Leaf | Rest) -> tuple[str, float]:
        if self.written is not None:
            text = self.written(leaf.value)
            return self.setter.number(text), MINUS - 0.1 if text.startswith("-") else ATOM
        if isinstance(leaf, Rest):
            return self.setter.rest(leaf.count), ATOM
        return self.setter.name(leaf.name), ATOM

    def _operation(self, symbol: str, left: Expression, right: Expression) -> str:
        mine = PRECEDENCE[symbol]
        if symbol == "/":
            inner = (0, 0) if self.setter.stacked else (mine, mine + 0.5)
            return self.setter.fraction(self.show(left, inner[0]), self.show(right, inner[1]))
        if symbol == "**":
            base, exponent = (
                self.show(left, ATOM),
                self.show(right, 0 if self.setter.stacked else ATOM),
            )
            return self.setter.power(base, exponent)
        first = self.show(left, ADDITION if symbol in "+-" else mine)
        return self.setter.operation(symbol, first, self.show(right, mine + 0.5))
