"""The level "matrices" for larger networks: each array of a step, with its equation."""

import ast
from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.equations import Scope, parse
from chainrule.explanation import remarks
from chainrule.explanation.apply_notation import apply_notation, negated
from chainrule.explanation.contents import Array, contents, refer
from chainrule.explanation.expand import SYMBOLS, origin
from chainrule.explanation.notation import key
from chainrule.explanation.numerical import numerical_derivatives
from chainrule.explanation.record import ExampleStep
from chainrule.explanation.work import Writer, drawn, finished, require_finite
from chainrule.loops import State
from chainrule.pages import (
    Call,
    Choice,
    Expression,
    Literal,
    Matrix,
    Negation,
    Operation,
    Symbol,
    in_symbols,
)
from chainrule.wiring import Step

ENTRIES = 24  # of each gradient that are compared with numerical derivatives
OVER = {0: "samples", 1: "units", None: "all"}


def in_matrices(writer: Writer, state: State) -> ExampleStep:
    """Return the step that begins at a state, in matrices."""
    with np.errstate(all="ignore"):
        step = writer.wired(state)
        rows = [_matrix(writer, step, row) for row in contents(step, writer.setup.rule)]
        agreement = _agreement(writer, state, step)
        seen = drawn(writer, step)
    shown = (row for row in rows if row is not None)
    remarked = (replace(m, remark=f"{agreement.get(m.key, '')} {m.remark}".strip()) for m in shown)
    return replace(finished(writer, state, step), matrices=tuple(remarked), drawn=seen)


def _agreement(writer: Writer, state: State, step: Step) -> dict[str, str]:
    """Return a sentence on each gradient: how well numerical derivatives agree with it."""
    some: list[int] = []
    for block in step.network.layout.blocks:
        some += range(block.start, block.stop, -(-block.size // ENTRIES))
    numerical = numerical_derivatives(writer.setup, state, step, np.array(some))
    return {
        name: _agreement_in_words(numerical[name], scope["d"])
        for b in step.network.layout.blocks
        for name, scope in ((f"d{b.name}", step.arrays[b.name]),)
    }


def _agreement_in_words(numerical: NDArray[Any], gradient: NDArray[Any]) -> str:
    there = np.isfinite(numerical)
    if not there.any():
        return "No numerical derivative is right here: the error has a kink."
    gap = float(np.abs(numerical - gradient)[there].max())
    which = "every entry" if there.all() else f"{int(there.sum())} entries"
    return f"Numerical derivatives of {which} agree with it to {gap:.1g}."


def _matrix(writer: Writer, step: Step, row: Array) -> Matrix | None:
    """Return one array with its equation, None where it is only another name."""
    section, scope, name = row
    if section != "given" and origin(scope, name) != (scope, name):
        return None
    array = np.asarray(scope[name], dtype=np.float64)
    require_finite(float(np.abs(array).max(initial=0.0)), name)
    ref = refer(step, scope, name, ())._replace(layer=layer_of(step, scope, name))
    tree = None
    if section != "given":
        tree = _Reader(writer, step, scope).read(parse(scope.equations[name]))
        tree = apply_notation(tree, lambda _: ref, lambda _: "", writer.notation)
    sign = -1 if ref.quantity in writer.notation.negated else 1
    if tree and sign < 0:
        tree = negated(tree)
    text = in_symbols(tree) if tree else ""
    markup = writer.array_name(ref)
    remark = remarks.of_array(name, scope, step)
    return Matrix(key(ref, writer.places), markup, section, array, text, tree, remark, sign)


def layer_of(step: Step, scope: Scope, name: str) -> str:
    """Return the layer label in an array's name; empty for a constant common to all layers."""
    if scope.label in step.arrays:
        block = next(b for b in step.network.layout.blocks if b.name == scope.label)
        constant = name in scope.values and not np.shape(scope[name])
        return "" if constant else step.network.labels[block.layer]
    if scope in step.layers:
        return step.network.labels[step.layers.index(scope)]
    return ""


class _Reader:
    """Converts an array equation to an expression whose symbols are whole arrays."""

    def __init__(self, writer: Writer, step: Step, scope: Scope) -> None:
        self.writer, self.step, self.scope = writer, step, scope

    def read(self, tree: ast.expr) -> Expression:
        match tree:
            case ast.Constant(int() | float() as value):
                return Literal(value)
            case ast.Name(name):
                return self._symbol(self.scope, name)
            case ast.Attribute(inner, "T"):
                return Call("transpose", (self.read(inner),), nan)
            case ast.Attribute(ast.Name(there), name):
                return self._symbol(self.scope.neighbor(there), name)
            case ast.Subscript(inner):
                return self.read(inner)
            case ast.UnaryOp(_, operand):
                return Negation(self.read(operand), nan)
            case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
                return Operation(
                    self._sign(left, op, right), self.read(left), self.read(right), nan
                )
            case ast.Call(ast.Name(name), arguments, keywords):
                axis = [ast.literal_eval(k.value) for k in keywords if k.arg == "axis"]
                return self._call(name, arguments, axis)
            case _:
                return Literal(nan, ast.unparse(tree))

    def _symbol(self, scope: Scope, name: str) -> Expression:
        owner, there = origin(scope, name)
        ref = refer(self.step, owner, there, ())
        ref = ref._replace(layer=layer_of(self.step, owner, there))
        symbol = Symbol(ref, self.writer.array_name(ref), nan)
        return Negation(symbol, nan) if ref.quantity in self.writer.notation.negated else symbol

    def _sign(self, left: ast.expr, op: ast.AST, right: ast.expr) -> str:
        """Return the sign of an operation, ⊙ for an elementwise product of two arrays."""
        if isinstance(op, ast.MatMult):
            return "@"
        both = all(np.size(self.scope.evaluate(side)) > 1 for side in (left, right))
        return "⊙" if both and isinstance(op, ast.Mult) else SYMBOLS[type(op)]

    def _call(self, name: str, arguments: list[ast.expr], axis: list[int | None]) -> Expression:
        parts = tuple(map(self.read, arguments))
        if name == "where":
            condition, yes, no = parts
            return Choice(condition, yes, no, nan)
        if axis:
            return Call(f"{name} over {OVER[axis[0]]}", parts, nan)
        function = self.scope.functions.get(name)
        owner = getattr(function, "__self__", function)
        if isinstance(owner, Activation):
            slope = name == "df"
            return Call(owner.name + "′" * slope, parts[:1], nan)
        return Call(name, parts, nan)
