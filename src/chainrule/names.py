"""The names that users type: of activations, losses, optimizers and the like, and their aliases.

Look-ups, problem files, the command line and its help read these tables. Importing them does not
import NumPy, so that help and completion start fast.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from chainrule.errors import UnknownNameError, unknown

Names: TypeAlias = dict[str, tuple[str, ...]]  # a name, and other names for exactly the same thing

# ---- names and aliases --------------------------------------------------------------------------
#
# An alias stands for the same numbers: the same term for each output. (How terms are added up is
# the same for all losses here: a sum over the outputs, a mean over the samples.) A name that means
# something close but different belongs in ADVICE, with the difference. Case, hyphens, underscores
# and spaces do not matter, nor does "loss" at the end of a loss.
#
# ACTIVATIONS, LOSSES and OPTIMIZERS decide what is registered: the tables of the same names in
# activations.py, losses.py and optimizers.py are made from them.

ACTIVATIONS: Names = {
    "identity": ("linear", "none", "purelin"),
    "logistic": ("sigmoid", "expit", "logsig", "sigm"),
    "tanh": ("tansig", "hyperbolic-tangent"),
    "relu": ("rectifier", "rectified-linear", "ramp"),
    "leaky-relu": ("lrelu", "leaky"),
    "elu": (),
    "selu": (),
    "gelu": (),
    "gelu-tanh": ("gelu-new", "gelu-pytorch-tanh"),
    "silu": ("swish",),
    "softplus": (),
}
LOSSES: Names = {
    "squared-error": ("quadratic", "quadratic-cost"),
    "absolute-error": ("mae", "mean-absolute-error", "l1", "absolute"),
    "huber": ("smooth-l1",),
    "quantile": ("pinball",),
    "poisson": ("poisson-nll",),
    "logistic-cross-entropy": (
        *("bce", "bce-with-logits", "binary-cross-entropy", "binary-cross-entropy-with-logits"),
        *("sigmoid-cross-entropy", "binary-log-loss"),
    ),
    "softmax-cross-entropy": (
        *("categorical-cross-entropy", "sparse-categorical-cross-entropy", "cce", "nll"),
        *("cross-entropy-loss", "softmax-cross-entropy-with-logits", "negative-log-likelihood"),
    ),
    "softmax-squared-error": (),
}
OPTIMIZERS: Names = {
    "sgd": ("gd", "gradient-descent", "stochastic-gradient-descent"),
    "momentum": ("sgdm", "sgd-momentum", "sgd-with-momentum", "heavy-ball"),
    "nesterov": ("nag", "nesterov-momentum", "nesterov-accelerated-gradient"),
    "rmsprop": (),
    "adam": (),
    "adamw": (),
    "lbfgs": (),
}
PROBLEMS: Names = {
    "mazur": (),
    "half-adder": (),
    "xor": (),
    "huddar": (),
    "softmax": (),
    "digits": (),
}
DATA_SETS: Names = {
    "spiral": (),
    "moons": (),
    "circles": (),
    "regression": (),
}  # problems of the live page only: too many samples to be worked out number by number
NOTATIONS: Names = {
    "plain": (),
    "mazur": (),
    "nielsen": (),
    "rumelhart": (),
    "russell-norvig": ("aima",),
}
LEVELS: Names = {"scalars": ("scalar",), "matrices": ("matrix",), "summary": ()}

# The formats of documents, each with the endings of its files.
DOCUMENT_FORMATS: Names = {
    "text": (".txt",),
    "markdown": (".md",),
    "latex": (".tex",),
    "html": (".html", ".htm"),
    "json": (".json",),
}
PROGRAM_FORMATS: Names = {"numpy": (".py",), "pytorch": ()}

# Of these, only the names that have aliases; the full tables are in schedules.py,
# initializers.py, metrics.py and problems/settings.py.
SCHEDULES: Names = {
    "step": ("step-decay", "step-lr"),
    "exponential": ("exponential-decay", "exponential-lr"),
    "cosine": ("cosine-decay", "cosine-annealing"),
    "warm-up": ("linear-warm-up",),
}
INITIALIZERS: Names = {
    "glorot": ("xavier", "glorot-uniform", "xavier-uniform"),
    "glorot-normal": ("xavier-normal",),
    "he": ("kaiming", "he-normal", "kaiming-normal"),
    "he-uniform": ("kaiming-uniform",),
    "lecun": ("lecun-normal",),
    "constant": ("zeros", "zero"),
}
METRICS: Names = {"accuracy": ("acc",), "r2": ("r2-score",)}
SETTINGS: Names = {
    "learning-rate": ("lr", "eta", "rate", "step-size"),
    "steps": ("epochs", "iterations", "updates"),
    "seed": ("random-state",),
    "preset": ("problem",),
    "output": ("output-activation",),
    "clip-norm": ("max-norm", "max-grad-norm"),
}

KINDS: Mapping[str, Names] = {
    "activation": ACTIVATIONS,
    "loss": LOSSES,
    "optimizer": OPTIMIZERS,
    "solver": OPTIMIZERS,
    "schedule": SCHEDULES,
    "learning rate": SCHEDULES,
    "initializer": INITIALIZERS,
    "metric": METRICS,
    "problem": PROBLEMS,
    "preset": PROBLEMS,
    "notation": NOTATIONS,
    "level": LEVELS,
    "format": DOCUMENT_FORMATS | PROGRAM_FORMATS,
    "setting": SETTINGS,
    "option": SETTINGS,
}  # by what messages call them

# ---- names that mean something else -------------------------------------------------------------

_SOFTMAX = (
    "softmax is part of the loss; choose the loss 'softmax-cross-entropy' and the output "
    "activation 'identity'"
)
_MEAN_SQUARES = (
    "'squared-error' is ½ Σ (a − t)², a sum over the outputs; the mean of (a − t)² over n outputs, "
    "and its gradient, are 2/n times as large; use 'squared-error' and allow for the factor"
)
_SUM_OF_SQUARES = (
    "'squared-error' is ½ Σ (a − t)²; without the ½, the loss and its gradient are twice as large; "
    "use 'squared-error' and allow for the factor"
)
_CROSS_ENTROPY = (
    "choose 'softmax-cross-entropy' for one class out of several, or 'logistic-cross-entropy' for "
    "outputs that are each yes or no"
)
_DECAY = (
    "'l2' adds L Σw² to the loss, 'alpha' adds ½ L Σw² divided by the number of samples, and the "
    "optimizer 'adamw' decays the weights itself; choose one of them"
)

_PAGE_ONLY = {
    name: f"it is a data set of the live page; run 'chainrule explore {name}', or explore('{name}')"
    for name in DATA_SETS
}

ADVICE: Mapping[str, Mapping[str, str]] = {
    "activation": dict.fromkeys(("softmax", "log-softmax"), _SOFTMAX),
    "loss": {
        **dict.fromkeys(("mse", "mean-squared-error", "mean-square-error"), _MEAN_SQUARES),
        **dict.fromkeys(("sse", "se", "l2", "sum-of-squares"), _SUM_OF_SQUARES),
        **dict.fromkeys(("cross-entropy", "ce", "xent", "log-loss", "softmax"), _CROSS_ENTROPY),
    },
    "problem": _PAGE_ONLY,
    "setting": {
        "weight-decay": _DECAY,
        "batch-size": "every step of a worked example uses all samples; leave it out",
    },
}  # by kind and name: what to use instead, and how it differs

_OF_THE_FIELD: Mapping[str, tuple[str, ...]] = {
    "activation": (
        *("softsign", "softmin", "softshrink", "mish", "prelu", "rrelu", "crelu", "relu6", "celu"),
        *("glu", "swiglu", "geglu", "reglu", "hard-sigmoid", "hard-tanh", "hard-swish"),
        *("hardshrink", "tanhshrink", "threshold", "maxout", "exp", "exponential", "sin", "cos"),
        *("step", "heaviside", "sign", "log-sigmoid", "arctan", "gaussian", "squareplus", "logit"),
    ),
    "loss": (
        *("hinge", "squared-hinge", "categorical-hinge", "kl-divergence", "kld", "focal", "ctc"),
        *("cosine-similarity", "msle", "mean-squared-logarithmic-error", "mape", "rmse"),
        *("log-cosh", "triplet", "tweedie", "gamma", "squared-log-error", "zero-one"),
    ),
    "optimizer": (
        *("adagrad", "adadelta", "adamax", "nadam", "radam", "amsgrad", "adafactor", "sparse-adam"),
        *("ftrl", "lion", "lamb", "lars", "rprop", "asgd", "bfgs", "newton", "cg", "muon"),
    ),
}
# Names of the field that are not registered here: no name of another thing is suggested for them.
OTHERS: Mapping[str, tuple[str, ...]] = {
    kind: tuple(name for name in names if name not in KINDS[kind])
    for kind, names in _OF_THE_FIELD.items()
}

_SAME = {
    "solver": "optimizer",
    "option": "setting",
    "preset": "problem",
}  # kinds with the same advice


def canonical(kind: str, name: object, choices: Iterable[str]) -> str:
    """Return the name among `choices` that a name or alias stands for.

    Parameters
    ----------
    kind : str
        What it names, as messages call it, such as ``"activation"``.
    name : object
        What the user typed; case, hyphens, underscores and spaces do not matter.
    choices : iterable of str
        The names that are possible here.

    Returns
    -------
    str

    Raises
    ------
    UnknownNameError
        If no choice has that name; the message gives the right name, or all of them.
    """
    known = list(choices)
    if name in known:
        return str(name)
    meanings = _meanings(kind, known) if isinstance(name, str) else {}
    for spelling in _spellings(kind, name):
        if spelling in meanings:
            return meanings[spelling]
    raise unknown_name(kind, name, known)


def unknown_name(kind: str, name: object, choices: Iterable[str]) -> UnknownNameError:
    """Return the error for a name that stands for none of `choices`, with what to use instead."""
    known = list(choices)
    group = _SAME.get(kind, kind)
    spellings = _spellings(kind, name)
    advice = ADVICE.get(group, {})
    for other, text in advice.items():
        if _fold(other) in spellings:
            return UnknownNameError(f"unknown {kind} {name!r}: {text}")
    exists_elsewhere = not {_fold(other) for other in OTHERS.get(group, ())}.isdisjoint(spellings)
    meanings = dict(zip(advice, advice, strict=True)) | _aliases(kind, known)
    return unknown(kind, name, known, meanings, suggest=not exists_elsewhere)


def _meanings(kind: str, known: list[str]) -> dict[str, str]:
    """Return the known names by the folded spellings of themselves and of their aliases."""
    aliases = {_fold(alias): name for alias, name in _aliases(kind, known).items()}
    return aliases | {_fold(name): name for name in known}


def _aliases(kind: str, known: list[str]) -> dict[str, str]:
    """Return the known names by their aliases."""
    table = KINDS.get(kind, {})
    return {alias: name for name in known for alias in table.get(name, ())}


def _spellings(kind: str, name: object) -> list[str]:
    """Return a name without what does not matter: as it is, and without "loss" at its end."""
    folded = _fold(str(name))
    short = folded.removesuffix("loss") if kind == "loss" else folded
    return [folded, short] if short and short != folded else [folded]


def _fold(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()
