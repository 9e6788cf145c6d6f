"""What a learner submits for checking: find the function or class, call it, read its results.

`open` returns an `Asker` for a program; `read_numbers` reads numbers that are submitted without
one. Nothing in this package judges the results; `chainrule.diagnosis` does.
"""

from typing import TYPE_CHECKING

from chainrule.lazy_names import lazy_names

if TYPE_CHECKING:
    from chainrule.submission.asker import (
        Asker,
        InProcess,
        Sandboxed,
        open,  # noqa: A004 (used as `submission.open`)
    )
    from chainrule.submission.attempts import Attempt, LoadedSubmission, SubmissionError, attempt_of
    from chainrule.submission.functions.reading import ONE_COLUMN, SEVERAL_COLUMNS
    from chainrule.submission.joining.results import Driver, Joined
    from chainrule.submission.joining.suggesting import suggested_lines
    from chainrule.submission.joining.wording import TRAINS
    from chainrule.submission.numbers.names import resolve_names
    from chainrule.submission.numbers.reported_numbers import (
        ReportedArray,
        ReportedNumbers,
        read_numbers,
    )
    from chainrule.submission.objects.reading import DOUBTFUL
    from chainrule.submission.objects.side_effects import GROWING_RESULT
    from chainrule.submission.process.declared_network import network_to_declaration
    from chainrule.submission.process.source import MINIMIZERS, Source, read_program
    from chainrule.submission.questions import (
        Array,
        Failure,
        Fault,
        Kind,
        Layout,
        Question,
        Reading,
        samples_of_call,
    )
    from chainrule.submission.randomness import RANDOM_SELECTION, SKIPPED_AS_RANDOM
    from chainrule.submission.reading import example, find, layers_of, read, widths_of
    from chainrule.submission.time_limit import TimeLimit
    from chainrule.submission.tracing.digests import Digests
    from chainrule.submission.tracing.driving import (
        TRAINING_RATE,
        TRAINING_SAMPLES,
        answers_completely,
        training_lines,
    )
    from chainrule.submission.tracing.places import DESCENT_RATE, Event, Place
    from chainrule.submission.tracing.program import Record, TracedProgram, TraceTimeoutError
    from chainrule.submission.tracing.recorder import Change

_MODULES = {
    "asker": ("Asker", "InProcess", "Sandboxed", "open"),
    "attempts": ("Attempt", "LoadedSubmission", "SubmissionError", "attempt_of"),
    "functions.reading": ("ONE_COLUMN", "SEVERAL_COLUMNS"),
    "objects.reading": ("DOUBTFUL",),
    "objects.side_effects": ("GROWING_RESULT",),
    "joining.results": ("Driver", "Joined"),
    "joining.suggesting": ("suggested_lines",),
    "joining.wording": ("TRAINS",),
    "numbers.names": ("resolve_names",),
    "numbers.reported_numbers": ("ReportedArray", "ReportedNumbers", "read_numbers"),
    "process.declared_network": ("network_to_declaration",),
    "process.source": ("MINIMIZERS", "Source", "read_program"),
    "questions": (
        *("Array", "Failure", "Fault", "Kind", "Layout", "Question", "Reading"),
        "samples_of_call",
    ),
    "randomness": ("RANDOM_SELECTION", "SKIPPED_AS_RANDOM"),
    "reading": ("example", "find", "layers_of", "read", "widths_of"),
    "time_limit": ("TimeLimit",),
    "tracing.digests": ("Digests",),
    "tracing.driving": (
        *("TRAINING_RATE", "TRAINING_SAMPLES"),
        *("answers_completely", "training_lines"),
    ),
    "tracing.places": ("DESCENT_RATE", "Event", "Place"),
    "tracing.program": ("Record", "TracedProgram", "TraceTimeoutError"),
    "tracing.recorder": ("Change",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Array",
    "Asker",
    "Attempt",
    "Change",
    "DESCENT_RATE",
    "DOUBTFUL",
    "Digests",
    "Driver",
    "Event",
    "Failure",
    "Fault",
    "GROWING_RESULT",
    "InProcess",
    "Joined",
    "Kind",
    "Layout",
    "LoadedSubmission",
    "MINIMIZERS",
    "ONE_COLUMN",
    "Place",
    "Question",
    "RANDOM_SELECTION",
    "Reading",
    "Record",
    "ReportedArray",
    "ReportedNumbers",
    "SEVERAL_COLUMNS",
    "SKIPPED_AS_RANDOM",
    "Sandboxed",
    "Source",
    "SubmissionError",
    "TRAINING_RATE",
    "TRAINING_SAMPLES",
    "TRAINS",
    "TimeLimit",
    "TraceTimeoutError",
    "TracedProgram",
    "answers_completely",
    "attempt_of",
    "example",
    "find",
    "layers_of",
    "network_to_declaration",
    "open",
    "read",
    "read_numbers",
    "read_program",
    "resolve_names",
    "samples_of_call",
    "suggested_lines",
    "training_lines",
    "widths_of",
]

# Loaded when first used, so that a sandbox's child does not load all of it.
__getattr__ = lazy_names(__name__, _MODULE_OF)
