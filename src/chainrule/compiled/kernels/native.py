"""Low-level intrinsics that Numba lacks: calls and memory access by address, and a barrier."""

from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from chainrule.compiled.cache.building import TARGET, njit

intrinsic: Any = extending.intrinsic  # callers omit the first parameter, the typing context

WORD = ir.IntType(64)
PAUSE = "llvm.x86.sse2.pause"
SPINS = 4000  # reads of the counter (0.1 ms) before the processor is yielded to other threads


@intrinsic
def call(typing: Any, address: Any, arguments: Any) -> Any:
    """Call the compiled function at an address with a tuple of 64-bit words; return nothing.

    In Numba's calling convention, the addresses of a result and of an exception come first.
    """

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        result = builder.ptrtoint(cgutils.alloca_once(builder, WORD), WORD)
        words = [result, WORD(0), *cgutils.unpack_tuple(builder, given[1])]
        kind = ir.FunctionType(ir.IntType(32), [WORD] * len(words))
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), words)
        return context.get_dummy_value()

    return types.none(types.uint64, types.UniTuple(types.uint64, len(arguments))), generate


@intrinsic
def pointer(typing: Any, address: Any, like: Any) -> Any:
    """Return an address as a pointer to numbers of an array's dtype, for ``numba.carray``."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        return builder.inttoptr(given[0], kind)

    return types.CPointer(like.dtype)(types.int64, like), generate


@intrinsic
def address(typing: Any, place: Any, offset: Any) -> Any:
    """Return the address of the entry at an offset from a pointer."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.ptrtoint(builder.gep(given[0], [given[1]]), WORD)

    return types.uint64(place, types.int64), generate


@intrinsic
def shifted(typing: Any, place: Any, offset: Any) -> Any:
    """Return a pointer to the entry at an offset from a pointer."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return builder.gep(given[0], [given[1]])

    return place(place, types.int64), generate


@intrinsic
def number(typing: Any, place: Any, value: Any) -> Any:
    """Return a value in the precision of the numbers that a pointer points to."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return context.cast(builder, given[1], signature.args[1], signature.return_type)

    return place.dtype(place, value), generate


@intrinsic
def fetch(typing: Any, place: Any, offset: Any) -> Any:
    """Prefetch memory into the cache."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        kinds = [byte, *[ir.IntType(32)] * 3]
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), "llvm.prefetch.p0i8"
        )
        at = builder.bitcast(builder.gep(given[0], [given[1]]), byte)
        read, keep, data = (ir.IntType(32)(value) for value in (0, 3, 1))
        builder.call(function, [at, read, keep, data])
        return context.get_dummy_value()

    return types.none(place, types.int64), generate


@intrinsic
def _add(typing: Any, address: Any) -> Any:
    """Add 1 atomically to the integer at an address."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = builder.inttoptr(given[0], WORD.as_pointer())
        builder.atomic_rmw("add", place, WORD(1), "acq_rel")
        return context.get_dummy_value()

    return types.none(types.uint64), generate


@intrinsic
def _read(typing: Any, address: Any) -> Any:
    """Return the integer at an address by an atomic load."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        place = builder.inttoptr(given[0], WORD.as_pointer())
        return builder.load_atomic(place, "acquire", 8)

    return types.int64(types.uint64), generate


@intrinsic
def _pause(typing: Any) -> Any:
    """Pause briefly in a spin loop, so that the processor's other hardware thread can run."""

    def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        if TARGET.x86:
            kind = ir.FunctionType(ir.VoidType(), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, PAUSE), [])
        return context.get_dummy_value()

    return types.none(), generate


_yield: Any = types.ExternalFunction(
    "SwitchToThread" if TARGET.windows else "sched_yield", types.int32()
)


@njit
def wait(barrier: Any, ranks: int, met: int) -> int:
    """Wait at the barrier until every thread has arrived; return the number of barriers passed.

    Parameters
    ----------
    barrier : pointer to int64
        Counts arrivals.
    ranks, met : int
        The number of threads, and of barriers passed before.
    """
    if ranks == 1:
        return met
    place = address(barrier, 0)
    _add(place)
    spins = 0
    while _read(place) < (met + 1) * ranks:
        spins += 1
        if spins < SPINS:
            _pause()
        else:
            _yield()
    return met + 1
