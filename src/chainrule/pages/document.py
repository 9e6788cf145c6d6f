"""What every document has in common: its formats, printing, saving, and its display in a notebook.

A worked example, a diagnosis and a health report derive from `Document`.
"""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from rich.console import Console

from chainrule.errors import InputError, unknown
from chainrule.names import DOCUMENT_FORMATS
from chainrule.pages.files import write_file
from chainrule.pages.items import Page
from chainrule.pages.live import Live
from chainrule.visible import all_visible, visible_json


class Document(ABC):
    """A result that is shown as a page, in text, Markdown, HTML or LaTeX, and saved to a file.

    A subclass provides `page` and `to_dict`.

    Attributes
    ----------
    formats : mapping of str to tuple of str
        The name of each format and the endings of its files; `save` and the command line use it. A
        format's text comes from the method ``to_`` and its name.
    """

    formats: ClassVar[Mapping[str, tuple[str, ...]]] = DOCUMENT_FORMATS

    @abstractmethod
    def page(self) -> Page:
        """Return the content, which is the same in every format."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """Return the content as plain values, ready for JSON."""

    def _shown(self) -> Page:
        """Return the page, with control characters shown as their numbers."""
        return all_visible(self.page())

    # ---- formats: a renderer is loaded when it is used -------------------------------------------

    def to_json(self) -> str:
        """Return the document as JSON text."""
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        return visible_json(text)

    def to_text(self, width: int = 80, *, compact: bool = False, color: bool = False) -> str:
        """Return the document as plain text.

        Parameters
        ----------
        width : int, default 80
            Longer lines are folded.
        compact : bool, default False
            Write each computed number on one line instead of three.
        color : bool, default False
            Include a terminal's color codes.

        Returns
        -------
        str
        """
        from chainrule.pages.text import as_text

        return as_text(self._shown(), width, compact=compact, color=color)

    def to_markdown(self) -> str:
        """Return the document as Markdown, its formulas as math between dollar signs."""
        from chainrule.pages import markdown

        return markdown.render(self._shown())

    def to_latex(self) -> str:
        """Return the document as LaTeX source that pdflatex compiles."""
        from chainrule.pages import latex

        return latex.render(self._shown())

    def to_html(self, *, static: bool = False) -> str:
        """Return the document as one HTML file without external resources.

        Parameters
        ----------
        static : bool, default False
            Leave out the script of a document that has a live page; others have none.

        Returns
        -------
        str
        """
        from chainrule.pages import html

        return html.render(self._shown(), None if static else self._live())

    def _live(self) -> Live | None:
        """Return what makes the page live, or None for documents that have no live page."""
        return None

    def to_format(self, format: str, *, static: bool = False) -> str:  # noqa: A002 (as elsewhere)
        """Return the document in one of its formats, with a line break at the end.

        Parameters
        ----------
        format : str
            A key of `formats`.
        static : bool, default False
            Leave out the script of an HTML page.

        Returns
        -------
        str

        Raises
        ------
        UnknownNameError
            If the document has no such format.
        """
        if format not in self.formats:
            raise unknown("format", format, self.formats)
        options = {"static": True} if static and format == "html" else {}
        text: str = getattr(self, f"to_{format}")(**options)
        return text.rstrip("\n") + "\n"

    def save(
        self,
        path: str | Path,
        format: str | None = None,  # noqa: A002 (as above)
        *,
        static: bool = False,
    ) -> None:
        """Write the document to a file, completely or not at all.

        Parameters
        ----------
        path : str or Path
        format : str, optional
            A key of `formats`; by default, the ending of the path decides.
        static : bool, default False
            Leave out the script of an HTML page.

        Raises
        ------
        InputError
            If no format has this ending, or the file cannot be written.
        UnknownNameError
            If the document has no such format.
        """
        path = Path(path)
        write_file(path, self.to_format(format or self._format_by_ending(path), static=static))

    def _format_by_ending(self, path: Path) -> str:
        endings = {ending: name for name, several in self.formats.items() for ending in several}
        if path.suffix.lower() not in endings:
            raise InputError(
                f"{str(path)!r} has no known file ending: use one of {', '.join(endings)}, or give "
                'the format, such as format="html"'
            )
        return endings[path.suffix.lower()]

    def print(self, console: Console | None = None, *, compact: bool = False) -> None:
        """Print the document to a terminal.

        Parameters
        ----------
        console : rich.console.Console, optional
            Standard output by default.
        compact : bool, default False
            Print each computed number on one line instead of three.
        """
        from chainrule.pages import text

        page, target = self._shown(), console or Console(highlight=False, emoji=False)
        text.render(page, target, compact=compact)

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        from chainrule.pages import html

        return html.fragment(self._shown())


def json_number(value: float) -> float | str:
    """Return a number, or the name of one that JSON cannot represent."""
    if math.isfinite(value):
        return float(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
