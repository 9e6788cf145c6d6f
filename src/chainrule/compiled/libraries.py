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

    name_of, pointer_of = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of.restype = ctypes.c_void_p
    pointer_of.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = scipy_blas.__pyx_capi__[name]
    return int(pointer_of(capsule, name_of(capsule)))
