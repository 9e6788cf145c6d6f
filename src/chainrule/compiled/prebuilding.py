"""Compiling the standard kernels ahead of time: an archive for each kind of machine.

``python -m chainrule.compiled.prebuilding FOLDER [TARGET …]`` writes the archives that
``cache.prebuilt`` reads; ``tools/build_backend.py`` runs it for a wheel.
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np

from chainrule.activations import ACTIVATIONS
from chainrule.compiled import kernel_loader
from chainrule.compiled.cache import object_cache, prebuilt, sources, targets
from chainrule.compiled.cache.machine_code import Built
from chainrule.compiled.codegen import elementwise_kernels as elementwise
from chainrule.compiled.codegen.elementwise_kernels import Dtype
from chainrule.compiled.threads import processors
from chainrule.errors import InputError, unknown
from chainrule.losses import LOSSES
from chainrule.optimizers import OPTIMIZERS, Optimizer

DTYPES = "float32", "float64"


class Kernel(NamedTuple):
    """A kernel to be compiled.

    Attributes
    ----------
    name : str
        The beginning of the name of its file in the cache.
    key : str
        Identifies it among all kernels.
    build : callable
    """

    name: str
    key: str
    build: Callable[[], Built]


def every_kernel(dtype: Dtype) -> Iterator[Kernel]:
    """Yield all standard kernels of a precision."""
    for name in kernel_loader.EVERY:
        build = partial(kernel_loader.built, name, dtype)
        yield Kernel(*kernel_loader.key_of_kernel(name, dtype), build)
    for loop in every_loop(dtype):
        yield Kernel(loop.name, str(loop.key), loop.build)


def every_loop(dtype: Dtype) -> set[elementwise.Loop]:
    """Return the loops of everything that is registered."""
    found: set[elementwise.Loop] = set()
    for activation in ACTIVATIONS.values():
        found.update(elementwise.activation_loops(activation, dtype))
    for loss in LOSSES.values():
        found.update(elementwise.loss_loops(loss, dtype))
        found.add(elementwise.link_loop(loss, dtype))
    for optimizer in OPTIMIZERS.values():
        if isinstance(optimizer, Optimizer):
            found.add(elementwise.update_loop(type(optimizer), dtype))
    return found


def compile_part(target: str, dtype: str, part: int, parts: int) -> dict[str, Built]:
    """Return a part of the kernels for a target by key; the process can compile for no other."""
    targets.compile_for(target)
    kernels = sorted(every_kernel(np.dtype(dtype).type), key=lambda kernel: kernel.key)
    return {key: object_cache.kept(name, key, build) for name, key, build in kernels[part::parts]}


def archives(names: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each target, and the content of its archive, compiled in parallel."""
    parts = max(1, processors() // (len(names) * len(DTYPES)))
    spawn = multiprocessing.get_context("spawn")
    made_with = ", ".join(f"{name} {version(name)}" for name in ("numba", "llvmlite"))
    with ProcessPoolExecutor(processors(), mp_context=spawn, max_tasks_per_child=1) as pool:
        tasks = {
            name: [
                pool.submit(compile_part, name, d, k, parts) for d in DTYPES for k in range(parts)
            ]
            for name in names
        }
        for name, of_target in tasks.items():
            kernels = {key: built for task in of_target for key, built in task.result().items()}
            if not sources.unchanged():  # else older code would get the hash of newer sources
                raise InputError("the sources were edited while they were compiled; start again")
            yield name, prebuilt.to_bytes(name, kernels, made_with)


def chosen(*names: str) -> tuple[str, ...]:
    """Return the names of targets: those given, ``all``, or without one, this machine's.

    Raises
    ------
    UnknownNameError
        If there is no such target.
    """
    if names == ("all",):
        return tuple(targets.TARGETS)
    for name in names:
        if name not in targets.TARGETS:
            raise unknown("target", name, tuple(targets.TARGETS))
    here = targets.of_this_machine()
    return names or ((here.name,) if here else ())


def main(folder: str, *names: str) -> None:
    """Write the archives of targets into a folder."""
    wanted = chosen(*names)
    if not wanted:
        sys.stderr.write("no kernels are compiled ahead of time for this kind of machine\n")
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, content in archives(wanted):
        Path(folder, f"{name}{prebuilt.SUFFIX}").write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
