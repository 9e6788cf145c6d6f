"""Activation functions f(z), each with its derivative f'(z, a) directly below it.

They are elementwise and written with the functions of ``elementwise``. Softmax is not elementwise;
it is part of the losses that use it.

A saturating function ends in ``+ 0 * z``. This changes no finite value, and turns an infinite z
into NaN, which would otherwise look like a saturated unit. A function with a kink branches on
``real(z) > 0``, so that at 0 the complex step gives the slope of the left side, as f' does.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

from chainrule import names
from chainrule.derivatives import check_derivative, check_name, elementwise_derivative
from chainrule.descriptions import Description, Real, lookup, registered
from chainrule.elementwise import Number, erfc, exp, expm1, log1p, real, tanh, where

SQRT_HALF = math.sqrt(0.5)
SQRT_2_PI = math.sqrt(2 * math.pi)
SQRT_2_OVER_PI = math.sqrt(2 / math.pi)
SELU_SCALE = 1.0507009873554805
SELU_ALPHA = 1.6732632423543772


# ---- functions ----------------------------------------------------------------------------------
# z and a are arrays or numbers; a parameter annotated float is a constant of the activation. The
# compiled engine relies on these annotations.


def identity(z: Number) -> Number:
    return z


def didentity(z: Number, a: Number) -> Number:
    return 1 + 0 * z


def logistic(z: Number) -> Number:
    negative = real(z) < 0
    e = exp(where(negative, z, -z))  # e^−|z| cannot overflow
    return where(negative, e, 1.0) / (1 + e) + 0 * z


def dlogistic(z: Number, a: Number) -> Number:
    return a * (1 - a)  # with a known, no exponential is needed


def tanh_(z: Number) -> Number:
    return tanh(z) + 0 * z


def dtanh(z: Number, a: Number) -> Number:
    return 1 - a * a


def relu(z: Number) -> Number:
    return where(real(z) > 0, z, 0 * z)


def drelu(z: Number, a: Number) -> Number:
    return where(real(z) > 0, 1.0, 0 * z)


def leaky_relu(z: Number, slope: float) -> Number:
    return where(real(z) > 0, z, slope * z)


def dleaky_relu(z: Number, a: Number, slope: float) -> Number:
    return where(real(z) > 0, 1.0, slope + 0 * z)


def elu(z: Number, alpha: float) -> Number:
    positive = real(z) > 0
    # Both branches of `where` are computed: the inner one keeps expm1 from overflowing.
    return where(positive, z, alpha * expm1(where(positive, 0 * z, z))) + 0 * z


def delu(z: Number, a: Number, alpha: float) -> Number:
    return where(real(z) > 0, 1.0, a + alpha)  # αe^z = a + α for z ≤ 0


def selu(z: Number) -> Number:
    return SELU_SCALE * elu(z, SELU_ALPHA)


def dselu(z: Number, a: Number) -> Number:
    return where(real(z) > 0, SELU_SCALE, a + SELU_SCALE * SELU_ALPHA)


def gelu(z: Number) -> Number:
    return 0.5 * z * erfc(-SQRT_HALF * z)  # erfc keeps its digits where 1 + erf would cancel


def dgelu(z: Number, a: Number) -> Number:
    return 0.5 * erfc(-SQRT_HALF * z) + z * exp(-0.5 * z * z) / SQRT_2_PI


def gelu_tanh(z: Number) -> Number:
    u = SQRT_2_OVER_PI * (z + 0.044715 * z * z * z)
    return z * logistic(2 * u)  # ½ (1 + tanh u) = σ(2u), which keeps its digits on the left


def dgelu_tanh(z: Number, a: Number) -> Number:
    s = logistic(2 * SQRT_2_OVER_PI * (z + 0.044715 * z * z * z))
    return s + 2 * z * s * (1 - s) * SQRT_2_OVER_PI * (1 + 0.134145 * z * z)


def silu(z: Number) -> Number:
    return z * logistic(z)


def dsilu(z: Number, a: Number) -> Number:
    s = logistic(z)
    return s * (1 + z * (1 - s))


def softplus(z: Number) -> Number:
    negative = real(z) < 0
    e = exp(where(negative, z, -z))  # e^−|z| cannot overflow
    return where(negative, 0 * z, z) + log1p(e) + 0 * z  # max(z, 0) + log(1 + e^−|z|)


def dsoftplus(z: Number, a: Number) -> Number:
    return logistic(z)


# ---- descriptions -------------------------------------------------------------------------------


class Activation(Description):
    """A function of a layer's net input, with its derivative.

    Every subclass is final and frozen. Its fields are the constants that `f` and `df` take after z
    and a. `formula` and `dformula` are f and f' as textbooks write them, in the grammar of
    equations; ``tests/laws/test_formula.py`` checks that they equal `f` and `df` within rounding.

    Attributes
    ----------
    name : str
        The name in the table, in files and on the command line.
    formula, dformula : str
        f(z) and f'(z, a) as textbooks write them.
    f, df : callable
        The functions that are computed: ``f(z, *constants)`` and ``df(z, a, *constants)``. If `df`
        is None, the complex step is used instead.
    """

    name: str
    formula: str
    dformula: str
    f: Callable[..., Number]
    df: Callable[..., Number] | None

    @property
    def constants(self) -> dict[str, float]:
        """The constants by name, such as ``{"slope": 0.01}``."""
        return self.numbers

    def __call__(self, z: Number) -> Number:
        """Return a = f(z), of the shape and dtype of `z`."""
        return self.f(z, *self.constants.values())

    def derivative(self, z: Number, a: Number) -> Number:
        """Return f'(z), of the shape and dtype of `z`; `a` is f(z), which many formulas use."""
        if self.df is None:
            return elementwise_derivative(self.f, z)
        return self.df(z, a, *self.constants.values())

    def slope_at(self, z: Number) -> Number:
        """Return f'(z); a is computed first."""
        return self.derivative(z, self(z))


@dataclass(frozen=True)
class Identity(Activation):
    """Linear units: a = z."""

    name, formula, dformula = "identity", "z", "1"
    f, df = staticmethod(identity), staticmethod(didentity)


@dataclass(frozen=True)
class Logistic(Activation):
    """The logistic function (sigmoid): a = 1 / (1 + e^−z), computed without overflow."""

    name, formula, dformula = "logistic", "1 / (1 + exp(-z))", "a * (1 - a)"
    f, df = staticmethod(logistic), staticmethod(dlogistic)


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    name, formula, dformula = "tanh", "(exp(z) - exp(-z)) / (exp(z) + exp(-z))", "1 - a**2"
    f, df = staticmethod(tanh_), staticmethod(dtanh)


@dataclass(frozen=True)
class ReLU(Activation):
    """The rectifier max(0, z); its derivative at 0 is 0."""

    name, formula, dformula = "relu", "where(z > 0, z, 0)", "where(z > 0, 1, 0)"
    f, df = staticmethod(relu), staticmethod(drelu)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """The rectifier with a small slope on the left (Maas et al. 2013).

    Parameters
    ----------
    slope : float, default 0.01
        The derivative for z ≤ 0.
    """

    slope: Real = 0.01

    name, formula, dformula = "leaky-relu", "where(z > 0, z, slope * z)", "where(z > 0, 1, slope)"
    f, df = staticmethod(leaky_relu), staticmethod(dleaky_relu)


@dataclass(frozen=True)
class ELU(Activation):
    """The exponential linear unit (Clevert et al. 2015); its derivative at 0 is alpha.

    Parameters
    ----------
    alpha : float, default 1.0
        Minus the limit for z → −∞.
    """

    alpha: Real = 1.0

    name = "elu"
    formula = "where(z > 0, z, alpha * (exp(z) - 1))"
    dformula = "where(z > 0, 1, alpha * exp(z))"
    f, df = staticmethod(elu), staticmethod(delu)


@dataclass(frozen=True)
class SELU(Activation):
    """The self-normalizing ELU (Klambauer et al. 2017), with its two fixed constants."""

    name = "selu"
    formula = "where(z > 0, 1.0507009873554805 * z, 1.7580993408473766 * (exp(z) - 1))"
    dformula = "where(z > 0, 1.0507009873554805, 1.7580993408473766 * exp(z))"
    f, df = staticmethod(selu), staticmethod(dselu)


@dataclass(frozen=True)
class GELU(Activation):
    """The Gaussian error linear unit z Φ(z) (Hendrycks, Gimpel 2016), exact."""

    name = "gelu"
    formula = "z * (1 + erf(z / sqrt(2))) / 2"
    dformula = "(1 + erf(z / sqrt(2))) / 2 + z * exp(-z**2 / 2) / sqrt(2 * 3.141592653589793)"
    f, df = staticmethod(gelu), staticmethod(dgelu)


@dataclass(frozen=True)
class GELUTanh(Activation):
    """The GELU in its tanh approximation, which older language models use."""

    name = "gelu-tanh"
    formula = "z * (1 + tanh(sqrt(2 / 3.141592653589793) * (z + 0.044715 * z**3))) / 2"
    dformula = (
        "(1 + tanh(sqrt(2 / 3.141592653589793) * (z + 0.044715 * z**3))) / 2 + z * (1 - "
        "tanh(sqrt(2 / 3.141592653589793) * (z + 0.044715 * z**3))**2) / 2 * sqrt(2 / "
        "3.141592653589793) * (1 + 3 * 0.044715 * z**2)"
    )
    f, df = staticmethod(gelu_tanh), staticmethod(dgelu_tanh)


@dataclass(frozen=True)
class SiLU(Activation):
    """The sigmoid linear unit z σ(z), also called swish."""

    name = "silu"
    formula = "z / (1 + exp(-z))"
    dformula = "(1 + exp(-z) + z * exp(-z)) / (1 + exp(-z))**2"
    f, df = staticmethod(silu), staticmethod(dsilu)


@dataclass(frozen=True)
class Softplus(Activation):
    """The smooth rectifier log(1 + e^z)."""

    name, formula, dformula = "softplus", "log(1 + exp(z))", "1 / (1 + exp(-z))"
    f, df = staticmethod(softplus), staticmethod(dsoftplus)


@dataclass(frozen=True)
class Custom(Activation):
    """An activation of your own.

    It is checked when it is created: f must be finite on the real line near 0, and its derivative
    must agree with central differences within their error bar. Without `df`, the derivative is
    computed by the complex step.

    Parameters
    ----------
    name : str
        The name on pages and in messages.
    f : callable
        ``f(z)``, elementwise, written with NumPy or with ``chainrule.elementwise``.
    df : callable, optional
        ``df(z, a)`` with a = f(z). Without it, f must accept complex numbers (see Notes).

    Raises
    ------
    InputError
        If f is not elementwise and finite, or if its derivative does not pass the check.

    Notes
    -----
    The complex step f'(z) = Im f(z + ih) / h is exact to rounding if f is analytic. NumPy's abs,
    maximum, sign and comparisons of complex numbers are not: branch with
    ``where(real(z) > 0, …)`` instead.
    """

    name: str
    f: Callable[[Number], Number]
    df: Callable[[Number, Number], Number] | None = None
    source: str = field(init=False, repr=False, compare=False)  # the text of f, for pages

    formula = dformula = ""

    def __post_init__(self) -> None:
        check_name(self.name)
        check_derivative(self.name, self.f, self.derivative)
        object.__setattr__(self, "source", source_of(self.f))


def source_of(function: Callable[..., object]) -> str:
    """Return the source text of a function or of a lambda expression, or else its name."""
    try:
        text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return getattr(function, "__name__", repr(function))
    try:
        lambdas = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Lambda)]
    except SyntaxError:  # the lambda is an argument in the middle of a longer call
        return text
    wanted = inspect.getfullargspec(function).args
    own = [n for n in lambdas if [a.arg for a in n.args.args] == wanted]
    return ast.unparse(own[0]) if own and function.__name__ == "<lambda>" else text


def activation(choice: str | Activation) -> Activation:
    """Return the activation with a name, or the argument itself if it is one.

    Raises
    ------
    UnknownNameError
        If no activation has that name.
    """
    return lookup(choice, Activation, ACTIVATIONS, "activation")


ACTIVATIONS: dict[str, Activation] = registered(Activation.__subclasses__(), names.ACTIVATIONS)
