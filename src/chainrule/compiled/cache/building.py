"""Compiling a Python function with Numba into an object file that needs neither Python nor Numba.

The functions have Numba's calling convention, without wrappers for Python: the addresses of the
result and of an exception come before the arguments. They cannot raise.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core import codegen, compiler, dispatcher, registry
from numba.core.compiler_lock import global_compiler_lock
from numba.core.sigutils import normalize_signature

from chainrule.compiled.cache.object_cache import Built
from chainrule.errors import InputError

OPTIONS: dict[str, Any] = {"error_model": "numpy"}
REORDERED = {"contract", "reassoc", "nsz"}  # sums in any order; NaN and infinity are preserved

FOREIGN = "NRT_", "numba_", "Py", "_Py"  # symbols that are missing in a process without Numba

# Numba counts the references to an array's memory, even if the array is a view of an address and
# owns no memory. Its destructor is then never called, so it may be empty.
NEVER_CALLED = "NRT_MemInfo_call_dtor"
EMPTY = f"define void @{NEVER_CALLED}(ptr %memory) {{\n ret void\n}}"


Compiler: Any = vars(dispatcher)["_FunctionCompiler"]  # as Numba's C callbacks require


class Library(codegen.AOTCodeLibrary):
    """Code that is linked into other code or written to a file, and never run directly."""

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True


class Pipeline(compiler.Compiler):
    """Numba's stages of compilation, with a `Library` as the result."""

    def __init__(self, typing: Any, target: Any, library: Any, *rest: Any) -> None:
        library = library or Library(target.codegen(), "chainrule")
        super().__init__(typing, target, library, *rest)


class Lean(Compiler):
    """Numba's compiler, without entry points for Python and without loading the result."""

    def _customize_flags(self, flags: Any) -> Any:
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        return flags


class Part(registry.CPUDispatcher):
    """A function that only compiled code calls: it becomes a part of its callers.

    Parameters
    ----------
    function : callable
    **options
        Options of Numba.
    """

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        given = {"nopython": True, **options}
        super().__init__(function, targetoptions=given, pipeline_class=Pipeline)
        self._compiler = Lean(function, self.targetdescr, given, {}, Pipeline)

    def add_overload(self, cres: Any) -> None:
        """Register the code for some types with callers; it has no entry point."""
        entry = object()  # unique
        self.targetctx.insert_user_function(entry, cres.fndesc, [cres.library])
        self.overloads[tuple(cres.signature.args)] = cres._replace(entry_point=entry)


def njit(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Decorate a function as part of compiled code, like ``numba.njit``."""
    return (lambda given: Part(given, **options)) if function is None else Part(function, **options)


def build(function: Callable[..., Any], signature: Any, **options: Any) -> Built:
    """Compile a function for one signature.

    Parameters
    ----------
    function : callable
    signature : numba signature
        Parameters are pointers and 64-bit integers; the result is one of them or nothing.
    **options
        Options of Numba.
    """
    args, result = normalize_signature(signature)
    given = {"nopython": True, **OPTIONS, **options}
    with global_compiler_lock:
        made: Any = Lean(function, registry.cpu_target, given, {}, Pipeline)
        compiled = made.compile(args, result)
        compiled.library._ensure_finalized()  # noqa: SLF001
        module = compiled.library._final_module  # noqa: SLF001
        if NEVER_CALLED in declared(module):
            module.link_in(llvm.parse_assembly(EMPTY))
        code = compiled.library.emit_native_object()
    return Built(compiled.fndesc.llvm_func_name, needs_of(module), code)


def needs_of(module: Any) -> tuple[str, ...]:
    """Return the external symbols of a module that LLVM does not provide."""
    undefined = declared(module)
    foreign = [name for name in undefined if name.startswith(FOREIGN)]
    # The module has such a variable for the arguments of each exception.
    raises = [v.name for v in module.global_variables if "pickle" in v.name]
    if foreign or raises:
        symbols = ", ".join(foreign or raises)
        raise InputError(f"compiled code cannot call Python ({symbols}); use numbers only")
    return tuple(undefined)


def declared(module: Any) -> list[str]:
    """Return the names that a module uses and does not define."""
    every = (*module.functions, *module.global_variables)
    return [f.name for f in every if f.is_declaration and not f.name.startswith("llvm.")]
