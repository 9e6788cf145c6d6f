"""Interrupting a run before an exact line of its code, counted as lines are executed."""

import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import chainrule
from chainrule.compiled.engine import Training
from chainrule.loops import State

PACKAGE = Path(chainrule.__file__).parent


def files(*names: str) -> set[str]:
    """Return the paths of files of the package."""
    return {str(PACKAGE / name) for name in names}


@contextmanager
def at_line(number: int, within: Collection[str]) -> Iterator[list[int]]:
    """Raise KeyboardInterrupt before the line with this number, counted as lines are executed.

    The yielded list counts down to it; a value above 0 means that the code ended before.

    Parameters
    ----------
    number : int
        From 1.
    within : collection of str
        The paths of the files whose lines count.
    """
    left = [number]

    def local(_: FrameType, event: str, __: Any) -> Any:
        left[0] -= event in ("line", "return")
        if left[0] == 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return local

    def trace(frame: FrameType, _: str, __: Any) -> Any:
        return local if frame.f_code.co_filename in within else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with suppress(KeyboardInterrupt):
            yield left
    finally:
        sys.settrace(before)


def in_short_calls(updates: int) -> Any:
    """Return a replacement of `Training._stretch` that makes at most `updates` updates."""

    def stretch(self: Training, state: State, theta: Any, slots: Any, last: int) -> Any:
        left = (last - state.epoch) * self.kernel.batches.count(self.kernel.n) - state.batch
        return self._chunk(state, theta, slots, min(updates, left))

    return stretch
