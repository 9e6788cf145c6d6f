"""Functions as machine code: an object file, its form on disk, and loading it into memory."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm

from chainrule.compiled.cache import libraries, targets
from chainrule.compiled.cache.import_lock import IMPORT_LOCK, LOCKS

EMPTY = ""  # an empty LLVM module, to which object files are added

with IMPORT_LOCK:  # llvmlite's lock, held in every call of it, including destructors
    theirs = getattr(getattr(llvm.ffi.lib, "_lock", None), "_lock", None)
    if theirs is not None:  # the name is private and may change
        LOCKS.append(theirs)


@dataclass(frozen=True)
class Built:
    """A function as machine code.

    Attributes
    ----------
    name : str
        The name of its symbol.
    needs : tuple of str
        Other symbols that it calls.
    code : bytes
        An object file.
    """

    name: str
    needs: tuple[str, ...]
    code: bytes

    def to_bytes(self) -> bytes:
        """Return the content of a file: a hash of the rest, a line of JSON, the code."""
        content = json.dumps({"name": self.name, "needs": self.needs}).encode() + b"\n" + self.code
        return hashlib.sha256(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> "Built":
        """Return the function stored in a file.

        Raises
        ------
        ValueError
            If the file is incomplete.
        """
        digest, content = data[:32], data[32:]
        if hashlib.sha256(content).digest() != digest:
            raise ValueError("the file is incomplete")
        line, _, code = content.partition(b"\n")
        given = json.loads(line)
        return cls(given["name"], tuple(given["needs"]), code)


@dataclass(frozen=True)
class Loaded:
    """A function in memory.

    Attributes
    ----------
    address : int
    owner : object
        LLVM's engine, which keeps the code in memory.
    """

    address: int
    owner: Any


def load(built: Built) -> Loaded:
    """Load machine code into memory.

    Each function is linked separately, so that names cannot collide.
    """
    for name in built.needs:
        libraries.provide(name)
    triple = llvm.get_process_triple()
    targets.initialize(triple)
    machine = llvm.Target.from_triple(triple).create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(EMPTY), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(built.code))
    engine.finalize_object()
    return Loaded(engine.get_function_address(built.name), engine)
