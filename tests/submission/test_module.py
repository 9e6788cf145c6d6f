"""Load a learner's file: it defines what it can, and what fails is left out and reported."""

import contextlib
import dataclasses
import inspect
import itertools
import os
import pickle
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainrule.submission import SubmissionError
from chainrule.submission.process import execution
from chainrule.submission.process.module import LoadedModule, load
from chainrule.submission.process.stub_modules import PLOTTING


@pytest.fixture
def run(tmp_path: Path):
    """Return a function that writes a program and loads it."""

    def write_and_load(
        text: str | bytes, seconds: float = 10.0, name: str = "net.py"
    ) -> LoadedModule:
        file = tmp_path / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(file, seconds)

    return write_and_load


def test_definitions_are_available(run):
    loaded = run("'''doc'''\nimport math\nrate = .5\ndef f(x):\n    return math.sin(x) * rate\n")
    assert loaded.namespace["f"](1.0) == pytest.approx(0.5 * 0.8414709848)
    assert loaded.namespace["__doc__"] == "doc"
    assert loaded.remarks == ()


def test_main_block_does_not_run(run):
    loaded = run("ran = False\nif __name__ == '__main__':\n    ran = True\n")
    assert loaded.namespace["ran"] is False


def test_printed_lines_are_counted(run, capfd):
    loaded = run("import sys\nfor i in range(3): print(i)\nprint('end', end='')\n")
    assert loaded.remarks == ("it prints when imported: 4 lines",)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rate = float(input('rate? '))", "line 2 was left out: it asks for input"),
        ("import sys; sys.exit(1)", "line 2 was left out: it ends the program (sys.exit)"),
        ("raise SystemExit", "line 2 was left out: it ends the program (sys.exit)"),
        ("1 / 0", "line 2 was left out: ZeroDivisionError: division by zero"),
        ("f()", "line 2 was left out: KeyError: 'x' (line 1)"),
        ("import no_such_library", "line 2 was left out: no_such_library is not installed"),
        ("undefined", "line 2 was left out: NameError: name 'undefined' is not defined"),
    ],
)
def test_failing_statement_is_left_out(run, line: str, reason: str):
    loaded = run(f"def f(): return {{}}['x']\n{line}\ndef g(): return 2\n")
    assert loaded.remarks == (reason,)
    assert loaded.namespace["g"]() == 2


def test_many_failures_are_summarized(run):
    remarks = run("missing\n" * 20).remarks
    assert len(remarks) == 7
    assert remarks[-1] == "14 more statements failed and were left out"


@pytest.mark.parametrize(
    "loop", ["while True: pass", "while True:\n    try: 1/0\n    except: pass"]
)
def test_training_is_interrupted_and_later_definitions_remain(run, loop: str):
    loaded = run(f"{loop}\nw = [0]\nprint('late')\ndef f(): return w\n", seconds=2.0)
    assert loaded.remarks[0] == (
        "line 1 was left out: it runs for longer than 2 s, probably because it trains a network"
    )
    assert "used up before it" in loaded.remarks[1]
    assert loaded.namespace["f"]() == [0]


def test_endless_assignments_are_interrupted(run):
    text = "while True: pass\nb = [1 for _ in iter(int, 1)]\nc = 1\n"
    loaded = run(text, seconds=2.0)
    assert "b" not in loaded.namespace
    assert loaded.namespace["c"] == 1


def test_assignments_get_a_share_of_the_time(run, monkeypatch: pytest.MonkeyPatch):
    limits: list[float] = []

    def record(seconds: float) -> contextlib.AbstractContextManager[None]:
        limits.append(seconds)
        return contextlib.nullcontext()

    clock = SimpleNamespace(monotonic=itertools.count(0.0, 0.25).__next__)  # 0.25 s a statement
    monkeypatch.setattr(execution, "time", clock)
    monkeypatch.setattr(execution, "limited", record)
    loaded = run("a = 1\nb = 2\nc = 3\nprint()\n", seconds=0.5)
    assert limits == [0.5, 0.25, execution.SHARE * 0.5]
    assert loaded.namespace["c"] == 3
    assert loaded.remarks == ("line 4 was left out: the 0.5 s were used up before it",)


@pytest.fixture
def without_plotting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide plotting libraries that are installed here."""
    find = PathFinder.find_spec

    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        return None if name.partition(".")[0] in PLOTTING else find(name, path, target)

    monkeypatch.setattr(PathFinder, "find_spec", find_spec)
    for name in [name for name in sys.modules if name.partition(".")[0] in PLOTTING]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.usefixtures("without_plotting")
def test_plotting_libraries_are_replaced(run):
    text = (
        "import matplotlib.pyplot as plt\nfrom mpl_toolkits.mplot3d import Axes3D\n"
        "import seaborn as sns\n"
        "fig, (left, right) = plt.subplots(1, 2)\nleft.plot([1, 2])[0].set_label('x')\n"
        "with plt.style.context('dark'):\n    plt.show()\n"
        "top = left.get_ylim()[1] * 1.1 + float(left.x)\n"
        "for spine in left.spines: spine.x = 1\nplt.rcParams['a'] = 1\n"
        "class Plot(plt.Axes): pass\nstate = Plot()\n"
    )
    loaded = run(text)
    assert loaded.remarks == tuple(
        f"{name} is not installed; its plots are left out"
        for name in ("matplotlib", "mpl_toolkits", "seaborn")
    )
    assert "matplotlib" not in sys.modules


def test_environment_is_restored(run):
    before = sys.path[:], sys.argv[:], sys.stdin, input, Path.cwd(), os.environ.get("MPLBACKEND")
    run("import os, sys\nos.chdir('/')\nsys.path.clear()\nsys.argv.append('x')\n")
    after = sys.path[:], sys.argv[:], sys.stdin, input, Path.cwd(), os.environ.get("MPLBACKEND")
    assert after == before


def test_module_in_the_same_folder_is_imported(run, tmp_path: Path):
    (tmp_path / "module_near_net_4711.py").write_text("N = 7\n")
    assert run("from module_near_net_4711 import N\n").namespace["N"] == 7
    del sys.modules["module_near_net_4711"]


def test_classes_pickle_and_show_their_source(run):
    loaded = run(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Net:\n    w: list[int]\n    def step(self, x: Unknown): return x\n"
    )
    net = loaded.namespace["Net"]
    assert pickle.loads(pickle.dumps(net([1]))) == net([1])  # noqa: S301 (our own)
    assert dataclasses.fields(net)[0].type == "list[int]"
    assert inspect.getsource(net.step).strip() == "def step(self, x: Unknown): return x"
    assert inspect.getsource(net).startswith("@dataclass")


def test_tracebacks_have_the_right_line(run):
    loaded = run("x = 1\n\n\ndef f():\n    return 1 / 0\n")
    with pytest.raises(ZeroDivisionError) as raised:
        loaded.namespace["f"]()
    assert raised.traceback[-1].lineno + 1 == 5
    assert Path(raised.traceback[-1].path).name == "net.py"


def test_declared_network(run):
    loaded = run("NETWORK = {'layers': [2, 3, 1], 'activation': 'tanh', 'rate': .5, 'x': None}\n")
    assert loaded.declared == {"layers": [2, 3, 1], "activation": "tanh", "rate": 0.5, "x": None}
    assert run("NETWORK = {'f': print}\n").declared == {}
    assert "nor a dictionary of plain values" in run("NETWORK = [2, 3]\n").remarks[0]


def test_encodings(run):
    assert run("# coding: latin-1\nname = 'Größe'\n".encode("latin-1")).namespace["name"] == "Größe"
    loaded = run("name = 'Größe'\r\nx = 1\r\n".encode("latin-1"))
    assert loaded.namespace["name"] == "Größe"
    assert loaded.remarks == (
        "net.py is not in UTF-8 and declares no encoding; it was read as Latin-1",
    )
    assert run(b"\xef\xbb\xbfx = 1\n").namespace["x"] == 1


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"", "net.py", "net.py is empty"),
        (b"\n \n", "net.py", "net.py is empty"),
        (b"\x7fELF\0\0", "net.py", "is not a text file"),
        ("x = 1".encode("utf-16"), "net.py", "UTF-16"),
        (b"{}", "net.ipynb", "is not a valid notebook"),
        (b"x = 1\ndef f(:\n", "net.py", "net.py, line 2: invalid syntax: def f(:"),
        (b"print 'x' = 1", "net.py", "line 1"),
        (b"x = 1\nreturn x\n", "net.py", "line 2: 'return' outside function"),
        (b"# coding: klingon\n", "net.py", "unknown encoding: klingon"),
        (b"# coding: utf-8\n\nx = '\xe4'\n", "net.py", "line 3: this is not utf-8"),
        (b"x = " + b"(" * 5000, "net.py", "net.py"),
    ],
)
def test_files_that_are_not_programs_raise_errors(run, content: bytes, name: str, message: str):
    with pytest.raises(SubmissionError) as raised:
        run(content, name=name)
    assert message in str(raised.value)


def test_missing_files_raise_errors(tmp_path: Path):
    with pytest.raises(SubmissionError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(SubmissionError, match=r"the file '.*' does not exist"):
        load(tmp_path / "net.py")
