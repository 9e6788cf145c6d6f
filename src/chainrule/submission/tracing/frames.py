"""Messages with many numbers: a line of two lengths, JSON, and raw bytes."""

from typing import IO, Any

from chainrule.submission.process import messages

MOST_HEADER = 40  # bytes


def write_frame(pipe: IO[bytes], message: Any, blob: bytes = b"") -> None:
    """Write a message and the bytes that belong to it.

    Parameters
    ----------
    pipe : binary file
    message : JSON value
    blob : bytes
    """
    text = messages.pack(message)
    pipe.write(b"%d %d\n" % (len(text), len(blob)))
    pipe.write(text)
    pipe.write(blob)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Return the JSON of a message and its bytes, or None at the end or if it is not a frame."""
    header = pipe.readline(MOST_HEADER).split()
    if len(header) != 2 or not all(part.isdigit() for part in header):
        return None
    sizes = [int(part) for part in header]
    if max(sizes) > 4 * messages.MOST_BYTES:
        return None
    text, blob = (pipe.read(size) for size in sizes)
    return (text, blob) if len(text) == sizes[0] and len(blob) == sizes[1] else None
