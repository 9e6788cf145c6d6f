"""Expressions and names in presentation MathML, for pages.

Browsers do not break a formula over lines. So the places where it may break are marked here, and
`flow` splits it there into several formulas, which wrap like words.
"""

import re
from html import escape

from chainrule.pages.markup import Name, Piece, Ratio, parse_name

LOOSE, TIGHT = "\x1e", "\x1f"  # where a line may break: before a term, and before a factor
SHORT = 30  # letters up to which a line is one formula
LONG = 26  # letters from which a fraction's numerator is written in the line, so that it can break
TOKEN = re.compile(
    r"(?P<space>\s.*)"  # words after a name, such as " alone"
    r"|(?P<key>[^\W\d]\w*\[[^\]]*\])"  # dW2[0,1]
    r"|(?P<number>\d[\d.,]*)"
    r"|(?P<letters>[^\W\d_]\w*[\u0300-\u036f]?['′]?)"
    r"|(?P<sign>.)"
)
TIMES, NOTHING, APPLY = "⋅", "\u2062", "\u2061"
SIGNS = {"<": "&lt;", "<=": "≤", ">": "&gt;", ">=": "≥", "-": "−", "*": TIMES}
BASES = ("<mn>", "<mi>", "<msub>")  # elements that can have an exponent without parentheses
FENCES = ('<mo form="prefix" stretchy="false">(', '<mrow><mo form="prefix">(')
HALF = "<mfrac><mn>1</mn><mn>2</mn></mfrac>"
GAP = f'<mo lspace="0.17em" rspace="0.17em">{NOTHING}</mo>'


class MathML:
    """Typesets an expression; breaks are marked in sums and products at the top level."""

    stacked = True

    def name(self, markup: str) -> str:
        return _row(_name(parse_name(markup)))

    def number(self, text: str) -> str:
        if text == "½":
            return HALF
        mantissa, _, exponent = text.partition("e")
        sign = '<mo form="prefix">−</mo>' if mantissa.startswith("-") else ""
        digits = f"<mn>{escape(mantissa.removeprefix('-'))}</mn>"
        if exponent:
            raised = _row(self.number(exponent))
            digits += f"<mo>×</mo><msup><mn>10</mn>{raised}</msup>"
        return _row(sign + digits)

    def fence(self, inner: str) -> str:
        if any(tall in inner for tall in ("<mfrac", "<munder")):
            return f'<mrow><mo form="prefix">(</mo>{_whole(inner)}<mo form="postfix">)</mo></mrow>'
        inner = inner.replace(LOOSE, TIGHT)
        opening = '<mo form="prefix" stretchy="false">(</mo>'
        return f'{opening}{inner}<mo form="postfix" stretchy="false">)</mo>'

    def negation(self, inner: str) -> str:
        return f'<mo form="prefix">−</mo>{inner}'

    def operation(self, symbol: str, left: str, right: str) -> str:
        if symbol == "@":
            return f"{left}{TIGHT}{GAP}{right}"
        if symbol == "*" and left == HALF:
            return f"{left}<mo>{NOTHING}</mo>{right}"
        mark = LOOSE if symbol in "+-" else TIGHT
        return f"{left}{mark}{_infix(SIGNS.get(symbol, symbol))}{right}"

    def fraction(self, top: str, bottom: str) -> str:
        if LOOSE not in top or _letters(top) <= LONG:
            return f"<mfrac>{_row(top)}{_row(bottom)}</mfrac>"
        bottom = bottom if bottom.startswith(BASES) and _single(bottom) else self.fence(bottom)
        return f"{self.fence(top)}{TIGHT}{_infix('/')}{bottom}"

    def power(self, base: str, exponent: str) -> str:
        if not (base.startswith(BASES) and _single(base)) and not base.startswith(FENCES):
            base = self.fence(base)
        return f"<msup>{_row(base)}{_row(exponent)}</msup>"

    def call(self, name: str, arguments: list[str]) -> str:
        first = _whole(arguments[0])
        match name:
            case "exp":
                return f"<msup><mi>e</mi>{_row(first)}</msup>"
            case "sqrt":
                return f"<msqrt>{first}</msqrt>"
            case "abs":
                return f'<mrow><mo form="prefix">|</mo>{first}<mo form="postfix">|</mo></mrow>'
            case "transpose":
                base = first if _single(first) else self.fence(first)
                return f"<msup>{_row(base)}<mi>T</mi></msup>"
            case _:
                inner = f"{_infix(',')}{TIGHT}".join(map(_whole, arguments))
                return f"{_function(name)}<mo>{APPLY}</mo>{self.fence(inner)}"

    def total(self, terms: list[tuple[bool, str]]) -> str:
        (less, first), *others = terms
        signed = "".join(f"{LOOSE}{_infix('−' if less else '+')}{term}" for less, term in others)
        return (self.negation(first) if less else first) + signed

    def rest(self, count: int) -> str:
        return f"<mtext>… {count:,} further terms</mtext>"

    def choice(self, condition: str, yes: str, no: str) -> str:
        return f"{yes}{LOOSE}{_word('if')}{condition}{LOOSE}{_word('else')}{no}"


MATHML = MathML()


# ---- on the page --------------------------------------------------------------------------------


def inline(text: str) -> str:
    """Return markup as one formula, which does not break."""
    return f"<math>{_whole(text)}</math>"


def flow(text: str) -> str:
    """Return markup as a sequence of formulas, between which a line may break.

    Where it can, it breaks before a term; a term that is too long itself breaks before a factor.
    """
    if _letters(text) <= SHORT:
        return inline(text)
    terms = text.split(LOOSE)
    return "".join(f'<span class="term">{_factors(term)}</span>' for term in terms)


def widest(text: str) -> int:
    """Return the approximate width, in letters, of the longest part that cannot break."""
    if _letters(text) <= SHORT:
        return _letters(text)
    return max(_letters(part) for part in re.split(f"[{LOOSE}{TIGHT}]", text))


def _factors(term: str) -> str:
    return "".join(f"<math>{part}</math>" for part in term.split(TIGHT))


# ---- names --------------------------------------------------------------------------------------


def _name(name: Name) -> str:
    return "".join(_ratio(part) if isinstance(part, Ratio) else _piece(part) for part in name)


def _ratio(ratio: Ratio) -> str:
    return f"<mfrac>{_row(_name(ratio.top))}{_row(_name(ratio.bottom))}</mfrac>"


def _piece(piece: Piece) -> str:
    """Return a run of letters; its scripts belong to the last of them."""
    tokens = [_token(found) for found in TOKEN.finditer(piece.base)]
    below, above = _row(_name(piece.below)), _row(_name(piece.above))
    last = tokens.pop() if tokens else "<mrow></mrow>"
    if piece.below and piece.above:
        last = f"<msubsup>{last}{below}{above}</msubsup>"
    elif piece.below:
        last = f"<msub>{last}{below}</msub>"
    elif piece.above:
        last = f"<msup>{last}{above}</msup>"
    return "".join(tokens) + last


def _token(found: re.Match[str]) -> str:
    text = escape(found[0])
    match found.lastgroup:
        case "space":
            return f"<mtext>\u00a0{text.strip()}</mtext>"
        case "number":
            return f"<mn>{text}</mn>"
        case "letters" | "key":
            return f"<mi>{text.replace(chr(39), '′')}</mi>".replace("&#x27;", "′")
        case _:
            return '<mo form="prefix" rspace="0">∂</mo>' if text == "∂" else _sign(text)


def _sign(text: str) -> str:
    return f'<mo stretchy="false" lspace="0" rspace="0">{text}</mo>'


def _function(name: str) -> str:
    """Return a function's name, with the range of a sum or mean below it."""
    what, _, over = name.partition(" over ")
    letter = "<mo>∑</mo>" if what == "sum" and over else f"<mi>{escape(what)}</mi>"
    return f"<munder>{letter}<mtext>{over}</mtext></munder>" if over else letter


# ---- elements -----------------------------------------------------------------------------------


def _infix(sign: str) -> str:
    return f'<mo form="infix">{sign}</mo>'


def _word(word: str) -> str:
    return f"<mtext>\u00a0{word}\u00a0</mtext>"


def _whole(text: str) -> str:
    """Return markup without places to break."""
    return text.replace(LOOSE, "").replace(TIGHT, "")


def _row(text: str) -> str:
    """Return markup as one element."""
    text = _whole(text)
    return text if _single(text) else f"<mrow>{text}</mrow>"


def _single(text: str) -> bool:
    """Return whether markup is one element."""
    depth = 0
    for tag in re.finditer(r"<(/?)", text):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return text.find(">", tag.start()) == len(text) - 1
    return False


def _letters(text: str) -> int:
    """Return the approximate width in letters; a fraction is as wide as its wider part."""
    text = re.sub(f"[{LOOSE}{TIGHT}]", "", text)
    while found := re.search(r"<mfrac>((?:(?!<mfrac>).)*?)</mfrac>", text):
        top, bottom = _halves(found[1])
        wider = max(_plain(top), _plain(bottom), key=len)
        text = text[: found.start()] + wider + text[found.end() :]
    return len(_plain(text))


def _halves(inner: str) -> tuple[str, str]:
    """Return the two elements of a fraction."""
    depth = 0
    for tag in re.finditer(r"<(/?)[^>]*>", inner):
        depth += -1 if tag[1] else 1
        if depth == 0:
            return inner[: tag.end()], inner[tag.end() :]
    return inner, ""


def _plain(text: str) -> str:
    signs = re.sub(r'<mo form="infix">(.)</mo>', r" \1 ", text)
    return re.sub(r"&\w+;", "&", re.sub(r"<[^>]*>", "", signs))
