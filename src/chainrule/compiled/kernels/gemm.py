"""The three matrix products of a Dense layer, blocked for registers and small batches.

An entry (r, c) of a matrix is ``m[m0 + r * ldm + c]``. Every function works on a slice of its
result, ``first`` ≤ unit or column < ``last``, and writes nothing outside it.
"""

# ruff: noqa: PLR0913, PLR0917 -- a matrix is an array, an offset and a row's length, as for a BLAS

from typing import Any

import numpy as np

from chainrule.compiled.cache import building
from chainrule.compiled.kernels import simd

FASTMATH = {"reassoc", "contract", "nsz", "arcp"}  # NaN and infinity are preserved
FLAGS: dict[str, Any] = {"error_model": "numpy", "fastmath": FASTMATH}

njit = building.njit(**FLAGS)

# Columns of the largest tiles: with four rows and the factors, they fill the registers.
ACROSS = 3 if simd.REGISTERS == 16 else 6
UNITS = 3 if simd.REGISTERS == 16 else 4

LONG = 96  # number of inputs from which the final sums are cheap enough for larger tiles
NEAR = 4096  # numbers that stay in the first-level cache while other data stream through it
MOST = 2**25  # limit on multiplications times the bytes of a number, see pays
# With 32 registers: limits of samples, and of the bytes of W, which should stay in a cache.
MOST_SAMPLES, MOST_BYTES = 512, 2**21
MANY_REGISTERS = simd.REGISTERS == 32


def pays(n: int, d: int, units: int, size: int = 4) -> bool:
    """Return whether the three products of a step together are faster than with a BLAS.

    Measured on one core with AVX2 against OpenBLAS, in float32. With 784 inputs and 128 units, the
    three products take a fifth of OpenBLAS's time for 1 sample, half for 8 to 16, four fifths for
    64, and the same for 128. With 512 inputs and 512 units, OpenBLAS is faster from 64 samples;
    with 2048 and 1024 from 16, because it first packs what would not stay in the cache. For more
    than 128 samples of any width, the cost of packing is negligible. float64 takes twice the space,
    so the limit is half as many multiplications. The product for the weights gains least: for fewer
    than 8 samples it is up to 50 % slower than OpenBLAS, as it mostly reads and writes W.

    With AVX-512, our products reach 110 of 117 GFLOP/s in float32 for 32 to 512 samples, as long as
    W has at most 2 MB, and OpenBLAS 85 to 105; in float64 they are equal or up to a tenth faster.
    """
    if MANY_REGISTERS and n <= MOST_SAMPLES and d * units * size <= MOST_BYTES:
        return True
    return n <= 128 and n * d * units * size <= MOST


@njit
def forward_product(
    x: Any,
    x0: int,
    ldx: int,
    w: Any,
    w0: int,
    ldw: int,
    z: Any,
    z0: int,
    ldz: int,
    n: int,
    d: int,
    first: int,
    last: int,
) -> None:
    """Write z[s, j] = Σ_k x[s, k] · W[j, k] for n samples, d inputs and a slice of the units."""
    X, W, Z = (simd.at(x, x0), ldx), (simd.at(w, w0), ldw), (simd.at(z, z0), ldz)
    fours = n - n % 4 if d >= LONG else 0
    pairs = n - (n - fours) % 2
    rest, odd = last - (last - first) % UNITS, last - (last - first) % 4
    dots(simd.whole(Z[0], 4, UNITS), X, W, Z, d, (0, fours, first, rest))
    dots(simd.whole(Z[0], 4, 1), X, W, Z, d, (0, fours, rest, last))
    dots(simd.whole(Z[0], 2, 4), X, W, Z, d, (fours, pairs, first, odd))
    dots(simd.whole(Z[0], 1, 4), X, W, Z, d, (pairs, n, first, odd))
    dots(simd.whole(Z[0], 1, 1), X, W, Z, d, (fours, n, odd, last))


@njit
def weight_product(
    delta: Any,
    d0: int,
    ldd: int,
    x: Any,
    x0: int,
    ldx: int,
    w: Any,
    w0: int,
    ldw: int,
    n: int,
    d: int,
    first: int,
    last: int,
    alpha: float,
    beta: float,
) -> None:
    """Write W[j, k] = beta · W[j, k] + alpha · Σ_s δ[s, j] · x[s, k] for a slice of the units.

    With beta = 0, the old values of W are ignored, even NaN.
    """
    # np.intp and np.float64: literals have other types, so everything would be compiled twice.
    across = simd.at(delta, d0), np.intp(1), ldd
    factors = np.float64(alpha), np.float64(beta)
    area = first, last, np.intp(0), d
    outer_product(across, (simd.at(x, x0), ldx), (simd.at(w, w0), ldw), n, area, factors)


@njit
def input_product(
    delta: Any,
    d0: int,
    ldd: int,
    w: Any,
    w0: int,
    ldw: int,
    dx: Any,
    e0: int,
    lde: int,
    n: int,
    m: int,
    first: int,
    last: int,
) -> None:
    """Write dx[s, k] = Σ_j δ[s, j] · W[j, k] over m units, for a slice of the columns."""
    along = simd.at(delta, d0), ldd, np.intp(1)
    factors = np.float64(1), np.float64(0)
    area = np.intp(0), n, first, last
    outer_product(along, (simd.at(w, w0), ldw), (simd.at(dx, e0), lde), m, area, factors)


# ---- areas, by tiles ----------------------------------------------------------------------------


@njit
def dots(tile: Any, X: Any, W: Any, Z: Any, d: int, area: Any) -> None:
    """Write x·Wᵀ in the part of an area that full tiles cover; each entry is a dot product.

    An area is (first row, end, first column, end); a matrix is (address, length of a row).
    """
    simd.compact()  # compiles in a third less time, and is hardly slower
    (x, ldx), (w, ldw), (z, ldz), (top, bottom, first, last) = X, W, Z, area
    rows, columns, lanes = simd.rows(tile), simd.columns(tile), simd.lanes(tile)
    whole = d - d % lanes
    for j in range(first, last - columns + 1, columns):
        for s in range(top, bottom - rows + 1, rows):
            total = tile
            for k in range(0, whole, lanes):
                left = simd.load_rows(tile, x, s * ldx + k, ldx, None)
                right = simd.load_columns(tile, w, j * ldw + k, ldw, None)
                total = simd.multiply_add(total, left, right)
            if whole < d:
                left = simd.load_rows(tile, x, s * ldx + whole, ldx, d - whole)
                right = simd.load_columns(tile, w, j * ldw + whole, ldw, d - whole)
                total = simd.multiply_add(total, left, right)
            simd.store_sums(total, z, s * ldz + j, ldz)


@njit
def outer_product(A: Any, B: Any, C: Any, steps: int, area: Any, factors: Any) -> None:
    """Write C[i, k] = beta · C[i, k] + alpha · Σ_s A[i, s] · B[s, k] in an area.

    A has two strides, of its rows and of its steps, so that it can also be a transpose.
    """
    top, bottom, first, last = area
    lanes = simd.lanes(simd.whole(C[0], 1, 1))
    rest = bottom - (bottom - top) % 4
    wide = last - (last - first) % (ACROSS * lanes)
    pairs = last - (last - wide) % (2 * lanes)
    outer(simd.whole(C[0], 4, ACROSS), A, B, C, steps, (top, rest, first, wide), factors)
    outer(simd.whole(C[0], 4, 2), A, B, C, steps, (top, rest, wide, pairs), factors)
    outer(simd.part(C[0], 4), A, B, C, steps, (top, rest, pairs, last), factors)
    outer(simd.whole(C[0], 1, ACROSS), A, B, C, steps, (rest, bottom, first, wide), factors)
    outer(simd.part(C[0], 1), A, B, C, steps, (rest, bottom, wide, last), factors)


@njit
def outer(tile: Any, A: Any, B: Any, C: Any, steps: int, area: Any, factors: Any) -> None:
    """Write an area of :func:`outer_product` whose size is a multiple of the tile's."""
    simd.compact()
    (a, lda, step), (b, ldb), (c, ldc), (alpha, beta) = A, B, C, factors
    top, bottom, first, last = area
    rows, lanes = simd.rows(tile), simd.lanes(tile)
    width = simd.columns(tile) * lanes
    # All rows are computed before the next columns of B, while these are still in the cache.
    chunk = width * max(1, NEAR // (width * max(1, steps)))
    for near in range(first, last, chunk):
        for i in range(top, bottom - rows + 1, rows):
            for k in range(near, min(near + chunk, last), width):
                total, count = tile, last - k
                for s in range(steps):
                    left = simd.spread(tile, a, i * lda + s * step, lda)
                    right = simd.load_across(tile, b, s * ldb + k, lanes, count)
                    total = simd.multiply_add(total, left, right)
                # No branch on beta: the compiler would duplicate all loops.
                old = simd.kept(simd.load(tile, c, i * ldc + k, ldc, count), beta != 0)
                total = simd.added(simd.scaled(total, alpha), simd.scaled(old, beta))
                simd.store(total, c, i * ldc + k, ldc, count)
