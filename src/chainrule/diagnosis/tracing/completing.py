"""Trace a program as it is; if it only defines functions, with lines that make it train."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.calls import calls_without_arguments
from chainrule.diagnosis.tracing.checking import Check, NotTraced
from chainrule.diagnosis.tracing.other_trainings import other_trainings
from chainrule.submission import (
    Joined,
    Source,
    SubmissionError,
    TracedProgram,
    TraceTimeoutError,
    suggested_lines,
)

Found: TypeAlias = Diagnosis | NotTraced
SECONDS_ALL = 30.0  # for finding lines that make a program train, and for its runs with them
SECONDS_JOIN = 8.0  # for finding them
LEAST = 3.0  # s, without which no further lines are judged
DIFFERS = (
    "with the lines that were added, it is {} with several outputs and {} with one; "
    "run it with your own data"
)
FIRST_IS_RIGHT = "the fault shows in the training of {}, and not in the first one"
NOT_TRAINING = "the first training is right, and the one of {} could not be judged: {}"
UNCALLED = "no call of it was found"
ONLY = {
    "gradients": "its gradients are right, but its function that updates could not be called",
    "sample": "with the lines that were added, it runs for one sample only",
    "single": "with the lines that were added, it could be judged with one output only",
    "square": "with the lines that were added, it runs only if all layers have one width",
}


@dataclass(frozen=True)
class Traced:
    """What tracing shows of a program.

    Parameters
    ----------
    found : Diagnosis or NotTraced
    alone : bool
        Whether it says more than calls of single functions can.
    """

    found: Found
    alone: bool = True


def check_traced(source: Source, path: Path, seconds: float = 60.0, run: str = "") -> Traced:
    """Return the diagnosis of a program that trains when it runs, or why there is none.

    Parameters
    ----------
    source : Source
    path : Path
        The program's file.
    seconds : float, default 60
        Time limit of everything.
    run : str
        Lines that are run after the program. By default, if it does not train by itself, a function
        of it that takes no arguments is called, or its functions are joined to a training step.

    Returns
    -------
    Traced
    """
    first = source.with_lines(run) if run else source
    try:
        with TracedProgram(path, first.text, seconds) as program:
            end = time.monotonic() + seconds
            found = Check(program, first, path, seconds).diagnosis()
            if isinstance(found, Diagnosis) and found.ok and not run:
                return Traced(_with_other_trainings(program, source, path, found, end))
            if run or isinstance(found, Diagnosis) or found.trains:
                return Traced(found)
            return _Completed(program, source, path, seconds).diagnosis(found)
    except SubmissionError as error:
        limited = isinstance(error, TraceTimeoutError)
        return Traced(NotTraced(str(error), limited=limited), alone=False)


def _with_other_trainings(
    program: TracedProgram, source: Source, path: Path, first: Diagnosis, end: float
) -> Found:
    """Return a diagnosis, or another one if a later training with other options is not right."""
    for training in other_trainings(source):
        changed = source.with_lines("", training.omitted)
        program.change_source(changed.text)
        where = source.where(training.line)
        left = end - time.monotonic()
        found = Check(program, changed, path, left).diagnosis() if left > LEAST else None
        if isinstance(found, Diagnosis) and not found.ok:
            return replace(found, remarks=(*found.remarks, FIRST_IS_RIGHT.format(where)))
        if not isinstance(found, Diagnosis):
            why = found.why if found else "the time was over"
            return NotTraced(NOT_TRAINING.format(where, why), trains=True, doubtful=True)
    return first


class _Completed:
    """A program that does not train by itself.

    Parameters
    ----------
    program : TracedProgram
    source : Source
    path : Path
    seconds : float
        Time limit of everything.
    """

    def __init__(self, program: TracedProgram, source: Source, path: Path, seconds: float) -> None:
        self.program, self.source, self.path = program, source, path
        self.end = time.monotonic() + min(seconds, SECONDS_ALL)

    def diagnosis(self, first: NotTraced) -> Traced:
        """Return the diagnosis with added lines, or else why there is none without them."""
        calls = [] if first.error else calls_without_arguments(self.source.text)
        for call in calls:
            made = self._with_lines(call)
            if isinstance(made, Diagnosis):
                return Traced(made)
        joined = self._joined()
        made = self._judged(joined)
        several = any(driver.several for driver in joined.drivers)
        if isinstance(made, Diagnosis):
            made = replace(made, remarks=(*made.remarks, *joined.reasons))
            return Traced(made, alone=several)
        if made is not None and (made.trains or made.differs):
            return Traced(made, alone=several)
        return Traced(replace(first, call=suggested_lines(self.source.text)), alone=False)

    def _joined(self) -> Joined:
        seconds = min(SECONDS_JOIN, self.end - time.monotonic())
        self.program.change_source(self.source.text)
        return self.program.join(seconds) if seconds > 1 else Joined()

    def _with_lines(
        self, lines: str, joined: Joined | None = None, *, partly: bool = False
    ) -> Found:
        """Return the diagnosis of the program with lines at its end."""
        source, check = self._check(lines, joined, partly=partly)
        made = check.diagnosis()
        if not isinstance(made, Diagnosis):
            return made
        if made.faults and all(f.line > source.own for f in made.faults):
            return NotTraced("the fault is in the lines that were added to run it")
        return replace(made, added=lines)

    def _check(
        self, lines: str, joined: Joined | None, *, partly: bool = False
    ) -> tuple[Source, Check]:
        source = self.source.with_lines(lines, joined.omitted if joined else ())
        self.program.change_source(source.text)
        left = self.end - time.monotonic()
        designed = joined is not None
        return source, Check(
            self.program, source, self.path, left, designed=designed, partly=partly
        )

    def _judged(self, joined: Joined) -> Found | None:
        """Return what holds with the lines that make the program train.

        A program is called wrong only if it is wrong with all of them. One that is right with one
        output, or with layers of one width, is not always right: sums over the outputs and
        transposed matrices do not show.
        """
        if any(driver.part for driver in joined.drivers):
            return self._all_parts(joined)
        first: Found | None = None
        for driver in joined.drivers:
            if isinstance(first, Diagnosis):
                if not self._has_time() or not self._check(driver.lines, joined)[1].is_right():
                    continue
                if driver.kind != "usual":
                    return NotTraced(DIFFERS.format("wrong", "right"), differs=True)
            made = self._with_lines(driver.lines, joined)
            if isinstance(made, Diagnosis) and made.ok:
                return made if driver.kind == "usual" else NotTraced(ONLY[driver.kind], trains=True)
            if first is None or isinstance(made, Diagnosis):
                first = made
        return first

    def _all_parts(self, joined: Joined) -> Found:
        """Return what holds for layers that are judged one by one: right only if all are."""
        made: list[Diagnosis] = []
        open_: list[str] = []
        for driver in joined.drivers:
            found = self._with_lines(driver.lines, joined, partly=True) if driver.lines else None
            if isinstance(found, Diagnosis) and not found.ok:
                return found
            if isinstance(found, Diagnosis):
                made.append(found)
            else:
                open_.append(f"{driver.part} ({found.why if found else UNCALLED})")
        if open_ or not made:
            return NotTraced(
                f"not all parts of it could be judged: {'; '.join(open_)}", differs=True
            )
        parts = ", ".join(dict.fromkeys(d.part for d in joined.drivers))
        return replace(
            made[0],
            sentence=f"Right: the gradients of {parts} are the derivatives of the forward pass.",
            tested=tuple(dict.fromkeys(text for d in made for text in d.tested)),
            added="\n\n".join(d.added for d in made),
            compared=sum(d.compared for d in made),
        )

    def _has_time(self) -> bool:
        return self.end - time.monotonic() > LEAST
