"""Load a program and find the lines that make it train."""

import re
from pathlib import Path

from chainrule.submission.joining.drivers import drivers
from chainrule.submission.joining.results import Joined
from chainrule.submission.joining.signatures import signatures
from chainrule.submission.process.module import run_source

UNUSED = "the added lines do not run {}"
SHARE = 0.3  # of the time, for loading the program


def join(source: str, path: Path, seconds: float) -> Joined:
    """Return the lines that make a program train that only defines functions and classes.

    Parameters
    ----------
    source : str
    path : Path
    seconds : float
        Time limit of everything; to be called in a process of its own.

    Returns
    -------
    Joined
    """
    execution = run_source(source, path, SHARE * seconds)
    omitted = tuple((s.lineno, s.end_lineno or s.lineno) for s in execution.failed)
    found = drivers(source, execution.module.__dict__, (1 - SHARE) * seconds)
    unused = _unused(source, "\n".join(driver.lines for driver in found)) if found else []
    remarks = [UNUSED.format(", ".join(unused))] if unused else []
    return Joined(tuple(found), omitted, (*execution.remarks, *remarks))


def _unused(source: str, lines: str) -> list[str]:
    """Return the functions that neither the lines nor what they call run."""
    known = signatures(source)
    words = set(re.findall(r"\w+", lines))
    by_class = [m for c in known.classes if c.name in words for m in c.methods]
    run = [f for f in (*known.functions, *by_class) if f.name in words]
    reached = {name for f in run for name in known.reach(f)} | words
    return [f.name for f in known.functions if f.name not in reached]
