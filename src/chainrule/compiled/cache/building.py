"""Compiling a Python function with Numba into an object file that needs neither Python nor Numba.

The functions have Numba's calling convention, without wrappers for Python: the addresses of the
result and of an exception come before the arguments. They cannot raise. The code is for the target
that ``targets.chosen`` returns when this module is imported, which can be another kind of machine.
"""

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from numba.core import codegen, compiler, config, dispatcher, registry
from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime.nrt import rtsys
from numba.core.sigutils import normalize_signature

from chainrule.compiled.cache import targets
from chainrule.compiled.cache.machine_code import Built
from chainrule.errors import InputError

OPTIONS: dict[str, Any] = {"error_model": "numpy"}
REORDERED = {"contract", "reassoc", "nsz"}  # sums in any order; NaN and infinity are preserved

FOREIGN = "NRT_", "numba_", "Py", "_Py"  # symbols that are missing in a process without Numba

# Numba counts the references to an array's memory, even if the array is a view of an address and
# owns no memory. Its destructor is then never called, so it may be empty.
NEVER_CALLED = "NRT_MemInfo_call_dtor"
EMPTY = f"define void @{NEVER_CALLED}(ptr %memory) {{\n ret void\n}}"


Compiler: Any = vars(dispatcher)["_FunctionCompiler"]  # as Numba's C callbacks require

ENTRY = "chainrule_entry"  # the name of the function that an object file defines


# ---- the target, instead of Numba's, which is this very machine ----------------------------------


class Library(codegen.AOTCodeLibrary):
    """Code that is linked into other code or written to a file, and never run directly."""

    entry = ""  # the only function that is used from outside; a part of other code has none

    def _optimize_final_module(self) -> None:
        """Optimize code to be written; of other code, inline only, as its callers optimize it."""
        if self.entry:
            keep_only(self._final_module, self.entry)
            super()._optimize_final_module()
            return
        cheap, builder = self._codegen._module_pass_manager(  # noqa: SLF001
            loop_vectorize=False, slp_vectorize=False, opt=0, cost="cheap"
        )
        cheap.run(self._final_module, builder)

    def _finalize_final_module(self) -> None:
        self._finalize_dynamic_globals()
        self._verify_declare_only_symbols()
        self._finalized = True

    def add_linking_library(self, library: Any) -> None:
        """Add a library that is linked into this one; Numba compiles its own for this machine."""
        super().add_linking_library(library if library.codegen is CODEGEN else Foreign(library))


class Foreign:
    """One of Numba's own libraries, to be linked into code for another machine.

    Parameters
    ----------
    library : Library
        Compiled for this machine.
    """

    def __init__(self, library: Any) -> None:
        self.library = library
        self._reload_init = library._reload_init  # noqa: SLF001

    def _ensure_finalized(self) -> None:
        self.library._ensure_finalized()  # noqa: SLF001

    def _get_module_for_linking(self) -> Any:
        module = self.library._get_module_for_linking().clone()  # noqa: SLF001
        module.triple, module.data_layout = CODEGEN.triple, CODEGEN.data_layout
        return module


class Codegen(codegen.CPUCodegen):
    """Numba's generator of code, for a target."""

    _library_class = Library

    def __init__(self, target: targets.Target) -> None:
        optimization: Any = vars(config)["OPT"]
        self.triple, self._tm = target.triple, target.machine(optimization)
        self._tm_features, self._target_data = target.features, self._tm.target_data
        self.data_layout = self._data_layout = str(self._target_data)
        self._loopvect, self._opt_level = (
            (True, 3) if optimization.is_opt_max else (False, 0)  # as Numba does
        )

    def _add_module(self, module: Any) -> None:
        """Do nothing: code is not run here."""

    def _create_empty_module(self, name: str) -> Any:
        module = super()._create_empty_module(name)
        module.triple = self.triple
        return module


class Description(registry.CPUTarget):
    """Numba's description of a processor, with the code generator of a target."""

    def __init__(self, generator: Codegen) -> None:
        super().__init__("cpu")
        numbas: Any = registry.cpu_target.target_context
        rtsys.initialize(numbas)  # the first context compiles what users' functions need, too
        # Names that Numba's cached properties have.
        self._toplevel_typing_context = registry.cpu_target.typing_context
        self._toplevel_target_context = numbas.subtarget(_internal_codegen=generator)


def own_processor() -> targets.Target:
    """Return this very processor, or what Numba's settings say."""
    numbas: Any = registry.cpu_target.target_context
    triple, cpu, features = numbas.codegen().magic_tuple()
    has = features.split(",")
    vector = 64 if "+avx512f" in has else 32 if "+avx" in has else 16
    registers = 32 if "+avx512vl" in has else 16
    return targets.Target("", triple, cpu, features, vector, registers)


TARGET = targets.chosen() or own_processor()
CODEGEN = Codegen(TARGET)
DESCRIPTION: Any = Description(CODEGEN)


# ---- compiling ----------------------------------------------------------------------------------


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

    targetdescr = DESCRIPTION

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
        made: Any = Lean(function, DESCRIPTION, given, {}, Pipeline)
        compiled = made.compile(args, result)
        compiled.library.entry = compiled.fndesc.llvm_func_name
        compiled.library._ensure_finalized()  # noqa: SLF001
        module = compiled.library._final_module  # noqa: SLF001
        if NEVER_CALLED in declared(module):
            module.link_in(llvm.parse_assembly(EMPTY))
        needs = needs_of(module)
        shorten_names(module)
        code = compiled.library.emit_native_object()
    return Built(ENTRY, needs, code)


def keep_only(module: Any, entry: str) -> None:
    """Rename the entry, and hide everything else, so that what is inlined everywhere is removed."""
    for thing in (*module.functions, *module.global_variables):
        if not thing.is_declaration and thing.name != entry:
            thing.linkage = "internal"
    module.get_function(entry).name = ENTRY


def shorten_names(module: Any) -> None:
    """Rename hidden functions by number; their names depend on what was compiled before."""
    hidden = [f for f in module.functions if f.linkage == llvm.Linkage.internal]
    for number, function in enumerate(hidden):
        function.name = f"part{number}"


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
