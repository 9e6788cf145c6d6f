"""What makes a worked example's page live: its style, its data and its script."""

from functools import cache
from importlib.resources import files
from typing import Any

from chainrule.errors import InputError
from chainrule.explanation import WorkedExample
from chainrule.explorer.bundle import bundle, bundled, stripped
from chainrule.explorer.model import model_of
from chainrule.explorer.packing import packed
from chainrule.explorer.presets import presets
from chainrule.explorer.shorten import LETTERS
from chainrule.explorer.tables import tables
from chainrule.pages import Live, json_text
from chainrule.visible import all_visible

ENTRY = "main"  # the module that starts the page
LOADER = "loader"  # the module that unpacks it
FIRST = "page.css"  # of its style sheets


def live_parts(example: WorkedExample) -> Live:
    """Return what makes the page of a worked example live.

    Parameters
    ----------
    example : WorkedExample

    Returns
    -------
    Live
    """
    data = {"model": json_text(all_visible(model(example)))}
    texts = {"tables": tables_text(), "style": style(), "script": script()}
    same = {name: packed(text) for name, text in texts.items()}
    return Live(style(), data, same, loader(), script())


def model(example: WorkedExample) -> dict[str, Any]:
    """Return the state at which a page begins, or why it cannot be live."""
    try:
        return model_of(example)
    except InputError as error:  # a function of the user's own that the page cannot compute
        return {"title": example.title, "fault": str(error)}


@cache
def tables_text() -> str:
    """Return all tables as JSON."""
    return json_text({**tables(), "presets": presets()})


@cache
def style() -> str:
    """Return the style sheets of the live part, page.css first, without comments."""
    folder = files("chainrule.explorer").joinpath("page")
    names = {file.name for file in folder.iterdir() if file.name.endswith(".css")} - {FIRST}
    return "\n".join(stripped(page_file(name)) for name in (FIRST, *sorted(names)))


@cache
def script() -> str:
    """Return the page's modules as one script, which keeps its names to itself."""
    return '"use strict";{' + "\n".join(script_parts().values()) + "}"


@cache
def script_parts() -> dict[str, str]:
    """Return what each of the page's modules becomes in the script, by name."""
    return bundled(ENTRY, _module, local=LETTERS)


@cache
def loader() -> str:
    """Return the script that unpacks the page's script."""
    return bundle(LOADER, _module)


def _module(name: str) -> str:
    return page_file(f"{name}.mjs")


def page_file(name: str) -> str:
    """Return the text of a file of the page."""
    return files("chainrule.explorer").joinpath("page", name).read_text(encoding="utf-8")
