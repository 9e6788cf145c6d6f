"""The loss of a program with an automatic derivative: the number that its reverse pass begins with.

Such a pass begins with ``loss.grad = 1``. An output and its targets meet before it; if none were
found there, as where a mistake hides them from every update, the loss itself shows the gradient.
"""

from chainrule.diagnosis.tracing.outputs import Iteration, Pair
from chainrule.diagnosis.tracing.trace import Trace
from chainrule.submission import Event


def before_seed(trace: Trace, it: Iteration, found: list[Pair]) -> list[Pair]:
    """Return outputs and targets, without those that belong to a reverse pass.

    If none is left, it is the differentiated number; so it is in later iterations, too.

    Parameters
    ----------
    trace : Trace
    it : Iteration
    found : list of Pair
    """
    seeds = seeds_of(trace, it)
    if not seeds:
        return found
    kept = [p for p in found if trace.at[p.error] < trace.at[seeds[-1]]]
    if kept or not (loss := differentiated(trace, it)):
        return kept or found
    return [Pair(loss, loss, loss, is_loss=True)]


def seeds_of(trace: Trace, it: Iteration) -> list[Event]:
    """Return the events of an iteration with which reverse passes begin."""
    passed = trace.order[it.begin : it.end + 1]
    return [e for e in passed if trace.place(e).kind == "seed" and trace.has(e)]


def differentiated(trace: Trace, it: Iteration) -> Event | None:
    """Return where the number was computed that the only reverse pass differentiates, or None."""
    seeds = seeds_of(trace, it)
    if len(seeds) != 1 or seeds[0] not in it.depends:
        return None
    mark, end = trace.base.marks[seeds[0]], trace.at[seeds[0]]
    same = (e for e in trace.order[it.begin : end] if trace.base.marks[e] == mark)
    return next((e for e in same if e in it.depends and trace.size(e) == 1), seeds[0])
