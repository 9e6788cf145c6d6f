"""Scalar versions of the functions of ``chainrule.elementwise``, for loops that are vectorized.

No function calls the C library, uses a table or branches. Names in upper case are `Either`: the
source is the same for both precisions, with different constants. Products and sums are contracted
only by `muladd` and `polynomial`, since elsewhere the rounding of each is part of the method.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from chainrule import elementwise
from chainrule.compiled.cache import building

Function: TypeAlias = Callable[..., Any]

# Division by zero as in arrays, and no reordering. Options that are not set here are inherited
# from the first caller. Functions are inlined, since a loop with a call is not vectorized.
OPTIONS: Any = {"error_model": "numpy", "fastmath": False, "forceinline": True}
njit: Any = building.njit(**OPTIONS)
intrinsic: Any = extending.intrinsic


class Either(NamedTuple):
    """A constant, or a function, for single and for double precision."""

    single: Any
    double: Any

    def of(self, dtype: type[np.floating[Any]]) -> Any:
        """Return the version for a dtype."""
        return self.single if dtype is np.float32 else self.double


def either(single: Any, double: Any) -> Any:
    """Return both versions, typed as the one that the source uses."""
    return Either(single, double)


# ---- coefficients, fitted by tools/fit_elementary.py --------------------------------------------

EXP_SINGLE = (
    *(0.001392789643, 0.008363203479, 0.04166653926),
    *(0.1666657684, 0.5000000002),
)
EXP_DOUBLE = (
    *(2.5103963163034568e-08, 2.762013861382638e-07, 2.7557259868661443e-06),
    *(2.4801521190377554e-05, 0.00019841269869820557, 0.001388888891728173),
    *(0.008333333333328129, 0.04166666666662399, 0.16666666666666669),
    0.5000000000000001,
)
LOG_SINGLE = (
    *(0.06948127557, -0.1147178837, 0.1168971359),
    *(-0.1242692439, 0.1424879507, -0.1666774849),
    *(0.2000072132, -0.2499999752, 0.3333333116),
)
LOG_DOUBLE = (
    *(0.14616449685043406, 0.15331721600556042, 0.18182889125261723),
    *(0.2222221113479508, 0.28571428625975487, 0.39999999999899505),
    0.666666666666667,
)
ERF_NEAR_SINGLE = (
    *(-0.0006214585362, 0.005034370663, -0.02679294778),
    *(0.112824966, -0.3761255451, 0.1283791581),
)
ERFC_TAIL_SINGLE = (
    *(0.005852067345, -0.01951443036, 0.04666878776),
    *(-0.08977363304, 0.1410849042, -0.1827622934),
    *(0.1912891893, -0.1486601295, 0.05467993907),
    0.1302455257,
)

EXP = either(EXP_SINGLE, EXP_DOUBLE)
LOG = either(LOG_SINGLE, LOG_DOUBLE)
ERF_NEAR = either(ERF_NEAR_SINGLE, elementwise.ERF_NEAR)
ERFC_TAIL = either(ERFC_TAIL_SINGLE, elementwise.ERFC_TAIL)


# ---- other constants ----------------------------------------------------------------------------

LOG2_E = 1 / math.log(2)
# log 2 in two parts: the first has so few digits that its product with an exponent is exact.
LOG2_HIGH = either(0.693145751953125, 0.6931471805598903)
LOG2_LOW = either(1.4286068203094173e-06, 5.497923018708371e-14)
MAGIC = either(1.5 * 2.0**23, 1.5 * 2.0**52)  # a sum with it is rounded to a whole number

EXP_LEAST = either(-104.0, -746.0)  # e to these is 0 and infinite
EXP_MOST = either(89.0, 710.0)
EXPM1_LEAST = either(-20.0, -40.0)  # e^x − 1 is −1 there
HALF_WAY = either(64.0, 512.0)
TWO_TO_HALF_WAY = either(2.0**64, 2.0**512)
TWO_TO_MINUS_HALF_WAY = either(2.0**-64, 2.0**-512)

NORMAL = either(2.0**-126, 2.0**-1022)  # the smallest normal number
LIFT = either(24.0, 53.0)
TWO_TO_LIFT = either(2.0**24, 2.0**53)
LARGE = either(2.0**30, 2.0**60)  # adding 1 to it is lost to rounding

ERFC_LAST = either(10.25, 28.0)  # erfc is 0 there
SPLITTER = either(1.5 * 2.0**16, 1.5 * 2.0**31)  # leaves half the digits of a number below 32


# ---- primitives: a few instructions each --------------------------------------------------------


class Bits(NamedTuple):
    """The binary format of a precision."""

    kind: ir.IntType
    digits: int  # bits of the fraction
    bias: int  # bits of the exponent
    root_half: int  # √½

    def whole(self, number: int) -> ir.Constant:
        """Return an integer constant with the bits of the precision."""
        return ir.Constant(self.kind, number)


BITS = {
    types.float32: Bits(ir.IntType(32), 23, 127, 0x3F3504F3),
    types.float64: Bits(ir.IntType(64), 52, 1023, 0x3FE6A09E667F3BCD),
}


@njit
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x or y; both are computed, so that a loop can select without a branch."""
    return x if condition else y


@njit
def real(x: Any) -> Any:
    """Return x, which has no imaginary part."""
    return x


def contracted(builder: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x·y + z, rounded once where the processor can."""
    return builder.fadd(builder.fmul(x, y, flags=["contract"]), z, flags=["contract"])


@intrinsic
def muladd(_: Any, x: Any, y: Any, z: Any) -> Any:
    """Return x·y + z, rounded once where the processor can."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return contracted(builder, *arguments)

    return x(x, x, x), build


@intrinsic
def polynomial(_: Any, coefficients: Any, x: Any) -> Any:
    """Return the polynomial at x, highest power first: even and odd powers side by side."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lowest_first = cgutils.unpack_tuple(builder, arguments[0])[::-1]
        square = builder.fmul(arguments[1], arguments[1])
        even, odd = (horner(builder, lowest_first[k::2][::-1], square) for k in (0, 1))
        return contracted(builder, odd, arguments[1], even)

    return x(coefficients, x), build


def horner(builder: Any, coefficients: Any, x: Any) -> Any:
    """Return a polynomial at x by Horner's rule, highest power first."""
    total, *others = coefficients
    for coefficient in others:
        total = contracted(builder, total, x, coefficient)
    return total


@intrinsic
def sqrt(_: Any, x: Any) -> Any:
    """Return √x by the processor's instruction."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        root = builder.module.declare_intrinsic("llvm.sqrt", [arguments[0].type])
        return builder.call(root, arguments)

    return x(x), build


@intrinsic
def power(_: Any, n: Any) -> Any:
    """Return 2ⁿ for an integer n for which 2ⁿ is a normal number."""
    bits = BITS[n]

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # A sum so large has n and the bias in its last bits; shifted, they are an exponent.
        large = ir.Constant(arguments[0].type, 1.5 * 2.0**bits.digits + bits.bias)
        total = builder.bitcast(builder.fadd(arguments[0], large), bits.kind)
        return builder.bitcast(builder.shl(total, bits.whole(bits.digits)), large.type)

    return n(n), build


@intrinsic
def exponent(_: Any, x: Any) -> Any:
    """Return the k of a positive normal x = m·2ᵏ with √½ ≤ m < √2."""
    bits = BITS[x]

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        biased = builder.lshr(moved(builder, arguments[0], bits), bits.whole(bits.digits))
        # As the last bits of a large number, they need no conversion, which vectors may lack.
        large = bits.whole(bits.bias + bits.digits << bits.digits)
        number = builder.bitcast(builder.or_(biased, large), arguments[0].type)
        return builder.fsub(number, ir.Constant(number.type, 2.0**bits.digits + bits.bias))

    return x(x), build


@intrinsic
def mantissa(_: Any, x: Any) -> Any:
    """Return the m of a positive normal x = m·2ᵏ with √½ ≤ m < √2."""
    bits = BITS[x]

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        fraction = bits.whole((1 << bits.digits) - 1)
        above = builder.and_(moved(builder, arguments[0], bits), fraction)
        number = builder.add(above, bits.whole(bits.root_half))
        return builder.bitcast(number, arguments[0].type)

    return x(x), build


def moved(builder: Any, number: Any, bits: Bits) -> Any:
    """Return a number's bits, shifted so that √½ has the bits of 1."""
    distance = bits.whole((bits.bias << bits.digits) - bits.root_half)
    return builder.add(builder.bitcast(number, bits.kind), distance)


# ---- functions: source to be translated ---------------------------------------------------------


def exp(x: Any) -> Any:
    """Return eˣ = 2ⁿ eʳ, |r| ≤ ½ log 2."""
    x = where(x > EXP_MOST, EXP_MOST, x)
    x = where(x < EXP_LEAST, EXP_LEAST, x)
    n = multiple(x)
    r = rest(x, n)
    return scaled(muladd(r, ratio(r), 1.0), n)


def multiple(x: Any) -> Any:
    """Return the integer nearest to x / log 2."""
    return muladd(x, LOG2_E, MAGIC) - MAGIC


def rest(x: Any, n: Any) -> Any:
    """Return x − n log 2."""
    return muladd(-n, LOG2_LOW, muladd(-n, LOG2_HIGH, x))


def ratio(r: Any) -> Any:
    """Return (eʳ − 1) / r."""
    return muladd(r, polynomial(EXP, r), 1.0)


def scaled(x: Any, n: Any) -> Any:
    """Return x·2ⁿ in two steps, since 2ⁿ itself may overflow or be 0."""
    small = n < 0
    first = x * power(n - where(small, -HALF_WAY, HALF_WAY))
    return first * where(small, TWO_TO_MINUS_HALF_WAY, TWO_TO_HALF_WAY)


def expm1(x: Any) -> Any:
    """Return eˣ − 1 = 2ⁿ (eʳ − 1) + (2ⁿ − 1), by halves, since 2ⁿ may overflow."""
    x = where(x > EXP_MOST, EXP_MOST, x)
    x = where(x < EXPM1_LEAST, EXPM1_LEAST, x)
    n = multiple(x)
    r = rest(x, n)
    q = r * ratio(r)
    half = power(n - 1)
    y = muladd(half, q, half - 0.5)
    return where(n == 0, q, y + y)


def tanh(x: Any) -> Any:
    negative = x < 0
    e = expm1(-2.0 * where(negative, -x, x))
    size = e / (2.0 + e)
    return where(negative, size, -size)


def log(x: Any) -> Any:
    small = x < NORMAL
    lifted = where(small, x * TWO_TO_LIFT, x)
    k = exponent(lifted) - where(small, LIFT, 0.0)
    y = log_of(mantissa(lifted) - 1.0, k)
    y = where(x > 0, y, where(x == 0, -math.inf, math.nan))
    return where(x < math.inf, y, x)


def log1p(x: Any) -> Any:
    """Return log(1 + x); the rounded 1 + x is used only to choose k, so no digit of x is lost."""
    u = 1.0 + x
    k = exponent(u)
    s = power(-k)
    f = where(x > LARGE, mantissa(u) - 1.0, muladd(x, s, s - 1.0))
    y = log_of(f, k)
    y = where(x > -1.0, y, where(x == -1.0, -math.inf, math.nan))
    return where((x < math.inf) & (x != 0), y, x)


def log_of_single(f: Any, k: Any) -> Any:
    """Return log(1 + f) + k log 2."""
    square = f * f
    y = muladd(square, muladd(f, polynomial(LOG, f), -0.5), k * LOG2_LOW)
    return muladd(k, LOG2_HIGH, f + y)


def log_of_double(f: Any, k: Any) -> Any:
    """Return log(1 + f) + k log 2, by s = f/(2 + f), whose series is shorter."""
    s = f / (2.0 + f)
    z = s * s
    half = 0.5 * f * f
    y = half - muladd(s, muladd(z, polynomial(LOG, z), half), k * LOG2_LOW)
    return muladd(k, LOG2_HIGH, f - y)


log_of = either(log_of_single, log_of_double)


def erf(x: Any) -> Any:
    """Return the error function, computed as in ``chainrule.elementwise``."""
    negative = x < 0
    a = where(negative, -x, x)
    size = where(a < 0.875, muladd(a, near(a), a), 1.0 - far(a))
    return where(negative, -size, size)


def erfc(x: Any) -> Any:
    negative = x < 0
    a = where(negative, -x, x)
    size = where(a < 0.875, (1.0 - a) - a * near(a), far(a))
    return where(negative, 2.0 - size, size)


def near(a: Any) -> Any:
    """Return erf(a)/a − 1."""
    return polynomial(ERF_NEAR, a * a)


def far(a: Any) -> Any:
    """Return erfc(a)."""
    a = where(a > ERFC_LAST, ERFC_LAST, a)
    square = a * a
    h = (a + SPLITTER) - SPLITTER
    loss = (h * h - square) + (a - h) * (a + h)  # of the rounded square
    w = exp(-square) / (2.0 * a + 0.25)
    tail = polynomial(ERFC_TAIL, (a - 4.0) / (a + 4.0))
    return w + w * (tail - loss * (1.0 + tail))


PRIMITIVES: dict[Function, Any] = {
    exponent: exponent,
    mantissa: mantissa,
    muladd: muladd,
    polynomial: polynomial,
    power: power,
    where: where,
}

OVERLOADS: dict[Function, Any] = {
    elementwise.erf: erf,
    elementwise.erfc: erfc,
    elementwise.exp: exp,
    elementwise.expm1: expm1,
    elementwise.log: log,
    elementwise.log1p: log1p,
    elementwise.real: real,
    elementwise.sqrt: sqrt,
    elementwise.tanh: tanh,
    elementwise.where: where,
}
