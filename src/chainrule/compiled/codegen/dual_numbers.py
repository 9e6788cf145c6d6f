"""Dual numbers, a value and its slope: functions of them return derivatives exact to rounding.

In compiled code they replace the complex step, and agree with it at points of discontinuity.
"""

import math
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.imputils import lower_cast
from numba.core.typeconv.castgraph import Conversion
from numba.extending import overload, register_model
from numba.np.numpy_support import as_dtype

from chainrule import elementwise
from chainrule.compiled.codegen.vocabulary import OPTIONS, intrinsic, njit, where

Function: TypeAlias = Callable[..., Any]


TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)


class Dual(types.Type):
    """The type of a value and a slope of one precision."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        super().__init__(f"Dual({dtype})")

    def can_convert_from(self, typingctx: Any, other: Any) -> Any:
        """Allow conversion from a number, as a dual number with slope 0."""
        return Conversion.safe if isinstance(other, types.Number) else None

    def unify(self, typingctx: Any, other: Any) -> Any:
        """Allow a variable to be first a number and later a dual number."""
        return self if isinstance(other, types.Number) else None


@register_model(Dual)
class DualModel(models.StructModel):
    """Two numbers."""

    def __init__(self, dmm: Any, fe_type: Any) -> None:
        super().__init__(dmm, fe_type, [("value", fe_type.dtype), ("slope", fe_type.dtype)])


@lower_cast(types.Number, Dual)
def number_as_dual(context: Any, builder: Any, given: Any, wanted: Any, number: Any) -> Any:
    pair = cgutils.create_struct_proxy(wanted)(context, builder)
    pair.value = context.cast(builder, number, given, wanted.dtype)
    pair.slope = context.get_constant(wanted.dtype, 0)
    return pair._getvalue()  # noqa: SLF001  Numba's own name for it


# ---- their two parts ----------------------------------------------------------------------------


@intrinsic
def dual(_: Any, value: Any, slope: Any) -> Any:
    """Return the dual number of a value and a slope."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pair = cgutils.create_struct_proxy(signature.return_type)(context, builder)
        pair.value, pair.slope = arguments
        return pair._getvalue()  # noqa: SLF001

    return Dual(value)(value, value), build


@intrinsic
def value(_: Any, x: Any) -> Any:
    """Return the value of a dual number, or any other number unchanged."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_value(arguments[0], 0) if isinstance(x, Dual) else arguments[0]

    return getattr(x, "dtype", x)(x), build


@intrinsic
def slope(_: Any, x: Any) -> Any:
    """Return the slope of a dual number; 0 for any other number."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if isinstance(x, Dual):
            return builder.extract_value(arguments[0], 1)
        return context.get_constant(signature.return_type, 0)

    return getattr(x, "dtype", x)(x), build


@intrinsic
def one(_: Any, x: Any) -> Any:
    """Return 1, of the precision of x."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(signature.return_type, 1)

    return getattr(x, "dtype", x)(x), build


# ---- operators ----------------------------------------------------------------------------------


def operate(symbol: Function, rule: Function) -> None:
    """Define an operator of two numbers of which at least one is dual."""

    @overload(symbol, strict=False, jit_options=OPTIONS)
    def typed(x: Any, y: Any) -> Any:
        kinds = {type(x), type(y)}
        return rule if Dual in kinds and kinds <= {Dual, types.Float} else None


def plus(x: Any, y: Any) -> Any:
    return dual(value(x) + value(y), slope(x) + slope(y))


def minus(x: Any, y: Any) -> Any:
    return dual(value(x) - value(y), slope(x) - slope(y))


def times(x: Any, y: Any) -> Any:
    return dual(value(x) * value(y), slope(x) * value(y) + value(x) * slope(y))


def over(x: Any, y: Any) -> Any:
    quotient = value(x) / value(y)
    return dual(quotient, (slope(x) - quotient * slope(y)) / value(y))


def to_the(x: Any, y: Any) -> Any:
    power = value(x) ** value(y)
    by_base = value(y) * value(x) ** (value(y) - one(x)) * slope(x)
    by_exponent = power * np.log(value(x)) * slope(y)
    # A constant adds no slope term, whose factor might be NaN.
    by_base, by_exponent = (
        where(slope(x) == 0, slope(x), by_base),
        where(slope(y) == 0, slope(y), by_exponent),
    )
    return dual(power, by_base + by_exponent)


for symbol, rule in {
    operator.add: plus,
    operator.sub: minus,
    operator.mul: times,
    operator.truediv: over,
    operator.pow: to_the,
}.items():
    operate(symbol, rule)


@overload(operator.pow, prefer_literal=True, strict=False, jit_options=OPTIONS)
def whole_power(x: Any, n: Any) -> Any:
    """Compute x**2 as a product."""
    if not (isinstance(x, Dual) and isinstance(n, types.IntegerLiteral)):
        return None
    whole, below = n.literal_value, max(n.literal_value - 1, 0)
    if whole < 0:
        return lambda x, n: one(x) / x**-whole  # noqa: ARG005  Numba compares the names
    factor = as_dtype(x.dtype).type(whole)
    return lambda x, n: dual(  # noqa: ARG005
        value(x) ** whole, factor * value(x) ** below * slope(x)
    )


@overload(operator.neg, strict=False, jit_options=OPTIONS)
def negative(x: Any) -> Any:
    return (lambda x: dual(-value(x), -slope(x))) if isinstance(x, Dual) else None


@overload(operator.pos, strict=False, jit_options=OPTIONS)
def positive(x: Any) -> Any:
    return (lambda x: x) if isinstance(x, Dual) else None


# NumPy compares complex numbers in this order; a bitwise or has no branch.


def less(x: Any, y: Any) -> Any:
    return (value(x) < value(y)) | ((value(x) == value(y)) & (slope(x) < slope(y)))


def less_or_same(x: Any, y: Any) -> Any:
    return (value(x) < value(y)) | ((value(x) == value(y)) & (slope(x) <= slope(y)))


def more(x: Any, y: Any) -> Any:
    return (value(x) > value(y)) | ((value(x) == value(y)) & (slope(x) > slope(y)))


def more_or_same(x: Any, y: Any) -> Any:
    return (value(x) > value(y)) | ((value(x) == value(y)) & (slope(x) >= slope(y)))


def same(x: Any, y: Any) -> Any:
    return (value(x) == value(y)) & (slope(x) == slope(y))


def other(x: Any, y: Any) -> Any:
    return (value(x) != value(y)) | (slope(x) != slope(y))


OPERATORS: dict[Function, Function] = {
    operator.add: plus,
    operator.sub: minus,
    operator.mul: times,
    operator.truediv: over,
    operator.pow: to_the,
    operator.lt: less,
    operator.le: less_or_same,
    operator.gt: more,
    operator.ge: more_or_same,
    operator.eq: same,
    operator.ne: other,
}

for symbol, rule in OPERATORS.items():
    operate(symbol, rule)


@njit
def variable(z: Any) -> Any:
    """Return the dual number of the variable itself, whose slope is 1."""
    return dual(z, one(z))


# ---- functions: source to be translated ---------------------------------------------------------


def exp(x: Any) -> Any:
    e = elementwise.exp(value(x))
    return dual(e, e * slope(x))


def expm1(x: Any) -> Any:
    return dual(elementwise.expm1(value(x)), elementwise.exp(value(x)) * slope(x))


def log(x: Any) -> Any:
    return dual(elementwise.log(value(x)), slope(x) / value(x))


def log1p(x: Any) -> Any:
    return dual(elementwise.log1p(value(x)), slope(x) / (1 + value(x)))


def tanh(x: Any) -> Any:
    # 1 − tanh² would lose its digits for large |x|.
    e = elementwise.exp(-2.0 * where(value(x) < 0, -value(x), value(x)))
    return dual(elementwise.tanh(value(x)), 4.0 * e / ((1.0 + e) * (1.0 + e)) * slope(x))


def sqrt(x: Any) -> Any:
    root = elementwise.sqrt(value(x))
    return dual(root, 0.5 * slope(x) / root)


def erf(x: Any) -> Any:
    return dual(elementwise.erf(value(x)), TWO_OVER_ROOT_PI * gauss(value(x)) * slope(x))


def erfc(x: Any) -> Any:
    return dual(elementwise.erfc(value(x)), -TWO_OVER_ROOT_PI * gauss(value(x)) * slope(x))


def gauss(x: Any) -> Any:
    return elementwise.exp(-x * x)


def sin(x: Any) -> Any:
    return dual(np.sin(value(x)), np.cos(value(x)) * slope(x))


def cos(x: Any) -> Any:
    return dual(np.cos(value(x)), -np.sin(value(x)) * slope(x))


def tan(x: Any) -> Any:
    t = np.tan(value(x))
    return dual(t, (1 + t * t) * slope(x))


def arctan(x: Any) -> Any:
    return dual(np.arctan(value(x)), slope(x) / (1 + value(x) * value(x)))


def sinh(x: Any) -> Any:
    return dual(np.sinh(value(x)), np.cosh(value(x)) * slope(x))


def cosh(x: Any) -> Any:
    return dual(np.cosh(value(x)), np.sinh(value(x)) * slope(x))


def arcsinh(x: Any) -> Any:
    return dual(np.arcsinh(value(x)), slope(x) / elementwise.sqrt(1 + value(x) * value(x)))


def square(x: Any) -> Any:
    return x * x


def reciprocal(x: Any) -> Any:
    return 1 / x


PRIMITIVES: dict[Function, Any] = {dual: dual, value: value, slope: slope}

OVERLOADS: dict[Function, Any] = {
    elementwise.erf: erf,
    elementwise.erfc: erfc,
    elementwise.exp: exp,
    elementwise.expm1: expm1,
    elementwise.log: log,
    elementwise.log1p: log1p,
    elementwise.real: value,
    elementwise.sqrt: sqrt,
    elementwise.tanh: tanh,
    elementwise.where: where,
    np.sin: sin,
    np.cos: cos,
    np.tan: tan,
    np.arctan: arctan,
    np.sinh: sinh,
    np.cosh: cosh,
    np.arcsinh: arcsinh,
    np.square: square,
    np.reciprocal: reciprocal,
}
