"""The process in which a program is traced; it answers the requests of a `TracedProgram`.

Run as ``python -m chainrule.submission.tracing.child``. A request is answered by a copy of the
process (a fork), so every run starts from the same state, and what a program did before the state
that is held costs nothing.
"""

import gc
import math
import os
import random
import sys
import traceback
from contextlib import suppress
from dataclasses import replace
from importlib.abc import Loader
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from chainrule.submission.joining.joining import join
from chainrule.submission.process import messages
from chainrule.submission.process.confinement import FILES, confine
from chainrule.submission.process.data_files import link_other_files, root_of
from chainrule.submission.process.execution import describe_error
from chainrule.submission.process.packages import enter_packages, packages_of
from chainrule.submission.process.source import MINIMIZERS, read_program
from chainrule.submission.tracing.copies import AT_ONCE, Copies, RequestReader
from chainrule.submission.tracing.environment import OwnFinder, import_libraries, prepare
from chainrule.submission.tracing.frames import write_frame
from chainrule.submission.tracing.places import Event, Place
from chainrule.submission.tracing.recorder import Change, Recorder, arm
from chainrule.submission.tracing.rewrite import SEEN, rewrite

DESCENT = Path(__file__).with_name("gradient_descent.py")


class Server:
    """Answers requests about a program, which has not begun yet or is held before an event.

    Parameters
    ----------
    path : str
        The program's file.
    source : str
        The program's source, with the caller's lines at the end.
    """

    def __init__(self, requests: RequestReader, answers: Any, path: str, source: str) -> None:
        self.requests, self.answers = requests, answers
        self.copies = Copies(self._ended)
        self.path, self.source = Path(path), source
        self.places: list[Place] = []
        self.recorder = Recorder(self.places, self.finish)
        self.finder = OwnFinder(self.path.parent, RewritingLoader(self))

    # ---- requests ------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answer requests; return in a copy of this process in which the program is to go on."""
        while True:
            if not self.requests.is_waiting:
                self.copies.keep(0)
            line = self.requests.read()
            if not line:
                os._exit(0)
            request = messages.unpack(line)
            at_once = request["ask"] == "run" and not request["alone"]
            self.copies.keep(AT_ONCE - 1 if at_once else 0)
            if request["ask"] == "release":
                self.send({"released": True})  # what came after it would be lost with its buffer
                os._exit(0)
            if request["ask"] == "source":
                self.source = messages.text(request["source"])
                self.send({"changed": True})
                continue
            if self._copied(request):
                return
            if not at_once:
                self.copies.keep(0)  # what comes next may be for the copy

    def _copied(self, request: Any) -> bool:
        """Copy this process for a request; return whether this is the copy."""
        if request["ask"] != "join":
            self._configure(request)  # before the copy, which pays for each page that it touches
        state = random.getstate()
        if not self.copies.make():
            return False
        random.setstate(state)  # Python seeds it anew in every copy of a process
        if request["ask"] == "join":
            self.join(request["seconds"])
        if request["ask"] == "run":
            gc.disable()  # it would touch every page, and the run ends soon
        arm(request["seconds"], self.recorder)
        return True

    def _ended(self, status: int) -> None:
        self.send({"ended": os.waitstatus_to_exitcode(status)})

    def _configure(self, request: Any) -> None:
        """Set what the recorder does from here on."""
        r = self.recorder
        r.everything, r.digests = request["ask"] == "record", request["digests"]
        r.changes = _to_changes(request["changes"])
        r.wanted = frozenset(Event(*e) for e in messages.to_array(request["wanted"]).tolist())
        r.until = Event(*request["until"]) if request["until"] else None
        r.before = request["ask"] == "hold"
        r.restrict(last=request["ask"] != "hold")
        r.most_events, r.most_bytes = request["events"], request["bytes"]
        r.order, r.shapes, r.marks, r.is_float, r.values = [], [], [], [], {}
        r.names = {}
        r.held = r.count = 0
        r.reason = ""

    def finish(self, r: Recorder) -> None:
        """Send what was recorded and end the process; or hold the program here and serve."""
        r.ending = True
        if r.before and not r.reason and not r.error:
            self.send({"held": True})
            arm(0.0, r)
            gc.freeze()
            r.ending = False
            self.serve()
            return
        held = [r.values[e].ravel() for e in r.values]
        numbers = np.concatenate(held) if held else np.zeros(0)
        self.send(_to_message(r, self.places), numbers.astype("<f8").tobytes())
        os._exit(0)

    def send(self, message: Any, blob: bytes = b"") -> None:
        """Send an answer, after those to earlier requests."""
        self.copies.await_turn()
        write_frame(self.answers, message, blob)

    def join(self, seconds: float) -> NoReturn:
        """Send lines that make the program train, and end the process."""
        joined = join(self.source, self.path, seconds)
        drivers = [[d.lines, d.kind, d.part, d.several] for d in joined.drivers]
        omitted = [list(pair) for pair in joined.omitted]
        self.send({"drivers": drivers, "omitted": omitted, "reasons": list(joined.reasons)})
        os._exit(0)

    # ---- the program ---------------------------------------------------------------------------

    def run(self) -> NoReturn:
        """Run the program, and report how it ended."""
        try:
            code = self.rewritten(self.source, str(self.path))
            module = ModuleType("__main__")
            module.__file__ = str(Path.cwd() / self.path.name)
            self.finder.packages = packages_of(self.path, self.source)
            module.__package__ = enter_packages(self.finder.packages, self.path) or None
            module.__dict__[SEEN] = self.recorder
            sys.modules["__main__"] = module
            exec(code, module.__dict__)  # noqa: S102 (to run it is the purpose)
        except SystemExit:
            pass
        except BaseException as error:  # noqa: BLE001 (a learner's code may raise anything)
            self.recorder.error, self.recorder.line = describe(error, str(self.path))
        self.recorder.before = False
        self.finish(self.recorder)
        os._exit(0)

    def replace_minimizers(self) -> None:
        """Let gradient descent take the place of SciPy's minimizers, if SciPy is installed."""
        with suppress(ImportError):
            names = {"__name__": MINIMIZERS, SEEN: self.recorder}
            exec(self.rewritten(read_program(DESCENT).text, str(DESCENT), MINIMIZERS), names)  # noqa: S102 (our own file)
            names["install"]()

    def rewritten(self, source: str, filename: str, shown: str = "") -> Any:
        """Return the rewritten program; its places come after those that are known."""
        code, places = rewrite(source, filename, first=len(self.places))
        own = filename == str(self.path)
        file = shown or ("" if own else os.path.relpath(filename, self.path.parent))
        self.places.extend(replace(p, file=file) for p in places)
        return code


class RewritingLoader(Loader):
    """Loads a module next to the program, rewritten.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self.server = server

    def create_module(self, spec: Any) -> None:
        """Leave it to Python to create the module."""

    def exec_module(self, module: ModuleType) -> None:
        """Run the rewritten module."""
        path = Path(module.__spec__.origin)  # type: ignore[union-attr,arg-type]  # pyright: ignore[reportOptionalMemberAccess, reportArgumentType]
        module.__dict__[SEEN] = self.server.recorder
        code = self.server.rewritten(read_program(path).text, str(path))
        exec(code, module.__dict__)  # noqa: S102 (to run it is the purpose)


def describe(error: BaseException, path: str) -> tuple[str, int]:
    """Return an error in words, and the innermost line of the program that it came from, or 0."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.lineno or 0 for f in frames if f.filename == path]
    line = lines[-1] if lines else getattr(error, "lineno", 0) or 0
    return describe_error(error), line


def _to_changes(columns: Any) -> dict[Event, Change]:
    """Return the changes of a request."""
    numbers, at = messages.to_array(columns["numbers"]), 0
    found: dict[Event, Change] = {}
    rows = (columns[name] for name in ("events", "shapes", "index", "add"))
    for event, shape, index, add in zip(*rows, strict=True):
        values = numbers[at : at + math.prod(shape)].reshape(shape)
        chosen = None if index is None else np.array(index, np.int64)
        found[Event(*event)] = Change(values, chosen, add)
        at += values.size
    return found


def _to_message(r: Recorder, places: list[Place]) -> Any:
    """Return what was recorded as columns, which are fewer and faster than records."""
    axes, dims = _from_shapes([a.shape for a in r.values.values()])
    found = {
        "held": _from_events(list(r.values)),
        "held_axes": axes,
        "held_dims": dims,
        "error": r.error,
        "line": r.line,
        "reason": r.reason,
    }
    return found | _to_columns(r, places) if r.everything or r.digests else found


def _to_columns(r: Recorder, places: list[Place]) -> Any:
    """Return what was recorded of every event.

    The time limit may have ended the program while the last one was noted, so it may be incomplete.
    """
    lists = [r.order, r.shapes, r.marks, *([r.is_float] if r.everything else [])]
    n = min(map(len, lists))
    axes, dims = _from_shapes(r.shapes[:n] if r.everything else [])
    return {
        "places": [_of_place(p) for p in places] if r.everything else [],
        "order": _from_events(r.order[:n]),
        "marks": messages.from_array(np.array(r.marks[:n], np.int64)),
        "axes": axes,
        "dims": dims,
        "names": [[*e, name] for e, name in r.names.items()],
        "floats": messages.from_array(np.array(r.is_float[:n], bool)),
        "writes": r.writes,
    }


def _from_events(events: list[Event]) -> Any:
    return messages.from_array(np.array(events, np.int64).reshape(-1, 2))


def _from_shapes(shapes: list[tuple[int, ...]]) -> tuple[Any, Any]:
    """Return how many axes each shape has, and the lengths of all axes one after another."""
    axes = np.array([len(s) for s in shapes], np.int64)
    dims = np.array([n for s in shapes for n in s], np.int64)
    return messages.from_array(axes), messages.from_array(dims)


def _of_place(p: Place) -> Any:
    return [
        p.line,
        p.text,
        p.name,
        p.kind,
        p.op,
        list(p.parts),
        list(p.sources),
        p.function,
        p.file,
    ]


def main() -> None:
    """Answer requests until the other side closes the connection."""
    requests, answers = RequestReader(os.dup(0)), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    first = messages.unpack(requests.read())
    source, work = Path(first["folder"]), Path.cwd()
    remarks = confine(root_of(work, source), first["memory"], first["seconds"])
    if FILES not in remarks:
        link_other_files(source, work)
    server = Server(requests, answers, first["path"], first["source"])
    server.send({"remarks": remarks})
    sys.path[:] = [first["folder"], *sys.path]
    sys.meta_path.insert(0, server.finder)
    prepare(Path(first["path"]))
    import_libraries(first["source"])
    if "scipy" in first["source"] and "optimize" in first["source"]:  # its import takes time
        server.replace_minimizers()
    sys.addaudithook(server.recorder.notice_writing)
    gc.collect()
    gc.freeze()  # what the copies of this process share is never looked through
    server.serve()
    server.run()


if __name__ == "__main__":
    main()
