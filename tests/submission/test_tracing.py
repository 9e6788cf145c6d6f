"""Programs run as before when they are recorded, and with other numbers when these are changed."""

import io
import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.submission import SubmissionError
from chainrule.submission.process.notebook import notebook_source
from chainrule.submission.process.older_python import as_python3
from chainrule.submission.process.source import read_program
from chainrule.submission.process.start import start
from chainrule.submission.tracing import program, recorder
from chainrule.submission.tracing.child import Server
from chainrule.submission.tracing.frames import read_frame, write_frame
from chainrule.submission.tracing.places import Event
from chainrule.submission.tracing.program import TracedProgram
from chainrule.submission.tracing.recorder import (
    Change,
    Recorder,
    arm,
    as_array,
    put,
    repeated_rows,
)
from chainrule.submission.tracing.rewrite import SEEN, rewrite

SNIPPETS = {
    "attributes": "class A:\n    def __init__(self): self.w = 1.5\n"
    "    def step(self): self.w -= 0.5\n"
    "a = A(); a.step(); r = a.w",
    "nested lists": "w = [[1.0, 2.0], [3.0]]\nfor i in range(2):\n    w[i][0] += 0.5\nr = w",
    "global": "n = 1.0\ndef f():\n    global n\n    n += 2.0\n    return n\nr = f() + n",
    "nonlocal": "def f():\n    n = 1.0\n    def g():\n        nonlocal n\n        n *= 3\n"
    "        return n\n"
    "    return g() + n\nr = f()",
    "star": "def f(*a, k=1, **b): return sum(a) * k + b['z']\nr = f(*[1.0, 2.0], k=2, **{'z': 4})",
    "lambda": "f = lambda x, y=2.0: x ** y\nr = [f(v) for v in (1.0, 2.0)]",
    "generator": "def g():\n    total = 0.0\n    while True:\n        x = yield total\n"
    "        total += x\n"
    "h = g(); next(h); r = [h.send(v) for v in (1.0, 2.0)]",
    "unpacking": "(a, b), *c = (1.0, 2.0), 3.0, 4.0\nd = e = a + b\nr = [a, b, c, d, e]",
    "walrus": "r = [y for x in (1.0, 2.0) if (y := x * 2) > 2]",
    "inheritance": "class A:\n    def f(self): return 2.0\nclass B(A):\n"
    "    def f(self): return super().f() * 3\n"
    "r = B().f()",
    "conditional": "x = -1.0\nr = x if x > 0 else -x",
    "exception": "x = 1.0 + 1\ntry:\n    x / 0\nexcept ZeroDivisionError as e:\n    r = str(e)",
    "aliases": "import numpy as np\na = np.ones(3); b = a; b -= 1; r = a.tolist()",
    "views": "import numpy as np\na = np.zeros((2, 2)); v = a[0]; v[:] = 5.0\n"
    "a[a > 1] = 2.0; r = a.tolist()",
    "dictionary": "p = {'W': [1.0, 2.0], 'b': 0.5}\nfor k in p: p[k] = p[k] * 2\nr = p",
    "text": "x = 2.0\nr = f'{x:.1f} {x + 1}' + '%d' % 3",
    "one-hot": "import numpy as np\np = np.ones((2, 2)); p[range(2), [0, 1]] -= 1; r = p.tolist()",
    "annotations": "from __future__ import annotations\n"
    "def f(x: list[float], n: int = 2) -> float:\n"
    "    y: float = x[0] * n\n    return y\nr = f([1.5])",
}


@pytest.mark.parametrize("source", SNIPPETS.values(), ids=SNIPPETS)
def test_a_recorded_program_computes_the_same(source: str):
    plain: dict[str, Any] = {}
    exec(source, plain)  # noqa: S102 (a snippet of this file)
    seen: list[Any] = []

    class Recorder:
        def __call__(self, code: int, value: Any) -> Any:
            seen.append(value)
            return value

        def rows(self, *arguments: Any) -> None:
            seen.append(arguments)

        repeated = written = rows
        serial_hash = staticmethod(recorder.Recorder.serial_hash)

    code, places = rewrite(source, "program.py")
    recorded: dict[str, Any] = {SEEN: Recorder(), "__name__": "__main__"}
    exec(code, recorded)  # noqa: S102 (a snippet of this file)
    assert recorded["r"] == plain["r"]
    assert places
    assert seen


def test_places_have_the_lines_and_names_of_the_program():
    _, places = rewrite("x = 2.0\ny = x * 3\ny -= x\n", "program.py")
    product = next(p for p in places if p.op == "Mult")
    assert (product.line, product.text, product.name) == (2, "x * 3", "y")
    update = next(p for p in places if p.kind == "update")
    assert (update.line, update.op, places[update.parts[0]].kind) == (3, "Sub", "before")


@pytest.mark.parametrize(
    "value", [1.5, np.float64(2.0), np.ones((2, 3)), [1.0, 2.0], [[1.0], [2.0]]]
)
def test_numbers_can_be_read_and_replaced(value: Any):
    array = as_array(value)
    assert array is not None
    changed = put(value, array + 1, in_place=False)
    assert np.array_equal(np.array(changed, float), array + 1)
    assert type(changed) is type(value)


@pytest.mark.parametrize(
    "value", ["a", None, [1.0, "b"], [[1.0], [2.0, 3.0]], {"a": 1}, np.array(["x"])]
)
def test_what_is_not_made_of_numbers_is_not_recorded(value: Any):
    assert as_array(value) is None


def test_changes_add_or_set_some_numbers():
    old = np.array([[1.0, 2.0], [3.0, 4.0]])
    index = np.array([1, 2])
    added = Change(np.array([0.5, 0.25]), index, add=True).apply(old)
    assert added.tolist() == [[1.0, 2.5], [3.25, 4.0]]
    assert Change(np.zeros((2, 2))).apply(old).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert old.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_frames_keep_their_bytes():
    pipe = io.BytesIO()
    write_frame(pipe, {"a": 1}, b"\n\0\xff")
    write_frame(pipe, {})
    pipe.seek(0)
    first = read_frame(pipe)
    assert first is not None
    assert (json.loads(first[0]), first[1]) == ({"a": 1}, b"\n\0\xff")
    assert read_frame(pipe) == (b"{}\n", b"")
    assert read_frame(pipe) is None
    assert read_frame(io.BytesIO(b"hello\n")) is None
    assert read_frame(io.BytesIO(b"9999999999999 0\n")) is None


PROGRAM = """import random
import time
import numpy as np
start = time.time()
w = np.random.randn(3) + random.random()
for step in range(4):
    z = w * 2.0
    w = w - 0.1 * z
print("took", time.time() - start)
"""


def traced(folder: Path, text: str, **more: Any) -> TracedProgram:
    """Return a program that can be run again and again."""
    path = folder / "program.py"
    path.write_text(text)
    return TracedProgram(path, text, **more)


def test_runs_start_from_one_state_and_follow_a_change(tmp_path: Path):
    with traced(tmp_path, PROGRAM) as program:
        base = program.record(2.0)
        assert (base.error, base.reason) == ("", "")
        codes = {base.places[e.code].text: e.code for e in base.order}
        z, w = codes["w * 2.0"], codes["w - 0.1 * z"]
        last = Event(w, 3)
        again = program.run({}, last, [last])
        assert np.array_equal(again.values[last], base.values[last])
        assert program.hold(Event(z, 1))
        change = {Event(z, 1): Change(np.array([1.0]), np.array([2]), add=True)}
        changed = program.run(change, last, [last]).values[last] - base.values[last]
        assert changed == pytest.approx([0.0, 0.0, -0.1 * 0.8**2], abs=1e-12)
        assert np.array_equal(program.run({}, last, [last]).values[last], base.values[last])


def test_the_time_limit_does_not_interrupt_an_answer(monkeypatch: pytest.MonkeyPatch):
    """It would make two answers of one, or cut it."""
    monkeypatch.setattr(os, "_exit", lambda _: None)
    before = signal.getsignal(signal.SIGPROF)
    made = Recorder([], lambda r: sent.append(r.reason))
    server = Server.__new__(Server)
    server.places = []
    sent: list[str] = []

    def send(*_: object) -> None:
        signal.raise_signal(signal.SIGPROF)
        sent.append("answer")

    monkeypatch.setattr(server, "send", send)
    try:
        arm(0.0, made)
        server.finish(made)
        assert sent == ["answer"]
        made.ending = False
        signal.raise_signal(signal.SIGPROF)
        assert sent == ["answer", "time"]
    finally:
        signal.signal(signal.SIGPROF, before)


EMPTY = """import numpy as np
for i in range(3):
    r = np.full(1000, 7.0 + i)
    del r
    made = np.empty(1000)
    like = np.empty_like(made, dtype=float)
"""


def test_memory_that_is_not_set_is_the_same_in_every_run(tmp_path: Path):
    with traced(tmp_path, EMPTY) as program:
        base = program.record(2.0)
        made = [e for e in base.order if base.places[e.code].name in ("made", "like")]
        assert {e.turn for e in made} == {0, 1, 2}
        assert not any(base.values[e].any() for e in made)


ENDS = """import os
n = float(3)
total = 0.0
for i in range(int(2000 * n) if n > 0 else 0):
    total = total + 1.0
if n < 0:
    os._exit(7)
r = n * 2.0
"""
WRITES = """n = float(3)
with open("n.txt", "w") as file:
    file.write(str(n))
with open("n.txt") as file:
    r = float(file.read()) * 1.0
"""


def multiples(program: TracedProgram, numbers: list[float]) -> list[Any]:
    """Return r of runs with other numbers in the place of n, and how those ended that have none."""
    base = program.record(5.0)
    assert base.error == ""
    named = {p.name: e for e in base.order if (p := base.places[e.code]).kind == "value"}
    changes = [{named["n"]: Change(np.array(x))} for x in numbers]
    runs = program.run_all(changes, named["r"], [named["r"]])
    return [float(run.values[named["r"]]) if run.values else run.error for run in runs]


def test_answers_come_in_order_whatever_runs_end_first(tmp_path: Path):
    numbers = [3.0, 0.5, -1.0, 0.0, -2.0, 2.0, 0.5, 1.0, *[0.25] * 20]
    ended = "the program ended the Python process (exit code 7)"
    with traced(tmp_path, ENDS) as program:
        found = multiples(program, numbers)
        assert found == [ended if x < 0 else 2 * x for x in numbers]
        assert not program.alone


def test_programs_that_write_files_run_one_after_the_other(tmp_path: Path):
    with traced(tmp_path, WRITES) as program:
        assert multiples(program, [1.0, 2.0, 3.0, 4.0] * 5) == [1.0, 2.0, 3.0, 4.0] * 5
        assert program.alone


def test_a_program_that_fails_tells_its_error_and_line(tmp_path: Path):
    with traced(tmp_path, "x = 1.0\ny = x / 0\n") as program:
        record = program.record(2.0)
    assert record.error.startswith("ZeroDivisionError")
    assert record.line == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [("while True: pass", "time"), ("x = 1.0\nwhile True: x = x + 1", "events")],
)
def test_endless_programs_are_recorded_up_to_a_limit(tmp_path: Path, text: str, reason: str):
    with traced(tmp_path, text) as program:
        assert program.record(0.5, 500).reason == reason


def test_programs_that_ask_plot_and_exit_run(tmp_path: Path):
    text = """import sys
import matplotlib.pyplot as plt
from tqdm import tqdm
n = int(input("epochs? "))
for i in tqdm(range(n)):
    x = i * 2.0
fig, ax = plt.subplots()
plt.show()
sys.exit(1)
"""
    with traced(tmp_path, text) as program:
        record = program.record(2.0)
    assert record.error == ""
    products = [e for e in record.order if record.places[e.code].op == "Mult"]
    assert len(products) == 10


def test_modules_next_to_a_program_are_recorded(tmp_path: Path):
    (tmp_path / "layers.py").write_text("def double(v):\n    return v * 2.0\n")
    with traced(tmp_path, "from layers import double\ny = double(3.0)\n") as program:
        record = program.record(2.0)
    assert record.error == ""
    assert any(record.places[e.code].text == "v * 2.0" for e in record.order)


def test_old_numpy_names_exist(tmp_path: Path):
    text = "import numpy as np\nx = np.float(1) + np.int(2)\ny = np.product([2.0, 3.0])\n"
    with traced(tmp_path, text) as program:
        assert program.record(2.0).error == ""


def notebook(*cells: tuple[str, str]) -> str:
    """Return the JSON of a notebook."""
    made = [
        {"cell_type": kind, "source": source.splitlines(keepends=True)} for kind, source in cells
    ]
    return json.dumps({"cells": made, "nbformat": 4, "metadata": {}})


def test_a_notebook_is_its_code_cells(tmp_path: Path):
    text = notebook(
        ("markdown", "# Title"),
        ("code", "%matplotlib inline\nimport numpy as np\nx = 1.0"),
        ("code", "!pip install numpy\nfiles = !ls\ny = x + 1\nnp.dot?"),
        ("code", "%%bash\necho hello"),
        ("code", "z = (7\n  % 4)\n%time\ntext = '''\n% no magic\n'''"),
    )
    path = tmp_path / "net.ipynb"
    path.write_text(text)
    source = read_program(path)
    space: dict[str, Any] = {}
    exec(source.text, space)  # noqa: S102 (a notebook of this file)
    assert (space["y"], space["files"]) == (2.0, [])
    assert (space["z"], space["text"]) == (3, "\n% no magic\n")
    assert source.where(6) == "code cell 2, line 3"


@pytest.mark.parametrize("text", ["{}", "not JSON", '{"cells": [{"cell_type": "code"}]}'])
def test_an_invalid_notebook_has_a_clear_error(text: str):
    with pytest.raises(SubmissionError, match="not a valid notebook"):
        notebook_source(text, "net.ipynb")


PYTHON2 = """import random
def f(x):
\tprint "value", x
\tfor i in xrange(3): print i,
\tif x > 1: raise ValueError, "too large"
\ttry:
\t\treturn x
\texcept ValueError, e:
\t\tprint e
print "done: %d" % f(1)
"""


def test_python_2_is_translated_line_for_line():
    text, remarks = as_python3(PYTHON2)
    assert text.count("\n") == PYTHON2.count("\n")
    compile(text, "program.py", "exec")
    assert len(remarks) == 1


OLDER = {
    'print "a %d %s" % (\n    1,\n    2)': 'print("a %d %s" % (\n    1,\n    2))',
    "print i, [round(p, 2) for p in o]": "print(i, [round(p, 2) for p in o])",
    'print >>sys.stderr, "a", 1': 'print( "a", 1)',
    'print ("a"), 2; print 3': 'print(("a"), 2); print(3)',
    'if n: print "a"; print n,': 'if n: print("a"); print(n,)',
    "raise ValueError, 'a'; n <> 10L": "raise ValueError( 'a'); n != 10",
    "x = range(4) + [n / 2, 1/2, 0777]; `n`": "x = list(range(4)) + [n / 2, 1//2, 0o777]; repr(n)",
    "for i in range(4): print map(f, x)": "for i in range(4): print(list(map(f, x)))",
    "print d.has_key(1), d.keys()[0]": "print((1 in d), list(d.keys())[0])",
    "exec 'a'; print": "exec('a'); print",
    "for i in xrange(9): print i": "for i in range(9): print(i)",
}


@pytest.mark.parametrize(("text", "expected"), OLDER.items())
def test_statements_of_python_2(text: str, expected: str):
    assert as_python3(f"{text}\n")[0] == f"{expected}\n"


def test_whole_numbers_are_divided_as_the_program_says():
    text = "from __future__ import division\nprint 1/2\n"
    assert "print(1/2)" in as_python3(text)[0]


def test_python_3_is_not_changed():
    text = 'print("print x")\nx = 1\n'
    assert as_python3(text) == (text, [])


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        ((np.array([2, 5, 2]),), [2]),
        (([0, 1],), []),
        ((np.array([0, 1, 0]), np.array([3, 4, 3])), [0]),
        ((range(3), np.array([1, 1, 1])), []),  # other elements of one column
        ((slice(None), np.array([4, 4])), [4]),
        ((np.array([True, True]),), []),
        ((3,), []),
    ],
)
def test_elements_that_an_index_names_twice_are_found(index: tuple[Any, ...], rows: list[int]):
    assert repeated_rows(index).tolist() == rows


def test_a_process_that_does_not_answer_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[subprocess.Popen[bytes]] = []

    def recorded(*arguments: Any, **variables: str) -> subprocess.Popen[bytes]:
        started.append(start(*arguments, **variables))
        return started[0]

    monkeypatch.setattr(program, "start", recorded)
    monkeypatch.setattr(program, "CHILD", "this")  # it prints a poem
    with (
        pytest.raises(program.TraceError, match="ended its process"),
        program.TracedProgram(tmp_path / "net.py", "x = 1"),
    ):
        pytest.fail("it did answer")
    assert started[0].returncode is not None
    assert started[0].stdin is not None
    assert started[0].stdin.closed
