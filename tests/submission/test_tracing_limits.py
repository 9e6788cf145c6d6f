"""What is recorded of long loops and reverse passes, and what is said when a limit is reached."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainrule.submission import TracedProgram, TraceTimeoutError
from chainrule.submission.tracing.places import Event
from chainrule.submission.tracing.recorder import Recorder
from chainrule.submission.tracing.rewrite import SEEN, rewrite


def recorded(source: str) -> Recorder:
    """Run a program, and return what was recorded of it."""
    recorder = Recorder([], lambda _: None, everything=True)
    code, recorder.places = rewrite(source, "net.py")
    exec(code, {SEEN: recorder})  # noqa: S102 (our own texts)
    return recorder


def test_the_bounds_of_slices_are_not_recorded():
    made = recorded("i, s = 2, [1.0, 2.0, 3.0, 4.0]\nr = s[i - 1:i + 1]")
    texts = [made.places[e.code].text for e in made.order]
    assert "s[i - 1:i + 1]" in texts
    assert not {"i", "i - 1", "i + 1"} & set(texts[2:])


@pytest.mark.parametrize("begin", ["1", "1.0", "np.ones_like(v.data)", "np.array(1.0)"])
def test_a_gradient_of_one_begins_a_reverse_pass(begin: str):
    text = f"import numpy as np\nclass V: pass\nv = V()\nv.data = 0.25\nv.grad = {begin}"
    made = recorded(text)
    seeds = [e for e in made.order if made.places[e.code].kind == "seed"]
    assert [made.values[e].tolist() for e in seeds] == [0.25]
    assert made.places[seeds[0].code].name == "v"


@pytest.mark.parametrize("text", ["v.grad = 0.0", "v.grad = 10.0", "v.step = 1", "f().grad = 1"])
def test_other_assignments_begin_no_reverse_pass(text: str):
    made = recorded(f"class V: data = 0.5\nv = V()\nf = lambda: v\n{text}")
    assert all(p.kind != "seed" for p in made.places)


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("data", "grad", "op")

    def __init__(self) -> None:
        self.op, self.data, self.grad = "+", 0.75, 0.0


@pytest.mark.parametrize(
    ("thing", "number"),
    [
        (SimpleNamespace(op="+", grad=0.0, data=np.array([0.5])), 0.5),
        (Slotted(), 0.75),
        (SimpleNamespace(grad=0.0, data=np.zeros(3)), None),
        (3.0, None),
    ],
)
def test_the_number_of_an_object_with_a_gradient(thing: Any, number: float | None):
    made = Recorder([], lambda _: None, everything=True)
    made.seed(0, thing, "grad")
    found = made.values.get(Event(0, 0))
    assert (None if found is None else float(found.item())) == number


def test_a_run_that_does_not_end_in_time_is_said_to_be_too_long(tmp_path: Path):
    text = "while True: pass"
    (tmp_path / "net.py").write_text(text)
    with (
        TracedProgram(tmp_path / "net.py", text, seconds=4) as program,
        pytest.raises(TraceTimeoutError, match="in the 4 s of the check; have it train with fewer"),
    ):
        program.record(100.0)
