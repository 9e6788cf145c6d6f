"""The accuracy of the gradient: the worst error of every registered class, by two methods.

``python -m tests.laws.gradient_table`` prints the table. Errors are in units of an array's largest
Σ|terms|; test_gradient.py has the limits.
"""

import ast
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from chainrule.derivatives import central_difference, complex_step
from chainrule.equations import OPERATORS, REDUCTIONS, Scope, parse
from chainrule.layers import LAYERS
from chainrule.wiring import wire
from tests.laws.nets import ALL_ACTIVATIONS, ALL_LOSSES, PENALTY, Array, Case, case

Numerical = Callable[[Case], Array]


# ---- Σ|terms|: the backward pass with absolute values -------------------------------------------


class Sizes:
    """Evaluates the equations of the gradient with absolute factors and every minus as a plus.

    A name that begins with d is an adjoint and is expanded by its equation; others are factors.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Any] = {}

    def of(self, scope: Scope, name: str) -> Any:
        """Return Σ|terms| of a quantity, as an array of its shape."""
        owner, own_name = scope.resolve(name)
        if own_name in owner.values or not own_name.startswith("d"):
            return np.abs(scope[name])
        key = (owner.label, own_name)
        if key not in self.known:
            self.known[key] = self.expression(owner, parse(owner.equations[own_name]))
        return self.known[key]

    def expression(self, scope: Scope, tree: ast.expr) -> Any:
        """Return Σ|terms| of an expression."""
        inside = partial(self.expression, scope)
        match tree:
            case ast.Name(name):
                return self.of(scope, name)
            case ast.BinOp(left, ast.Add() | ast.Sub(), right):
                return inside(left) + inside(right)
            case ast.BinOp(left, op, right):
                return OPERATORS[type(op)](inside(left), inside(right))
            case ast.UnaryOp(_, operand):
                return inside(operand)
            case ast.Attribute(value, "T"):
                return inside(value).T
            case ast.Call(ast.Name("sum" | "mean" as name), [value], keywords):
                options = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
                return REDUCTIONS[name](inside(value), **options)
            case ast.Call(ast.Name("where"), [condition, yes, no]):
                return np.where(scope.evaluate(condition), inside(yes), inside(no))
            case _:
                return np.abs(scope.evaluate(tree))


# ---- errors -------------------------------------------------------------------------------------


def by_complex_step(drawn: Case) -> Array:
    """Return ∂C/∂θ as Im C(θ + ih) / h."""
    return complex_step(drawn.value, drawn.theta)


def by_central_differences(drawn: Case) -> Array:
    """Return ∂C/∂θ by Richardson's extrapolation of central differences."""
    return np.array([central_slope(drawn, i) for i in range(len(drawn.theta))])


def central_slope(drawn: Case, i: int) -> float:
    """Return ∂C/∂θᵢ by central differences."""
    point = drawn.theta.copy()

    def value(w: float) -> float:
        point[i] = w
        return float(drawn.value(point))

    return central_difference(value, float(drawn.theta[i]), 0.1).value


def worst_error(drawn: Case, numerical: Numerical = by_complex_step) -> float:
    """Return the largest error of a gradient entry, relative to its array's largest Σ|terms|."""
    gaps = np.abs(drawn.trace().gradient - numerical(drawn))
    step = wire(drawn.network, drawn.theta, drawn.batch, mask_seed=drawn.mask_seed)
    sizes = Sizes()
    return max(
        ratio(
            float(np.max(block.view(gaps))), float(np.max(sizes.of(step.arrays[block.name], "dC")))
        )
        for block in drawn.network.layout.blocks
    )


def ratio(gap: float, size: float) -> float:
    """Return gap / size; if all terms are 0, as behind dead ReLU units, any gap is infinite."""
    if size == 0:
        return np.inf if gap else 0.0
    return gap / size


# ---- the table ----------------------------------------------------------------------------------

CENTRAL_CASES = 2  # networks of an item that are also checked by (slow) central differences


def items() -> Iterator[tuple[str, list[Case]]]:
    """Yield the name of every registered class with the networks that test it."""
    for name in ALL_ACTIVATIONS:
        yield f"activation {name}", [case(name, loss) for loss in ALL_LOSSES]
    for name in ALL_LOSSES:
        yield f"loss {name}", [case(f, name, weighted=True) for f in ALL_ACTIVATIONS]
    for name in LAYERS:
        yield f"layer {name}", [case(f, layers=name) for f in ALL_ACTIVATIONS]
    yield "penalty", [case(f, penalty=PENALTY) for f in ALL_ACTIVATIONS]


def rows() -> Iterator[tuple[str, str, float]]:
    """Yield item, method and worst error of each row."""
    for item, cases in items():
        yield item, "complex step", max(map(worst_error, cases))
        few = cases[:CENTRAL_CASES]
        yield (
            item,
            "central differences",
            max(worst_error(drawn, by_central_differences) for drawn in few),
        )


def table() -> Table:
    """Return the worst errors as a table for the terminal."""
    shown = Table("item", "method", "worst error", title="analytic gradient, in units of Σ|terms|")
    for item, method, error in rows():
        shown.add_row(item, method, f"{error:.1e}")
    return shown


if __name__ == "__main__":
    Console().print(table())
