"""Translate what programs in Python 2 commonly contain, so that Python 3 can run them.

Statements are found in the tokens, so that they may extend over several lines; the line numbers
stay as they are.
"""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from tokenize import TokenInfo
from typing import TypeAlias

Edit: TypeAlias = tuple[tuple[int, int], tuple[int, int], str]  # from where to where, a new text

WORDS = (  # also of programs that are valid in Python 3
    (re.compile(r"\bxrange\("), "range("),
    (re.compile(r"\braw_input\("), "input("),
    (re.compile(r"\.iter(items|keys|values)\(\)"), r".\1()"),
    (re.compile(r"\bcPickle\b"), "pickle"),
)
OLD_ONLY = (
    (re.compile(r"\b(\d+)[lL]\b"), r"\1"),
    (re.compile(r"(?<![\w.])0([0-7]+)\b(?![.\w])"), r"0o\1"),
    (re.compile(r"\b[uU][rR](?=[\"'])"), "r"),
    (re.compile(r"<>"), "!="),
    (re.compile(r"`([^`]*)`"), r"repr(\1)"),
    (re.compile(r"([\w.]+)\.has_key\(([^()]*)\)"), r"(\2 in \1)"),
    (re.compile(r"([\w.]+)\.(keys|values|items)\(\)\["), r"list(\1.\2())["),
    (re.compile(r"(?<![\w.])reduce\("), "__import__('functools').reduce("),
    (re.compile(r"(?<![\w.])unicode\("), "str("),
)
IDIOMS = ("xrange(", "raw_input(", ".iteritems()", "cPickle")
PRINT_TO_FILE = re.compile(r"^\s*print\s*>>", re.MULTILINE)  # valid in Python 3, but fails there
LISTS = ("range", "map", "filter", "zip")  # functions that return lists in Python 2
DIVISION = "from __future__ import division"
REMARK = (
    "it is in Python 2 and was translated; the operator / divides whole numbers differently there"
)


def is_python3(text: str) -> bool:
    """Return whether a text is valid in Python 3."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def as_python3(text: str) -> tuple[str, list[str]]:
    """Return a program as Python 3, line for line, and a remark if it was translated.

    A text that is not valid afterwards either is returned unchanged.
    """
    if is_python3(text) and not PRINT_TO_FILE.search(text):
        is_old = any(idiom in text for idiom in IDIOMS)
        return (_replaced(text, WORDS), [REMARK]) if is_old else (text, [])
    lists = _edited(_replaced(text.expandtabs(8), OLD_ONLY))  # before xrange becomes range
    made = _replaced(lists, WORDS)
    return (made, [REMARK]) if is_python3(made) else (text, [])


def _replaced(text: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, new in rules:
        text = pattern.sub(new, text)
    return text


def _edited(text: str) -> str:
    """Return a text whose statements are those of Python 3; unchanged if it has no tokens."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (tokenize.TokenError, SyntaxError):
        return text
    edits = [e for statement in _statements(tokens) for e in _of_statement(statement)]
    edits += _of_calls(tokens)
    edits += [] if DIVISION in text else _of_divisions(tokens)
    rows = text.split("\n")
    for (row, begin), (_, end), new in sorted(edits, key=lambda e: e[0], reverse=True):
        line = rows[row - 1]
        rows[row - 1] = line[:begin] + new + line[end:]
    return "\n".join(rows)


NOTHING = (tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENDMARKER)
OPENING, CLOSING = ("(", "[", "{"), (")", "]", "}")


def _statements(tokens: Sequence[TokenInfo]) -> Iterator[list[TokenInfo]]:
    """Yield the tokens of each simple statement, and of each line that begins a block."""
    found: list[TokenInfo] = []
    depth = 0
    for token in tokens:
        depth += (token.string in OPENING) - (token.string in CLOSING)
        if token.type == tokenize.NEWLINE or (depth == 0 and token.string in (";", ":")):
            yield found
            found = []
        elif token.type not in NOTHING:
            found.append(token)
    yield found


def _of_statement(tokens: Sequence[TokenInfo]) -> Iterator[Edit]:
    """Yield the edits of one statement."""
    first = tokens[0].string if len(tokens) > 1 else ""
    if first == "print" and tokens[1].string not in ("=", "."):
        yield from _of_print(tokens)
    elif first == "exec" and tokens[1].string != "(":
        yield from _with_parentheses(tokens[0], tokens[1:])
    elif first in ("except", "raise") and (commas := _commas(tokens)):
        comma = commas[0]
        yield comma.start, comma.end, " as" if first == "except" else "("
        if first == "raise":
            yield tokens[-1].end, tokens[-1].end, ")"


def _of_print(tokens: Sequence[TokenInfo]) -> Iterator[Edit]:
    """Yield the edits of ``print a, b``, ``print >>file, a`` or ``print a,``."""
    name, rest = tokens[0], list(tokens[1:])
    if rest[0].string == ">>":  # to a file, whose output is discarded as all output is
        comma = next(iter(_commas(rest)), None)
        last = rest[-1] if comma is None else comma
        if last.end[0] == name.end[0]:
            yield name.end, last.end, "("
            yield rest[-1].end, rest[-1].end, ")"
    elif not _is_call(rest):
        yield from _with_parentheses(name, rest)


def _with_parentheses(name: TokenInfo, rest: Sequence[TokenInfo]) -> Iterator[Edit]:
    """Yield the edits that make what follows a name its arguments."""
    yield name.end, rest[0].start if rest[0].start[0] == name.end[0] else name.end, "("
    yield rest[-1].end, rest[-1].end, ")"


def _is_call(tokens: Sequence[TokenInfo]) -> bool:
    """Return whether tokens are one pair of parentheses with what is in it."""
    return tokens[0].string == "(" and _closing(tokens, 0) == len(tokens) - 1


def _closing(tokens: Sequence[TokenInfo], begin: int) -> int:
    """Return the position of the bracket that closes the one at a position."""
    depth = 0
    for i in range(begin, len(tokens)):
        depth += (tokens[i].string in OPENING) - (tokens[i].string in CLOSING)
        if depth == 0:
            return i
    return -1


def _commas(tokens: Sequence[TokenInfo]) -> list[TokenInfo]:
    """Return the commas that are not in brackets."""
    found: list[TokenInfo] = []
    depth = 0
    for token in tokens:
        depth += (token.string in OPENING) - (token.string in CLOSING)
        if token.string == "," and depth == 0:
            found.append(token)
    return found


def _of_calls(tokens: Sequence[TokenInfo]) -> Iterator[Edit]:
    """Yield the edits that make lists of what Python 3 computes item by item.

    A loop over it needs no list.
    """
    for i in range(1, len(tokens) - 1):
        name, before = tokens[i], tokens[i - 1].string
        called = name.string in LISTS and tokens[i + 1].string == "("
        end = _closing(tokens, i + 1) if called else -1
        if end > 0 and before not in ("in", ".", "def"):
            yield name.start, name.start, "list("
            yield tokens[end].end, tokens[end].end, ")"


def _of_divisions(tokens: Sequence[TokenInfo]) -> Iterator[Edit]:
    """Yield the edits of divisions of two whole numbers that are written as such."""
    for one, sign, two in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if sign.string == "/" and one.string.isdigit() and two.string.isdigit():
            yield sign.start, sign.end, "//"
