"""Files are written completely or not at all, and text without a terminal is plain."""

import os
import stat
import threading
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from chainrule.cli.output import page, show, waiting, write
from chainrule.errors import InputError


def test_file_is_created(tmp_path: Path):
    write(tmp_path / "new", "∂E/∂w\n")
    assert (tmp_path / "new").read_bytes() == "∂E/∂w\n".encode()


def test_new_file_has_the_default_mode(tmp_path: Path):
    write(tmp_path / "new", "")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_existing_file_keeps_its_mode(tmp_path: Path):
    path = tmp_path / "old"
    path.touch(0o640)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_text() == "new"


@pytest.mark.parametrize("fault", ["write", "replace"])
def test_failed_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str):
    path = tmp_path / "old"
    path.write_text("old")
    if fault == "replace":
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(5, "no")))
    text = "\ud800" if fault == "write" else "new"  # a surrogate cannot be encoded as UTF-8
    with pytest.raises((InputError, UnicodeEncodeError)):
        write(path, text)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_interrupted_write_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "new", "new")
    assert list(tmp_path.iterdir()) == []


def test_read_only_file_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "old"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda *_: False)  # because root may write to all files
    with pytest.raises(InputError, match="permission denied; choose another file"):
        write(path, "new")
    assert path.read_text() == "old"


def test_link_is_not_replaced(tmp_path: Path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_pipe_is_not_replaced(tmp_path: Path):
    path, read = tmp_path / "pipe", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: read.append(path.read_text()))
    reader.start()
    write(path, "new")
    reader.join()
    assert read == ["new"]
    assert path.is_fifo()


def test_device_is_not_replaced():
    write(Path(os.devnull), "new")
    assert Path(os.devnull).is_char_device()


# ---- pages --------------------------------------------------------------------------------------


def render(console: Console) -> None:
    console.print(Text("red  ", style="red"))
    console.print("-" * 100)
    console.print()


def test_page_is_plain_text():
    assert page(render) == f"red\n{'-' * 80}\n{'-' * 20}\n"


def test_page_does_not_depend_on_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert page(render).splitlines()[:2] == ["red", "-" * 80]


def test_color_can_be_forced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    show(render)
    assert "\x1b[31mred" in capsys.readouterr().out


def test_waiting_shows_nothing_without_a_terminal(capsys: pytest.CaptureFixture[str]):
    with waiting("for something"):
        pass
    assert capsys.readouterr() == ("", "")
