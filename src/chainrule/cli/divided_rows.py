"""The rows of a table in blocks, which the processes of a job divide among them.

The blocks are the same for any number of processes, and so are the results.
"""

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.cli.tables import read_source, read_table
from chainrule.cli.team import Team, report_error
from chainrule.data import Preparation, Stream, Table
from chainrule.errors import InputError

Array: TypeAlias = NDArray[Any]
ArrowTable: TypeAlias = Any  # pyarrow.Table

ROWS = 2**16  # of a block


@contextmanager
def team_of(options: Mapping[str, Any], data: str) -> Iterator[Team]:
    """Give the processes of a command, which end together if one of them fails."""
    if not options.get("distributed"):
        yield Team(None)
        return
    from chainrule.distributed import aborting, connect

    communicator = connect()
    with aborting(communicator, report_error):
        team = Team(communicator)
        team.check_source(data)
        yield team


def read_rows(
    data: str, options: Mapping[str, Any], team: Team, like: Preparation | None
) -> Table | Stream:
    """Return the table of a command: several processes do not keep it in memory."""
    if team.communicator is None:
        return read_table(data, options, like)
    return read_source(data, {**options, "stream": True}, like)


def collected(
    source: Table | Stream, team: Team, function: Callable[[Table], bytes]
) -> list[bytes]:
    """Return what a function makes of every block, in their order, on rank 0.

    Raises
    ------
    InputError
        If there are no rows.
    """
    blocks = -(-len(source) // ROWS)
    if not blocks:
        raise InputError(f"{source.source} has no rows; give at least one")
    if team.communicator is None:
        return [function(block) for block in source.blocks(ROWS)]
    from chainrule.distributed import gathered, range_of

    communicator = team.communicator
    ends = [range_of(blocks, rank, communicator.size) for rank in range(communicator.size)]
    first, end = ends[communicator.rank]
    own = source.between(first * ROWS, min(end * ROWS, len(source)), ROWS)
    return gathered(communicator, map(function, own), [end - first for first, end in ends])


def rows_as_bytes(rows: ArrowTable) -> bytes:
    """Return rows as a stream of Arrow."""
    from pyarrow import ipc

    file = io.BytesIO()
    with ipc.new_stream(file, rows.schema) as writer:
        writer.write_table(rows)
    return file.getvalue()


def rows_of_bytes(parts: list[bytes]) -> ArrowTable:
    """Return rows from several streams of Arrow."""
    import pyarrow as pa
    from pyarrow import ipc

    return pa.concat_tables([ipc.open_stream(part).read_all() for part in parts])


def arrays_as_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Return named arrays as bytes."""
    file = io.BytesIO()
    np.savez(file, **arrays)  # pyright: ignore (its stub takes allow_pickle for one of them)
    return file.getvalue()


def arrays_of_bytes(parts: list[bytes]) -> dict[str, Array]:
    """Return named arrays, each joined of several parts."""
    files = [np.load(io.BytesIO(part)) for part in parts]
    return {name: np.concatenate([file[name] for file in files]) for name in files[0].files}
