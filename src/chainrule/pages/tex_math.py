"""Typesets expressions as math for LaTeX, MathJax and KaTeX: names, numbers and fractions.

It is one Setter for two formats; pages, tables and sentences are made elsewhere.
"""

import re
import unicodedata
from dataclasses import dataclass

from chainrule.pages.markup import Piece, Ratio, parse_name
from chainrule.pages.tex_words import LETTERS, words

RAISED = {"²": "2", "³": "3", "¹": "1", "⁺": "+", "⁻": "-", "ᵀ": r"\top"}
HATS = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot", "\u0308": "ddot"}
OPERATIONS = {
    "*": r" \cdot ",
    "@": r" \thinspace ",
    "⊙": r" \odot ",
    "+": " + ",
    "-": " - ",
    "<": r" \lt ",
    "<=": r" \le ",
    ">": r" \gt ",
    ">=": r" \ge ",
}
FUNCTIONS = {"log": r"\ln", "tanh": r"\tanh", "max": r"\max", "exp": r"\exp"}
HALF = r"\tfrac{1}{2}"
LOW_LINE = "\u02cd"  # looks like an underscore, which neither Markdown nor KaTeX allows in text

NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?:e(-?\d+))?")
TOKEN = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9_]*\[[0-9,]*\]|[A-Za-z]+[0-9]*_[A-Za-z0-9_]+|[A-Za-z]+[0-9]+(?![\w.]))"
    r"|(?P<letter>\w[\u0302\u0303\u0304\u0307\u0308])"
    r"|(?P<word>[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+)|(?P<text> .*)|(?P<other>.)"
)
WIDE = 52  # characters; a wider fraction, root or exponent would not fit on a line
HIGH = 16  # characters of an exponent


@dataclass
class Tex:
    r"""Math between dollar signs.

    Parameters
    ----------
    keys : bool
        Whether names are this package's keys, which stand upright and in one piece.
    markdown : bool, default False
        Whether a Markdown parser reads it first. Then no backslash stands before a sign, no
        underscore where it could open and close an emphasis, and nothing that MathJax lacks.
    stacked : bool, default True
        As `Setter` has it.
    """

    keys: bool
    markdown: bool = False
    stacked: bool = True

    # ---- names ----------------------------------------------------------------------------------

    def name(self, markup: str) -> str:
        if self.keys and "{" not in markup:
            return self.key(markup)
        return self._pieces(parse_name(markup), 0)

    def key(self, text: str) -> str:
        """Return a key or an identifier, upright and unbroken."""
        line = LOW_LINE if self.markdown else r"\_"
        return rf"\texttt{{{text.replace('_', line)}}}"

    def _pieces(self, pieces: tuple[Piece | Ratio, ...], depth: int) -> str:
        return joined([self._piece(piece, depth) for piece in pieces])

    def _piece(self, piece: Piece | Ratio, depth: int) -> str:
        if isinstance(piece, Ratio):
            top, bottom = (self._pieces(part, depth) for part in (piece.top, piece.bottom))
            return rf"\frac{{{top}}}{{{bottom}}}"
        base, raised = self._base(piece.base, depth)
        above = raised + self._pieces(piece.above, depth + 1)
        below = self._pieces(piece.below, depth + 1)
        scripts = self.below(base, below) if below else ""
        return (base or "{}") + scripts + (f"^{braced(above)}" if above else "")

    def below(self, base: str, script: str) -> str:
        """Return a subscript of a base."""
        bare = len(script) == 1 and base[-1:].isalnum()
        return f"{' ' if self.markdown and not bare else ''}_{braced(script)}"

    def _base(self, text: str, depth: int) -> tuple[str, str]:
        """Return letters, and the superscript at their end, such as the 2 of σ²."""
        raised = "".join(RAISED[c] for c in text[len(text.rstrip("".join(RAISED))) :])
        text = unicodedata.normalize("NFC", text.rstrip("".join(RAISED)))
        return joined([self._token(found, depth) for found in TOKEN.finditer(text)]), raised

    def _token(self, found: re.Match[str], depth: int) -> str:
        text = found[0]
        match found.lastgroup:
            case "key" if not depth or "[" in text:
                return self.key(text)
            case "key":
                return text
            case "word" if len(text) == 1 and text.isascii():
                return text
            case "word" if text.isascii():
                return rf"\math{'rm' if depth else 'it'}{{{text}}}"
            case "word" | "letter" if hat := _hat(text):
                return hat
            case "word":
                return self.words(text)
            case "text":
                return self.words(text)
            case _:
                return self._sign(text)

    def _sign(self, sign: str) -> str:
        if sign in LETTERS:
            return f"\\{LETTERS[sign]}"
        if sign in "'′":
            return "'"
        if sign in RAISED:
            return f"^{braced(RAISED[sign])}"
        return {"−": "-", "|": r"\vert "}.get(sign, sign if sign in PLAIN else self.words(sign))

    def words(self, text: str) -> str:
        """Return words within math."""
        if self.markdown:
            shown = "".join("?" if sign in FORBIDDEN else sign for sign in text)
        else:
            shown = " " * text.startswith(" ") + words(text)
        return rf"\text{{{shown}}}"

    # ---- expressions ----------------------------------------------------------------------------

    def number(self, text: str) -> str:
        found = NUMBER.fullmatch(text)
        if found is None:
            return HALF if text == "½" else self.words(text)
        mantissa, exponent = found.groups()
        return mantissa if exponent is None else rf"{mantissa}{{\cdot}}10^{{{exponent}}}"

    def fence(self, inner: str) -> str:
        return rf"\Bigl({inner}\Bigr)" if r"\frac" in inner else f"({inner})"

    def negation(self, inner: str) -> str:
        return f"-{inner}"

    def operation(self, symbol: str, left: str, right: str) -> str:
        if symbol == "*" and left == HALF:
            return f"{left} {right}"
        return left + OPERATIONS[symbol] + right

    def fraction(self, top: str, bottom: str) -> str:
        stacked = r"\frac" in top + bottom  # three numbers above each other are too small to read
        if max(length(top), length(bottom)) <= WIDE and not stacked:
            return rf"\frac{{{top}}}{{{bottom}}}"
        return f"{self._closed(top)} / {self._closed(bottom)}"

    def _closed(self, inner: str) -> str:
        """Return an operand of an inline division, in parentheses where it needs them."""
        open_ = inner.startswith("-") or re.search(r" ([+/-]|\\[a-z]+) ", inner)
        return self.fence(inner) if open_ else inner

    def power(self, base: str, exponent: str) -> str:
        fenced = base.startswith(("(", r"\Bigl(")) and base.endswith(")")
        simple = not (base.endswith(")") or "^" in base or r"\frac" in base)
        return f"{base if fenced or simple else self.fence(base)}^{braced(exponent)}"

    def call(self, name: str, arguments: list[str]) -> str:
        inner = (", " if self.markdown else r",\allowbreak ").join(arguments)
        match name:
            case "transpose":
                return self.power(inner, r"\top")
            case "abs":
                return rf"\lvert {inner}\rvert"
            case "exp" if length(inner) <= HIGH and r"\frac" not in inner:
                return rf"\mathrm{{e}}^{{{inner}}}"
            case "sqrt" if length(inner) <= WIDE:
                return rf"\sqrt{{{inner}}}"
            case "sqrt":
                return f"{self.fence(inner)}^{{1/2}}"
            case _:
                return self._function(name) + self.fence(inner)

    def _function(self, name: str) -> str:
        """Return a function's name, with its prime or the range of its sum."""
        word, _, over = name.partition(" over ")
        stem = word.rstrip("′")
        shown = FUNCTIONS.get(stem) or (
            rf"\mathrm{{{stem}}}" if stem.isascii() and stem.isalpha() else self.key(stem)
        )
        shown += "'" * (len(word) - len(stem))
        return shown + self.below(shown, rf"\text{{{over}}}") if over else shown

    def total(self, terms: list[tuple[bool, str]]) -> str:
        (less, first), *others = terms
        signed = "".join((" - " if less else " + ") + term for less, term in others)
        return (self.negation(first) if less else first) + signed

    def rest(self, count: int) -> str:
        return rf"\text{{({count} further terms)}}"

    def choice(self, condition: str, yes: str, no: str) -> str:
        gap = "" if self.markdown else r"\allowbreak"
        return rf"{yes}{gap}\text{{ if }}{condition}{gap}\text{{ else }}{no}"


PLAIN = frozenset("0123456789.,:;()[]+-=/!")
FORBIDDEN = frozenset(r"\{}$%&#~^_*<>`|")  # in words within math in Markdown


def _hat(text: str) -> str:
    """Return a letter with its accent, such as x̂, or an empty string for other letters."""
    letter, *accents = unicodedata.normalize("NFD", text)
    if len(accents) != 1 or accents[0] not in HATS:
        return ""
    return rf"\{HATS[accents[0]]}{{{letter}}}"


def braced(text: str) -> str:
    """Return a subscript or superscript, in braces if it has several characters."""
    return text if len(text) == 1 and text.isalnum() else f"{{{text}}}"


def joined(parts: list[str]) -> str:
    """Return the parts joined, with a space between a command and a following letter."""
    text = ""
    for part in parts:
        text += " " * bool(re.search(r"\\[A-Za-z]+$", text) and part[:1].isalpha()) + part
    return text


def length(tex: str) -> int:
    """Return the approximate width of typeset math in characters."""
    while found := re.search(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", shown := _bare(tex)):
        longer = max(found[1], found[2], key=len)
        tex = shown[: found.start()] + longer + shown[found.end() :]
    return len(re.sub(r"[{}\s_^]", "", shown))


def _bare(tex: str) -> str:
    """Return math without fonts and inner braces, with one character for any other command."""
    tex = re.sub(r"\\(?:math[a-z]+|text[a-z]*|hat|Big[lr]|allowbreak|sqrt)(?![A-Za-z])", "", tex)
    tex = re.sub(r"\\(?!frac)(?:[A-Za-z]+|.)", "x", tex)
    while tex != (tex := re.sub(r"(?<!\\frac)(?<!\})\{([^{}]*)\}", r"\1", tex)):
        pass
    return tex
