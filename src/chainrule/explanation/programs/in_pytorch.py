"""Writes the PyTorch program of an example: forward pass, gradients by autograd, update.

No derivative of the engine is in it, so that it checks the engine independently.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from chainrule.activations import Activation, Custom
from chainrule.elementwise import VOCABULARY
from chainrule.equations import parse
from chainrule.errors import InputError
from chainrule.explanation.programs.own_functions import add_own
from chainrule.explanation.programs.source import (
    COLUMNS,
    Program,
    assign,
    define,
    literal,
    mask_lines,
    number,
    rate_lines,
    scheduled,
)
from chainrule.layers import ActivationLayer, Dense, Dropout, Layer, LayerNorm, dropout_mask
from chainrule.layout import Block
from chainrule.losses import CustomLoss, Loss
from chainrule.optimizers import (
    SGD,
    Adam,
    AdamW,
    ClipNorm,
    ClipValue,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
)

FUNCTIONAL = "from torch.nn import functional as F"

# PyTorch's form of each activation; others are written with their textbook formula. F.softplus is
# not used, because it becomes linear at 20, which costs digits.
ACTIVATIONS: dict[str, str] = {
    "identity": "{z}",
    "logistic": "torch.sigmoid({z})",
    "tanh": "torch.tanh({z})",
    "relu": "torch.relu({z})",
    "leaky-relu": "F.leaky_relu({z}, {slope})",
    "elu": "F.elu({z}, {alpha})",
    "selu": "F.selu({z})",
    "gelu": "F.gelu({z})",
    "gelu-tanh": 'F.gelu({z}, approximate="tanh")',
    "silu": "F.silu({z})",
    "softplus": "-F.logsigmoid(-{z})",
}

# The error of each output. At o = t the slope of the quantile loss must be 0, which torch.relu
# gives and torch.where does not.
LOSSES: dict[str, str] = {
    "squared-error": "({o} - t) ** 2 / 2",
    "absolute-error": "torch.abs({o} - t)",
    "huber": 'F.huber_loss({o}, t, reduction="none", delta={width})',
    "quantile": "{level} * torch.relu(t - {o}) + (1 - {level}) * torch.relu({o} - t)",
    "poisson": 'F.poisson_nll_loss({o}, t, reduction="none")',
    "logistic-cross-entropy": 'F.binary_cross_entropy_with_logits({o}, t, reduction="none")',
    "softmax-cross-entropy": "-t * torch.log_softmax({o}, dim=1)",
    "softmax-squared-error": "(p - t) ** 2 / 2",
}
LINKS: dict[str, str] = {
    "poisson": "torch.exp({o})",
    "logistic-cross-entropy": "torch.sigmoid({o})",
    "softmax-cross-entropy": "torch.softmax({o}, dim=1)",
    "softmax-squared-error": "torch.softmax({o}, dim=1)",
}

# Optimizers of torch.optim with the same rule, including eps, by its documentation. PyTorch
# multiplies the momentum sum by the rate, and chainrule sums up multiples of the rate: these are
# the same as long as the rate is constant.
OPTIMIZERS: dict[type[Optimizer], str] = {
    SGD: "SGD({p}, lr={learning_rate})",
    Momentum: "SGD({p}, lr={learning_rate}, momentum={momentum})",
    Nesterov: "SGD({p}, lr={learning_rate}, momentum={momentum}, nesterov=True)",
    RMSProp: "RMSprop({p}, lr={learning_rate}, alpha={rho}, eps={eps})",
    Adam: "Adam({p}, lr={learning_rate}, betas=({beta1}, {beta2}), eps={eps})",
    AdamW: "AdamW({p}, lr={learning_rate}, betas=({beta1}, {beta2}), eps={eps})",
}


def write_torch(program: Program) -> None:
    """Fill a program's parts with PyTorch's functions."""
    writer = Writer(program)
    writer.data()
    writer.forward()
    writer.backward()
    if program.setup.rule is not None and writer.trained:
        writer.update(program.setup.rule)


@dataclass
class Writer:
    """Writes the parts of a program.

    Parameters
    ----------
    program : Program
    """

    program: Program

    @property
    def trained(self) -> list[Block]:
        """The parameter arrays that are trained."""
        return [b for b in self.program.setup.network.layout.blocks if b.trains]

    @property
    def names(self) -> list[str]:
        """The suffix of each layer's names: ``1``, ``_dropout1``."""
        labels = self.program.setup.network.labels
        return [label if label.isdigit() else f"_{label}" for label in labels]

    @property
    def _same_there(self) -> bool:
        """Whether torch.optim has the example's rule, and the example starts without a state."""
        setup = self.program.setup
        summed = isinstance(setup.rule, Momentum | Nesterov) and scheduled(setup)
        goes_on = setup.rule is not None and bool(setup.rule.slots) and setup.done > 0
        return type(setup.rule) in OPTIMIZERS and not (summed or goes_on or setup.slots)

    def _penalized(self, block: Block) -> bool:
        return bool(self.program.setup.network.penalty) and block.decays

    # ---- data ----

    def data(self) -> None:
        """Write the data, the parameters, and masks."""
        program, setup = self.program, self.program.setup
        network, batch = setup.network, setup.batch
        program.data += ["torch.set_default_dtype(torch.float64)", ""]
        # Otherwise autograd would skip the first layer if it has no parameters below.
        first = any(b.trains and b.layer == 0 for b in network.layout.blocks)
        program.data += literal("x", batch.x, "torch.tensor", "inputs", "" if first else GRADIENT)
        program.data += literal("t", batch.t, "torch.tensor", "targets")
        if batch.weight is not None:
            program.data += literal("weight", batch.weight, "torch.tensor", "of the samples")
        program.data.append("n = len(x)  # samples")
        views = network.views(setup.theta)
        for b in network.layout.blocks:
            note, more = ("", GRADIENT) if b.trains else ("not trained", "")
            program.data += literal(b.name, views[b.name], "torch.tensor", note, more)
        for place, layer in enumerate(network.layers):
            if isinstance(layer, Dropout):
                self._mask(place, layer)

    def _mask(self, place: int, layer: Dropout) -> None:
        program, setup = self.program, self.program.setup
        name = f"mask{self.names[place]}"
        if setup.steps > 1:
            program.start += mask_lines(program, name, place, "torch.tensor")
            return
        size = (len(setup.batch.x), setup.network.widths[place])
        mask = dropout_mask(setup.seed, setup.done, place, size, layer.rate)
        program.data += literal(name, mask, "torch.tensor")

    # ---- forward ----

    def forward(self) -> None:
        """Write the forward pass, the loss and the penalty."""
        network, x = self.program.setup.network, "x"
        for place, layer in enumerate(network.layers):
            self.program.shown.append([])
            x = self._layer(place, layer, x)
        self._loss(network.loss, x)
        self._penalty()

    def _set(self, name: str, text: str, comment: str = "") -> None:
        """Write a line of the forward pass, and print its value."""
        if "F." in text:
            self.program.add_import(FUNCTIONAL)
        self.program.forward += assign(name, text, comment)
        self.program.shown[-1].append((name, name))

    def _layer(self, place: int, layer: Layer, x: str) -> str:
        """Write a layer's lines; return the name of its output."""
        network, own = self.program.setup.network, self.names[place]
        shape = str((len(self.program.setup.batch.x), network.widths[place + 1]))
        match layer:
            case Dense():
                bias = f" + b{own}" if layer.bias else ""
                self._set(f"z{own}", f"{x} @ W{own}.T{bias}", shape)
                a = self._activation(layer.activation, f"z{own}")
            case LayerNorm():
                a = f"F.layer_norm({x}, W{own}.shape, W{own}, b{own}, eps={layer.eps})"
            case ActivationLayer():
                a = self._activation(layer.activation, x)
            case Dropout():
                a = f"{x} * mask{own} / {1 - layer.rate}"
            case _:  # no function of PyTorch: the equations of the layer
                names = {p: f"{p}{own}" for p in layer.shapes(network.widths[place])}
                names |= {"x": x, "mask": f"mask{own}", **_numbers(layer.constants)}
                a = inlined("a", layer.equations(), names)
        self._set(f"a{own}", a, shape)
        return f"a{own}"

    def _activation(self, f: Activation, z: str) -> str:
        """Return the text of an activation applied to `z`."""
        if isinstance(f, Custom):
            return f"{add_own(self.program, f.f, f.name, f'the activation {f.name!r}')}({z})"
        if f.name in ACTIVATIONS:
            return ACTIVATIONS[f.name].format(z=z, **f.constants)
        name = f.name.replace("-", "_")
        parameters = ["z", *(f"{key}={value!r}" for key, value in f.constants.items())]
        body = ast.unparse(in_torch(parse(f.formula)))
        self.program.add_function(name, define(name, parameters, [f"return {body}"]))
        return f"{name}({z})"

    def _loss(self, loss: Loss, o: str) -> None:
        batch, k = self.program.setup.batch, self.program.setup.network.outputs
        shape = str((len(batch.x), k))
        self.program.shown.append([])
        if loss.name in LINKS:
            self._set("p", LINKS[loss.name].format(o=o), shape)
        self._set("error", self._error(loss, o), shape)
        weight = "weight[:, None] * " if batch.weight is not None else ""
        self._set("loss", f"torch.sum({weight}error) / n")

    def _error(self, loss: Loss, o: str) -> str:
        if isinstance(loss, CustomLoss):
            return (
                f"{add_own(self.program, loss.term, loss.name, f'the loss {loss.name!r}')}({o}, t)"
            )
        if loss.name not in LOSSES:  # no function of PyTorch: the equations of the loss
            names = {"o": o, "t": "t", **_numbers(loss.constants)}
            return inlined("terms", loss.equations(), names)
        return LOSSES[loss.name].format(o=o, **loss.constants)

    def _penalty(self) -> None:
        program, penalty = self.program, self.program.setup.network.penalty
        decaying = [b.name for b in program.setup.network.layout.blocks if b.decays]
        if not (penalty and decaying):
            return
        absolute = " + ".join(f"torch.sum(torch.abs({name}))" for name in decaying)
        square = " + ".join(f"torch.sum({name} ** 2)" for name in decaying)
        factors = {"l1": penalty.l1, "l2": penalty.l2, "alpha": penalty.alpha}
        for name, value in factors.items():
            if value:
                program.add_constant(name, value)
        if penalty.alpha:
            program.add_constant("total", program.setup.batch.total)
        half = "alpha / (2 * total)" if penalty.alpha else ""
        squared = _sum("l2" if penalty.l2 else "", half)
        terms = [f"l1 * ({absolute})"] if penalty.l1 else []
        terms += [f"{squared} * ({square})"] if squared else []
        program.shown.append([])
        self._set("penalty", " + ".join(terms))
        self._set("cost", "loss + penalty")
        program.cost = "cost"

    # ---- backward ----

    def backward(self) -> None:
        """Write the backward pass, in which autograd keeps the requested z.grad and a.grad."""
        program = self.program
        kept = [name for row in program.shown for name, _ in row if name[:1] in "za"]
        program.backward += each(
            kept, "tensor.retain_grad()  # autograd keeps only those of parameters"
        )
        if program.setup.rule is not None and self.trained:
            names = [b.name for b in self.trained]
            program.backward += (
                ["optimizer.zero_grad()"] if self._same_there else each(names, "tensor.grad = None")
            )
        program.backward.append(f"{program.cost}.backward()")
        for place in reversed(range(len(self.names))):
            self._grads(place, kept)

    def _grads(self, place: int, kept: list[str]) -> None:
        """Give the derivatives of a layer their names."""
        own = self.names[place]
        pairs = [(f"da{own}", f"a{own}.grad")]
        if f"z{own}" in kept:
            pairs.append((f"delta{own}", f"z{own}.grad"))
        for b in (b for b in self.trained if b.layer == place):
            cost = f"dC_{b.name}" if self._penalized(b) else f"d{b.name}"
            pairs += [(cost, f"{b.name}.grad")]
        names, grads = zip(*pairs, strict=True)
        self.program.backward += assign(", ".join(names), ", ".join(grads))
        self.program.shown.append([(name, name) for name in names])

    # ---- update ----

    def update(self, rule: Optimizer) -> None:
        """Write the update: by torch.optim where its rule is the same, else by hand."""
        program = self.program
        program.update += rate_lines(program)
        self._clip(rule)
        if self._same_there:
            self._by_library(rule)
        else:
            self._by_hand(rule)
        program.shown.append([(f"{b.name}_new", b.name) for b in self.trained])

    def _clip(self, rule: Optimizer) -> None:
        program, names = self.program, [b.name for b in self.trained]
        match rule.clip:
            case ClipValue():
                change = "torch.clamp(tensor.grad, -limit, limit)"
            case ClipNorm():  # clip_grad_norm_ adds 1e-6 to the norm
                squares = f"sum(torch.sum(tensor.grad**2) for tensor in [{', '.join(names)}])"
                program.update += assign("norm", f"torch.sqrt({squares})")
                change = "tensor.grad * limit / max(norm, limit)"
            case None:
                return
        program.add_constant("limit", rule.clip.limit)
        program.update += each(names, f"tensor.grad = {change}")

    def _by_library(self, rule: Optimizer) -> None:
        program = self.program
        constants = rule.constants(1, 1.0)
        text = OPTIMIZERS[type(rule)].format(p=self._groups(rule), **constants)
        if not constants.get("momentum", 1.0):
            text = text.replace(", nesterov=True", "")  # PyTorch rejects it without momentum
        program.constants += assign("optimizer", f"torch.optim.{text}")
        if scheduled(program.setup):
            program.update += [
                "for group in optimizer.param_groups:",
                '    group["lr"] = learning_rate',
            ]
        program.update.append("optimizer.step()")

    def _groups(self, rule: Optimizer) -> str:
        """Return the trained arrays; for AdamW in two groups, with and without decay."""
        if not isinstance(rule, AdamW):
            return f"[{', '.join(b.name for b in self.trained)}]"
        groups: list[str] = []
        for decays, amount in ((True, rule.decay), (False, 0.0)):
            names = ", ".join(b.name for b in self.trained if b.decays is decays)
            if names:
                groups.append(f'{{"params": [{names}], "weight_decay": {amount}}}')
        return f"[{', '.join(groups)}]"

    def _by_hand(self, rule: Optimizer) -> None:
        """Write the rule's equations as a function, and its call for each array."""
        program = self.program
        slots = list(rule.slots)
        own = [
            n
            for n in ("decay", "k", "learning_rate")
            if n in rule.constants(1, 1.0) and n != "learning_rate"
        ]
        state = ["w", "g", *slots, "learning_rate", *own]
        constants = {n: v for n, v in rule.constants(1, 1.0).items() if n not in state}
        for name, value in constants.items():
            program.add_constant(name, value)
        if not scheduled(program.setup):
            program.add_constant("learning_rate", rule.constants(1, 1.0)["learning_rate"])
        lines = [
            f"{n} = {ast.unparse(in_torch(parse(text)))}" for n, text in rule.equations.items()
        ]
        news = ", ".join(["w_new", *(f"{slot}_new" for slot in slots)])
        name = f"{rule.name}_step"
        program.add_function(name, define(name, state, [*lines, f"return {news}"]))
        program.update.append("with torch.no_grad():")
        for b in self.trained:
            kept = [f"{slot}_{b.name}" for slot in slots]
            extra = {"decay": number(getattr(rule, "decay", 0.0) if b.decays else 0.0), "k": "step"}
            given = [b.name, f"{b.name}.grad", *kept, "learning_rate", *(extra[n] for n in own)]
            call = f"{name}({', '.join(given)})"
            program.update.append(f"    {', '.join([f'{b.name}[...]', *kept])} = {call}")
            self._add_state(b, kept)

    def _add_state(self, block: Block, names: list[str]) -> None:
        """Write the optimizer's state for an array: zeros, or the values of a given state."""
        program, slots = self.program, self.program.setup.slots
        if not slots:
            zeros = ", ".join(f"torch.zeros_like({block.name})" for _ in names)
            program.data.append(f"{', '.join(names)} = {zeros}")
        for name, slot in zip(names, slots, strict=bool(slots)):
            program.data += literal(name, block.view(slot), "torch.tensor")


GRADIENT = ", requires_grad=True"


def each(names: list[str], line: str) -> list[str]:
    """Return a loop over tensors."""
    head = f"for tensor in [{', '.join(names)}]:"
    if len(head) > COLUMNS:
        return [
            *assign("tensors", f"[{', '.join(names)}]"),
            "for tensor in tensors:",
            f"    {line}",
        ]
    return [head, f"    {line}"]


def _sum(*parts: str) -> str:
    """Return the sum of the nonempty parts, in parentheses if there are several."""
    kept = [part for part in parts if part]
    return f"({' + '.join(kept)})" if len(kept) > 1 else "".join(kept)


def _numbers(constants: Mapping[str, float]) -> dict[str, str]:
    return {name: repr(value) for name, value in constants.items()}


TORCH_CALLS = {
    "logistic": "torch.sigmoid({0})",
    "softplus": "(-F.logsigmoid(-({0})))",
    "sum": "torch.sum({0}, dim={axis}, keepdim={keepdims})",
    "mean": "torch.mean({0}, dim={axis}, keepdim={keepdims})",
    "max": "torch.amax({0}, dim={axis}, keepdim={keepdims})",
}


def inlined(name: str, equations: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Return one expression for `name` in PyTorch's functions.

    Parameters
    ----------
    name : str
    equations : mapping of str to str
        The equations of `name` and of what it depends on.
    names : mapping of str to str
        The text for each name without an equation.

    Raises
    ------
    InputError
        If a function has no equivalent in PyTorch.
    """

    class Inline(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            text = names[node.id] if node.id in names else inlined(node.id, equations, names)
            return expression(text)

        def visit_Call(self, node: ast.Call) -> ast.expr:
            assert isinstance(node.func, ast.Name)  # noqa: S101 (the grammar has no other)
            function = node.func.id
            arguments = [ast.unparse(self.visit(a)) for a in node.args]
            if function in TORCH_CALLS:
                options = {str(k.arg): ast.literal_eval(k.value) for k in node.keywords}
                text = TORCH_CALLS[function].format(*arguments, **({"keepdims": False} | options))
            elif function in VOCABULARY:
                text = f"torch.{function}({', '.join(arguments)})"
            else:
                raise InputError(
                    f"{name} = {equations[name]}: the function {function!r} has no equivalent in "
                    "PyTorch; use numpy_program"
                )
            return expression(text)

    def expression(text: str) -> ast.expr:
        return ast.parse(text, mode="eval").body

    return ast.unparse(ast.fix_missing_locations(Inline().visit(expression(equations[name]))))


def in_torch(tree: ast.expr) -> ast.expr:
    """Return an elementwise formula in PyTorch's functions."""

    class Rename(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            assert isinstance(node.func, ast.Name)  # noqa: S101 (the grammar has no other)
            return ast.Call(ast.Attribute(ast.Name("torch"), node.func.id), node.args, [])

    return ast.fix_missing_locations(Rename().visit(ast.parse(ast.unparse(tree), mode="eval").body))
