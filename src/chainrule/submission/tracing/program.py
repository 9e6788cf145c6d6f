"""A program whose runs are recorded: the side that asks, in this process."""

import math
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from chainrule.submission.attempts import SubmissionError
from chainrule.submission.joining.results import Driver, DriverKind, Joined
from chainrule.submission.process import messages
from chainrule.submission.process.data_files import copy_data_files, make_working_folder
from chainrule.submission.process.own_modules import import_own_modules
from chainrule.submission.process.start import start
from chainrule.submission.tracing.digests import Digests
from chainrule.submission.tracing.frames import read_frame
from chainrule.submission.tracing.places import Event, Kind, Place
from chainrule.submission.tracing.recorder import Array, Change

GIB = 2**30
CHILD = "chainrule.submission.tracing.child"
GRACE = 5.0  # s over a time limit, for the process's own work
PATIENCE = 6.0  # s of waiting for one of processor time, on a busy machine
AHEAD = 16  # requests that are sent before their answers are read
NO_DIGESTS = Digests(np.zeros((0, 2), np.int64), np.zeros(0, np.int64))
MOST_EVENTS, MOST_BYTES = 400_000, 200 * 2**20


TOO_LONG = (
    "{}; have it train with fewer samples, units or steps in each epoch, or give the check more "
    "time with --seconds"
)


class TraceError(SubmissionError):
    """The traced process has ended, or answered nonsense."""


class TraceTimeoutError(TraceError):
    """A run, or all runs together, took longer than they may."""


@dataclass(frozen=True, eq=False)
class Record:
    """What one run computed.

    Parameters
    ----------
    digests : Digests
        Of all events; of none if only some events were wanted.
    shapes : dict of Event to tuple of int
    floats : set of Event
        The events whose numbers are floating-point numbers.
    values : dict of Event to array
    names : dict of Event to str
        Of elements of containers that were assigned, with their keys.
    error : str
        The exception with which the program ended, or an empty string.
    line : int
        Where it was raised, or 0.
    reason : str
        ``"time"`` or ``"events"`` if the recording was ended by a limit.
    """

    digests: Digests
    shapes: dict[Event, tuple[int, ...]]
    floats: frozenset[Event]
    values: dict[Event, Array]
    places: list[Place] = field(default_factory=list[Place])
    names: dict[Event, str] = field(default_factory=dict[Event, str])
    writes: bool = False
    error: str = ""
    line: int = 0
    reason: str = ""

    @property
    def order(self) -> list[Event]:
        """All events in program order."""
        return self.digests.order

    @property
    def marks(self) -> dict[Event, int]:
        """The mark of each event, which is equal for equal numbers."""
        return self.digests.by_event


class TracedProgram:
    """A program that can be run again and again, as it is or with some numbers changed.

    Parameters
    ----------
    path : Path
    source : str
        Valid Python, with the caller's lines at the end.
    seconds : float, default 60
        Time limit of everything.
    memory : int, default 4 GiB
    """

    def __init__(
        self, path: Path, source: str, seconds: float = 60.0, memory: int = 4 * GIB
    ) -> None:
        self.path, self.source = path.absolute(), source
        self.end, self.memory, self.seconds = time.monotonic() + seconds, memory, seconds
        self.depth = 0
        self.alone = True  # whether no two runs may go on at once
        self.requests = 0  # that were sent
        self.remarks: list[str] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="chainrule-", ignore_cleanup_errors=True)
        import_own_modules()  # what the program may do to the installed package has no effect
        work = make_working_folder(self.path, Path(self._folder.name))
        self.remarks += copy_data_files(self.path, work)
        self._process = start(CHILD, work, subprocess.DEVNULL, PYTHONHASHSEED="0")
        self._frames: queue.Queue[tuple[bytes, bytes] | None] = queue.Queue()
        threading.Thread(
            target=_listen, args=(self._process.stdout, self._frames), daemon=True
        ).start()
        first = {
            "memory": self.memory,
            "seconds": self.seconds,
            "path": str(self.path),
            "folder": str(self.path.parent),
            "source": self.source,
        }
        try:
            self.remarks += messages.texts(self._ask(first, self.seconds)["remarks"])
        except BaseException:
            self.__exit__()  # Python calls it only after this has returned
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._folder.cleanup()

    def change_source(self, source: str) -> None:
        """Let all further runs be those of another source, such as one with more lines."""
        self.restart()
        self._ask({"ask": "source", "source": source}, GRACE)
        self.source = source

    def join(self, seconds: float) -> Joined:
        """Return lines that make the program train, if its functions can be joined."""
        answer = self._ask({"ask": "join", "seconds": seconds}, seconds)
        if "drivers" not in answer:  # the process has ended
            return Joined()
        drivers = tuple(
            Driver(messages.text(lines), _kind(kind), messages.text(part), bool(several))
            for lines, kind, part, several in answer["drivers"]
        )
        omitted = tuple((int(a), int(b)) for a, b in answer["omitted"])
        return Joined(drivers, omitted, tuple(messages.texts(answer["reasons"])))

    # ---- runs ----------------------------------------------------------------------------------

    def record(self, seconds: float, events: int = MOST_EVENTS) -> Record:
        """Run the program from where it is held, and record every event."""
        made = self._run("record", {}, (), None, seconds=seconds, events=events)
        self.alone = made.writes
        return made

    def run(
        self,
        changes: Mapping[Event, Change],
        until: Event,
        wanted: Iterable[Event] = (),
        *,
        digests: bool = False,
        seconds: float = 10.0,
    ) -> Record:
        """Run the program with some numbers changed, up to an event.

        Parameters
        ----------
        changes : mapping of Event to Change
        until : Event
        wanted : iterable of Event
            The events whose numbers are returned.
        digests : bool, default False
            Whether the marks of all events are returned.
        seconds : float
            Time limit in processor time.
        """
        return self._run("run", changes, wanted, until, digests=digests, seconds=seconds)

    def run_all(
        self,
        changes: Sequence[Mapping[Event, Change]],
        until: Event,
        wanted: Iterable[Event] = (),
        seconds: float = 10.0,
        *,
        digests: bool = False,
    ) -> list[Record]:
        """Run the program once with each of some changes, and return what these runs computed.

        Requests are sent before the answers to earlier ones are there, so that neither process
        waits for the other.
        """
        wanted = list(wanted)
        found: list[Record] = []
        for i, change in enumerate(changes):
            request = self._request("run", change, wanted, until, seconds, digests=digests)
            self._send({**request, "alone": self.alone})
            if i >= AHEAD:
                found.append(_to_record_or_end(self._answer(seconds)))
        while len(found) < len(changes):
            found.append(_to_record_or_end(self._answer(seconds)))
        return found

    def hold(self, event: Event, seconds: float = 20.0) -> bool:
        """Run the program to just before an event, from where all further runs begin.

        Returns
        -------
        bool
            Whether the event was reached.
        """
        answer = self._ask(self._request("hold", {}, (), event, seconds), seconds)
        if "held" not in answer:
            return False
        self.depth += 1
        return True

    def release(self) -> None:
        """Leave the state in which the program was held last."""
        if self.depth:
            self._ask({"ask": "release"}, GRACE)
            self.depth -= 1

    def restart(self) -> None:
        """Leave every state in which the program was held."""
        while self.depth:
            self.release()

    def _run(
        self,
        ask: str,
        changes: Mapping[Event, Change],
        wanted: Iterable[Event],
        until: Event | None,
        **more: Any,
    ) -> Record:
        seconds = more["seconds"]
        answer = self._ask(self._request(ask, changes, wanted, until, **more), seconds)
        return _to_record_or_end(answer)

    @staticmethod
    def _request(
        ask: str,
        changes: Mapping[Event, Change],
        wanted: Iterable[Event],
        until: Event | None,
        seconds: float,
        *,
        digests: bool = False,
        events: int = MOST_EVENTS,
    ) -> Any:
        return {
            "ask": ask,
            "changes": _from_changes(changes),
            "wanted": messages.from_array(np.array(list(wanted), np.int64).reshape(-1, 2)),
            "until": None if until is None else list(until),
            "digests": digests,
            "seconds": seconds,
            "events": events,
            "bytes": MOST_BYTES,
            "alone": True,
        }

    # ---- the connection ------------------------------------------------------------------------

    def _send(self, message: Any) -> None:
        self.requests += 1
        pipe = self._process.stdin
        if pipe is not None:
            with suppress(OSError):
                pipe.write(messages.pack(message))
                pipe.flush()

    def _ask(self, message: Any, seconds: float) -> Any:
        """Send a request and return the answer.

        Raises
        ------
        TraceError
            If the process has ended.
        TraceTimeoutError
            If it does not answer in time.
        """
        self._send(message)
        return self._answer(seconds)

    def _answer(self, seconds: float) -> Any:
        """Return the next answer."""
        most = PATIENCE * seconds + GRACE
        left = self.end - time.monotonic()
        try:
            frame = self._frames.get(timeout=max(min(left, most), 0.01))
        except queue.Empty:
            over = f"its runs did not show enough in the {self.seconds:.0f} s of the check"
            slow = f"one run of it did not get to the end of an update in {most:.0f} s"
            raise TraceTimeoutError(TOO_LONG.format(over if left < most else slow)) from None
        if frame is None:
            raise TraceError("the program ended its process")
        text, blob = frame
        return {**messages.expect(messages.unpack(text), dict, "an answer"), "numbers": blob}


def _listen(pipe: IO[bytes] | None, frames: "queue.Queue[tuple[bytes, bytes] | None]") -> None:
    """Pass on the messages of a pipe, and None at its end."""
    with suppress(OSError, ValueError):
        while pipe is not None and (frame := read_frame(pipe)):
            frames.put(frame)
    frames.put(None)


def _to_record_or_end(answer: Any) -> Record:
    """Return the record of an answer, or one with an error if the program ended the process."""
    if "ended" in answer:
        return Record(NO_DIGESTS, {}, frozenset(), {}, error=_ended(answer["ended"]))
    return _to_record(answer)


def _kind(value: Any) -> DriverKind:
    return messages.one_of(value, get_args(DriverKind), "kind")


def _ended(code: Any) -> str:
    number = messages.expect(code, int, "an exit code")
    return f"the program ended the Python process (exit code {number})"


def _from_changes(changes: Mapping[Event, Change]) -> Any:
    """Return changes as columns, since there may be one for each of many weights."""
    values = [np.asarray(c.values, float) for c in changes.values()]
    flat = [v.ravel() for v in values]
    return {
        "events": [list(e) for e in changes],
        "shapes": [list(v.shape) for v in values],
        "index": [None if c.index is None else c.index.tolist() for c in changes.values()],
        "add": [c.add for c in changes.values()],
        "numbers": messages.from_array(np.concatenate(flat) if flat else np.zeros(0)),
    }


def _to_record(answer: Any) -> Record:
    """Return the record of an answer, which is not trusted."""
    values = _values(answer, np.frombuffer(answer["numbers"], "<f8"))
    error, reason = messages.text(answer["error"]), messages.text(answer["reason"])
    line = messages.expect(answer["line"], int, "a line")
    found = Record(NO_DIGESTS, {}, frozenset(), values, error=error, line=line, reason=reason)
    return _with_events(found, answer) if "order" in answer else found


def _with_events(record: Record, answer: Any) -> Record:
    """Return a record with what an answer says of every event."""
    rows, marks = (messages.to_array(answer[name]) for name in ("order", "marks"))
    rows, marks = rows.astype(np.int64).reshape(-1, 2), marks.astype(np.int64)
    if len(rows) != len(marks):
        raise messages.MessageError(f"{len(marks)} marks of {len(rows)} events")
    record = replace(record, digests=Digests(rows, marks))
    if not answer["places"]:  # only what changed is of interest
        return record
    order = record.order
    shapes = dict(zip(order, _shapes(answer["axes"], answer["dims"]), strict=False))
    flags = messages.to_array(answer["floats"]).tolist()
    floats = frozenset(e for e, f in zip(order, flags, strict=False) if f)
    return replace(
        record,
        shapes=shapes,
        floats=floats,
        places=[_to_place(p) for p in answer["places"]],
        names={Event(int(c), int(t)): messages.text(name) for c, t, name in answer["names"]},
        writes=messages.expect(answer["writes"], bool, "whether it writes"),
    )


def _events(rows: Any) -> list[Event]:
    """Return the events of an array of places and turns."""
    found = messages.to_array(rows).reshape(-1, 2).astype(np.int64)
    return [Event(code, turn) for code, turn in found.tolist()]


def _shapes(axes: Any, dims: Any) -> list[tuple[int, ...]]:
    """Return shapes from their numbers of axes, and the lengths of all axes one after another."""
    lengths, at = messages.to_array(dims).ravel().tolist(), 0
    found: list[tuple[int, ...]] = []
    for n in messages.to_array(axes).ravel().tolist():
        found.append(tuple(lengths[at : at + n]))
        at += n
    return found


def _values(answer: Any, numbers: NDArray[Any]) -> dict[Event, Array]:
    events, at = _events(answer["held"]), 0
    found: dict[Event, Array] = {}
    for event, shape in zip(events, _shapes(answer["held_axes"], answer["held_dims"]), strict=True):
        size = math.prod(shape)
        found[event] = numbers[at : at + size].reshape(shape)
        at += size
    return found


def _to_place(value: Any) -> Place:
    line, shown, name, kind, op, parts, sources, function, file = value
    texts = [messages.text(s) for s in (shown, name, op, function, file)]
    return Place(
        messages.expect(line, int, "a line"),
        texts[0],
        texts[1],
        messages.one_of(kind, get_args(Kind), "kind"),
        texts[2],
        tuple(int(c) for c in parts),
        tuple(int(c) for c in sources),
        texts[3],
        texts[4],
    )
