"""The limits and the environment of the child process, as the program inside finds them."""

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chainrule.submission import Failure, LoadedSubmission, example
from chainrule.submission.process import namespaces, rlimits, sandbox, start
from chainrule.submission.process.sandbox import Sandbox

MIB = 2**20
GRADIENTS = "\ndef gradients(weights, biases, x, t): return weights, biases\n"


def declared_by(folder: Path, text: str, **settings: Any) -> dict[str, Any]:
    """Return the NETWORK that a program declares, from inside the sandbox."""
    file = folder / "net.py"
    file.write_text(text + GRADIENTS)
    with Sandbox(file, **settings) as box:
        loaded = box.load()
    assert isinstance(loaded, LoadedSubmission)
    return loaded.declared


def test_resources_of_the_program_are_limited(tmp_path: Path):
    text = (
        "import resource, os\n"
        "limits = {n: resource.getrlimit(getattr(resource, 'RLIMIT_' + n))\n"
        "          for n in ('CORE', 'FSIZE', 'CPU', 'AS')}\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * os.sysconf('SC_PAGE_SIZE')\n"
        "NETWORK = {**limits, 'used': used}\n"
    )
    found = declared_by(tmp_path, text, seconds_all=20.0, memory=512 * MIB)
    assert found["CORE"] == (0, 0)
    assert found["FSIZE"] == (64 * MIB, 64 * MIB)
    assert found["CPU"] == (51, 51)  # 2 × 20 s + 10 s, rounded up
    soft, hard = found["AS"]
    assert soft == hard
    assert 512 * MIB < soft <= found["used"] + 512 * MIB


def printed_by(code: str) -> list[str]:
    """Run code in a fresh process, and return the words that it prints."""
    setup = "import resource\nfrom chainrule.submission.process import rlimits\n"
    run = subprocess.run(
        [sys.executable, "-c", setup + code], check=True, capture_output=True, text=True
    )
    return run.stdout.split()


def test_lower_hard_limits_are_kept():
    found = printed_by(
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "rlimits.limit_resources(2**31, 5.5)\n"
        "print(*resource.getrlimit(resource.RLIMIT_FSIZE), resource.getrlimit(0)[1])"
    )
    assert found[:2] == ["1000", "1000"]
    assert resource.RLIMIT_CPU == 0
    assert found[2] == "6"


def test_memory_is_added_to_the_address_space_in_use():
    found = printed_by(
        "import os, pathlib\n"
        "def used():\n"
        "    pages = pathlib.Path('/proc/self/statm').read_text().split()[0]\n"
        "    return int(pages) * os.sysconf('SC_PAGE_SIZE')\n"
        "before = used()\n"
        f"remarks = rlimits.limit_resources({512 * MIB}, 5.5)\n"
        "print(before, resource.getrlimit(resource.RLIMIT_AS)[0], used(), *remarks)"
    )
    before, limit, after = map(int, found)  # and no remark
    assert before <= limit - 512 * MIB <= after


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_limits_that_the_system_refuses_are_reported(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
):
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(resource, "setrlimit", refuse)
    (memory,) = rlimits.limit_resources(2**31, 5.0)
    assert "memory could not be limited" in memory


@pytest.mark.parametrize("missing", [True, False])
def test_memory_is_not_limited_where_the_memory_in_use_is_unknown(
    monkeypatch: pytest.MonkeyPatch, *, missing: bool
):
    def read_text(*_: object, **__: object) -> str:
        if missing:
            raise FileNotFoundError
        return "unknown"

    limits: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, _: limits.append(kind))
    monkeypatch.setattr(Path, "read_text", read_text)
    (memory,) = rlimits.limit_resources(2**31, 5.0)
    assert "memory could not be limited" in memory
    assert resource.RLIMIT_AS not in limits


def test_network_is_blocked_only_if_no_interface_is_left(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(namespaces.socket, "if_nameindex", lambda: [(1, "lo"), (2, "sit0")])
    assert namespaces.has_no_network()
    monkeypatch.setattr(namespaces.socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    assert not namespaces.has_no_network()


# ---- environment --------------------------------------------------------------------------------


def test_environment_of_the_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in (*start.ONE_THREAD, "MPLBACKEND", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"):
        monkeypatch.setenv(name, "other")
    monkeypatch.setenv("CHAINRULE_TEST", "kept")
    started: dict[str, Any] = {}
    monkeypatch.setattr(subprocess, "Popen", lambda command, **kw: started.update(kw, cmd=command))
    with (tmp_path / "output").open("w+b") as output:
        start.start(sandbox.CHILD, tmp_path, output)
    env = started["env"]
    assert all(env[name] == "1" for name in start.ONE_THREAD)
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"} <= set(start.ONE_THREAD)
    assert (env["MPLBACKEND"], env["PYTHONDONTWRITEBYTECODE"]) == ("Agg", "1")
    assert env["PYTHONPATH"].split(os.pathsep) == [os.path.abspath(p) for p in sys.path]  # noqa: PTH100 ("" is the current folder)
    assert env["CHAINRULE_TEST"] == "kept"
    assert started["start_new_session"] is True
    assert started["cwd"] == tmp_path
    assert started["cmd"][0] == sys.executable


def test_program_runs_in_a_folder_and_a_session_of_its_own(tmp_path: Path):
    (tmp_path / "other.txt").write_text("x")
    text = (
        "import os, sys\n"
        "NETWORK = {'cwd': os.getcwd(), 'files': os.listdir(), 'safe': sys.flags.safe_path,\n"
        "           'leads': os.getsid(0) == os.getpid() == os.getpgid(0)}\n"
    )
    found = declared_by(tmp_path, text)
    assert sorted(found["files"]) == ["net.py", "other.txt"]  # a copy, and a link
    assert (found["safe"], found["leads"]) == (True, True)
    assert not Path(found["cwd"]).exists()  # removed with the sandbox
    assert Path(found["cwd"]) != tmp_path


def test_standard_streams_are_not_those_of_the_sandbox(tmp_path: Path):
    text = (
        "import os\n"
        "NETWORK = {'input': os.read(0, 10).decode()}\n"
        "os.write(1, b'{\"answer\": 1}\\n')\nos.write(2, b'{\"answer\": 1}\\n')\n"
    )
    assert declared_by(tmp_path, text) == {"input": ""}


def test_modules_next_to_the_program_can_be_imported_when_it_is_called(tmp_path: Path):
    (tmp_path / "helper_of_net.py").write_text("N = 7\n")
    file = tmp_path / "net.py"
    file.write_text(
        "def gradients(weights, biases, x, t):\n    from helper_of_net import N\n"
        "    raise ValueError(f'{N} was imported')\n"
    )
    with Sandbox(file) as box:
        box.load()
        found = box.read(example((2, 1)))
    assert isinstance(found, Failure)
    assert "7 was imported" in found.text
