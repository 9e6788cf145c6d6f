"""Joins the page's modules to one script, because browsers import none from a file's address.

Each module becomes a function that returns what it exports, so that no names collide. Comment lines
and indentation are left out.
"""

import re
from collections.abc import Callable, Iterator

IMPORT = re.compile(
    r"^import\s+(?:(?:\{(?P<names>[^}]*)\}|\*\s+as\s+(?P<whole>\w+))\s+from\s+)?"
    r'"\./(?P<module>\w+)\.mjs";?$',
    re.MULTILINE,
)
EXPORT = re.compile(
    r"^export\s+(?=(?:async\s+)?(?:const|class|function\*?)\s+(?P<name>[\w$]+))", re.MULTILINE
)
OTHER = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
CAST = re.compile(r"/\*\* @type \{[^*]*\} \*/ ?")  # a type in the middle of a line

Read = Callable[[str], str]


def bundle(entry: str, read: Read) -> str:
    """Return a module and all that it imports as the text of one script.

    Parameters
    ----------
    entry : str
        The name of a module, without its ending.
    read : callable
        Returns the text of a module from its name.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If modules import each other in a circle, or import or export in a way that is not
        supported.
    """
    texts = {name: stripped(read(name)) for name in in_order(entry, read)}
    return "\n".join(as_function(name, text) for name, text in texts.items())


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


def as_function(name: str, text: str) -> str:
    """Return a module as a constant: what a function with the module's text returns."""
    exported = [found["name"] for found in EXPORT.finditer(text)]
    body = EXPORT.sub("", IMPORT.sub(_import, text))
    if other := OTHER.search(body):
        raise ValueError(f"{name}.mjs: cannot join {other[0]!r}; import or export by name")
    return f"const ${name}=(()=>{{\n{body}\nreturn{{{','.join(exported)}}}}})();"


def _import(line: re.Match[str]) -> str:
    """Return the declaration of imported names."""
    source = f"=${line['module']};"
    if line["whole"]:
        return f"const {line['whole']}{source}"
    names = [part.strip() for part in (line["names"] or "").split(",") if part.strip()]
    listed = ",".join(re.sub(r"\s+as\s+", ":", name) for name in names)
    return f"const{{{listed}}}{source}" if listed else ""
