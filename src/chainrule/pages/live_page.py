"""A live page in Python: saved to a file, opened in the browser, or shown in a notebook."""

import os
import tempfile
import webbrowser
from html import escape
from pathlib import Path

from chainrule.pages.files import write_file
from chainrule.visible import visible

HEIGHT = 800  # pixels, in a notebook
# The page runs without access to the notebook around it; only files and copied text leave it.
RIGHTS = 'sandbox="allow-scripts allow-downloads" allow="clipboard-write; fullscreen"'
# Without it, links in a frame lead to the notebook. The policy comes after it, and allows no base.
BEGIN, BASE = '<meta charset="utf-8" />', '<base href="about:srcdoc" />'


class LivePage:
    """The live page of a worked example; a notebook shows it, `open` shows it in the browser.

    Parameters
    ----------
    title : str
    html : str
        The page as one HTML file.
    """

    def __init__(self, title: str, html: str) -> None:
        self.title = title
        self._html = html

    def to_html(self) -> str:
        """Return the page as one HTML file without external resources."""
        return self._html

    def save(self, path: str | Path) -> None:
        """Write the page to a file, completely or not at all.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        write_file(Path(path), self._html)

    def open(self) -> Path:
        """Write the page to a temporary file, and open it in the browser.

        Returns
        -------
        Path
            The file. It is kept, because a browser may read it again.
        """
        path = self.temporary_file()
        webbrowser.open(path.as_uri())
        return path

    def temporary_file(self) -> Path:
        """Write the page to a new temporary file and return its path."""
        handle, name = tempfile.mkstemp(prefix="chainrule-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self._html)
        return Path(name)

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the page in a frame, which needs no running kernel."""
        title = escape(visible(self.title))
        inside = self._html.replace(BEGIN, BEGIN + BASE, 1)
        return (
            f'<iframe title="{title}" {RIGHTS} width="100%" height="{HEIGHT}" frameborder="0" '
            f'srcdoc="{escape(inside)}"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<LivePage {self.title!r}: open() shows it in the browser, save() writes it>"
