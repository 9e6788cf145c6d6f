"""The factors and paths of the chain rule, taken from the engine's equations.

The equation of ∂C/∂v contains products with an adjoint ∂C/∂u; the other factor of such a product
is ∂u/∂v. So no derivative has to be written down a second time.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from chainrule.activations import Identity
from chainrule.equations import Scope, free_names
from chainrule.explanation.expand import named
from chainrule.pages import Expression, Index, Leaf, Literal, Operation, Sum

ADJOINTS = ("delta", "da", "dx", "do", "dxhat", "dp")


def factors(tree: Expression) -> list[tuple[Leaf, Expression]] | None:
    """Return (adjoint, other factor) of each term of a sum of products, None for other forms."""
    found = [_split(term) for term in (tree.terms if isinstance(tree, Sum) else (tree,))]
    pairs = [pair for pair in found if pair is not None]
    return pairs if len(pairs) == len(found) else None


def _split(term: Expression) -> tuple[Leaf, Expression] | None:
    """Return the adjoint of a product and the product of the other factors, if there is one."""
    match term:
        case Leaf() if term.name in ADJOINTS:
            return term, Literal(1)
        case Operation("*", left, right) if found := _split(left):
            return found[0], _times(found[1], right)
        case Operation("*", left, right) if found := _split(right):
            return found[0], _times(left, found[1])
        case _:
            return None


def _times(left: Expression, right: Expression) -> Expression:
    if left == Literal(1) or right == Literal(1):
        return right if left == Literal(1) else left
    return Operation("*", left, right, left.value * right.value)


# ---- parts with rows of their own ---------------------------------------------------------------


def sloping(scope: Scope) -> str:
    """Return the name whose equation contains the activation's derivative; empty if that is 1."""
    if "df" not in scope.functions or isinstance(scope.functions["f"], Identity):
        return ""
    return next(name for name, equation in scope.equations.items() if "df(" in equation)


def slope(scope: Scope, index: Index) -> Expression:
    """Return ∂a/∂z of one unit."""
    pairs = factors(named(scope, sloping(scope), index))
    return pairs[0][1] if pairs else Literal(1)


def local(scope: Scope, index: Index) -> Expression:
    """Return ∂z/∂w of one weight for one sample: (sample, to, from)."""
    sample, to, source = index
    pairs = factors(named(scope, "dW", (to, source)))
    return pairs[sample][1] if pairs else Literal(1)


def path(scope: Scope, index: Index) -> Expression:
    """Return the contribution of one unit to ∂C/∂x of one input: (sample, input, unit)."""
    sample, source, unit = index
    pairs = factors(named(scope, "dx", (sample, source))) or []
    adjoint, other = pairs[unit]
    return Operation("*", adjoint, other, adjoint.value * other.value)


class Piece(NamedTuple):
    """A part of a chain rule that can have a row of its own."""

    expression: Callable[[Scope, Index], Expression]
    belongs: Callable[[Scope], str]  # the name of its scope that it precedes
    shape: Callable[[Scope], Index]


def _sums_products(scope: Scope) -> bool:
    """Return whether a layer passes its delta back through a weight matrix."""
    return "delta" in scope.equations and "delta" in free_names(scope.equations["dx"])


def several(scope: Scope) -> bool:
    """Return whether more than one path leads from a hidden unit through this layer."""
    inner = scope.neighbors["below"] is not scope.neighbors["input"]
    return inner and _sums_products(scope) and len(factors(named(scope, "dx", (0, 0))) or []) > 1


def _slope_shape(scope: Scope) -> Index:
    return np.shape(scope[sloping(scope)])


def _local_shape(scope: Scope) -> Index:
    return (len(scope["delta"]), *np.shape(scope["dW"]))


def _path_shape(scope: Scope) -> Index:
    return (*np.shape(scope["dx"]), np.shape(scope["delta"])[1])


def _weights_line(scope: Scope) -> str:
    factored = _sums_products(scope) and factors(named(scope, "dW", (0, 0)))
    return "dW" if factored else ""


def _paths_line(scope: Scope) -> str:
    return "dx" if several(scope) else ""


PIECES: dict[str, Piece] = {
    "slope": Piece(slope, sloping, _slope_shape),
    "local": Piece(local, _weights_line, _local_shape),
    "path": Piece(path, _paths_line, _path_shape),
}


# ---- a derivative as the product of its factors --------------------------------------------------


def routes(scope: Scope, name: str, index: Index, pieces: tuple[str, ...]) -> list[Expression]:
    """Return the chain rule of one entry in terms of the factors that have rows of their own.

    Parameters
    ----------
    scope : Scope
    name : str
        Such as ``"dW"``.
    index : tuple of int
    pieces : tuple of str
        The keys of `PIECES` that have rows.

    Returns
    -------
    list of Expression
        One, or none if it would repeat the equation.
    """
    factored = "slope" in pieces and bool(sloping(scope))
    if factored and name == sloping(scope):
        pairs = factors(named(scope, name, index)) or []
        return [_multiplied(adjoint, _slope(scope, index)) for adjoint, _ in pairs]
    if factored and name in ("dW", "db") and _sums_products(scope):
        return _weight(scope, name, index, pieces)
    if name == "dx" and several(scope) and "path" in pieces:
        return _paths(scope, index)
    return []


def _slope(scope: Scope, index: Index) -> Leaf:
    return Leaf(scope, "slope", index, slope(scope, index).value)


def _multiplied(adjoint: Leaf, factor: Expression) -> Expression:
    return Operation("*", adjoint, factor, adjoint.value * factor.value)


def _weight(scope: Scope, name: str, index: Index, pieces: tuple[str, ...]) -> list[Expression]:
    """Return ∂C/∂w as Σ over samples of ∂C/∂a · ∂a/∂z · ∂z/∂w."""
    terms: list[Expression] = []
    for sample, (delta, other) in enumerate(factors(named(scope, name, index)) or []):
        for adjoint, _ in factors(named(scope, "delta", delta.index)) or []:
            product = _multiplied(adjoint, _slope(scope, delta.index))
            listed = Leaf(scope, "local", (sample, *index), other.value)
            factor = listed if "local" in pieces and name == "dW" else other
            terms.append(_times(product, factor))
    if len(terms) < 2:
        return terms
    return [Sum(tuple(terms), scope[name][index].item())]


def _paths(scope: Scope, index: Index) -> list[Expression]:
    """Return ∂C/∂a of a unit as the sum of the contributions of the next layer's units."""
    pairs = factors(named(scope, "dx", index)) or []
    leaves = [
        Leaf(scope, "path", (*index, j), adjoint.value * other.value)
        for j, (adjoint, other) in enumerate(pairs)
    ]
    return [Sum(tuple(leaves), scope["dx"][index].item())] if leaves else []
