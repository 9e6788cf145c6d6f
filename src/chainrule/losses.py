"""Losses: each has its link p(o), the error terms, and their derivative by the raw output o.

C is the mean over samples of the sum over outputs, and so is its gradient. A loss starts from the
network's raw output o, such as the logits, and includes the link, such as softmax; so a link cannot
be combined with a gradient that belongs to another.

Shapes: o, t, p and terms are (n, k) for n samples and k outputs; weight is (n,) or, for each output
of a sample, (n, k), with mean 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from chainrule import names
from chainrule.activations import logistic, softplus
from chainrule.derivatives import PROBES, STEP, check_derivative
from chainrule.descriptions import Description, Positive, lookup, registered
from chainrule.elementwise import Number, exp, log, real, where
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]


# ---- elementwise losses: the term, and its derivative by o --------------------------------------


def squared_error(o: Number, t: Number) -> Number:
    return (o - t) ** 2 / 2


def dsquared_error(o: Number, t: Number) -> Number:
    return o - t


def absolute_error(o: Number, t: Number) -> Number:
    r = o - t
    # At r = 0 the third branch gives the complex step the slope 0, as the derivative below does.
    return where(real(r) > 0, r, where(real(r) < 0, -r, 0 * r))


def dabsolute_error(o: Number, t: Number) -> Number:
    return where(real(o - t) > 0, 1.0, where(real(o - t) < 0, -1.0, 0 * (o - t)))


def huber(o: Number, t: Number, width: float) -> Number:
    r = absolute_error(o, t)
    return where(real(r) > width, width * (r - width / 2), r * r / 2)


def dhuber(o: Number, t: Number, width: float) -> Number:
    r = o - t
    return where(real(r) > width, width, where(real(r) < -width, -width, r))


def quantile(o: Number, t: Number, level: float) -> Number:
    r = o - t
    return where(real(r) > 0, (1 - level) * r, where(real(r) < 0, -level * r, 0 * r))


def dquantile(o: Number, t: Number, level: float) -> Number:
    return where(real(o - t) > 0, 1 - level, where(real(o - t) < 0, -level, 0 * (o - t)))


def poisson(o: Number, t: Number) -> Number:
    return exp(o) - t * o  # p − t log p with p = e^o


def dpoisson(o: Number, t: Number) -> Number:
    return exp(o) - t


def logistic_cross_entropy(o: Number, t: Number) -> Number:
    return t * softplus(-o) + (1 - t) * softplus(o)  # −log σ(o) = softplus(−o), without overflow


def dlogistic_cross_entropy(o: Number, t: Number) -> Number:
    return logistic(o) - t


# ---- losses with softmax, which depend on a whole row of outputs --------------------------------


def softmax(o: Array) -> Array:
    """Return p = e^o / Σ e^o of every row, (n, k) -> (n, k)."""
    s = o - np.max(o, axis=1, keepdims=True)  # (n, k); at most 0, so that exp cannot overflow
    e = exp(s)  # (n, k)
    return e / np.sum(e, axis=1, keepdims=True) + 0 * o  # (n, k); 0 · ∞ makes an infinite o NaN


def softmax_cross_entropy(o: Array, t: Array) -> Array:
    """Return −t log p, (n, k), without computing p, whose logarithm could be −∞."""
    s = o - np.max(o, axis=1, keepdims=True)  # (n, k)
    return t * (log(np.sum(exp(s), axis=1, keepdims=True)) - s)


def dsoftmax_cross_entropy(o: Array, t: Array) -> Array:
    """Return p − t, (n, k), for targets whose rows sum to 1."""
    return softmax(o) - t


def softmax_squared_error(o: Array, t: Array) -> Array:
    """Return (p − t)² / 2, (n, k)."""
    return (softmax(o) - t) ** 2 / 2


def dsoftmax_squared_error(o: Array, t: Array) -> Array:
    """Return Jᵀ(p − t), (n, k), J the softmax's full Jacobian p (1 − p)."""
    p = softmax(o)  # (n, k)
    r = p - t  # (n, k), ∂terms/∂p
    return p * (r - np.sum(r * p, axis=1, keepdims=True))


def by_output(weight: Array) -> Array:
    """Return weights of samples, (n,), as a column; those of each output, (n, k), as they are."""
    return weight if weight.ndim == 2 else weight[:, None]


# ---- descriptions -------------------------------------------------------------------------------


class Loss(Description):
    """What training minimizes.

    Every subclass is final and frozen; its fields are the constants that `f` and `df` take after o
    and t. Its equations, evaluated, give the same bits as the methods.

    Attributes
    ----------
    name : str
        The name in the table, in files and on the command line.
    link : mapping of str to str
        Equations of the prediction ``p``, of ``terms``, and of ``slope``: the derivative of the sum
        of a sample's terms by each of its outputs.
    owns_link : bool
        Whether p differs from o; if so, `mlp` makes the last layer linear.
    classes : bool
        Whether targets may be class numbers.
    f, df : callable
        The terms and the slope as functions: ``f(o, t, *constants)`` and ``df(o, t, *constants)``.
    """

    name: str
    link: dict[str, str]
    owns_link: bool = False
    classes: bool = False
    f: Callable[..., Any]
    df: Callable[..., Any]

    @property
    def constants(self) -> dict[str, float]:
        """The constants by name, such as ``{"level": 0.5}``."""
        return self.numbers

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        """The functions of the equations in addition to those of ``elementwise``."""
        return {}

    def predict(self, o: Array) -> Array:
        """Return the prediction p, (n, k), of raw outputs o, (n, k)."""
        return o

    def terms(self, o: Array, t: Array) -> Array:
        """Return each output's error for each sample, (n, k)."""
        return self.f(o, t, *self.constants.values())

    def slopes(self, o: Array, t: Array) -> Array:
        """Return ∂(sum of a sample's terms)/∂o, (n, k)."""
        return self.df(o, t, *self.constants.values())

    def value(self, o: Array, t: Array, weight: Array | None = None) -> Any:
        """Return C: the mean over samples of the sum over outputs of the terms."""
        terms = self.terms(o, t)  # (n, k)
        if weight is not None:
            terms = by_output(weight) * terms  # (n, k)
        return np.sum(terms, axis=None) / len(o)  # the weights have mean 1, so n is their sum

    def gradient(self, o: Array, t: Array, weight: Array | None = None) -> Array:
        """Return do = ∂C/∂o, (n, k)."""
        slope = self.slopes(o, t)  # (n, k)
        if weight is not None:
            slope = by_output(weight) * slope  # (n, k)
        return slope / len(o)

    def equations(self, *, weighted: bool = False) -> dict[str, str]:
        """Return the equations of the loss; n is the number of samples."""
        w = "weight[:, None] * " if weighted else ""
        link = dict(self.link)
        slope = link.pop("slope")
        value = f"sum({w}terms, axis=None) / n"
        return {**link, "value": value, "do": f"{w}({slope}) / n"}

    def check_targets(self, t: Array) -> None:
        """Raise InputError if a target in t, (n, k), is outside the loss's domain."""


@dataclass(frozen=True)
class SquaredError(Loss):
    """Half the squared error: ½ Σ (o − t)²."""

    name = "squared-error"
    link = {"p": "o", "terms": "(p - t)**2 / 2", "slope": "p - t"}
    f, df = staticmethod(squared_error), staticmethod(dsquared_error)


@dataclass(frozen=True)
class AbsoluteError(Loss):
    """The absolute error, Σ ``|o − t|``; its derivative at o = t is 0."""

    name = "absolute-error"
    link = {
        "p": "o",
        "terms": "where(p - t < 0, t - p, p - t)",
        "slope": "where(p - t > 0, 1.0, where(p - t < 0, -1.0, 0 * (p - t)))",
    }
    f, df = staticmethod(absolute_error), staticmethod(dabsolute_error)


@dataclass(frozen=True)
class Huber(Loss):
    """Squared error for small residuals, absolute error beyond `width` (Huber 1964).

    Parameters
    ----------
    width : float, default 1.0
        The residual at which one becomes the other; positive.
    """

    width: Positive = 1.0

    name = "huber"
    link = {
        "p": "o",
        "r": "where(p - t < 0, t - p, p - t)",
        "terms": "where(r > width, width * (r - width / 2), r * r / 2)",
        "slope": "where(p - t > width, width, where(p - t < -width, -width, p - t))",
    }
    f, df = staticmethod(huber), staticmethod(dhuber)


@dataclass(frozen=True)
class Quantile(Loss):
    """The pinball loss, whose minimum is a quantile of the target (Koenker, Bassett 1978).

    Parameters
    ----------
    level : float, default 0.5
        Which quantile, strictly between 0 and 1; 0.5 is the median, at half the absolute error.
    """

    level: Annotated[float, "(0, 1)"] = 0.5

    name = "quantile"
    link = {
        "p": "o",
        "terms": "where(t - p < 0, (1 - level) * (p - t), level * (t - p))",
        "slope": "where(p - t > 0, 1 - level, where(p - t < 0, -level, 0 * (p - t)))",
    }
    f, df = staticmethod(quantile), staticmethod(dquantile)


@dataclass(frozen=True)
class Poisson(Loss):
    """Minus the Poisson log-likelihood of counts, p = e^o, without its constant log t!.

    e^o overflows in float32 beyond o = 88 (float64: 709); training then stops with the reason.
    """

    name = "poisson"
    owns_link = True
    link = {"p": "exp(o)", "terms": "p - t * o", "slope": "p - t"}
    f, df = staticmethod(poisson), staticmethod(dpoisson)

    def predict(self, o: Array) -> Array:
        return exp(o)

    def check_targets(self, t: Array) -> None:
        _check_range(self, t, 0, np.inf, "counts and rates are at least 0")


@dataclass(frozen=True)
class LogisticCrossEntropy(Loss):
    """Cross-entropy of independent yes-or-no outputs, p = σ(o); targets in [0, 1]."""

    name = "logistic-cross-entropy"
    owns_link = True
    link = {
        "p": "logistic(o)",
        "terms": "t * softplus(-o) + (1 - t) * softplus(o)",
        "slope": "p - t",
    }
    f, df = staticmethod(logistic_cross_entropy), staticmethod(dlogistic_cross_entropy)

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"logistic": logistic, "softplus": softplus}

    def predict(self, o: Array) -> Array:
        return logistic(o)

    def check_targets(self, t: Array) -> None:
        _check_range(self, t, 0, 1, "give 0 for no, 1 for yes, or a probability")


SOFTMAX = {
    "s": "o - max(o, axis=1, keepdims=True)",
    "e": "exp(s)",
    "p": "e / sum(e, axis=1, keepdims=True) + 0 * o",
}


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Cross-entropy of one class out of k, p = softmax(o); targets are classes or probabilities."""

    name = "softmax-cross-entropy"
    owns_link = classes = True
    link = {
        **SOFTMAX,
        "terms": "t * (log(sum(e, axis=1, keepdims=True)) - s)",
        "slope": "p - t",
    }
    f, df = staticmethod(softmax_cross_entropy), staticmethod(dsoftmax_cross_entropy)

    def predict(self, o: Array) -> Array:
        return softmax(o)

    def check_targets(self, t: Array) -> None:
        _check_probabilities(self, t)


@dataclass(frozen=True)
class SoftmaxSquaredError(Loss):
    """Half the squared error ½ Σ (p − t)², p = softmax(o); targets are classes or probabilities."""

    name = "softmax-squared-error"
    owns_link = classes = True
    link = {
        **SOFTMAX,
        "terms": "(p - t)**2 / 2",
        "r": "p - t",
        "slope": "p * (r - sum(r * p, axis=1, keepdims=True))",
    }
    f, df = staticmethod(softmax_squared_error), staticmethod(dsoftmax_squared_error)

    def predict(self, o: Array) -> Array:
        return softmax(o)

    def check_targets(self, t: Array) -> None:
        _check_probabilities(self, t)


@dataclass(frozen=True)
class CustomLoss(Loss):
    """A loss of your own: one elementwise term for each output.

    Its derivative is checked when it is created, as that of a `Custom` activation is.

    Parameters
    ----------
    name : str
        The name on pages and in messages.
    term : callable
        ``term(o, t)``, elementwise, from raw outputs and targets.
    dterm : callable, optional
        ``dterm(o, t)`` = ∂term/∂o; computed by the complex step if not given.
    target : float, default 0.5
        A target inside the loss's domain, which the check uses.

    Raises
    ------
    InputError
        If a function is not elementwise, real and finite, or `dterm` is not the derivative.
    """

    name: str
    term: Callable[[Number, Number], Number]
    dterm: Callable[[Number, Number], Number] | None = None
    target: float = 0.5

    link = {"p": "o", "terms": "term(o, t)", "slope": "dterm(o, t)"}

    def __post_init__(self) -> None:
        t = np.full_like(PROBES, self.target)
        check_derivative(
            self.name,
            lambda o: self.terms(o, t[: len(o)]),
            lambda o, _: self.slopes(o, t),
        )

    @property
    def constants(self) -> dict[str, float]:
        return {}  # `target` is used by the check only

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return {"term": self.terms, "dterm": self.slopes}

    def terms(self, o: Array, t: Array) -> Array:
        return self.term(o, t)

    def slopes(self, o: Array, t: Array) -> Array:
        if self.dterm is not None:
            return self.dterm(o, t)
        return (np.imag(self.term(o + 1j * STEP, t)) / STEP).astype(o.dtype)


# ---- targets ------------------------------------------------------------------------------------


def _check_range(loss: Loss, t: Array, low: float, high: float, remedy: str) -> None:
    bad = np.argwhere(~((t >= low) & (t <= high)))
    if len(bad):
        sample, unit = bad[0]
        raise InputError(
            f"target {t[sample, unit]} of sample {sample}, output {unit}, is outside "
            f"[{low}, {high}], the domain of {loss.name}; {remedy}"
        )


def _check_probabilities(loss: Loss, t: Array) -> None:
    _check_range(loss, t, 0, 1, "give class numbers, or probabilities that sum to 1 in every row")
    sums = np.sum(t, axis=1)
    bad = np.flatnonzero(np.abs(sums - 1) > 1e-5)  # float32 probabilities sum to 1 ± 1e-6
    if len(bad):
        raise InputError(
            f"targets of sample {bad[0]} sum to {sums[bad[0]]:.6g}, not to 1, as {loss.name} "
            "requires; divide each row by its sum, or give class numbers"
        )


def one_hot(classes: ArrayLike, width: int) -> NDArray[np.float64]:
    """Return class numbers (n,) as rows (n, width) of 0 and a single 1.

    Raises
    ------
    InputError
        If a class is not an integer from 0 to width − 1.
    """
    c = np.asarray(classes)
    bad = np.flatnonzero(~((c >= 0) & (c < width) & (c == np.floor(c))))
    if len(bad):
        raise InputError(
            f"class {c[bad[0]]} of sample {bad[0]} is not an integer from 0 to {width - 1}; "
            "number the classes from 0, or give the network an output for each"
        )
    rows = np.zeros((len(c), width))
    rows[np.arange(len(c)), c.astype(np.intp)] = 1
    return rows


def loss(choice: str | Loss) -> Loss:
    """Return the loss with a name, or the argument itself if it is one.

    Raises
    ------
    UnknownNameError
        If no loss has that name.
    """
    return lookup(choice, Loss, LOSSES, "loss")


LOSSES: dict[str, Loss] = registered(Loss.__subclasses__(), names.LOSSES)
