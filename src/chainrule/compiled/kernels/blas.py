"""The three matrix products of a Dense layer, computed by SciPy's BLAS from compiled code.

Signatures, slices and storage are those of :mod:`chainrule.compiled.kernels.gemm`. Row-major
matrices are, to a column-major BLAS, their own transposes: hence C = A·B is computed as Cᵀ = Bᵀ·Aᵀ.
"""

# ruff: noqa: PLR0913, PLR0917 -- the parameters are those of a BLAS

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types

from chainrule.compiled.cache import building
from chainrule.compiled.kernels import simd

njit = building.njit(error_model="numpy")

PLAIN, TURNED = ord("n"), ord("t")  # whether BLAS transposes a matrix

SIZE, POINTER = ir.IntType(32), ir.IntType(8).as_pointer()
XGEMM = ir.FunctionType(ir.VoidType(), [POINTER] * 13)


@njit
def forward_gemm(
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
    W, X = (simd.at(w, w0 + first * ldw), ldw), (simd.at(x, x0), ldx)
    Z = simd.at(z, z0 + first), ldz
    gemm((TURNED, PLAIN), (last - first, n, d), W, X, Z, 1.0, 0.0)


@njit
def weight_gemm(
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
    """Write W[j, k] = beta · W[j, k] + alpha · Σ_s δ[s, j] · x[s, k] for a slice of the units."""
    X, D = (simd.at(x, x0), ldx), (simd.at(delta, d0 + first), ldd)
    W = simd.at(w, w0 + first * ldw), ldw
    gemm((PLAIN, TURNED), (d, last - first, n), X, D, W, alpha, beta)


@njit
def input_gemm(
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
    W, D = (simd.at(w, w0 + first), ldw), (simd.at(delta, d0), ldd)
    E = simd.at(dx, e0 + first), lde
    gemm((PLAIN, PLAIN), (last - first, n, m), W, D, E, 1.0, 0.0)


@njit
def gemm(turned: Any, sizes: Any, A: Any, B: Any, C: Any, alpha: float, beta: float) -> None:
    """Compute C = alpha·A·B + beta·C; each matrix is (address, leading dimension)."""
    (m, n, k), (a, lda), (b, ldb), (c, ldc) = sizes, A, B, C
    if m > 0 and n > 0:  # BLAS rejects the leading dimension of some empty matrices
        xxgemm(turned[0], turned[1], m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)


@simd.intrinsic
def xxgemm(
    _: Any,
    turn_a: Any,
    turn_b: Any,
    m: Any,
    n: Any,
    k: Any,
    alpha: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> Any:
    """Call SciPy's product, which is linked by name (``libraries``) and takes addresses."""
    kind = c.dtype
    name = "chainrule_sgemm" if kind == types.float32 else "chainrule_dgemm"

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def given(value: Any, type_: Any) -> Any:
            if isinstance(type_, types.CPointer):
                return builder.bitcast(value, POINTER)
            if type_ == types.intp:
                value = builder.trunc(value, SIZE)
            return builder.bitcast(cgutils.alloca_once_value(builder, value), POINTER)

        values = [given(*pair) for pair in zip(arguments, signature.args, strict=True)]
        entry = cgutils.get_or_insert_function(builder.module, XGEMM, name)
        builder.call(entry, values)
        return context.get_dummy_value()

    flag, size = types.uint8, types.intp
    matrices = kind, a, size, b, size, kind, c, size
    return types.none(flag, flag, size, size, size, *matrices), build
