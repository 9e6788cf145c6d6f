"""A document of any content: its formats, its files, and what it prints."""

import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from rich.console import Console

from chainrule.errors import InputError, UnknownNameError
from chainrule.names import DOCUMENT_FORMATS, PROGRAM_FORMATS
from chainrule.pages import Document, Note, Page, Paragraph, json_number


@dataclass(frozen=True)
class Memo(Document):
    """A document with two items."""

    text: str

    def page(self) -> Page:
        return Page("A memo", (Paragraph(self.text), Note("Why", "Because.")))

    def to_dict(self) -> dict[str, Any]:
        return {"text": self.text}


MEMO = Memo("Anything.")


def test_a_document_needs_a_page_and_plain_values():
    with pytest.raises(TypeError, match="abstract"):
        Document()  # pyright: ignore[reportAbstractUsage]


def test_each_format_shows_the_page():
    assert str(MEMO) == MEMO.to_text() == "A memo\nAnything.\n\n  Why  Because.\n"
    assert MEMO.to_markdown() == "# A memo\n\nAnything.\n\n**Why.** Because.\n"
    assert "<h1>A memo</h1>" in MEMO.to_html()
    assert r"\note{Why}{Because.}" in MEMO.to_latex()
    assert json.loads(MEMO.to_json()) == {"text": "Anything."}
    assert '<p class="title">A memo</p>' in MEMO._repr_html_()


def test_the_table_of_formats_has_distinct_endings_and_a_method_for_each():
    table = DOCUMENT_FORMATS | PROGRAM_FORMATS
    endings = [ending for several in table.values() for ending in several]
    assert len(endings) == len(set(endings))
    assert all(callable(getattr(MEMO, f"to_{name}")) for name in MEMO.formats)


@pytest.mark.parametrize("name", DOCUMENT_FORMATS)
def test_saving_follows_the_ending_or_the_format(tmp_path, name):
    MEMO.save(tmp_path / f"memo{DOCUMENT_FORMATS[name][0].upper()}")
    MEMO.save(str(tmp_path / "memo"), format=name)
    texts = {path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert texts == {MEMO.to_format(name)}
    assert MEMO.to_format(name).endswith("\n")
    assert not MEMO.to_format(name).endswith("\n\n")


def test_an_unknown_ending_or_format_writes_nothing(tmp_path):
    with pytest.raises(InputError, match=r"'.*memo.py' has no known file ending: use one of .txt"):
        MEMO.save(tmp_path / "memo.py")
    with pytest.raises(UnknownNameError, match="did you mean 'html'"):
        MEMO.save(tmp_path / "memo", format="htlm")
    assert not list(tmp_path.iterdir())


def test_printing_goes_to_the_console(capsys):
    console = Console(width=80, color_system=None)
    with console.capture() as captured:
        MEMO.print(console)
    assert captured.get().rstrip().splitlines() == MEMO.to_text().rstrip().splitlines()
    MEMO.print()
    assert "Anything." in capsys.readouterr().out


def test_numbers_without_a_json_form_get_a_name():
    values = [1, 0.5, math.nan, math.inf, -math.inf]
    assert [json_number(value) for value in values] == [1.0, 0.5, "NaN", "Infinity", "-Infinity"]
