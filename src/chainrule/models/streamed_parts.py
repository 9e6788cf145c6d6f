"""The parts of a stream to train on and to validate with, which rank 0 reads for all processes."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chainrule.data import Preparation, Stream, Table
from chainrule.distributed import Communicator, SingleProcess, from_rank_zero
from chainrule.models.held_out import FEWEST, Parts, check_share


@dataclass(frozen=True)
class Watched:
    """A stream that calls a function for every block that is read.

    Parameters
    ----------
    stream : Stream
    tick : callable
    """

    stream: Stream
    tick: Callable[[], None]

    def blocks(self) -> Iterator[Table]:
        """Yield the rows in blocks."""
        for block in self.stream.blocks():
            self.tick()
            yield block


def stream_parts(
    stream: Stream, validation: float | Table, seed: int, communicator: Communicator | None
) -> Parts:
    """Return the stream to train on, and the table of rows that are held out.

    Parameters
    ----------
    stream : Stream
    validation : float or Table
        The share of rows that are held out, or other rows.
    seed : int
    communicator : Communicator or None
        Of the processes that train together; rank 0 reads the rows held out for all.

    Returns
    -------
    Parts
        Without validation if the stream has fewer than 20 rows, or nothing is held out.

    Raises
    ------
    InputError
        If the share is not from 0 to below 1.
    """
    if isinstance(validation, Table):
        return Parts(stream, validation)
    check_share(validation)
    if not validation or stream.rows < FEWEST:
        return Parts(stream, None)
    training, held = stream.parts(validation, seed)

    def read(tick: Callable[[], None]) -> bytes:
        return as_bytes(Watched(held, tick))

    from pyarrow import ipc

    data = ipc.open_stream(from_rank_zero(communicator or SingleProcess(), read)).read_all()
    return Parts(training, Table.from_arrow(data, stream.groups.origin, stream.found))


def as_bytes(rows: Watched) -> bytes:
    """Return rows as a stream of Arrow."""
    import pyarrow as pa
    from pyarrow import ipc

    table = pa.concat_tables([block.to_arrow() for block in rows.blocks()])
    file = io.BytesIO()
    with ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def learned(
    stream: Stream,
    learn: Callable[[Watched], Preparation],
    communicator: Communicator | None,
) -> Preparation:
    """Return the preparation of a stream, which rank 0 learns for all processes."""

    def text(tick: Callable[[], None]) -> bytes:
        return json.dumps(learn(Watched(stream, tick)).to_dict()).encode()

    made = from_rank_zero(communicator or SingleProcess(), text)
    return Preparation.from_dict(json.loads(made))
