"""The sandbox: whatever a program does to its own process, there is an answer or a sentence."""

import base64
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.submission import LoadedSubmission, SubmissionError
from chainrule.submission.process import messages
from chainrule.submission.process import sandbox as sandboxes
from chainrule.submission.process.sandbox import Sandbox
from chainrule.submission.questions import Failure, Layout, Question, Reading

QUESTION = Question(
    (np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]),),
    (np.array([0.7, 0.8]),),
    np.array([[1.0, 2.0, 3.0]]),
    np.array([[0.0, 1.0]]),
    0.5,
)
RIGHT = """
def gradients(weights, biases, x, t):
    z = x @ weights[0].T + biases[0]
    delta = z - t
    return [delta.T @ x], [delta.sum(axis=0)]
"""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a program."""

    def write_program(text: str) -> Path:
        file = tmp_path / "net.py"
        file.write_text(text)
        return file

    return write_program


def ask(file: Path, **settings: Any) -> tuple[LoadedSubmission | Failure, list[Reading] | Failure]:
    """Load a program and ask it."""
    with Sandbox(file, **settings) as box:
        loaded = box.load()
        return loaded, box.read(QUESTION)


def failure(file: Path, **settings: Any) -> Failure:
    result = ask(file, **settings)[1]
    assert isinstance(result, Failure)
    return result


def test_a_program_answers(write):
    with Sandbox(write("print(1)\nNETWORK = {'layers': (3, 2)}\n" + RIGHT)) as box:
        loaded = box.load()
        assert isinstance(loaded, LoadedSubmission)
        assert (loaded.name, loaded.declared) == ("gradients", {"layers": (3, 2)})
        assert "it prints when imported: 1 line" in loaded.remarks
        readings = box.read(QUESTION)
        assert isinstance(readings, list)
        delta = QUESTION.x @ QUESTION.W[0].T + QUESTION.b[0] - QUESTION.t
        np.testing.assert_array_equal(readings[0].answers[0]["dW1"], delta.T @ QUESTION.x)
        again = box.read(QUESTION, "gradients", readings[0].layout)
        assert isinstance(again, list)
        assert again[0].layout == readings[0].layout
        assert not isinstance(box.widths_of(), Failure)
        assert not isinstance(box.layers_of(), Failure)


STEP = "def step(weights, biases, x, t, rate):\n    "


@pytest.mark.parametrize(
    ("body", "fault", "text"),
    [
        ("import ctypes; ctypes.string_at(0)", "exception", "crashed the Python process"),
        ("import os; os._exit(3)", "exception", "ended the Python process (exit code 3), "),
        ("import os; os.kill(os.getpid(), 9)", "memory", "the system ended the program"),
        (
            "import os; os.closerange(3, 30); import time; time.sleep(9)",
            "exception",
            "closed the connection",
        ),
        ("import itertools; sum(itertools.count())", "endless", "did not respond for 1 s"),
        ("while True: pass", "endless", ""),
        ("import numpy; return numpy.ones((10**6, 10**4))", "memory", ""),
        ("1 / 0", "exception", "ZeroDivisionError"),
        ("input('?')", "exception", "input"),
    ],
)
def test_what_goes_wrong_is_said(write, body: str, fault: str, text: str):
    result = failure(write(STEP + body), seconds_call=1.0)
    assert result.fault == fault
    assert text.rstrip(", ") in result.text


def test_where_it_crashed_is_said(write):
    result = failure(write(STEP + "import ctypes\n    ctypes.string_at(0)\n"))
    assert "line 3 in step" in result.text
    assert "net.py" in result.detail


def test_once_gone_it_stays_gone(write):
    with Sandbox(write(STEP + "import os; os._exit(1)")) as box:
        box.load()
        first = box.read(QUESTION)
        assert box.read(QUESTION) is first
        assert box.widths_of() is first
        assert box.load() is first


def test_the_whole_time_is_limited(write):
    start = time.monotonic()
    result = failure(write(STEP + "import time; time.sleep(60)"), seconds_call=50, seconds_all=3)
    assert "longer than 3 s" in result.text
    assert time.monotonic() - start < 15


def test_a_crash_while_loading(write):
    loaded, result = ask(write("import os\nos._exit(0)\n"))
    assert isinstance(loaded, Failure)
    assert loaded is result
    assert "exit code 0" in loaded.text


def test_nothing_to_ask(write):
    loaded, _ = ask(write("missing\nx = 1\n"))
    assert isinstance(loaded, Failure)
    assert loaded.fault == "not-found"
    assert "line 1 was left out" in loaded.detail


def test_no_program_is_an_error(write, tmp_path: Path):
    with Sandbox(write("def f(:\n")) as box, pytest.raises(SubmissionError, match="line 1"):
        box.load()
    with Sandbox(tmp_path / "none.py") as box, pytest.raises(SubmissionError, match="there is no"):
        box.load()


def test_files_beside_it_are_read_and_not_written(write, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.csv").write_text("1,2,3\n4,5,6\n")
    loaded, result = ask(
        write(
            "import numpy as np, os\n"
            "w = np.loadtxt(os.path.join('data', 'w.csv'), delimiter=',')\n"
            "open('data/w.csv', 'w').write('gone')\nopen('log.txt', 'w').write('x')\n"
            "def gradients(weights, biases, x, t): return [w], biases\n"
        )
    )
    assert isinstance(loaded, LoadedSubmission)
    assert isinstance(result, list)
    assert (tmp_path / "data" / "w.csv").read_text() == "1,2,3\n4,5,6\n"
    assert not (tmp_path / "log.txt").exists()


def test_large_files_cannot_be_written(write):
    loaded, _ = ask(
        write("f = open('big', 'wb')\nfor _ in range(70): f.write(bytes(2**20))\n" + RIGHT)
    )
    assert isinstance(loaded, LoadedSubmission)
    assert any("File too large" in remark for remark in loaded.remarks)


def test_the_network_is_cut_off(write):
    code = "from chainrule.submission.process.rlimits import cut_network; print(cut_network())"
    tried = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded, _ = ask(
        write(
            "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 9), 1)\n"
            "except TimeoutError: NETWORK = {'cut': False}\n"
            "except OSError as error: NETWORK = {'cut': error.errno}\n" + RIGHT
        )
    )
    assert isinstance(loaded, LoadedSubmission)
    if tried.stdout.strip() == "True":
        assert loaded.declared["cut"] == 101  # the network is unreachable
        assert loaded.remarks == ()
    else:
        assert any("network" in remark for remark in loaded.remarks)


def test_what_it_started_is_ended(write, tmp_path: Path):
    file = write(
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "NETWORK = {'pid': p.pid}\n" + RIGHT
    )
    with Sandbox(file) as box:
        loaded = box.load()
        assert isinstance(loaded, LoadedSubmission)
        os.kill(loaded.declared["pid"], 0)
    for _ in range(50):
        state = Path(f"/proc/{loaded.declared['pid']}/stat")
        if not state.exists() or ") Z" in state.read_text():
            return
        time.sleep(0.1)
    pytest.fail("it still runs")


def test_it_ends_with_its_parent(write, tmp_path: Path):
    file = write(
        f"import os\nopen({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "def step(weights, biases, x, t):\n    while True: pass\n"
    )
    code = (
        "import sys, time\nfrom chainrule.submission.process.sandbox import Sandbox\n"
        "with Sandbox(sys.argv[1]) as box:\n"
        "    box.load(); print('ready', flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() and not _alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("it still runs")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_an_interrupt_ends_the_child(write, monkeypatch: pytest.MonkeyPatch):
    with Sandbox(write(RIGHT)) as box:
        box.load()

        def interrupted(timeout: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(box._lines, "get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            box.read(QUESTION)
        assert box._process.poll() is not None


def test_garbage_on_the_line(write):
    body = (
        "import os\n    for n in range(3, 30):\n        try: os.write(n, b'rubbish\\n')\n"
        "        except OSError: pass\n    return weights, biases\n"
    )
    assert "wrote to the connection" in failure(write(STEP + body)).text


# ---- what comes over the wire -------------------------------------------------------------------

LAYOUT = Layout("function", "(W, b, x, t)", details={"a": (1, [2.5, None]), "b": {1: "x"}})
READING = Reading(
    "step",
    LAYOUT,
    ({"W1_new": np.eye(2), "loss": np.array(np.nan)},),
    0.5,
    {"mu": 0.9},
    ("x",),
    ("r",),
)


def test_a_reading_comes_back_as_it_was():
    line = messages.pack([messages.from_reading(READING)])
    back = messages.to_readings(messages.unpack(line))[0]
    assert back.layout == LAYOUT
    assert (back.kind, back.rate, back.own, back.changed, back.remarks) == (
        "step",
        0.5,
        {"mu": 0.9},
        ("x",),
        ("r",),
    )
    np.testing.assert_array_equal(back.answers[0]["W1_new"], np.eye(2))
    assert math.isnan(back.answers[0]["loss"])
    assert back.answers[0]["W1_new"].flags.writeable


@pytest.mark.parametrize("dtype", messages.DTYPES)
def test_arrays_come_back_as_they_were(dtype: str):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    for one in (
        array,
        array.T,
        array.astype(array.dtype.newbyteorder(">")),
        array[:0],
        array[0, 0],
    ):
        back = messages.to_array(messages.unpack(messages.pack(messages.from_array(one))))
        assert (back.dtype, back.shape) == (np.dtype(dtype), np.shape(one))
        np.testing.assert_array_equal(back, one)


def test_what_is_no_array_of_numbers_is_not_sent():
    with pytest.raises(messages.MessageError):
        messages.from_array(np.array(["a"]))
    assert messages.from_array(np.array([1, 2.5], object))["dtype"] == "float64"


GOOD = {"shape": [2], "dtype": "float64", "data": base64.b64encode(bytes(16)).decode()}


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [3]},
        {"shape": [-2]},
        {"shape": [True, 2]},
        {"shape": [2.0]},
        {"shape": [1] * 9},
        {"shape": [2**28, 2**28, 2**28]},
        {"shape": [0, 10**30]},
        {"shape": "2"},
        {"dtype": "object"},
        {"dtype": "U8"},
        {"dtype": ["float64"]},
        {"data": "!!!!"},
        {"data": "é"},
        {"data": None},
        {"more": 1},
    ],
)
def test_forged_arrays_are_refused(change: dict[str, Any]):
    with pytest.raises(messages.MessageError):
        messages.to_array({**GOOD, **change})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "train"},
        {"kind": ["step"]},
        {"layout": None},
        {"answers": {"W1": 1}},
        {"answers": [[1]]},
        {"rate": "1"},
        {"own": {"a": "b"}},
        {"changed": [1]},
        {"remarks": "text"},
        {"extra": 1},
    ],
)
def test_forged_readings_are_refused(change: dict[str, Any]):
    with pytest.raises(messages.MessageError):
        messages.to_readings([{**messages.from_reading(READING), **change}])


@pytest.mark.parametrize("line", [b"", b"{", b"[" * 100_000, b"\xff", b"1" * 5000 + b"\n"])
def test_no_messages_are_refused(line: bytes):
    with pytest.raises(messages.MessageError):
        messages.unpack(line)


@pytest.mark.parametrize(
    "value",
    [{"set": []}, {"dict": [[1]]}, {"dict": [[[1], 2]]}, {"tuple": 1}, {}, {"array": 1, "b": 2}],
)
def test_forged_plain_values_are_refused(value: Any):
    with pytest.raises(messages.MessageError):
        messages.to_plain(value)


def test_texts_cannot_steer_a_terminal():
    assert messages.text("a\x1b[31mb\nc\u202ed") == "a�[31mb\nc�d"
    assert len(messages.text("x" * 10**6)) == messages.MOST_TEXT


@pytest.mark.parametrize("message", [b"[]\n", b'{"answer": 1, "more": 2}\n', b'{"answer": 1}\n'])
def test_forged_messages_are_failures(write, monkeypatch: pytest.MonkeyPatch, message: bytes):
    with Sandbox(write(RIGHT)) as box:
        box.load()
        monkeypatch.setattr(box, "_wait", lambda: message)
        result = box.read(QUESTION)
    assert isinstance(result, Failure)
    assert "wrote to the connection" in result.text


def test_numbers_of_signals_are_known():
    assert sandboxes._signal_number("SIGKILL") == signal.SIGKILL
    assert sandboxes._signal_number("SIGNONE") == 0
