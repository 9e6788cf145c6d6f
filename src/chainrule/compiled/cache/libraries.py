"""What compiled code calls by name: the matrix product of the BLAS that SciPy brings.

Only code that calls it makes this import SciPy.
"""

import ctypes
from functools import cache

import llvmlite.binding as llvm

PRODUCTS = {"chainrule_sgemm": "sgemm", "chainrule_dgemm": "dgemm"}  # by our name


@cache
def provide(name: str) -> None:
    """Let machine code that is loaded from now on find a product; other names the process has."""
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
