"""Reads lines of numbers from rendered LaTeX and Markdown, as Python expressions.

It knows what a reader of the page knows: fractions, roots, powers, functions; nothing of the tree.
"""

import re
from dataclasses import dataclass, field

SIGNS = {
    "cdot": "*",
    "lt": "<",
    "gt": ">",
    "le": "<=",
    "ge": ">=",
    "ln": "log",
    "tanh": "tanh",
    "max": "max",
    "exp": "exp",
    "lvert": "abs(",
    "rvert": ")",
    "allowbreak": "",
    "quad": "",
    "Bigl": "",
    "Bigr": "",
    "displaystyle": "",
}
WORDS = ("mathrm", "texttt", "text")
TIMES_TEN = re.compile(r"\{\\cdot\}10\^\{(-?\d+)\}")
COMMAND = re.compile(r"\\([A-Za-z]+) ?")
NAMES = re.compile(r"\b[A-Za-z_]\w*")


@dataclass
class Found:
    """A number of the page: its name as it is set, its lines of numbers, its result."""

    name: str
    numbers: list[str] = field(default_factory=list)
    result: str = ""
    formulas: list[str] = field(default_factory=list)


def group(tex: str, start: int) -> tuple[str, int]:
    """Return the text in the braces that open at a place, and the place after them."""
    assert tex[start] == "{", tex[start : start + 40]
    depth, place = 0, start
    while place < len(tex):
        step = 2 if tex[place] == "\\" else 1
        depth += {"{": 1, "}": -1}.get(tex[place], 0)
        place += step
        if depth == 0:
            return tex[start + 1 : place - 1], place
    raise AssertionError(tex[start:])


def python(tex: str) -> str:
    """Return a line of numbers as a Python expression."""
    tex = TIMES_TEN.sub(r"e\1", tex)
    out, place = "", 0
    while place < len(tex):
        text, place = _next(tex, place)
        out += text
    return out.strip()


def _next(tex: str, place: int) -> tuple[str, int]:
    found = COMMAND.match(tex, place)
    if found:
        return _command(tex, found[1], found.end())
    if tex[place] == "^":
        return _raised(tex, place + 1)
    if tex[place] == "{":
        inner, place = group(tex, place)
        return python(inner), place
    return tex[place], place + 1


def _raised(tex: str, place: int) -> tuple[str, int]:
    if tex[place] != "{":
        return f"**{tex[place]}", place + 1
    inner, place = group(tex, place)
    return f"**({python(inner)})", place


def _command(tex: str, name: str, place: int) -> tuple[str, int]:
    if name == "frac":
        top, place = group(tex, place)
        bottom, place = group(tex, place)
        return f"(({python(top)})/({python(bottom)}))", place
    if name == "sqrt":
        inner, place = group(tex, place)
        return f"sqrt({python(inner)})", place
    if name in WORDS:
        inner, place = group(tex, place)
        if inner == "e" and tex.startswith("^", place):
            exponent, place = _raised(tex, place + 1)
            return f"exp({exponent.removeprefix('**')})", place
        return inner.replace(r"\_", "_").replace("\u02cd", "_"), place
    return f" {SIGNS[name]} ", place


# ---- pages --------------------------------------------------------------------------------------

ROW = re.compile(r"\\(defines|formula|numbers|result|gives)(?=\{)")


def latex_numbers(page: str) -> list[Found]:
    """Return the numbers of a LaTeX document."""
    page = page.partition(r"\begin{document}")[2]
    rows: list[Found] = []
    for found in ROW.finditer(page):
        inner, place = group(page, found.end())
        if found[1] == "defines":
            rows.append(Found(inner))
            inner, _ = group(page, place)
        formula, _, result = inner.partition(r"\mathbf")
        if found[1] in ("defines", "formula"):
            rows[-1].formulas.append(formula.removesuffix(" = "))
            rows[-1].result = group(result, 0)[0] if result else rows[-1].result
        elif found[1] == "numbers":
            rows[-1].numbers.append(inner)
        else:
            rows[-1].result = inner
    return rows


def markdown_numbers(page: str, functions: set[str]) -> list[Found]:
    """Return the numbers of a Markdown document; a line of numbers has no names but functions'."""
    return [_block(block, functions) for block in re.findall(r"\$\$\n(.*?)\n\$\$", page, re.DOTALL)]


def _block(block: str, functions: set[str]) -> Found:
    inner = block.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
    inner = inner.replace(" \\cr\n&\\quad{}", "")
    rows = [row.split("&= ", 1) for row in inner.split(" \\cr\n") if not row.startswith(r"&\text")]
    found = Found(rows[0][0].strip())
    for _, row in rows:
        shown = row.partition(r" \quad ")[0]
        line, _, result = shown.rpartition(r"\mathbf") if r"\mathbf" in shown else (shown, "", "")
        if result:
            found.result = group(result, 0)[0]
        line = line.removesuffix(" = ")
        if line and not re.fullmatch(r"-?\d+", line):
            (found.numbers if _only_numbers(line, functions) else found.formulas).append(line)
    return found


def _only_numbers(line: str, functions: set[str]) -> bool:
    bare = TIMES_TEN.sub("", line)
    if re.search(r"_|\\(partial|mathit|hat|tfrac|top)\b", bare.replace(r"\_", "")):
        return False
    try:
        text = python(bare)
    except KeyError:  # a Greek letter
        return False
    return set(NAMES.findall(text)) <= functions | {"if", "else"}
