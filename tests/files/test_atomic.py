"""Writing a file: it is complete or as it was, whichever call of the operating system fails."""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from chainrule import FileError
from chainrule.files import atomic
from chainrule.files.atomic import SystemCalls, write_atomically

OLD, NEW = b"old" * 100, b"new" * 1000
CALLS = ("open", "write", "fsync", "close", "replace", "open", "fsync", "close")
REAL = SystemCalls()


@dataclass
class Faulty:
    """Calls of the operating system, of which one fails.

    Parameters
    ----------
    at : int
        The number of the call that fails, from 0; -1 for none.
    error : int
        The number of the error.
    most : int
        The most bytes that a call to write takes.
    """

    at: int = -1
    error: int = errno.ENOSPC
    most: int = 2**30
    made: list[str] = field(default_factory=list[str])

    def calls(self) -> SystemCalls:
        real = replace(REAL, write=self.write)
        return replace(real, **{name: self.call(name, getattr(real, name)) for name in {*CALLS}})

    def call(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def faulty(*arguments: Any) -> Any:
            self.made.append(name)
            if len(self.made) - 1 == self.at:
                if name == "close":
                    real(*arguments)  # the descriptor is closed, even if that reports an error
                raise OSError(self.error, os.strerror(self.error))
            return real(*arguments)

        return faulty

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data[: self.most])


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Faulty], Faulty]:
    def with_fault(faulty: Faulty) -> Faulty:
        monkeypatch.setattr(atomic, "SYSTEM", faulty.calls())
        return faulty

    return with_fault


def test_the_order_of_calls(tmp_path: Path, install: Callable[[Faulty], Faulty]):
    """The data are on the disk before the name, and the name before the function returns."""
    faulty = install(Faulty())
    write_atomically(tmp_path / "file", NEW)
    assert tuple(faulty.made) == CALLS
    assert (tmp_path / "file").read_bytes() == NEW


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES], ids=os.strerror)
@pytest.mark.parametrize("at", range(len(CALLS)))
def test_a_failing_call_leaves_the_old_file_or_the_new_one(
    at: int, error: int, tmp_path: Path, install: Callable[[Faulty], Faulty]
):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    install(Faulty(at, error))
    replaced = at > CALLS.index("replace")
    told = "the new file is there, but" if replaced else "nothing was changed"
    with pytest.raises(FileError, match=f"cannot write {path}: .*; {told}") as caught:
        write_atomically(path, NEW)
    assert caught.value.errno == error
    assert path.read_bytes() == (NEW if replaced else OLD)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_named(tmp_path: Path, install: Callable[[Faulty], Faulty]):
    install(Faulty(1))
    with pytest.raises(FileError, match="the disk is full; nothing was changed; free some space"):
        write_atomically(tmp_path / "file", NEW)


@pytest.mark.parametrize("most", [1, 7, 1000, 2999])
def test_short_writes_are_continued(most: int, tmp_path: Path, install: Callable[[Faulty], Faulty]):
    install(Faulty(most=most))
    write_atomically(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW


@pytest.mark.parametrize("at", [1, 2, 3])
def test_short_writes_and_then_a_full_disk(
    at: int, tmp_path: Path, install: Callable[[Faulty], Faulty]
):
    path = tmp_path / "file"
    path.write_bytes(OLD)
    install(Faulty(at, most=900))
    with pytest.raises(FileError, match="the disk is full"):
        write_atomically(path, NEW)
    assert path.read_bytes() == OLD


def test_a_file_system_that_takes_nothing(tmp_path: Path, install: Callable[[Faulty], Faulty]):
    install(Faulty(most=0))
    with pytest.raises(FileError, match="accepts no more data"):
        write_atomically(tmp_path / "file", NEW)


def test_an_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(atomic, "SYSTEM", replace(REAL, fsync=interrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", NEW)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_synced_is_no_error(tmp_path: Path, monkeypatch: Any):
    """As on some network file systems."""

    def sync(descriptor: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 (no path of a file)
            raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(atomic, "SYSTEM", replace(REAL, fsync=sync))
    write_atomically(tmp_path / "file", NEW)
    assert (tmp_path / "file").read_bytes() == NEW


@pytest.mark.parametrize(("refusals", "written"), [(0, True), (3, True), (10**6, False)])
def test_on_windows_a_reader_may_delay_the_replacement(
    *, refusals: int, written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """There, a file that another program has open cannot be replaced; nothing syncs a folder."""
    made: list[str] = []

    def busy(*paths: str) -> None:
        made.append("replace")
        if len(made) <= refusals:
            raise PermissionError(errno.EACCES, "the file is in use")
        REAL.replace(*paths)

    monkeypatch.setattr(atomic, "WINDOWS", True)
    monkeypatch.setattr(atomic, "sleep", lambda _: None)
    monkeypatch.setattr(atomic, "SYSTEM", replace(REAL, replace=busy))
    path = tmp_path / "file"
    path.write_bytes(OLD)
    if written:
        write_atomically(path, NEW)
    else:
        with pytest.raises(FileError, match="permission denied"):
            write_atomically(path, NEW)
    assert path.read_bytes() == (NEW if written else OLD)
    assert list(tmp_path.iterdir()) == [path]
    assert len(made) == min(refusals + 1, atomic.TRIES)


def test_a_symbolic_link_stays_one(tmp_path: Path):
    (tmp_path / "file").write_bytes(OLD)
    (tmp_path / "link").symlink_to("file")
    write_atomically(tmp_path / "link", NEW)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == NEW


# ---- a failure of the power ---------------------------------------------------------------------


@dataclass
class Disk:
    """What is on a disk after the power has failed, at worst: nothing that was not synced.

    Bytes of a file are there after its fsync; names are there after the fsync of the folder, and
    may be there before.
    """

    memory: dict[str, bytes] = field(default_factory=dict[str, bytes])  # by name: what was written
    synced: dict[str, bytes] = field(default_factory=dict[str, bytes])
    states: list[dict[str, bytes]] = field(default_factory=list[dict[str, bytes]])
    names: list[str] = field(default_factory=list[str])  # by descriptor

    def calls(self) -> SystemCalls:
        own = {name: getattr(self, name) for name in ("open", "write", "fsync", "replace")}
        return replace(REAL, **own, close=lambda _: None, unlink=self.memory.pop)

    def open(self, path: str, flags: int, mode: int) -> int:
        self.names.append(path)
        if flags & os.O_CREAT:
            self.memory[path] = self.synced[path] = b""
        return len(self.names) - 1

    def write(self, descriptor: int, data: memoryview) -> int:
        self.memory[self.names[descriptor]] += data[:1000]
        return min(len(data), 1000)

    def fsync(self, descriptor: int) -> None:
        name = self.names[descriptor]
        if name in self.memory:
            self.synced[name] = self.memory[name]
        self.states.append(dict(self.synced))

    def replace(self, old: str, new: str) -> None:
        self.states.append(dict(self.synced))  # the name may not be on the disk yet
        self.memory[new], self.synced[new] = self.memory.pop(old), self.synced.pop(old)
        self.states.append(dict(self.synced))  # or may be


def test_after_a_failure_of_the_power_the_file_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = os.path.realpath(tmp_path / "file")
    disk = Disk({path: OLD}, {path: OLD})
    monkeypatch.setattr(atomic, "SYSTEM", disk.calls())
    write_atomically(path, NEW)
    found = [state[path] for state in disk.states]
    assert set(found) == {OLD, NEW}
    assert found[-1] == NEW


def test_permissions_of_a_replaced_file_are_kept(tmp_path: Path):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_atomically(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("missing/model", "create the folder, or choose another one, and save again"),
        ("file/model", "choose another folder, and save again"),
        (".", "it is a folder; nothing was changed; choose another name, and save again"),
    ],
)
def test_remedies_fit_the_reason(tmp_path: Path, name: str, words: str):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match=words):
        write_atomically(tmp_path / name, b"new")
