"""The sentences at the top of a worked example: network, source, notation, first weights."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from chainrule.activations import ACTIVATIONS, Custom
from chainrule.explanation.record import ExampleRecord
from chainrule.explanation.setup import activation_of, activation_words
from chainrule.layers import Dense, Dropout, LayerNorm
from chainrule.losses import LogisticCrossEntropy, Loss
from chainrule.network import Network
from chainrule.optimizers import LBFGS, ClipNorm, Optimizer
from chainrule.pages import Item, calls_in, lines_of

WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
OUTPUTS = {  # of losses that apply the last activation themselves
    "softmax-cross-entropy": "softmax outputs with cross-entropy",
    "softmax-squared-error": "softmax outputs with squared error",
    "logistic-cross-entropy": "sigmoid outputs with cross-entropy",
    "poisson": "exponential outputs with the Poisson loss",
}
LOSSES = {"huber": "Huber loss", "quantile": "quantile loss"}
OPTIMIZERS = {
    "sgd": "gradient descent",
    "momentum": "gradient descent with momentum",
    "nesterov": "gradient descent with Nesterov momentum",
    "rmsprop": "RMSProp",
    "adam": "Adam",
    "adamw": "AdamW",
    "lbfgs": "L-BFGS",
}


def introduction(example: ExampleRecord, items: Sequence[Item]) -> Iterator[str]:
    """Yield the sentences above the items of a page."""
    setup = example.setup
    if example.source:
        yield sentence(example.source)
    yield sentence(described(setup.network, setup.rule or setup.search))
    yield from _random_numbers(example)
    if setup.done:
        yield _earlier_updates(example)
    if example.compiled_updates:
        yield _compiled_updates(example)
    if setup.batch.weight is not None:
        yield "The samples have weights, which are first scaled to a mean of 1."
    if example.notation.about and example.notation.name != "plain":
        yield sentence(f"Notation: {example.notation.about}")
    yield from _stable_forms(example, items)
    layers = example.description["network"]["layers"]
    yield from dict.fromkeys(layer["source"] for layer in layers if layer.get("source"))
    if example.parameter:
        yield (
            f"This page derives {example.parameter} only. Sums begin with their largest terms; "
            "the forward pass of other units is listed as given."
        )


def sentence(text: str) -> str:
    """Return a text with a capital letter and a full stop."""
    return text[:1].upper() + text[1:] + "." * (text[-1:] not in tuple(".?!"))


# ---- network, loss and optimizer ----------------------------------------------------------------


def described(network: Network, optimizer: Optimizer | LBFGS | None) -> str:
    """Return the network, its loss and its optimizer in words.

    For example ``"two inputs, two hidden units and two outputs; sigmoid units, squared error,
    gradient descent with learning rate 0.5"``.
    """
    parts = [*_units(network), *_extras(network)]
    if not network.loss.owns_link:
        parts.append(_loss(network.loss))
    if optimizer is not None:
        parts.append(_optimizer(optimizer))
    return f"{_sizes(network)}; {', '.join(parts)}"


def counted(count: int, noun: str, *, words: bool = True) -> str:
    """Return a number of things, in words or in digits."""
    number = WORDS[count] if words and count < len(WORDS) else f"{count:,}"
    return f"{number} {noun}{'s' * (count != 1)}"


def enumerated(texts: Iterable[str]) -> str:
    """Return texts separated by commas, with "and" before the last."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def _sizes(network: Network) -> str:
    widths = [layer.units for layer in network.layers if isinstance(layer, Dense)]
    hidden = widths[:-1]
    words = max(network.inputs, *widths) < len(WORDS)  # all in words, or all in digits
    outputs = counted(network.widths[-1], "output", words=words)
    inputs = counted(network.inputs, "input", words=words)
    if not hidden:
        return f"{inputs} and {outputs}"
    if len(hidden) == 1:
        return f"{inputs}, {counted(hidden[0], 'hidden unit', words=words)} and {outputs}"
    if len(set(hidden)) == 1:
        units = counted(hidden[0], "unit", words=words)
        return f"{inputs}, {counted(len(hidden), 'hidden layer')} of {units} each, and {outputs}"
    sizes = f"{enumerated(map(str, hidden))} units"
    return f"{inputs}, {counted(len(hidden), 'hidden layer')} of {sizes}, and {outputs}"


def _units(network: Network) -> Iterator[str]:
    """Yield which activations the units have, and what the loss makes of the outputs."""
    names = [words for layer in network.layers if (words := activation_words(layer))]
    if network.loss.owns_link:
        names.pop()
    elif len(set(names)) == 1:
        yield f"{names[0]} units"
        return
    hidden = names if network.loss.owns_link else names[:-1]
    if hidden:
        kinds = [name for name, _ in groupby(hidden)]
        yield f"{enumerated(kinds)} hidden units"
    output = network.loss.name
    yield (
        OUTPUTS.get(output, f"{output} outputs")
        if network.loss.owns_link
        else (f"{names[-1]} outputs")
    )


def _extras(network: Network) -> Iterator[str]:
    if any(isinstance(layer, LayerNorm) for layer in network.layers):
        yield "layer normalization"
    rates = {layer.rate for layer in network.layers if isinstance(layer, Dropout)}
    if rates:
        yield f"dropout of {enumerated(f'{rate:g}' for rate in sorted(rates))}"
    penalty = network.penalty
    factors = {"L1": penalty.l1, "L2": penalty.l2, "alpha": penalty.alpha}
    yield from (f"{name} penalty {value:g}" for name, value in factors.items() if value)


def _loss(loss: Loss) -> str:
    return LOSSES.get(loss.name, loss.name.replace("-", " "))


def _optimizer(optimizer: Optimizer | LBFGS) -> str:
    name = OPTIMIZERS.get(optimizer.name, optimizer.name)
    if isinstance(optimizer, LBFGS):
        return name
    momentum = getattr(optimizer, "momentum", None)
    rate = optimizer.learning_rate
    settings = [
        *([f"{momentum:g}"] if momentum is not None else []),
        f"learning rate {rate:g}" if isinstance(rate, float) else f"learning rate {rate!r}",
    ]
    joined = " and ".join(settings)
    text = f"{name} {joined}" if momentum is not None else f"{name} with {joined}"
    if optimizer.clip is None:
        return text
    what = "norm" if isinstance(optimizer.clip, ClipNorm) else "values"
    return f"{text}, gradient {what} clipped at {optimizer.clip.limit:g}"


# ---- what else a reader has to know -------------------------------------------------------------


def _random_numbers(example: ExampleRecord) -> Iterator[str]:
    setup = example.setup
    if setup.drawn:
        yield f"The first weights are drawn at random, from seed {setup.seed}."
    if setup.network.has_dropout:
        yield f"The dropout masks are drawn at random, from seed {setup.seed}."


def _earlier_updates(example: ExampleRecord) -> str:
    kept = "parameters and the optimizer's memory" if example.setup.slots else "parameters"
    return (
        f"Updates made before: {example.setup.done:,}. The {kept} are those after these updates, "
        "and steps are counted from there."
    )


def _compiled_updates(example: ExampleRecord) -> str:
    return (
        f"{example.compiled_updates:,} of the updates between the steps shown are made by the "
        "compiled engine, whose numbers are those of the equations up to rounding. Each step shown "
        "is computed by the equations, from the parameters it begins with."
    )


def _stable_forms(example: ExampleRecord, items: Sequence[Item]) -> Iterator[str]:
    """Yield a sentence on functions that are called by name, where a line has any."""
    called = {name for _, line in lines_of(items) for name in calls_in(line.tree)}
    stable = [name for name in _written_out(example.setup.network) if _names(name) & called]
    if stable:
        yield (
            f"Some lines call {enumerated(stable)} by name: there the textbook formula would "
            "overflow or lose digits, and the program computes a numerically stable form."
        )


def _written_out(network: Network) -> Iterator[str]:
    """Yield the names of the functions whose textbook formulas the lines show otherwise."""
    functions = [activation_of(layer) for layer in network.layers]
    if isinstance(network.loss, LogisticCrossEntropy):  # its link and its terms
        functions += [ACTIVATIONS["logistic"], ACTIVATIONS["softplus"]]
    found = (f.name for f in functions if f is not None and f.formula and not isinstance(f, Custom))
    yield from dict.fromkeys(found)


def _names(activation: str) -> set[str]:
    """Return how lines call an activation and its derivative."""
    name = re.sub(r"\W", "_", activation)
    return {name, f"d{name}"} - {"tanh"}  # a calculator has it
