"""Joins the page's modules to one script, because browsers import none from a file's address.

The modules come one after the other, with names that do not collide. Comment lines and indentation
are left out, and names of variables are shortened.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from chainrule.explorer.shorten import Module, shortened
from chainrule.explorer.tokens import tokens

IMPORT = re.compile(
    r"^import\s+(?:\{(?P<names>[^}]*)\}\s+from\s+)?"
    r'"\./(?P<module>\w+)\.mjs";?$',
    re.MULTILINE,
)
EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:const|class|function\*?)\s+[\w$])", re.MULTILINE)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
CAST = re.compile(r"/\*\* @type \{[^*]*\} \*/ ?")  # a type in the middle of a line

# One word for all declarations compresses better.
BRIEF = {"true": "!0", "false": "!1", "Infinity": "1/0", "const": "let"}

Read = Callable[[str], str]


def bundle(entry: str, read: Read, local: Iterable[str] = ()) -> str:
    """Return a module and all that it imports as the text of one script.

    Parameters
    ----------
    entry : str
        The name of a module, without its ending.
    read : callable
        Returns the text of a module from its name.
    local : iterable of str, optional
        Names that only variables inside of functions get.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If modules import each other in a circle, or what is not there, or import or export in a way
        that is not supported.
    """
    return "\n".join(bundled(entry, read, local).values())


def bundled(entry: str, read: Read, local: Iterable[str] = ()) -> dict[str, str]:
    """Return the part of the script that each module becomes, by name; parameters as `bundle`."""
    names = in_order(entry, read)
    parts = shortened([as_part(name, stripped(read(name))) for name in names], local)
    brief = ("".join(_briefly([token.text for token in tokens(part)])) for part in parts)
    return dict(zip(names, brief, strict=True))


def _briefly(texts: Sequence[str]) -> Iterator[str]:
    """Yield the tokens of a script with shorter ones that mean the same, as far as is certain."""
    opened: list[int] = []  # where the brackets around a token are
    header = False  # whether a token ends what may stand before an empty statement
    for i, text in enumerate(texts):
        if text == ";" and not header and texts[i + 1 : i + 2] == ["}"]:
            continue
        header = False
        if text == "(":
            opened.append(i)
        elif text == ")":
            header = texts[opened.pop() - 1] in {"for", "if", "while"}
        is_key = texts[i - 1] in {".", "?."} or (texts[i - 1] in "{," and texts[i + 1] == ":")
        yield text if is_key else BRIEF.get(text, text)


def in_order(entry: str, read: Read) -> list[str]:
    """Return the names of a module and all that it imports, each after those it imports."""
    found: list[str] = []

    def visit(name: str, importing: tuple[str, ...]) -> None:
        if name in importing:
            raise ValueError(f"modules import each other: {' -> '.join([*importing, name])}")
        if name in found:
            return
        for line in IMPORT.finditer(read(name)):
            visit(line["module"], (*importing, name))
        found.append(name)

    visit(entry, ())
    return found


def stripped(text: str) -> str:
    """Return a module without comment lines, empty lines and indentation."""
    return "\n".join(_code_lines(text))


def _code_lines(text: str) -> Iterator[str]:
    inside = False  # a comment of several lines
    for line in map(str.strip, text.splitlines()):
        begins = line.startswith("/*")
        if inside or begins:
            _, end, after = line.partition("*/")
            inside = not end
            if begins and after.strip():  # code after a comment of one line
                yield CAST.sub("", line)
        elif line and not line.startswith("//"):
            yield CAST.sub("", line)


def as_part(name: str, text: str) -> Module:
    """Return a module without imports and exports."""
    body = EXPORT.sub("", IMPORT.sub("", text))
    if other := OTHER.search(body):
        raise ValueError(f"{name}.mjs: cannot join {other[0]!r}; import or export by name")
    imported = {here: there for line in IMPORT.finditer(text) for here, there in _imported(line)}
    return Module(body, name, imported)


def _imported(line: re.Match[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the variables that a module imports: their names here, and where they come from."""
    for part in filter(None, map(str.strip, (line["names"] or "").split(","))):
        there, _, here = part.partition(" as ")
        yield (here or there).strip(), (line["module"], there.strip())
