"""SIMD intrinsics: tiles of the processor's vectors as values of compiled code, held in registers.

``gemm`` and ``tiny`` are written in terms of them.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.core.datamodel import models

from chainrule.compiled.cache.building import TARGET

intrinsic: Any = extending.intrinsic  # callers omit the first parameter, the typing context

INDEX = ir.IntType(64)

# Bytes of one vector, and how many vectors the processor holds in registers.
BYTES, REGISTERS = TARGET.vector, TARGET.registers


class Tile(types.Type):
    """The type of ``rows`` × ``columns`` vectors of numbers of one dtype.

    A ``part`` has one column; only the first lanes of it, as many as requested, are read or
    written.
    """

    def __init__(self, dtype: Any, rows: int, columns: int, *, part: bool = False) -> None:
        self.dtype, self.rows, self.columns, self.part = dtype, rows, columns, part
        super().__init__(f"Tile({dtype}, {rows}, {columns}, {BYTES}, {part})")

    @property
    def lanes(self) -> int:
        """The count of numbers in one vector."""
        return BYTES * 8 // self.dtype.bitwidth

    @property
    def align(self) -> int:
        """The size of one number in bytes; no larger alignment is guaranteed."""
        return self.dtype.bitwidth // 8


@extending.register_model(Tile)
class TileModel(models.PrimitiveModel):
    """A tile is an LLVM array of vectors, which the optimizer splits into registers."""

    def __init__(self, dmm: Any, fe_type: Any) -> None:
        count = fe_type.rows * fe_type.columns
        super().__init__(dmm, fe_type, ir.ArrayType(vector_type(fe_type), count))


def vector_type(tile: Tile) -> ir.VectorType:
    """Return the LLVM type of one vector of a tile."""
    return ir.VectorType(scalar_type(tile), tile.lanes)


def scalar_type(tile: Tile) -> ir.Type:
    """Return the LLVM type of one number of a tile."""
    return ir.FloatType() if tile.dtype == types.float32 else ir.DoubleType()


# ---- building blocks of the intrinsics -----------------------------------------------------------


def entries(tile: Tile) -> list[tuple[int, int]]:
    """Return (row, column) of each vector, in the order in which a tile stores them."""
    return [(row, column) for row in range(tile.rows) for column in range(tile.columns)]


def taken(builder: Any, tile: Any, kind: Tile, row: int, column: int) -> Any:
    """Return one vector of a tile."""
    return builder.extract_value(tile, row * kind.columns + column)


def made(builder: Any, tile: Tile, entry: Callable[[int, int], Any]) -> Any:
    """Return a tile whose vectors are ``entry(row, column)``."""
    vectors = [entry(row, column) for row, column in entries(tile)]
    value = ir.Constant(ir.ArrayType(vector_type(tile), len(vectors)), ir.Undefined)
    for place, vector in enumerate(vectors):
        value = builder.insert_value(value, vector, place)
    return value


def address(builder: Any, data: Any, start: Any, *steps: Any) -> Any:
    """Return the pointer to ``data[start + stride · count + …]``, given (stride, count) pairs."""
    # Raw addresses: otherwise Numba checks for negative indices in the innermost loops.
    for stride, count in steps:
        start = builder.add(start, builder.mul(stride, ir.Constant(INDEX, count)))
    return builder.gep(data, [start])


def shuffled(builder: Any, left: Any, right: Any, order: list[int]) -> Any:
    """Return the lanes of two vectors in a new order."""
    places = ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order)
    return builder.shuffle_vector(left, right, places)


def repeated(builder: Any, value: Any, lanes: int) -> Any:
    """Return a vector with one number in all lanes."""
    undefined = ir.Constant(ir.VectorType(value.type, lanes), ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
    return shuffled(builder, first, undefined, [0] * lanes)


def called(builder: Any, name: str, tile: Tile, result: Any, arguments: list[Any]) -> Any:
    """Return the call of an LLVM intrinsic for the vectors of a tile."""
    name = name.format(f"v{tile.lanes}f{tile.dtype.bitwidth}")
    kind = ir.FunctionType(result, [argument.type for argument in arguments])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)


def mask(builder: Any, tile: Tile, count: Any) -> Any:
    """Return true in the first ``count`` lanes."""
    kind = ir.IntType(tile.dtype.bitwidth)  # as wide as the numbers, so that no lane is moved
    lanes = ir.Constant(ir.VectorType(kind, tile.lanes), list(range(tile.lanes)))
    count = count if count.type == kind else builder.trunc(count, kind)
    return builder.icmp_signed("<", lanes, repeated(builder, count, tile.lanes))


def read(builder: Any, pointer: Any, tile: Tile, chosen: Any = None) -> Any:
    """Return the vector at a pointer, 0 in lanes that are not chosen."""
    vector = vector_type(tile)
    pointer = builder.bitcast(pointer, vector.as_pointer())
    if chosen is None:
        return builder.load(pointer, align=tile.align)
    align, rest = ir.Constant(ir.IntType(32), tile.align), ir.Constant(vector, None)
    return called(builder, "llvm.masked.load.{}.p0", tile, vector, [pointer, align, chosen, rest])


def write(builder: Any, vector: Any, pointer: Any, tile: Tile, chosen: Any = None) -> None:
    """Write the chosen lanes of a vector."""
    pointer = builder.bitcast(pointer, vector.type.as_pointer())
    if chosen is None:
        builder.store(vector, pointer, align=tile.align)
        return
    align = ir.Constant(ir.IntType(32), tile.align)
    given = [vector, pointer, align, chosen]
    called(builder, "llvm.masked.store.{}.p0", tile, ir.VoidType(), given)


# ---- intrinsics: making and measuring tiles ------------------------------------------------------


@intrinsic
def at(_: Any, array: Any, start: Any) -> Any:
    """Return the address of ``array[start]``, which, unlike an array, has no reference count."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        return builder.gep(data, [arguments[1]])

    return types.CPointer(array.dtype)(array, types.intp), build


@intrinsic(prefer_literal=True)
def whole(_: Any, data: Any, rows: Any, columns: Any) -> Any:
    """Return a tile of zeros with the dtype of the numbers at an address."""
    tile = Tile(data.dtype, rows.literal_value, columns.literal_value)
    return constant(tile, data, rows, columns)


@intrinsic(prefer_literal=True)
def part(_: Any, data: Any, rows: Any) -> Any:
    """Return a tile of zeros with one column, of which only the first lanes are used."""
    return constant(Tile(data.dtype, rows.literal_value, 1, part=True), data, rows)


def constant(tile: Tile, *given: Any) -> Any:
    """Return the signature and the code generator of an intrinsic that returns zeros."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(tile), None)

    return tile(*given), build


@intrinsic
def compact(_: Any) -> Any:
    """Compile the calling function once and for size, without inlining or unrolling it."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        for attribute in ("noinline", "optsize"):
            builder.function.attributes.add(attribute)
        return context.get_dummy_value()

    return types.none(), build


@intrinsic
def lanes(_: Any, tile: Any) -> Any:
    """Return the count of numbers in one vector of a tile."""
    return types.intp(tile), lambda *_: ir.Constant(INDEX, tile.lanes)


@intrinsic
def rows(_: Any, tile: Any) -> Any:
    """Return the number of rows of a tile."""
    return types.intp(tile), lambda *_: ir.Constant(INDEX, tile.rows)


@intrinsic
def columns(_: Any, tile: Any) -> Any:
    """Return the number of columns of vectors of a tile."""
    return types.intp(tile), lambda *_: ir.Constant(INDEX, tile.columns)


# ---- intrinsics: memory --------------------------------------------------------------------------


@intrinsic
def spread(_: Any, tile: Any, data: Any, start: Any, stride: Any) -> Any:
    """Return a vector for each row of a tile: ``data[start + row · stride]`` in all lanes."""
    result = Tile(tile.dtype, tile.rows, 1)

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, numbers, start, stride = arguments

        def entry(row: int, _: int) -> Any:
            number = builder.load(address(builder, numbers, start, (stride, row)))
            return repeated(builder, number, tile.lanes)

        return made(builder, result, entry)

    return result(tile, data, types.intp, types.intp), build


@intrinsic
def load_rows(_: Any, tile: Any, data: Any, start: Any, stride: Any, count: Any) -> Any:
    """Return a vector for each row, from ``data[start + row · stride]``; ``count`` lanes or all."""
    limited = isinstance(count, types.Integer)
    return loading(tile, Tile(tile.dtype, tile.rows, 1, part=limited), data, count)


@intrinsic
def load_columns(_: Any, tile: Any, data: Any, start: Any, stride: Any, count: Any) -> Any:
    """Return a vector for each column, from ``data[start + column · stride]``, as for rows."""
    limited = isinstance(count, types.Integer)
    return loading(tile, Tile(tile.dtype, tile.columns, 1, part=limited), data, count)


@intrinsic
def load_across(_: Any, tile: Any, data: Any, start: Any, stride: Any, count: Any) -> Any:
    """Return a vector for each column, like :func:`load_columns`; of a part, ``count`` lanes."""
    return loading(tile, Tile(tile.dtype, tile.columns, 1, part=tile.part), data, count)


@intrinsic
def load(_: Any, tile: Any, data: Any, start: Any, stride: Any, count: Any) -> Any:
    """Return a tile whose rows are at a distance of ``stride``; of a part, ``count`` lanes."""
    return loading(tile, tile, data, count)


def loading(tile: Tile, result: Tile, data: Any, count: Any) -> Any:
    """Return the signature and the code generator of an intrinsic that loads a tile."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, numbers, start, stride, limit = arguments
        chosen = mask(builder, result, limit) if result.part else None

        def entry(row: int, column: int) -> Any:
            across = ir.Constant(INDEX, result.lanes)
            pointer = address(builder, numbers, start, (stride, row), (across, column))
            return read(builder, pointer, result, chosen)

        return made(builder, result, entry)

    return result(tile, data, types.intp, types.intp, count), build


@intrinsic
def store(_: Any, tile: Any, data: Any, start: Any, stride: Any, count: Any) -> Any:
    """Write a tile with rows at a distance of ``stride``; of a part, ``count`` lanes."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, numbers, start, stride, *rest = arguments
        chosen = mask(builder, tile, *rest) if tile.part else None
        across = ir.Constant(INDEX, tile.lanes)
        for row, column in entries(tile):
            given = (stride, row), (across, column)
            pointer = address(builder, numbers, start, *given)
            write(builder, taken(builder, arguments[0], tile, row, column), pointer, tile, chosen)
        return context.get_dummy_value()

    return types.none(tile, data, types.intp, types.intp, types.intp), build


# ---- intrinsics: arithmetic ----------------------------------------------------------------------


@intrinsic
def multiply_add(_: Any, tile: Any, left: Any, right: Any) -> Any:
    """Return ``tile[row, column] + left[row] · right[column]``, lane by lane."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def entry(row: int, column: int) -> Any:
            factors = [builder.extract_value(arguments[1], row)]
            factors += [builder.extract_value(arguments[2], column)]
            given = [*factors, taken(builder, arguments[0], tile, row, column)]
            return called(builder, "llvm.fmuladd.{}", tile, vector_type(tile), given)

        return made(builder, tile, entry)

    return tile(tile, left, right), build


@intrinsic
def scaled(_: Any, tile: Any, factor: Any) -> Any:
    """Return ``factor`` times a tile."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        factors = repeated(builder, arguments[1], tile.lanes)
        given = arguments[0], tile
        return made(builder, tile, lambda *at: builder.fmul(taken(builder, *given, *at), factors))

    return tile(tile, tile.dtype), build


@intrinsic
def kept(_: Any, tile: Any, condition: Any) -> Any:
    """Return the tile if the condition holds, else zeros, without a branch."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = ir.Constant(vector_type(tile), None)

        def entry(row: int, column: int) -> Any:
            old = taken(builder, arguments[0], tile, row, column)
            return builder.select(arguments[1], old, nothing)

        return made(builder, tile, entry)

    return tile(tile, types.boolean), build


@intrinsic
def added(_: Any, tile: Any, other: Any) -> Any:
    """Return the sum of two tiles."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def entry(row: int, column: int) -> Any:
            return builder.fadd(*(taken(builder, each, tile, row, column) for each in arguments))

        return made(builder, tile, entry)

    return tile(tile, tile), build


# ---- sums of lanes -------------------------------------------------------------------------------


@intrinsic
def store_sums(_: Any, tile: Any, data: Any, start: Any, stride: Any) -> Any:
    """Write the sum of each vector's lanes to ``data[start + row · stride + column]``."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, numbers, start, stride = arguments
        vectors = [taken(builder, arguments[0], tile, *at) for at in entries(tile)]
        for vector, lane, count, index in runs(sums_of(builder, vectors, tile), tile.columns):
            row, column = divmod(index, tile.columns)
            given = (stride, row), (ir.Constant(INDEX, column), 1)
            pointer = address(builder, numbers, start, *given)
            chosen = shuffled(builder, vector, vector, list(range(lane, lane + count)))
            write(builder, chosen, pointer, tile)
        return context.get_dummy_value()

    return types.none(tile, data, types.intp, types.intp), build


def runs(sums: list[Any], columns: int) -> list[tuple[Any, int, int, int]]:
    """Return what to store at once: (vector, first lane, number of lanes, index of the sum)."""
    found, seen = [], set()
    for vector, owners in sums:
        lane = 0
        while lane < len(owners):
            index, count = owners[lane], 1
            room = columns - index % columns
            while count < room and owners[lane + count : lane + count + 1] == [index + count]:
                count += 1
            if index not in seen:
                found.append((vector, lane, count, index))
            seen.update(range(index, index + count))
            lane += count
    return found


def sums_of(builder: Any, vectors: list[Any], tile: Tile) -> list[Any]:
    """Return vectors of sums, each with the index of every lane's sum.

    Repeatedly, two vectors are reduced to one vector of partial sums. Summing each vector
    separately would take as many additions for one number as this takes for all lanes.
    """
    held = [(vector, [index] * tile.lanes) for index, vector in enumerate(vectors)]
    for unit, block in rounds(tile):
        pairs = [(held[i], held[min(i + 1, len(held) - 1)]) for i in range(0, len(held), 2)]
        held = [halved(builder, pair, unit, block) for pair in pairs]
    return held


def rounds(tile: Tile) -> list[tuple[int, int]]:
    """Return (unit, block) in lanes for each round: it adds neighboring units within blocks."""
    # Within 16 bytes first: shuffles across 16-byte boundaries take longer.
    near = 128 // tile.dtype.bitwidth
    return [(1, near)] * (near.bit_length() - 1) + [(near, tile.lanes)] * (
        (tile.lanes // near).bit_length() - 1
    )


def halved(builder: Any, pair: Any, unit: int, block: int) -> Any:
    """Return the sums of neighboring units of two vectors, and the index of each lane's sum."""
    (left, owners), (right, others) = pair
    size, owned = len(owners), owners + others
    units = [list(range(i, i + unit)) for i in range(0, 2 * size, unit)]
    per = block // unit
    order = [
        lane
        for first in range(0, size // unit, per)
        for source in (first, first + size // unit)
        for chosen in units[source : source + per : 2]
        for lane in chosen
    ]
    parts = [shuffled(builder, left, right, [lane + more for lane in order]) for more in (0, unit)]
    return builder.fadd(*parts), [owned[lane] for lane in order]
