"""``chainrule explore``: open the live page of a problem in the browser."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from chainrule.cli import options as given
from chainrule.cli.explain import explain, settings_of, specified, work_out
from chainrule.cli.unused_options import EXAMPLE_UNUSED, reject_unused_options

OF_FORMATS = ("compact", "static", "format", "file")  # options of explain that do not apply

EXAMPLES = f"""\b
Examples:
  chainrule explore                      the most-read 2-2-2 example
  chainrule explore xor --optimizer adam
  chainrule explore spiral               or moons, circles, regression
  chainrule explore --layers 2,3,1 --inputs '.1,.2; .3,.4' --targets 0,1
  chainrule explore -o page.html         write the page and open nothing

{given.names_help()}"""

File = Annotated[
    Path | None,
    typer.Option("-o", metavar="FILE", help="Write to FILE, and open no browser."),
]


def with_options_of_explain(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of explain, except those that choose its format."""
    own_names = inspect.signature(command).parameters
    of_explain = inspect.signature(explain).parameters.values()
    shared = [
        each.replace(annotation=own_names[each.name].annotation) if each.name == "preset" else each
        for each in of_explain
        if each.name not in OF_FORMATS
    ]
    own = [
        each
        for each in inspect.signature(command).parameters.values()
        if each.kind is each.KEYWORD_ONLY
    ]
    signature = inspect.Signature([*shared, *own], return_annotation=None)
    command.__signature__ = signature  # pyright: ignore[reportFunctionMemberAccess] (see inspect)
    command.__annotations__ = {each.name: each.annotation for each in signature.parameters.values()}
    return command


@with_options_of_explain
def explore(
    context: typer.Context, preset: given.Explored = None, *, file: File = None, **_options: Any
) -> None:
    """Open the live page of a training step, whose equations run.

    The problem is a preset, a file whose keys are the long options below, or a network that the
    options describe, as for explain. The page is one file, and needs no network.
    """
    options = settings_of(context)
    spec = specified(preset, options, page_settings(preset))
    example = work_out(spec, options)
    reject_unused_options(options, example.level, EXAMPLE_UNUSED)
    show(example.explore(), file)


def page_settings(preset: str | None) -> dict[str, Any] | None:
    """Return the settings of a preset that differ on the live page; None for other presets."""
    from chainrule.explorer import DATA_SET_LEVEL, SEEDS, data_set

    if preset in given.DATA_SETS:
        return {"preset": data_set(preset), "level": DATA_SET_LEVEL}
    return {"preset": preset, "seed": SEEDS[preset]} if preset in SEEDS else None


def show(page: Any, file: Path | None) -> None:
    """Write a page to a file or to standard output, or open it in the browser."""
    import webbrowser

    from chainrule.cli.output import say, write

    if file is not None and str(file) == "-":
        print(page.to_html(), end="")  # noqa: T201 (a result)
    elif file is not None:
        write(file, page.to_html())
        say(f"Wrote {file}.")
    else:
        place = page.temporary_file()
        opened = webbrowser.open(place.as_uri())
        say(f"Opened {place}." if opened else f"Wrote {place}; no browser was found to open it.")
