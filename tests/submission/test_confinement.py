"""A learner's program does no harm: each test tries one thing, and fails without its guard."""

import os
import signal
import subprocess
import sys
import time
from ast import literal_eval
from pathlib import Path

import pytest

import chainrule
from chainrule.submission import LoadedSubmission
from chainrule.submission.process import keeper, own_modules, system_calls
from chainrule.submission.process.sandbox import Sandbox

GRADIENTS = "\ndef gradients(weights, biases, x, t): return weights, biases\n"
TRY = """
import ctypes, errno, os, pathlib, socket, subprocess, sys
C = ctypes.CDLL(None, use_errno=True)

def outcome(action, *values):
    try:
        return str(action(*values))
    except OSError as error:
        return errno.errorcode[error.errno]

def call(name, *values):
    result = getattr(C, name)(*values)
    return errno.errorcode[ctypes.get_errno()] if result < 0 else result
"""
# What is switched off in a process before it is confined.
NO_LANDLOCK = "landlock.version = lambda: 0; landlock.restrict = lambda _: fail()"
NO_FILTER = "call_filter.filter_calls = lambda **_: fail()"
NO_NAMESPACES = "namespaces.unshare = lambda _: False"
NO_KEEPER = "confinement.start_keeper = fail"
CONFINED = """
import os, sys
from pathlib import Path
from chainrule.submission.process import call_filter, confinement, landlock, namespaces
def fail(): raise OSError("switched off")
{off}
os.chdir({folder!r})
remarks = confinement.confine(Path({folder!r}), 2**31, 60)
{text}
"""

needs_linux = pytest.mark.skipif(not system_calls.machine(), reason="system calls are not known")
pytestmark = needs_linux


def tried(folder: Path, text: str) -> str:
    """Return what `result` is after a program has run in the sandbox."""
    file = folder / "net.py"
    file.write_text(f"{TRY}\n{text}\nNETWORK = {{'result': str(result)}}\n{GRADIENTS}")
    with Sandbox(file) as box:
        loaded = box.load()
    assert isinstance(loaded, LoadedSubmission)
    assert loaded.remarks == ()
    return loaded.declared["result"]


def confined(folder: Path, off: str, text: str) -> list[str]:
    """Run a text in a confined process, with some means switched off; return what it prints."""
    own = folder / "own"
    own.mkdir()
    code = CONFINED.format(off=off, folder=str(own), text=TRY + text)
    run = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
    )
    return run.stdout.splitlines()


# ---- files --------------------------------------------------------------------------------------


def test_files_next_to_the_program_do_not_change(tmp_path: Path):
    (tmp_path / "weights.npy").write_text("mine")
    text = (
        "data = pathlib.Path(__file__).parent / 'weights.npy'\nbefore = data.read_text()\n"
        "data.write_text('theirs')\nresult = before, data.read_text(), sys.argv"
    )
    result = tried(tmp_path, text)
    assert result.startswith("('mine', 'theirs', [")
    assert str(tmp_path) not in result
    assert (tmp_path / "weights.npy").read_text() == "mine"


def test_files_that_the_program_does_not_name_can_only_be_read(tmp_path: Path):
    (tmp_path / "data_1.csv").write_text("1,2")
    text = "n = f'data_{1}.csv'\nresult = open(n).read(), outcome(open, n, 'w')"
    assert tried(tmp_path, text) == "('1,2', 'EACCES')"
    assert (tmp_path / "data_1.csv").read_text() == "1,2"


WRITING = (
    "path.write_text('theirs')",
    "os.truncate(path, 0)",
    "path.unlink()",
    "path.rename(path.parent / 'other')",
    "(path.parent / 'new').mkdir()",
    "(path.parent / 'new').symlink_to(path)",
    "os.link(path, 'mine'); open('mine', 'w').close()",
    "os.mkfifo(path.parent / 'new')",
)


def test_nothing_is_written_elsewhere(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("mine")
    text = f"path, result = pathlib.Path({str(path)!r}), {{}}\n" + "".join(
        f"try: {action}\nexcept OSError as error: result[{action!r}] = path.read_text()\n"
        f"else: result[{action!r}] = 'it worked'\n"
        for action in WRITING
    )
    assert literal_eval(tried(tmp_path, text)) == dict.fromkeys(WRITING, "mine")
    assert path.read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.txt", "net.py"]


def test_modes_and_times_of_files_stay_as_they_are(tmp_path: Path):
    path = tmp_path / "mine.txt"
    path.write_text("mine")
    before = path.stat()
    text = (
        f"path = {str(path)!r}\nos.chmod(path, 0)\nos.utime(path, (0, 0))\n"
        "os.chown(path, 1, 1)\nresult = outcome(os.setxattr, path, 'user.a', b'x')"
    )
    tried(tmp_path, text)
    after = path.stat()
    assert (after.st_mode, after.st_mtime, after.st_uid) == (
        before.st_mode,
        before.st_mtime,
        before.st_uid,
    )
    assert not os.listxattr(path)


def test_the_package_cannot_be_changed(tmp_path: Path):
    file = Path(chainrule.__file__).parent / "diagnosis" / "report" / "words.py"
    before = file.read_bytes()
    text = f"p = {str(file)!r}\nresult = outcome(open, p, 'r+'), outcome(open, p + 'c', 'w')"
    try:
        assert tried(tmp_path, text) == "('EACCES', 'EACCES')"
    finally:
        assert file.read_bytes() == before


def test_modules_of_a_check_are_imported_before_the_program_runs():
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from chainrule.submission.process.sandbox import Sandbox\n"
        "with Sandbox(sys.argv[1]): before = set(sys.modules)\n"
        "from chainrule import check\nprint(check(sys.argv[1]).to_text()[:7])\n"
        "print(*(n for n in set(sys.modules) - before if n.startswith('chainrule')))\n"
    )
    program = Path(__file__).with_name("program_that_is_wrong.py")
    run = subprocess.run(
        [sys.executable, "-c", code, program], check=True, capture_output=True, text=True
    )
    assert run.stdout.splitlines()[1:] == [""]


def test_training_is_not_imported_for_a_check():
    assert {"compiled", "estimators"} < set(own_modules.NOT_FOR_CHECKS)


def test_temporary_files_are_in_the_own_folder(tmp_path: Path):
    text = (
        "import tempfile\nresult = tempfile.mkdtemp().startswith(os.getcwd()), "
        "os.environ['TMPDIR'] == os.getcwd()"
    )
    assert tried(tmp_path, text) == "(True, True)"


def test_without_landlock_the_disk_is_read_only(tmp_path: Path):
    if not can_unshare():
        pytest.skip("this system permits no namespaces")
    text = (
        f"print(outcome(open, {str(tmp_path / 'x')!r}, 'w'))\n"
        "print(outcome(open, 'x', 'w').startswith('<'), remarks)\n"
        "print(call('mount', None, b'/', None, 1 << 5, None))"
    )
    assert confined(tmp_path, NO_LANDLOCK, text) == ["EROFS", "True []", "EPERM"]


def can_unshare() -> bool:
    code = "from chainrule.submission.process.namespaces import *; print(unshare(MOUNTS))"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return run.stdout.strip() == "True"


# ---- other processes ----------------------------------------------------------------------------


REACHING = (
    "outcome(os.kill, os.getppid(), 0)",
    "call('ptrace', 16, os.getppid(), 0, 0)",
    "call('prlimit64', os.getppid(), 4, ctypes.c_char_p(bytes(16)), None)",
    "call('prlimit64', os.getppid(), 0, None, ctypes.create_string_buffer(16))",
    "call('setns', 0, 0)",
    "call('syscall', 425, 1, None)",
    "call('process_vm_readv', os.getppid(), None, 0, None, 0, 0)",
    "call('process_vm_writev', os.getppid(), None, 0, None, 0, 0)",
    "outcome(socket.socket, socket.AF_UNIX)",
    "outcome(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)",
    "outcome(socket.socketpair, socket.AF_UNIX, socket.SOCK_DGRAM)",
)


def test_other_processes_are_out_of_reach(tmp_path: Path):
    result = tried(tmp_path, f"result = {by_action(REACHING)}")
    assert literal_eval(result) == dict.fromkeys(REACHING, "EPERM")


def by_action(actions: tuple[str, ...]) -> str:
    """Return the expression of a dictionary: what comes out of each action."""
    return f"{{{', '.join(f'{action!r}: {action}' for action in actions)}}}"


def test_memory_of_the_checker_cannot_be_read(tmp_path: Path):
    text = "result = outcome(open, f'/proc/{os.getppid()}/mem', 'rb')"
    assert tried(tmp_path, text) in {"EACCES", "EPERM"}


SIGNALING = (
    "outcome(os.kill, parent, 0)",
    "outcome(os.kill, -1, 0)",
    "outcome(os.killpg, os.getpgid(parent), 0)",
    "outcome(os.pidfd_open, parent)",
    "call('tgkill', parent, parent, 0)",
)


def test_without_landlock_the_checker_cannot_be_signaled(tmp_path: Path):
    text = "parent = os.getppid()\n"
    text += f"print({by_action(SIGNALING)})\nprint(outcome(os.kill, os.getpid(), 0))"
    result, own = confined(tmp_path, NO_LANDLOCK, text)
    assert literal_eval(result) == dict.fromkeys(SIGNALING, "EPERM")
    assert own == "None"


def test_own_processes_can_be_started_and_ended(tmp_path: Path):
    text = (
        "p = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "p.kill()\nresult = p.wait(), len(socket.socketpair())"
    )
    assert tried(tmp_path, text) == "(-9, 2)"


def test_a_program_that_starts_too_many_processes_is_ended(tmp_path: Path):
    many = 2 * keeper.MOST_PROCESSES
    start = f"for _ in range({many}):\n    if not os.fork(): sys.stdin.read(); os._exit(0)"
    with pytest.raises(subprocess.CalledProcessError) as ended:
        confined(tmp_path, "", f"{start}\nimport time\ntime.sleep(20)\nprint('alive')")
    assert ended.value.returncode == -signal.SIGKILL


def test_privileges_are_given_up(tmp_path: Path):
    text = (
        "status = open('/proc/self/status').read().split()\n"
        "held = int(status[status.index('CapEff:') + 1], 16)\n"
        "result = held & ~6, status[status.index('NoNewPrivs:') + 1], C.prctl(3, 0, 0, 0, 0)"
    )
    assert tried(tmp_path, text) == "(0, '1', 0)"


def test_without_namespaces_there_are_no_sockets(tmp_path: Path):
    text = "print(remarks, outcome(socket.socket))"
    assert confined(tmp_path, NO_NAMESPACES, text) == ["[] EPERM"]


SURVIVOR = (
    "p = subprocess.Popen([sys.executable, '-c', "
    "'import os, signal, time; os.setsid() if os.getpid() != os.getpgid(0) else 0; "
    "signal.signal(1, signal.SIG_IGN); print(1, flush=True); time.sleep(60)'], "
    "start_new_session=True, stdout=subprocess.PIPE)\np.stdout.readline()\n"
)


def test_a_process_in_a_session_of_its_own_does_not_survive(tmp_path: Path):
    assert has_ended(int(tried(tmp_path, SURVIVOR + "result = p.pid")))


def test_nothing_survives_a_process_that_ends_by_itself(tmp_path: Path):
    text = SURVIVOR.replace("stdout=", "stderr=subprocess.DEVNULL, stdout=")
    (pid,) = confined(tmp_path, "", text + "print(p.pid, flush=True)\nos._exit(0)")
    assert has_ended(int(pid))


def test_the_process_that_ends_others_ends_itself(tmp_path: Path):
    text = "print(open(f'/proc/self/task/{os.getpid()}/children').read())"
    (keeper,) = confined(tmp_path, "", text)
    assert has_ended(int(keeper))


def has_ended(pid: int) -> bool:
    """Return whether a process has ended within some seconds; end it if not."""
    state = Path(f"/proc/{pid}/stat")
    for _ in range(100):
        if not state.exists() or ") Z" in state.read_text():
            return True
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    return False


# ---- what a system lacks ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (f"{NO_LANDLOCK}\n{NO_NAMESPACES}", ["could change files"]),
        (NO_FILTER, ["could reach other processes"]),
        (f"{NO_FILTER}\n{NO_NAMESPACES}", ["could reach other processes", "network"]),
        (NO_KEEPER, ["may go on after it"]),
        ("", []),
    ],
)
def test_what_is_missing_is_a_remark(tmp_path: Path, off: str, words: list[str]):
    printed = confined(tmp_path, off, "print(*remarks, sep='\\n')")
    assert len(printed := [line for line in printed if line]) == len(words)
    assert all(word in line for word, line in zip(words, printed, strict=True))


def test_confined_processes_can_fork_and_have_threads(tmp_path: Path):
    text = (
        "import threading\nthread = threading.Thread(target=print, args=('thread',))\n"
        "thread.start()\nthread.join()\n"
        "sys.stdout.flush()\npid = os.fork()\nif not pid: os._exit(7)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
    )
    assert confined(tmp_path, "", text) == ["thread", "7"]


def test_it_takes_milliseconds(tmp_path: Path):
    off = "import time, numpy; start = time.perf_counter()"
    (seconds,) = confined(tmp_path, off, "print(time.perf_counter() - start)")
    assert float(seconds) < 0.5  # 0.007 on an idle machine
