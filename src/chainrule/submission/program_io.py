"""Replace the input and output of a learner's program: nothing to read, nothing printed."""

import io
from typing import NoReturn


class InputRequestedError(EOFError):
    """The program asks for keyboard input, which is not available."""


def refuse_input(prompt: object = "", /) -> NoReturn:
    """Take the place of `input`.

    Raises
    ------
    InputRequestedError
        Always.
    """
    raise InputRequestedError(f"input({prompt!r}) waits for typed input, which is not available")


class DiscardedOutput(io.TextIOBase):
    """A stream that discards what a program prints, and counts the lines.

    Attributes
    ----------
    line_ends : int
    """

    def __init__(self) -> None:
        super().__init__()
        self.line_ends = 0
        self._ends_inside_line = False

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        self.line_ends += text.count("\n")
        self._ends_inside_line = not text.endswith("\n") if text else self._ends_inside_line
        return len(text)

    @property
    def lines(self) -> int:
        """The number of lines, an unfinished last one included."""
        return self.line_ends + self._ends_inside_line
