"""A scalar expression as one line of text: with names, or with the numbers put in.

The line is Python as it stands (with ``*`` for a product), so that anybody can recompute it.
"""

from collections.abc import Callable

from chainrule.explanation.expand import (
    Call,
    Choice,
    Expression,
    Leaf,
    Literal,
    Negation,
    Operation,
    Sum,
)

COMPARISON, ADDITION, PRODUCT, MINUS, POWER = 0.5, 1, 2, 3, 4
PRECEDENCE = {
    "<": COMPARISON, "<=": COMPARISON, ">": COMPARISON, ">=": COMPARISON,
    "+": ADDITION, "-": ADDITION, "*": PRODUCT, "/": PRODUCT, "**": POWER,
}  # fmt: skip

Writer = Callable[[Leaf], str]


def show(expression: Expression, leaf: Writer, around: float = 0) -> str:
    """Return the text of an expression.

    Parameters
    ----------
    expression : Expression
    leaf : callable
        What to write for a leaf: its name, or its value.
    around : float
        The precedence of what stands around it; parentheses are set where it binds tighter.

    Returns
    -------
    str
    """
    match expression:
        case Literal(value):
            return str(value)
        case Leaf():
            text = leaf(expression)
            return f"({text})" if text.startswith("-") and around else text
        case Sum(terms):
            return _wrap(" + ".join(show(t, leaf, ADDITION + 0.5) for t in terms), ADDITION, around)
        case Call(name, arguments):
            return f"{name}({', '.join(show(a, leaf) for a in arguments)})"
        case Negation(operand):
            return _wrap("-" + show(operand, leaf, MINUS), MINUS, around)
        case Choice(condition, yes, no):
            parts = (show(part, leaf, COMPARISON) for part in (yes, condition, no))
            return _wrap("{} if {} else {}".format(*parts), 0.1, around)
        case Operation(symbol, left, right):
            return _wrap(_operation(symbol, left, right, leaf), PRECEDENCE[symbol], around)


def _operation(symbol: str, left: Expression, right: Expression, leaf: Writer) -> str:
    mine = PRECEDENCE[symbol]
    tighter = mine + 0.5
    first = show(left, leaf, tighter if symbol == "**" else mine)
    space = "" if symbol in ("*", "**") else " "
    return f"{first}{space}{symbol}{space}{show(right, leaf, tighter)}"


def _wrap(text: str, mine: float, around: float) -> str:
    return f"({text})" if mine < around else text
