"""Files that a program names are copied for it, and never files outside its folder."""

from pathlib import Path

import pytest

from chainrule.submission.process import data_files
from chainrule.submission.process.data_files import (
    copy_data_files,
    is_inside_folder,
    link_other_files,
    make_working_folder,
    root_of,
)


class Folders:
    """A program's folder with a file in it and one outside, and a folder for the copies.

    Parameters
    ----------
    root : Path
    """

    def __init__(self, root: Path) -> None:
        self.outside = root / "secret.txt"
        self.outside.write_text("secret")
        self.program_folder = root / "program"
        (self.program_folder / "data" / "inner").mkdir(parents=True)
        (self.program_folder / "data" / "w.csv").write_text("1,2")
        (self.program_folder / "data" / "inner" / "b.csv").write_text("3")
        (self.program_folder / "notes.txt").write_text("notes")
        self.copies = root / "sandbox" / "work"
        self.copies.mkdir(parents=True)

    def copy(self, *names: str) -> list[str]:
        """Write a program with these strings, and copy the files that it names."""
        program = self.program_folder / "net.py"
        program.write_text(f"names = {names!r}\n")
        return copy_data_files(program, self.copies)

    @property
    def copied(self) -> set[str]:
        """The data files that were copied, relative to the folder above that of the copies."""
        top = self.copies.parent
        found = {str(f.relative_to(top)) for f in top.rglob("*") if f.is_file()}
        return found - {"work/net.py"}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def test_the_program_is_copied(folders: Folders):
    folders.copy()
    assert (folders.copies / "net.py").read_text() == "names = ()\n"


def test_what_is_not_a_regular_file_is_not_copied(folders: Folders):
    copy_data_files(Path("/dev/zero"), folders.copies)  # would never end
    assert not list(folders.copies.iterdir())


def test_named_files_are_copied(folders: Folders):
    assert folders.copy("notes.txt", "data/w.csv", "missing.txt", "any text") == []
    assert folders.copied == {"work/notes.txt", "work/data/w.csv"}
    assert (folders.copies / "data" / "w.csv").read_text() == "1,2"


def test_files_in_named_folders_are_copied(folders: Folders):
    assert folders.copy("data") == []
    assert folders.copied == {"work/data/w.csv", "work/data/inner/b.csv"}


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "data/../../secret.txt",
        "data/inner/../../../secret.txt",
        "./../secret.txt",
        "..",
        "data/../..",
        "../program/../secret.txt",
    ],
)
def test_paths_that_leave_the_folder_are_not_copied(folders: Folders, name: str):
    assert (folders.program_folder / name).exists()
    assert folders.copy(name) == []
    assert folders.copied == set()


@pytest.mark.parametrize("name", ["data/../notes.txt", "../program/notes.txt", "data/.."])
def test_paths_with_dots_that_return_to_the_folder_are_not_copied(folders: Folders, name: str):
    assert (folders.program_folder / name).exists()
    assert folders.copy(name) == []
    assert folders.copied == set()


def test_absolute_paths_are_not_copied(folders: Folders):
    inside = folders.program_folder / "notes.txt"
    assert folders.copy(str(folders.outside), str(inside), str(folders.program_folder)) == []
    assert folders.copied == set()


@pytest.mark.parametrize("name", ["", ".", "./", "./."])
def test_the_whole_folder_is_not_copied(folders: Folders, name: str):
    assert folders.copy(name) == []
    assert folders.copied == set()


def test_names_with_line_ends_or_null_bytes_are_not_copied(folders: Folders):
    (folders.program_folder / "two\nlines").write_text("x")
    assert folders.copy("two\nlines", "null\0byte") == []
    assert folders.copied == set()


def test_long_names_are_not_copied(folders: Folders):
    longest = "a" * 99 + "/" + "b" * 99
    too_long = "a" * 99 + "/" + "b" * 100
    (folders.program_folder / ("a" * 99)).mkdir()
    for name in (longest, too_long):
        (folders.program_folder / name).write_text("x")
    assert folders.copy(longest, too_long) == []
    assert folders.copied == {f"work/{longest}"}


@pytest.mark.parametrize(
    ("text", "is_inside"),
    [
        ("data/w.csv", True),
        ("a..b", True),
        ("..data", True),
        ("data..", True),
        ("data/..w", True),
        ("..", False),
        ("../x", False),
        ("x/..", False),
        ("x/../y", False),
        ("/etc/passwd", False),
        ("//x", False),
        ("a\0b", False),
        ("a\nb", False),
    ],
)
def test_is_inside_folder(text: str, is_inside: bool):
    assert is_inside_folder(text) is is_inside


def test_at_most_some_bytes_are_copied(folders: Folders, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_files, "MOST_BYTES", 5)
    (remark,) = folders.copy("data/w.csv", "notes.txt")  # 3 bytes, then 5
    assert remark.startswith("notes.txt was not available to the program")
    assert folders.copied == {"work/data/w.csv"}


def test_at_most_some_files_are_copied(folders: Folders, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_files, "MOST_FILES", 1)
    (remark,) = folders.copy("data/w.csv", "notes.txt")
    assert remark.startswith("notes.txt was not available to the program")
    assert folders.copied == {"work/data/w.csv"}


def test_files_that_are_named_twice_count_once(folders: Folders, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_files, "MOST_FILES", 2)
    assert folders.copy("data", "data/w.csv", "data/inner/b.csv") == []
    assert folders.copied == {"work/data/w.csv", "work/data/inner/b.csv"}


def test_programs_that_cannot_be_parsed_have_no_data_files(folders: Folders):
    program = folders.program_folder / "net.py"
    program.write_text("def f(:\n'notes.txt'\n")
    assert copy_data_files(program, folders.copies) == []
    assert folders.copied == set()


def test_what_is_not_copied_is_linked(folders: Folders):
    folders.copy("notes.txt")
    link_other_files(folders.program_folder, folders.copies)
    assert not (folders.copies / "notes.txt").is_symlink()
    assert (folders.copies / "data").is_symlink()
    assert (folders.copies / "data" / "w.csv").read_text() == "1,2"


def test_a_folder_that_is_missing_has_nothing_to_link(folders: Folders):
    link_other_files(folders.program_folder / "missing", folders.copies)
    assert not list(folders.copies.iterdir())


def test_folders_next_to_the_programs_are_found_from_its_own(tmp_path: Path):
    program, root = tmp_path / "home" / "project" / "code" / "net.py", tmp_path / "sandbox"
    (program.parent.parent / "data").mkdir(parents=True)
    (program.parent.parent / "data" / "w.csv").write_text("1,2")
    program.parent.mkdir()
    work = make_working_folder(program, root)
    assert root_of(work, program.parent) == root
    link_other_files(program.parent, work)
    assert (work / ".." / "data" / "w.csv").read_text() == "1,2"
    assert (work / ".." / ".." / "project").is_dir()


def test_texts_that_are_read_and_missing_are_made_up(folders: Folders):
    program = folders.program_folder / "net.py"
    program.write_text(
        "a = open('input.txt', 'r').read()\nb = open('notes.txt').read()\n"
        "open('out.txt', 'w').write(a)\nprint open('../other.txt').read()\n"
    )
    remarks = copy_data_files(program, folders.copies)
    assert remarks == ["input.txt was not found; a made-up text was used in its place"]
    assert len((folders.copies / "input.txt").read_text()) > 1000
    assert (folders.copies / "notes.txt").read_text() == "notes"
    assert not (folders.copies / "out.txt").exists()
