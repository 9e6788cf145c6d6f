"""The sandbox: whatever a program does to its process, there is an answer or a clear failure."""

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
from chainrule.submission.process import sandbox as sandboxes
from chainrule.submission.process.sandbox import Sandbox
from chainrule.submission.questions import Failure, Question, Reading

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


def load_and_read(
    file: Path, **settings: Any
) -> tuple[LoadedSubmission | Failure, list[Reading] | Failure]:
    """Load a program and read its answer."""
    with Sandbox(file, **settings) as box:
        loaded = box.load()
        return loaded, box.read(QUESTION)


def failure(file: Path, **settings: Any) -> Failure:
    result = load_and_read(file, **settings)[1]
    assert isinstance(result, Failure)
    return result


def test_program_gives_an_answer(write):
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
            "import os; os.closerange(3, 30); import time; time.sleep(600)",
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
def test_failures_say_what_happened(write, body: str, fault: str, text: str):
    limit = {"seconds_call": 1.0} if fault == "endless" else {}
    result = failure(write(STEP + body), **limit)
    assert result.fault == fault
    assert text.rstrip(", ") in result.text


def test_crash_is_reported_with_its_line(write):
    result = failure(write(STEP + "import ctypes\n    ctypes.string_at(0)\n"))
    assert "line 3 in step" in result.text
    assert "net.py" in result.detail


def test_requests_after_the_end_give_the_same_failure(write):
    with Sandbox(write(STEP + "import os; os._exit(1)")) as box:
        box.load()
        first = box.read(QUESTION)
        assert box.read(QUESTION) is first
        assert box.widths_of() is first
        assert box.load() is first


def test_total_time_is_limited(write):
    result = failure(write(STEP + "import time; time.sleep(60)"), seconds_call=50, seconds_all=3)
    assert "longer than 3 s" in result.text


def test_a_crash_while_loading(write):
    loaded, result = load_and_read(write("import os\nos._exit(0)\n"))
    assert isinstance(loaded, Failure)
    assert loaded is result
    assert "exit code 0" in loaded.text


def test_file_without_functions_is_a_failure(write):
    loaded, _ = load_and_read(write("missing\nx = 1\n"))
    assert isinstance(loaded, Failure)
    assert loaded.fault == "not-found"
    assert "line 1 was left out" in loaded.detail


def test_invalid_files_raise_errors(write, tmp_path: Path):
    with Sandbox(write("def f(:\n")) as box, pytest.raises(SubmissionError, match="line 1"):
        box.load()
    with (
        Sandbox(tmp_path / "none.py") as box,
        pytest.raises(SubmissionError, match="does not exist"),
    ):
        box.load()


def test_data_files_can_be_read_but_not_modified(write, tmp_path: Path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.csv").write_text("1,2,3\n4,5,6\n")
    loaded, result = load_and_read(
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
    loaded, _ = load_and_read(
        write("f = open('big', 'wb')\nfor _ in range(70): f.write(bytes(2**20))\n" + RIGHT)
    )
    assert isinstance(loaded, LoadedSubmission)
    assert any("File too large" in remark for remark in loaded.remarks)


def test_network_is_blocked(write):
    code = "from chainrule.submission.process.confinement import cut_network; print(cut_network())"
    tried = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded, _ = load_and_read(
        write(
            "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 9), 1)\n"
            "except TimeoutError: NETWORK = {'cut': False}\n"
            "except OSError as error: NETWORK = {'cut': error.errno}\n" + RIGHT
        )
    )
    assert isinstance(loaded, LoadedSubmission)
    if tried.stdout.strip() == "True":
        assert loaded.declared["cut"] == 101  # the network is unreachable
    else:
        assert loaded.declared["cut"] == 1  # sockets are not permitted
    assert loaded.remarks == ()


def test_processes_of_the_program_are_ended(write, tmp_path: Path):
    file = write(
        "import subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "NETWORK = {'pid': p.pid}\n" + RIGHT
    )
    with Sandbox(file) as box:
        loaded = box.load()
        assert isinstance(loaded, LoadedSubmission)
        os.kill(loaded.declared["pid"], 0)
    for _ in range(300):
        state = Path(f"/proc/{loaded.declared['pid']}/stat")
        if not state.exists() or ") Z" in state.read_text():
            return
        time.sleep(0.1)
    pytest.fail("the process is still running")


def test_child_ends_with_its_parent(write, tmp_path: Path):
    file = write(
        "import os\nNETWORK = {'pid': os.getpid()}\n"
        "def step(weights, biases, x, t):\n    while True: pass\n"
    )
    code = (
        "import sys, time\nfrom chainrule.submission.process.sandbox import Sandbox\n"
        "with Sandbox(sys.argv[1]) as box:\n"
        "    print(box.load().declared['pid'], flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    for _ in range(300):
        if not Path(f"/proc/{pid}").exists() and not _alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("the process is still running")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def test_interrupt_ends_the_child(write, monkeypatch: pytest.MonkeyPatch):
    with Sandbox(write(RIGHT)) as box:
        box.load()

        def interrupted(timeout: float) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(box._lines, "get", interrupted)
        with pytest.raises(KeyboardInterrupt):
            box.read(QUESTION)
        assert box._process.poll() is not None


def test_output_on_the_connection_is_a_failure(write):
    body = (
        "import os\n    for n in range(3, 30):\n        try: os.write(n, b'rubbish\\n')\n"
        "        except OSError: pass\n    return weights, biases\n"
    )
    assert "wrote to the connection" in failure(write(STEP + body)).text


@pytest.mark.parametrize("message", [b"[]\n", b'{"answer": 1, "more": 2}\n', b'{"answer": 1}\n'])
def test_forged_messages_are_failures(write, monkeypatch: pytest.MonkeyPatch, message: bytes):
    with Sandbox(write(RIGHT)) as box:
        box.load()
        monkeypatch.setattr(box, "_wait", lambda: message)
        result = box.read(QUESTION)
    assert isinstance(result, Failure)
    assert "wrote to the connection" in result.text


def test_signal_numbers():
    assert sandboxes._signal_number("SIGKILL") == signal.SIGKILL
    assert sandboxes._signal_number("SIGNONE") == 0
