"""Distinguishes the variables of a script from its properties and keywords."""

from collections.abc import Iterator, Sequence

from chainrule.explorer.tokens import Token

ROLE_VARIABLE, ROLE_SHORTHAND = "variable", "shorthand"  # {a} is short for {a: a}
RESERVED = """
arguments async await break case catch class const continue default delete do else eval export
extends false finally for from function get if import in Infinity instanceof let NaN new null of
return set static super switch this throw true try typeof undefined var void while yield
"""
KEYWORDS = frozenset(RESERVED.split())
MODIFIERS = frozenset(("async", "get", "set", "static"))
BEFORE_MEMBERS = frozenset(("{", "}", ";", ",", *MODIFIERS))  # of classes and objects
BLOCKS_AFTER = frozenset(
    (")", "=>", ";", "{", "}", "else", "try", "catch", "finally", "do", "static")
)
CLOSES = {"(": ")", "[": "]", "{": "}"}
START = Token("sign", ";")


def roles(code: Sequence[Token]) -> list[str]:
    """Return the role of each token of a script without spaces; empty unless it is a variable.

    Raises
    ------
    ValueError
        If brackets do not match, or the script has a label.
    """
    return list(_Reader(code).roles())


class _Reader:
    """Reads tokens one by one, and knows in what kind of brackets each is."""

    def __init__(self, code: Sequence[Token]) -> None:
        self.code = code
        self.open: list[str] = ["block"]
        self.of_class = False  # whether the next brace is that of a class
        self.of_case = False  # whether the next colon ends a case
        self.after_case = False  # whether the last token was such a colon

    def roles(self) -> Iterator[str]:
        """Yield the role of each token."""
        for i, token in enumerate(self.code):
            before = self._before(i)
            after = self.code[i + 1] if i + 1 < len(self.code) else START
            if token.kind == "word":
                yield self._word(token.text, before, after.text)
            else:
                self._bracket(token, before)
                yield ""
            self.after_case = self.of_case and token.text == ":"
            self.of_case = self.of_case and not self.after_case

    def _before(self, i: int) -> Token:
        """Return the token before a token, or before the asterisk of a generator method."""
        is_generator = i > 1 and self.code[i - 1].text == "*"
        if is_generator and self.code[i - 2].text in BEFORE_MEMBERS:
            i -= 1
        return self.code[i - 1] if i else START

    def _bracket(self, token: Token, before: Token) -> None:
        """Open or close brackets."""
        text = token.text
        if token.kind == "template":
            if text.startswith("}"):
                self._close("template")
            if text.endswith("${"):
                self.open.append("template")
        elif token.kind == "sign" and text in CLOSES:
            self.open.append(self._brace(before) if text == "{" else text)
        elif token.kind == "sign" and text in CLOSES.values():
            self._close(text)

    def _close(self, text: str) -> None:
        opened = self.open.pop()
        if CLOSES.get(opened, "template" if opened == "template" else "}") != text:
            raise ValueError(f"{text!r} closes {opened!r}")

    def _brace(self, before: Token) -> str:
        """Return what a brace opens: a class, a block, or an object or pattern."""
        if self.of_class:
            self.of_class = False
            return "class"
        is_block = before.kind in ("sign", "word") and before.text in BLOCKS_AFTER
        return "block" if is_block or self.after_case else "object"

    def _word(self, word: str, before: Token, after: str) -> str:
        """Return the role of a word."""
        if word.startswith("#") or (before.kind == "sign" and before.text in (".", "?.")):
            return ""
        if self.open[-1] == "object" and before.text in ("{", ",", *MODIFIERS):
            return self._key(word, after)
        if self.open[-1] == "class" and before.text in ("{", "}", ";", *MODIFIERS):
            return ""
        if word in KEYWORDS:
            self.of_class = self.of_class or word == "class"
            self.of_case = self.of_case or word in ("case", "default")
            return ""
        if after == ":" and before.text in (";", "{", "}") and self.open[-1] == "block":
            raise ValueError(f"{word!r} is a label, which has no role here")
        return ROLE_VARIABLE

    def _key(self, word: str, after: str) -> str:
        """Return the role of a word where an object has a key."""
        is_modifier = word in MODIFIERS and after not in (",", "}", "=")
        return "" if after in (":", "(") or is_modifier else ROLE_SHORTHAND
