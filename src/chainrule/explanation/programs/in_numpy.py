"""Writes the NumPy program of an example from the equations that the engine wires.

Only functions that need care with large numbers have formulas of their own here.
"""

import ast
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from chainrule.activations import SELU_ALPHA, SELU_SCALE, Activation, Custom, Identity
from chainrule.derivatives import STEP
from chainrule.equations import Scope, parse
from chainrule.explanation.programs.own_functions import add_own
from chainrule.explanation.programs.source import (
    Program,
    assign,
    define,
    literal,
    mask_lines,
    rate_lines,
    scheduled,
    shape,
    simplified,
    unparse,
)
from chainrule.explanation.work import wired
from chainrule.layers import Dropout
from chainrule.layout import Block
from chainrule.losses import CustomLoss
from chainrule.optimizers import Optimizer
from chainrule.wiring import Step

Resolve: TypeAlias = Callable[[str], ast.expr]

# f and f' of activations whose textbook formula overflows or loses digits. The two lines of the
# logistic function are exactly the engine's: where a is almost 1, the digits of 1 − a depend on it.
FORMS: dict[str, tuple[str, str]] = {
    "logistic": (
        """\
e = np.exp(-np.abs(z))  # at most 1: nothing overflows
return np.where(z < 0, e, 1) / (1 + e)""",
        "return a * (1 - a)",
    ),
    "tanh": ("return np.tanh(z)", "return 1 - a**2"),
    "elu": (
        "return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0)))",
        "return np.where(z > 0, 1, a + alpha)",
    ),
    "selu": (
        f"return {SELU_SCALE} * np.where(z > 0, z, {SELU_ALPHA} * np.expm1(np.minimum(z, 0)))",
        f"return np.where(z > 0, {SELU_SCALE}, a + {SELU_SCALE * SELU_ALPHA})",
    ),
    "gelu": (
        "return z * normal(z)",
        "return normal(z) + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)",
    ),
    "gelu-tanh": (
        "return z * logistic(np.sqrt(8 / np.pi) * (z + 0.044715 * z**3))",
        """\
s = logistic(np.sqrt(8 / np.pi) * (z + 0.044715 * z**3))
return s + z * s * (1 - s) * np.sqrt(8 / np.pi) * (1 + 3 * 0.044715 * z**2)""",
    ),
    "silu": (
        "return z * logistic(z)",
        "s = logistic(z)\nreturn s * (1 + z * (1 - s))",
    ),
    "softplus": ("return np.logaddexp(0, z)  # log(1 + e^z)", "return logistic(z)"),
}
# Functions that these formulas call. The normal distribution is computed from erfc, because 1 + erf
# loses all digits far to the left.
HELPERS: dict[str, tuple[str, str]] = {
    "logistic": ("z", FORMS["logistic"][0]),
    "softplus": ("z", FORMS["softplus"][0]),
    "normal": ("z", "return np.vectorize(math.erfc)(-z / math.sqrt(2)) / 2  # its distribution"),
    "erf": ("z", "return np.vectorize(math.erf)(z)"),
    "erfc": ("z", "return np.vectorize(math.erfc)(z)"),
}
QUANTITIES = {"terms": "error", "value": "loss"}  # of the loss, as keys call them
SHOWN = {
    "loss": ("p", "terms", "value", "do"),
    "penalty": ("value",),
    "cost": ("value",),
    "clip": ("norm",),
}


def write_numpy(program: Program) -> None:
    """Fill a program's parts with the equations of the example's first step."""
    step = wired(program.setup, program.setup.state)
    with np.errstate(all="ignore"):  # only the shapes of the values are used
        Writer(program, step).write()


@dataclass
class Writer:
    """Writes equations on demand, each after those it depends on.

    Parameters
    ----------
    program : Program
    step : Step
        The scopes.
    lines : list of str
        The part being written.
    known : dict
        The program's names of what has been written, by scope and name.
    activations : dict
        The function that replaces each.
    """

    program: Program
    step: Step
    lines: list[str] = field(default_factory=list[str])
    known: dict[tuple[str, str], ast.expr] = field(default_factory=dict[tuple[str, str], ast.expr])
    activations: dict[Activation, str] = field(default_factory=dict[Activation, str])

    # ---- the parts of the program ----

    def write(self) -> None:
        """Write every part."""
        self._data()
        self._forward()
        self._backward()
        if self.program.setup.rule is not None:
            self._update()

    def _data(self) -> None:
        program, batch = self.program, self.step.batch
        program.data += literal("x", batch.x, "np.array", "inputs")
        program.data += literal("t", batch.t, "np.array", "targets")
        if batch.weight is not None:
            program.data += literal("weight", batch.weight, "np.array", "of the samples")
        program.data.append("n = len(x)  # samples")
        for b in self._blocks:
            note = "" if b.trains else "not trained"
            program.data += literal(b.name, b.view(program.setup.theta), "np.array", note)
        for place, scope in enumerate(self.step.layers):
            if isinstance(self.step.network.layers[place], Dropout):
                self._mask(place, scope)

    def _mask(self, place: int, scope: Scope) -> None:
        name, program = self.identifier(scope, "mask"), self.program
        if program.setup.steps > 1:
            program.start += mask_lines(program, name, place, "np.array")
        else:
            program.data += literal(name, scope["mask"], "np.array")

    def _forward(self) -> None:
        self.lines = self.program.forward
        for scope in self.step.layers:
            self._row((scope, "a"))
        self._row((self.step.loss, "p"), (self.step.loss, "value"))
        self._row((self.step.cost, "value"))
        self.program.cost = unparse(self.want(self.step.cost, "value"))

    def _backward(self) -> None:
        self.lines = self.program.backward
        for place, scope in reversed(list(enumerate(self.step.layers))):
            params = [b.param for b in self._blocks if b.layer == place]
            if any(b.layer <= place for b in self._blocks):  # below there is nothing to train
                delta = ["delta"] if "delta" in scope.equations else []
                self._row(*((scope, name) for name in ("da", *delta, *(f"d{p}" for p in params))))
        self._row(*((self.step.arrays[b.name], "dC") for b in self._trained))  # penalty included

    def _update(self) -> None:
        arrays = [self.step.arrays[b.name] for b in self._trained]
        self.lines = self.program.update
        self.lines += rate_lines(self.program) if arrays else []
        for part in ("g", "w_new"):  # a norm needs every gradient
            self._row(*((scope, part) for scope in arrays))
        for some in (
            arrays[i : i + 6] for i in range(0, len(arrays), 6)
        ):  # printed together if they fit on a line
            names, news = ([scope.label + end for scope in some] for end in ("", "_new"))
            self.program.carry.append(f"{', '.join(names)} = {', '.join(news)}")

    @property
    def _blocks(self) -> tuple[Block, ...]:
        return self.step.network.layout.blocks

    @property
    def _trained(self) -> list[Block]:
        return [b for b in self._blocks if b.trains]

    @property
    def _trained_names(self) -> set[str]:
        return {b.name for b in self._trained}

    def _row(self, *wanted: tuple[Scope, str]) -> None:
        """Write some equations and those they depend on, and print their values on one line."""
        self.program.shown.append([])
        for scope, name in wanted:
            self.want(scope, name)

    # ---- equations ----

    def want(self, scope: Scope, name: str) -> ast.expr:
        """Return the program's name for a name of a scope; write its equation if it is missing."""
        home, there = scope.resolve(name)
        key = (home.label, there)
        if key not in self.known:
            self.known[key] = self._write_down(home, there)
        return self.known[key]

    def _write_down(self, scope: Scope, name: str) -> ast.expr:
        if name in scope.values:
            return self._given(scope, name)
        rule = self.program.setup.rule
        if rule and rule.slots and name.endswith("_new") and scope.label in self._trained_names:
            return self._call_rule(rule, scope, name)
        tree = self.translate(parse(scope.equations[name]), scope, lambda n: self.want(scope, n))
        named = scope in self.step.layers and name in ("a", "delta")
        if isinstance(tree, ast.Name | ast.Constant) and not named:
            return tree  # another name for the same number
        own = self.identifier(scope, name)
        self.lines += assign(own, unparse(tree), shape(scope[name]))
        self._show(scope, name, own)
        return ast.Name(own)

    def _show(self, scope: Scope, name: str, own: str) -> None:
        """Print a value that has a key."""
        if scope in self.step.layers or name in SHOWN.get(scope.label, ("dC", "w_new")):
            self.program.shown[-1].append((own, own))

    def _given(self, scope: Scope, name: str) -> ast.expr:
        """Return an array's name, or a number's: 0 is written out, others become constants."""
        value = scope.values[name]
        if np.ndim(value):
            return ast.Name(self.identifier(scope, name))
        if name == "n":
            return ast.Name(name)
        if name == "k":
            return ast.Name("step")
        if name == "learning_rate" and scheduled(self.program.setup):
            return ast.Name(name)
        if value == 0:
            return ast.Constant(0)
        own = self.identifier(scope, name) if scope in self.step.layers else name
        self.program.add_constant(own, value)
        return ast.Name(own)

    def identifier(self, scope: Scope, name: str) -> str:
        """Return a quantity's key, such as ``dW1`` or ``a_dropout1``, without an index."""
        label = scope.label
        if label in self.step.arrays:
            return self._of_array(label, name)
        if scope in self.step.layers:
            if name == "dx":  # named after the layer below, whose a it is
                below, there = scope.links["x"]
                return f"d{self.identifier(below, there)}"
            return name + (label[5:] if label.startswith("layer") else f"_{label}")
        if label == "loss":
            top = self.identifier(self.step.layers[-1], "a")
            return f"d{top}" if name == "do" else QUANTITIES.get(name, name)
        if label == "input":
            return "x"
        return label if name == "value" else name

    def _of_array(self, label: str, name: str) -> str:
        if name in ("w", "d"):
            return label if name == "w" else f"d{label}"
        if name == "w_new":
            return f"{label}_new"
        return f"{name.removesuffix('_new')}_{label}" + ("_new" if name.endswith("_new") else "")

    # ---- an optimizer with a state: a function, called for each array ----

    def _call_rule(self, rule: Optimizer, scope: Scope, name: str) -> ast.expr:
        """Write the call that updates an array and the optimizer's state for it."""
        slots = [self.identifier(scope, slot) for slot in rule.slots]
        own = self._add_rule(rule, scope)
        w, g, *rest = (unparse(self.want(scope, n)) for n in ("w", "g", *own))
        new = self.identifier(scope, "w_new")
        call = f"{rule.name}_step({', '.join([w, g, *slots, *rest])})"
        self.lines += assign(", ".join([new, *slots]), call)
        self._add_state(scope.label, dict(zip(slots, rule.slots, strict=True)))
        self.program.shown[-1].append((new, new))
        self.known[scope.label, "w_new"] = ast.Name(new)
        for slot, there in zip(rule.slots, slots, strict=True):
            self.program.shown[-1].append((self.identifier(scope, f"{slot}_new"), there))
            self.known[scope.label, f"{slot}_new"] = ast.Name(there)
        return self.known[scope.label, name]

    def _add_state(self, label: str, slots: dict[str, str]) -> None:
        """Write the optimizer's state for an array: zeros, or the values of a given state."""
        data, given = self.program.data, self.step.arrays[label].values
        if not self.program.setup.slots:
            data.append(
                f"{', '.join(slots)} = {', '.join(f'np.zeros_like({label})' for _ in slots)}"
            )
            return
        for name, slot in slots.items():
            data += literal(name, np.asarray(given[slot]), "np.array")

    def _add_rule(self, rule: Optimizer, scope: Scope) -> list[str]:
        """Add the function of the optimizer's equations; return its further arguments.

        These are the values that change between steps or differ between arrays.
        """
        own: list[str] = []
        lines: dict[str, str] = {}
        state = ("w", "g", *rule.slots)

        def resolve(name: str) -> ast.expr:
            if name in state or name in lines:
                return ast.Name(name)
            if name in scope.equations:
                tree = self.translate(parse(scope.equations[name]), scope, resolve)
                lines[name] = f"{name} = {unparse(tree)}"
                return ast.Name(name)
            if not self._varies(name):
                return self._given(scope, name)
            own.extend([] if name in own else [name])
            return ast.Name(name)

        news = ["w_new", *(f"{slot}_new" for slot in rule.slots)]
        for name in news:
            resolve(name)
        body = [*lines.values(), f"return {', '.join(news)}"]
        name = f"{rule.name}_step"
        self.program.add_function(name, define(name, [*state, *own], body))
        return own

    def _varies(self, name: str) -> bool:
        """Return whether a number changes with the step or differs between arrays."""
        values = {self.step.arrays[b.name].values[name] for b in self._trained}
        return (
            name == "k"
            or len(values) > 1
            or (name == "learning_rate" and scheduled(self.program.setup))
        )

    # ---- expressions ----

    def translate(self, tree: ast.expr, scope: Scope | None, resolve: Resolve) -> ast.expr:
        """Return an equation's right-hand side in the names of the program and of NumPy."""

        def again(part: ast.expr) -> ast.expr:
            return self.translate(part, scope, resolve)

        match tree:
            case ast.Name(name):
                return resolve(name)
            case ast.BinOp():
                return operation(tree, again)
            case ast.Compare(left, ops, [right]):
                return ast.Compare(again(left), ops, [again(right)])
            case ast.UnaryOp(op, operand):
                return ast.UnaryOp(op, again(operand))
            case ast.Attribute(ast.Name(neighbor), name) if name != "T" and scope is not None:
                return self.want(scope.neighbor(neighbor), name)
            case ast.Attribute(value, name):
                return ast.Attribute(again(value), name)
            case ast.Subscript(value, place):
                return ast.Subscript(again(value), place)
            case ast.Call(ast.Name(name), arguments, keywords):
                return self._call(scope, name, [again(a) for a in arguments], keywords)
            case _:
                return tree

    def _call(
        self,
        scope: Scope | None,
        name: str,
        arguments: list[ast.expr],
        keywords: Sequence[ast.keyword],
    ) -> ast.expr:
        """Return a call of a function of the program, or of NumPy's."""
        function = None if scope is None else scope.functions.get(name)
        owner = getattr(function, "__self__", function)
        if isinstance(owner, Identity):
            return arguments[0] if name == "f" else ast.Constant(1)
        if name == "concat":
            return ast.parse(
                f"np.concatenate(({', '.join(map(unparse, arguments))},), axis=1)", mode="eval"
            ).body
        if isinstance(owner, Activation):
            called: ast.expr = ast.Name(self._activation(owner)[name == "df"])
        elif isinstance(owner, CustomLoss):
            called = ast.Name(self._own_loss(owner, name))
        elif name in HELPERS:
            called = ast.Name(self._helper(name))
        else:
            called = ast.Attribute(ast.Name("np"), name)
        kept = [k for k in keywords if ast.unparse(k) != "axis=None"]
        return ast.Call(called, arguments, kept)

    # ---- functions ----

    def _helper(self, name: str) -> str:
        """Add a function that formulas call, and what it calls itself."""
        parameter, body = HELPERS[name]
        self._add(name, [parameter], body)
        return name

    def _add(self, name: str, parameters: Sequence[str], body: str) -> None:
        for called in HELPERS:
            if called != name and re.search(rf"\b(?<!\.){called}\(", body):
                self._helper(called)
        if "math." in body:
            self.program.add_import("import math")
        self.program.add_function(name, define(name, parameters, body.split("\n")))

    def _activation(self, f: Activation) -> tuple[str, str]:
        """Return the program's names of an activation and its derivative; add missing ones."""
        if f not in self.activations:
            name = f.name.replace("-", "_")
            same = sum(g.name == f.name for g in self.activations)  # with other constants
            stem = f"{name}_{same + 1}" if same and not isinstance(f, Custom) else name
            self.activations[f] = self._own(f) if isinstance(f, Custom) else stem
            if not isinstance(f, Custom):
                self._add_pair(f, stem)
        return self.activations[f], f"d{self.activations[f]}"

    def _add_pair(self, f: Activation, name: str) -> None:
        constants = [f"{key}={value!r}" for key, value in f.constants.items()]
        body, dbody = FORMS.get(f.name) or (self._textbook(f.formula), self._textbook(f.dformula))
        self._add(name, ["z", *constants], body)
        self._add(f"d{name}", ["z", "a", *constants], dbody)

    def _textbook(self, formula: str) -> str:
        return f"return {unparse(self.translate(parse(formula), None, ast.Name))}"

    def _own(self, f: Custom) -> str:
        """Add a user's activation and its derivative, by the complex step if there is none."""
        what = f"the activation {f.name!r}"
        name = add_own(self.program, f.f, f.name, what, complex_step=f.df is None)
        self._own_slope(f"d{name}", f.df, what, ["z", "a"], f"{name}(z + {STEP}j)")
        return name

    def _own_loss(self, loss: CustomLoss, kind: str) -> str:
        what = f"the loss {loss.name!r}"
        name = add_own(self.program, loss.term, loss.name, what, complex_step=loss.dterm is None)
        self._own_slope(f"d{name}", loss.dterm, what, ["o", "t"], f"{name}(o + {STEP}j, t)")
        return name if kind == "term" else f"d{name}"

    def _own_slope(
        self,
        name: str,
        function: Callable[..., object] | None,
        what: str,
        parameters: Sequence[str],
        stepped: str,
    ) -> None:
        """Add the derivative of a user's function under the name d + its name."""
        if function is None:
            body = f"return np.imag({stepped}) / {STEP}  # the complex step"
            self.program.add_function(name, define(name, parameters, [body]))
            return
        own = add_own(self.program, function, name, what)
        if own != name:
            self.program.add_function(name, f"{name} = {own}")


def operation(tree: ast.BinOp, translate: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """Return an operation of translated operands; a factor of 0 is never translated."""
    left = translate(tree.left)
    if isinstance(tree.op, ast.Mult | ast.Div) and unparse(left) == "0":
        return left
    return simplified(ast.BinOp(left, tree.op, translate(tree.right)))
