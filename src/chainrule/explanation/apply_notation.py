"""An expression in the habits of a notation: its names, ½, t − o, its signs, no needless 1.

The value of the whole and of every part stays what the engine computed.
"""

import math
from collections.abc import Callable
from dataclasses import replace

from chainrule.explanation.notation import Notation
from chainrule.pages import (
    Call,
    Choice,
    Expression,
    Leaf,
    Literal,
    Negation,
    Operation,
    Ref,
    Rest,
    Sum,
    Symbol,
    in_symbols,
    named_leaves,
    rebuilt,
)

LINEAR = ("transpose", "sum over", "mean over")  # what names of linear functions begin with
Refer = Callable[[Leaf], Ref]
Namer = Callable[[Ref], str]


def apply_notation(tree: Expression, refer: Refer, namer: Namer, notation: Notation) -> Expression:
    """Return an expression with symbols for leaves, as a notation writes it.

    Parameters
    ----------
    tree : Expression
    refer : callable
        What a leaf is.
    namer : callable
        What the notation calls it.
    notation : Notation

    Returns
    -------
    Expression
    """

    def change(part: Expression) -> Expression:
        if isinstance(part, Leaf) and part.name == "eye":  # 1 on the diagonal, else 0
            return Literal(int(part.value))
        if isinstance(part, Leaf):
            return _symbol(part, refer(part))
        return _simple(_habit(rebuilt(part, change)))

    def _symbol(leaf: Leaf, ref: Ref) -> Expression:
        if ref.quantity in notation.negated:
            return Negation(Symbol(ref, namer(ref), -leaf.value), leaf.value)
        return Symbol(ref, namer(ref), leaf.value)

    def _habit(part: Expression) -> Expression:
        if notation.residual == "t-o":
            part = _turned(part)
        return _halved(part) if notation.half else part

    return change(tree)


def negated(tree: Expression) -> Expression:
    """Return minus an expression, without two signs in a row."""
    return _simple(Negation(tree, -tree.value))


def shorten(
    tree: Expression, most: int, keep: Callable[[Leaf], bool] = lambda _: False
) -> Expression:
    """Return an expression with shortened sums: the largest terms, then the total of the rest.

    Parameters
    ----------
    tree : Expression
    most : int
    keep : callable
        Tells whether a leaf's term stays in sight, however small it is.
    """
    tree = rebuilt(tree, lambda part: shorten(part, most, keep))
    if not isinstance(tree, Sum) or len(tree.terms) <= most + 1:
        return tree
    order = sorted(tree.terms, key=lambda term: -abs(term.value))
    largest = [term for term in order[:most] if term.value] or order[:1]
    others = order[len(largest) :]
    shown = largest + [term for term in others if any(map(keep, named_leaves(term)))]
    rest = math.fsum(term.value for term in order if id(term) not in {id(t) for t in shown})
    return replace(tree, terms=(*shown, Rest(len(order) - len(shown), rest)))


# ---- habits -------------------------------------------------------------------------------------


def _turned(tree: Expression) -> Expression:
    """Return o − t as −(t − o)."""
    match tree:
        case Operation("-", Symbol(Ref("p" | "o" | "a")), Symbol(Ref("t"))):
            return Negation(Operation("-", tree.right, tree.left, -tree.value), tree.value)
        case Operation("**", Negation(operand), Literal(2)):
            return replace(tree, left=operand)
        case _:
            return tree


def _halved(tree: Expression) -> Expression:
    """Return a division by 2 as ½ times."""
    match tree:
        case Operation("/", left, Literal(2)):
            return Operation("*", Literal(0.5, "½"), left, tree.value)
        case _:
            return tree


# ---- signs and ones -----------------------------------------------------------------------------


def _simple(tree: Expression) -> Expression:
    """Return an expression without needless ones, with one sign at most before a product."""
    return _named(_signs(_bare(tree)))


def _bare(tree: Expression) -> Expression:
    """Return an expression without factors of 1 and terms of 0."""
    match tree:
        case Operation("*" | "/", Literal(0), _) | Operation("*", _, Literal(0)):
            return Literal(0)
        case Operation("*" | "/", Symbol(Ref("l1" | "l2" | "alpha"), _, 0.0), _):
            return Literal(0)  # a part of the penalty that is off
        case Operation("*", _, Symbol(Ref("l1" | "l2" | "alpha"), _, 0.0)):
            return Literal(0)
        case Operation("*", Literal(1), other) | Operation("*" | "/", other, Literal(1)):
            return other
        case Operation("+", other, Literal(0)) | Operation("+", Literal(0), other):
            return other  # 0 · x only carries a NaN of x on
        case Operation("-", Literal(0), other):
            return Negation(other, tree.value)
        case _:
            return tree


def _named(tree: Expression) -> Expression:
    """Return a choice between signs as |x| or sgn x, and π by its name."""
    match tree:
        case Choice(Operation("<", x, Literal(0)), Negation(minus), plus) if _same(x, minus, plus):
            return Call("abs", (x,), tree.value)
        case Choice(Operation(">", x, Literal(0)), Literal(1), Choice(below, minus, Literal(0))):
            match below, minus:
                case Operation("<", y, Literal(0)), Negation(Literal(1)) if _same(x, y):
                    return Call("sgn", (x,), tree.value)
                case _:
                    return tree
        case Literal(math.pi):
            return Literal(math.pi, "π")
        case _:
            return tree


def _same(*trees: Expression) -> bool:
    """Return whether expressions are written alike; the values of whole arrays are NaN."""
    return len({in_symbols(tree) for tree in trees}) == 1


def _signs(tree: Expression) -> Expression:
    """Return an expression whose signs stand in front of products, sums and choices."""
    match tree:
        case Operation("*" | "/" | "@" | "⊙" as symbol, Negation(left), Negation(right)):
            return Operation(symbol, left, right, tree.value)
        case Operation("*" | "/" | "@" | "⊙", Negation(left), right):
            return Negation(replace(tree, left=left, value=-tree.value), tree.value)
        case Operation("*" | "/" | "@" | "⊙", left, Negation(right)):
            return Negation(replace(tree, right=right, value=-tree.value), tree.value)
        case Operation("+" | "-" as symbol, left, Negation(right)):
            return Operation("-" if symbol == "+" else "+", left, right, tree.value)
        case Negation(Negation(operand)):
            return operand
        case Call(name, (Negation(operand),)) if name.startswith(LINEAR):
            return Negation(replace(tree, arguments=(operand,), value=-tree.value), tree.value)
        case Negation(Choice() as choice) if _signed(choice):
            yes, no = negated(choice.yes), negated(choice.no)
            return replace(choice, yes=yes, no=no, value=tree.value)
        case Sum(terms) if all(isinstance(term, Negation) for term in terms):
            return Negation(Sum(tuple(map(negated, terms)), -tree.value), tree.value)
        case _:
            return tree


def _signed(choice: Choice) -> bool:
    return isinstance(choice.yes, Negation) or isinstance(choice.no, Negation)
