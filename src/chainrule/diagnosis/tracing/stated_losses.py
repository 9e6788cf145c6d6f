"""The loss of a program in which no output meets its targets: the number that it calls its loss.

So it is with hinge losses of several classes, whose gradient is written down with masks.
"""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import islice

from chainrule.diagnosis.tracing.outputs import Iteration, Pair
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Event

MOST_TRIED = 8
NAMED = re.compile(
    r"(^|\.)(total_?|train_?|data_?)?"
    r"(loss|cost|total|objective|j|perte|cout|coste|costo|custo|verlust|kosten|perda)$",
    re.IGNORECASE,
)


def stated_loss(trace: Trace, it: Iteration) -> list[Pair]:
    """Return the last number of an iteration that is called a loss, as its output, or nothing.

    No update depends on it.
    """
    afters = [p.after for p in it.parameters]
    passed = trace.order[it.begin : it.end + 1]
    counts = Counter(e.code for e in passed)
    named = [e for e in passed if _is_named(trace, it, e) and _is_whole(trace, e, counts)]
    computed = {trace.base.marks[e]: e for e in reversed(named)}  # and not what is returned
    latest = dict.fromkeys(computed[trace.base.marks[e]] for e in reversed(named))
    for event in islice(latest, MOST_TRIED):
        if not trace.spoiled([event], trace.order[it.end], afters):
            return [Pair(event, event, event, is_loss=True)]
    return []


def _is_named(trace: Trace, it: Iteration, event: Event) -> bool:
    place = trace.place(event)
    is_number = event in trace.base.floats and trace.size(event) == 1 and trace.has(event)
    computed = place.kind in ("value", "update") and event in it.depends
    return is_number and computed and bool(NAMED.search(place.name))


def _is_whole(trace: Trace, event: Event, counts: Mapping[int, int]) -> bool:
    """Return whether a number is not that of one of several samples: it is added up, or once."""
    return trace.place(event).kind == "update" or counts[event.code] == 1


def is_returned_with_gradients(trace: Trace, it: Iteration) -> bool:
    """Return whether the function that computes the loss computes gradients, too.

    They are arrays with a name and as many rows and columns as what is trained.
    """
    own = trace.place(it.pairs[0].output)
    if own.function in {trace.place(p.after).function for p in it.parameters}:
        return False  # it trains, and shows the loss
    shapes = {p.index.shape for p in it.parameters if p.index.ndim > 1}
    places = (trace.place(e) for e in it.depends if trace.base.shapes[e] in shapes)
    return bool(own.function) and any(
        p.name and (p.function, p.file) == (own.function, own.file) and p.kind == "value"
        for p in places
    )
