"""Run lines in the namespace of a program, each time from the same state."""

import copy
import random
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule.submission.process.execution import OutOfTimeError, describe_error, limited
from chainrule.submission.values import is_data

SECONDS_RUN = 1.0


class Bench:
    """A program's namespace, in which lines are run.

    Parameters
    ----------
    namespace : dict
        The namespace itself, since the program's functions refer to it.
    seconds : float
        Time limit of all runs, in processor time.
    """

    def __init__(self, namespace: dict[str, Any], seconds: float) -> None:
        self.namespace, self.end = namespace, time.process_time() + seconds
        self.base = dict(namespace)
        self.callables = {n for n, v in namespace.items() if callable(v)}
        data = {n: v for n, v in namespace.items() if not n.startswith("__") and is_data(v)}
        self.saved = copy.deepcopy(data)

    @property
    def is_over(self) -> bool:
        """Whether the time is used up."""
        return time.process_time() > self.end

    def run(self, lines: Sequence[str], seconds: float = SECONDS_RUN) -> str:
        """Run lines from the program's own state; return the error with which they end, or ""."""
        self._reset()
        left = min(seconds, self.end - time.process_time())
        if left <= 0:
            return "time"
        try:
            with limited(left), np.errstate(all="ignore"):
                exec("\n".join(lines), self.namespace)  # noqa: S102 (to run it is the purpose)
        except OutOfTimeError:
            return "time"
        except Exception as error:  # noqa: BLE001 (a learner's code may raise anything)
            return describe_error(error)
        return ""

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]

    def value(self, text: str) -> Any:
        """Return the value of an expression after a run."""
        return eval(text, self.namespace)  # noqa: S307 (an expression that was made here)

    def _reset(self) -> None:
        self.namespace.clear()
        self.namespace.update(self.base)
        self.namespace.update(copy.deepcopy(self.saved))
        self.namespace["np"] = self.base.get("np", np)
        random.seed(0)
        np.random.seed(0)  # noqa: NPY002 (the generator that programs share)
