"""Splits a script into its tokens, as far as is necessary to shorten it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<number>0[xX][\da-fA-F]+n?|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?n?)"
    r"|(?P<word>[#$\w]+)"
    r"|(?P<sign>=>|\.\.\.|\?\.(?!\d)|\?\?=?|\*\*=?|[=!]==?|<<=?|>>>?=?|<=|>=|&&=?|\|\|=?|\+\+|--"
    r"|[-+*%&|^]=|[-+*%&|^!~<>=?:;,.(){}\[\]])"
)
REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
DIVISION = re.compile(r"/=?")
TEMPLATE = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
# After these words an expression begins, and with it perhaps a regular expression.
BEFORE_EXPRESSIONS = frozenset(
    ("return", "typeof", "case", "in", "of", "do", "else", "void", "delete", "throw", "await")
)


class Token(NamedTuple):
    """A piece of a script.

    Attributes
    ----------
    kind : str
        ``"space"``, ``"string"``, ``"number"``, ``"word"``, ``"sign"``, ``"regex"``, or
        ``"template"``: a part of a template from its begin or a ``}`` to ``${`` or its end.
    text : str
    """

    kind: str
    text: str


def tokens(script: str) -> list[Token]:
    """Return the tokens of a script without comments; joined, they are the script.

    Raises
    ------
    ValueError
        If a token is not known.
    """
    return list(_tokens(script))


def _tokens(script: str) -> Iterator[Token]:
    place = 0
    before = Token("sign", ";")
    braces: list[bool] = []  # for each open brace, whether it is that of a template's expression
    while place < len(script):
        token = _next(script, place, before, closes=bool(braces) and braces[-1])
        yield token
        place += len(token.text)
        if token.kind != "space":
            before = token
        _count(braces, token)


def _count(braces: list[bool], token: Token) -> None:
    """Keep account of open braces."""
    if token.kind == "template" and token.text.startswith("}"):
        braces.pop()
    if token.kind == "template" and token.text.endswith("${"):
        braces.append(True)
    if token.kind == "sign" and token.text == "{":
        braces.append(False)
    if token.kind == "sign" and token.text == "}":
        braces.pop()


def _next(script: str, place: int, before: Token, *, closes: bool) -> Token:
    """Return the token at a place."""
    sign = script[place]
    if sign == "`" or (sign == "}" and closes):
        found = TEMPLATE.match(script, place + 1)
        end = found.end() if found else place + 1
        return Token("template", script[place : end + (1 if script[end] == "`" else 2)])
    if sign == "/":
        found = REGEX.match(script, place) if _begins_expression(before) else None
        if found:
            return Token("regex", found[0])
        divided = DIVISION.match(script, place)
        return Token("sign", divided[0] if divided else sign)
    found = TOKEN.match(script, place)
    if found is None:
        raise ValueError(f"no token begins with {script[place : place + 20]!r}")
    return Token(str(found.lastgroup), found[0])


def _begins_expression(before: Token) -> bool:
    """Return whether an expression begins after a token."""
    if before.kind == "template":
        return before.text.endswith("${")
    if before.kind == "word":
        return before.text in BEFORE_EXPRESSIONS
    return before.kind == "sign" and before.text not in (")", "]", "}", "++", "--")
