"""A page: a title and items, which every format shows in its own way, whoever made them.

What an item is stands in ``outline``; a worked example is made a page of here, and not drawn.
"""

from dataclasses import dataclass

from rich.console import Console

from chainrule.explanation.example import WorkedExample
from chainrule.explanation.pages.outline import Item, Mark, outline

ABOUT = (
    "Results are rounded as they are printed; the numbers put in carry as many digits more as a "
    "line needs to recompute. A copied line is plain text that a calculator or Python reads."
)


@dataclass(frozen=True, eq=False)
class Page:
    """A title and items, with renderers.

    Parameters
    ----------
    title : str
    items : tuple of Item
    mark : {"", "right", "wrong", "unclear", "stopped"}
        A sign before the title.
    about : str
        A sentence or two at the foot, where a format has one.
    keys : bool, default True
        Whether names are keys, such as ``dW1[0,1]``, and not those of a notation.
    """

    title: str
    items: tuple[Item, ...]
    mark: Mark = ""
    about: str = ""
    keys: bool = True

    def to_text(self, width: int = 80, *, color: bool = False) -> str:
        """Return the page as text, folded to a width; with `color`, as a terminal's colors."""
        from chainrule.explanation.pages.terminal import as_text

        return as_text(self, width, color=color)

    def to_markdown(self) -> str:
        """Return the page as Markdown."""
        from chainrule.explanation.pages.markdown import render

        return render(self)

    def to_html(self) -> str:
        """Return the page as one HTML file that asks nothing of anywhere."""
        from chainrule.explanation.pages.html import render

        return render(self)

    def to_fragment(self) -> str:
        """Return the page as a notebook shows it: without a head, with styles of its own."""
        from chainrule.explanation.pages.html import fragment

        return fragment(self)

    def print(self, console: Console | None = None) -> None:
        """Print the page to a terminal; standard output by default."""
        from chainrule.explanation.pages.terminal import render

        render(self, console or Console(highlight=False, emoji=False))

    def __str__(self) -> str:
        return self.to_text()

    def _repr_html_(self) -> str:
        return self.to_fragment()


def page_of(document: WorkedExample | Page) -> Page:
    """Return a worked example's page; a page is one already."""
    if isinstance(document, Page):
        return document
    keys = not document.notation.patterns
    return Page(document.title, tuple(outline(document)), about=ABOUT, keys=keys)
