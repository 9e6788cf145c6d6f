"""The kinds of machines that code is compiled for: systems and levels of processors.

Code is made for the highest level that a processor has, and not for the processor's own model. So
what is compiled here is the same machine code as what comes with the package, and the numbers of a
run do not depend on which of the two was used.
"""

import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import llvmlite.binding as llvm

from chainrule.compiled.cache import numba_settings
from chainrule.errors import InputError


@dataclass(frozen=True)
class Target:
    """A kind of machine, in LLVM's words.

    Attributes
    ----------
    name : str
        The name of its archive of kernels, such as ``linux-x86-64-v3``.
    triple : str
        Architecture, system, and with them the format of object files.
    cpu : str
        A processor, or a level of processors.
    features : str
        Differences from it, as ``+name,-name``.
    vector : int
        Bytes of the processor's vectors.
    registers : int
        How many vectors it holds in registers.
    """

    name: str
    triple: str
    cpu: str
    features: str
    vector: int
    registers: int

    @property
    def windows(self) -> bool:
        """Whether the system is Windows."""
        return "windows" in self.triple

    @property
    def x86(self) -> bool:
        """Whether the processor is a 64-bit x86."""
        return self.triple.startswith("x86_64")

    def machine(self, optimization: int) -> Any:
        """Return LLVM's code generator, with the options of Numba's."""
        initialize(self.triple)
        return llvm.Target.from_triple(self.triple).create_target_machine(
            cpu=self.cpu,
            features=self.features,
            opt=optimization,
            reloc="static" if self.x86 else "default",
            codemodel="jitdefault",
            jit=True,
        )


# LLVM prefers vectors of 32 bytes at level 4, for Intel's first processors that had 64.
V3 = "x86-64-v3", "", 32, 16
V4 = "x86-64-v4", "-prefer-256-bit", 64, 32

# The best first, among those of one system.
TARGETS = {
    target.name: target
    for target in (
        Target("linux-x86-64-v4", "x86_64-unknown-linux-gnu", *V4),
        Target("linux-x86-64-v3", "x86_64-unknown-linux-gnu", *V3),
        Target("linux-aarch64", "aarch64-unknown-linux-gnu", "generic", "+neon", 16, 16),
        Target("darwin-aarch64", "arm64-apple-macosx11.0.0", "apple-m1", "", 16, 16),
        Target("darwin-x86-64-v3", "x86_64-apple-macosx10.15.0", *V3),
        Target("win32-x86-64-v4", "x86_64-pc-windows-msvc", *V4),
        Target("win32-x86-64-v3", "x86_64-pc-windows-msvc", *V3),
    )
}

# What a processor must have for a level, by LLVM's names; other parts of a level follow from these.
V3_NEEDS = frozenset({"avx2", "bmi", "bmi2", "crc32", "cx16", "f16c", "fma"}) | {
    *("lzcnt", "movbe", "popcnt", "sahf", "sse4.2", "ssse3", "xsave")
}
NEEDS = {
    "x86-64-v3": V3_NEEDS,
    "x86-64-v4": V3_NEEDS | {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"},
}


class Choice:
    """The target of this process, if it is not this machine."""

    target: Target | None = None


def compile_for(name: str) -> None:
    """Compile for another kind of machine from now on; nothing may have been compiled before."""
    if "chainrule.compiled.cache.building" in sys.modules:
        raise InputError(f"this process already compiles; start a new one for {name}")
    Choice.target = TARGETS[name]


def chosen() -> Target | None:
    """Return what this process compiles for; None means this very processor, as Numba does.

    That is the case below every level, on other systems, and with settings of Numba that change
    the code.
    """
    if Choice.target is not None:
        return Choice.target
    return None if numba_settings.given() else of_this_machine()


@cache
def of_this_machine() -> Target | None:
    """Return the best target for this machine, None if there is none."""
    has, system = features(), f"{sys.platform}-{architecture()}"
    for target in TARGETS.values():
        if target.name.startswith(system) and NEEDS.get(target.cpu, frozenset()) <= has:
            return target
    return None


def architecture() -> str:
    """Return the architecture of this process, with the name that targets use."""
    name = llvm.get_process_triple().partition("-")[0]
    return {"x86_64": "x86-64", "amd64": "x86-64", "arm64": "aarch64"}.get(name, name)


def features() -> frozenset[str]:
    """Return the names of the features that the processor has, as far as LLVM knows."""
    try:
        return frozenset(name for name, has in llvm.get_host_cpu_features().items() if has)
    except RuntimeError:  # not on every system
        return frozenset()


@cache
def initialize(triple: str) -> None:
    """Initialize LLVM for this machine, or for all if code is made for another one."""
    if triple.partition("-")[0] == llvm.get_process_triple().partition("-")[0]:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    else:
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
