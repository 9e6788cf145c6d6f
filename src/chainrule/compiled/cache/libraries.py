"""The external functions that compiled code calls by name: matrix products of SciPy's BLAS.

SciPy is imported only when such code is loaded.
"""

import ctypes
from functools import cache

import llvmlite.binding as llvm

# SciPy's names by the names in compiled code.
PRODUCTS = {"chainrule_sgemm": "sgemm", "chainrule_dgemm": "dgemm"}


@cache
def provide(name: str) -> None:
    """Register a matrix product with LLVM, for code loaded later; ignore all other names."""
    if name in PRODUCTS:
        llvm.add_symbol(name, address_of(PRODUCTS[name]))


def address_of(name: str) -> int:
    """Return the address of a function of SciPy's BLAS; its parameters are all addresses."""
    import scipy.linalg.cython_blas as scipy_blas  # pyright: ignore  (it has no types)

    text, thing = ctypes.c_char_p, ctypes.py_object
    name_of = ctypes.PYFUNCTYPE(text, thing)(("PyCapsule_GetName", ctypes.pythonapi))
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, thing, text)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    capsule = scipy_blas.__pyx_capi__[name]
    signature = name_of(capsule)
    if not signature.startswith(b"void (char *, char *, int *, int *, int *,"):
        raise ImportError(
            f"SciPy's {name} has the signature {signature.decode()}, not 32-bit sizes"
        )
    return int(pointer_of(capsule, signature))
