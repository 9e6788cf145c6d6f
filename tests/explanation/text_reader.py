"""Reads lines of numbers from terminal output, as a reader with a calculator would.

It knows nothing of the document: a line of numbers is one that computes without any name's value.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

FULL = "   (full precision carried)"


@dataclass
class Block:
    """A number of the page: its name, its lines of numbers, its result."""

    name: str
    numbers: list[str] = field(default_factory=list)
    result: str = ""
    carried: int = 0


def text_numbers(page: str, functions: Mapping[str, Callable[..., float]]) -> Iterator[Block]:
    """Yield the numbers of a page that is wide enough for every line."""
    block = None
    for line in page.partition("Forward pass")[2].splitlines():
        found = re.match(r" +(.*?) ?= (.*)$", line)
        if not found or "error " in line:
            continue
        name, text = found.groups()
        if name:
            if block:
                yield block
            block = Block(name)
        if block:
            read(text, block, functions)
    if block:
        yield block


def read(text: str, block: Block, functions: Mapping[str, Callable[..., float]]) -> None:
    """Take one right-hand side into a block: a formula, numbers put in, or the result."""
    text = text.partition("   numerically")[0]
    line = text.removesuffix(FULL).rpartition(" = ")[2]
    bare = python(line)
    if re.fullmatch(r"-?[\d.]+(e-?\d+)?", bare):
        block.result = block.result or bare
        return
    names = set(re.findall(r"[^\W\d_]\w*", re.sub(r"\de-?\d", "", bare)))
    if "½" in bare or "∂" in bare or names - functions.keys() - {"if", "else"}:  # in symbols
        return
    block.numbers.append(bare)
    block.carried += text.endswith(FULL)


def python(text: str) -> str:
    """Return a line as Python."""
    return text.replace(" · ", "*").replace("²", "**2").replace("^", "**")
