"""The scopes of a script: where each variable that it declares is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from chainrule.explorer.tokens import Token
from chainrule.explorer.variables import CLOSES, START

DECLARATIONS = ("const", "let", "function", "class")
CONDITIONS = frozenset(("for", "if", "switch", "while"))
BINDINGS_AFTER = frozenset(("(", ",", "{", "[", "...", ":"))
ENDS = frozenset((",", ";"))  # after an expression, besides the end of the brackets around it


@dataclass
class Scope:
    """A part of a script with variables of its own.

    Parameters
    ----------
    begin, end : int
        Its first and its last token.
    names : set of str
        The variables that it declares.
    short : dict of str to str
        Their short names.
    """

    begin: int
    end: int
    names: set[str] = field(default_factory=set[str])
    short: dict[str, str] = field(default_factory=dict[str, str])


def scopes(code: Sequence[Token], roles: Sequence[str]) -> list[Scope]:
    """Return the scopes of a script without spaces, each after those that contain it."""
    reader = _Reader(code)
    found: dict[tuple[int, int], Scope] = {}
    for limits, words in reader.declarations():
        names = {code[i].text for i in words if roles[i]}
        if names:
            found.setdefault(limits, Scope(*limits)).names |= names
    return sorted(found.values(), key=lambda scope: (scope.begin, -scope.end))


class _Reader:
    """Finds declarations, and the brackets around them."""

    def __init__(self, code: Sequence[Token]) -> None:
        self.code = code
        self.pairs: dict[int, int] = {}  # the place of the closing bracket by that of the opening
        self.block: list[int] = []  # for each token, the brace that it is in; -1 for none
        self.depths: list[int] = []
        self._match_brackets()

    def _match_brackets(self) -> None:
        opened: list[int] = []
        braces = [-1]
        for i, token in enumerate(self.code):
            if _closes(token):
                begin = opened.pop()
                self.pairs[begin] = i
                if begin == braces[-1]:
                    braces.pop()
            self.depths.append(len(opened))
            self.block.append(braces[-1])
            if _opens(token):
                opened.append(i)
                if token.text == "{":
                    braces.append(i)

    def declarations(self) -> Iterator[tuple[tuple[int, int], list[int]]]:
        """Yield the limits of the scope, and the places of the words, of each declaration."""
        bodies: dict[int, int] = {}  # where a function begins, by the brace of its body
        for i, token in enumerate(self.code[:-1]):
            if token.kind == "word" and token.text in DECLARATIONS:
                block = self.block[i]
                end = self.pairs.get(block, len(self.code))
                first = i + 1 + (self.code[i + 1].text == "*")  # of a generator
                yield (bodies.get(block, block), end), list(self._declared(first))
            elif self._has_parameters(i):
                after = self.pairs.get(i, i) + 1
                bodies[after + (self.code[after].text == "=>")] = i
                yield (i, self._end_of_body(after)), list(self._bound(i))

    def _has_parameters(self, begin: int) -> bool:
        """Return whether parentheses contain parameters, or a word is the only one of an arrow."""
        token = self.code[begin]
        if token.kind == "word" or token.text != "(" or token.kind != "sign":
            return token.kind == "word" and self._at(begin + 1).text == "=>"
        before, after = self.code[begin - 1], self._at(self.pairs[begin] + 1)
        is_named = before.kind == "word" and before.text not in CONDITIONS
        return after.text == "=>" or (after.text == "{" and is_named)

    def _at(self, place: int) -> Token:
        return self.code[place] if place < len(self.code) else START

    def _end_of_body(self, begin: int) -> int:
        """Return the last token of a function's body, which begins with an arrow or a brace."""
        place = begin + (self.code[begin].text == "=>")
        if self.code[place].text == "{":
            return self.pairs[place]
        depth, choices = self.depths[place], 0
        while place < len(self.code) and self.depths[place] >= depth:
            text = self.code[place].text if self.depths[place] == depth else ""
            choices += (text == "?") - (text == ":")
            if choices < 0 or text in ENDS:
                break
            place += 1
        return place - 1

    def _declared(self, begin: int) -> Iterator[int]:
        """Yield the places of the words of a declaration, perhaps of several, from its first."""
        place = begin
        while True:
            yield from self._bound(place)
            place = self.pairs.get(place, place) + 1
            if self._at(place).text == "=":
                place = self._after_default(place)
            if self._at(place).text != ",":
                return
            place += 1

    def _bound(self, begin: int) -> Iterator[int]:
        """Yield the places of the words that a name, a pattern or parameters bind."""
        if self.code[begin].kind == "word":
            yield begin
        i, end = begin, self.pairs.get(begin, begin)
        while i < end:
            if self.code[i].kind == "word" and self.code[i - 1].text in BINDINGS_AFTER:
                yield i
            i = self._after_default(i) if self.code[i].text == "=" else i + 1

    def _after_default(self, place: int) -> int:
        """Return the end of a default value, which begins after a place."""
        depth = self.depths[place]
        place += 1
        while self.depths[place] > depth or (
            self.depths[place] == depth and self.code[place].text not in ENDS
        ):
            place += 1
        return place


def _opens(token: Token) -> bool:
    if token.kind == "template":
        return token.text.endswith("${")
    return token.kind == "sign" and token.text in CLOSES


def _closes(token: Token) -> bool:
    if token.kind == "template":
        return token.text.startswith("}")
    return token.kind == "sign" and token.text in CLOSES.values()
