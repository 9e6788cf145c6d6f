"""Reads lines of numbers back from a rendered page, as a reader with a calculator would.

It knows presentation MathML and nothing of the package; what it does not know is an error.
"""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from chainrule.explanation import WorkedExample
from chainrule.pages import Drawing

SIGNS = {
    "⋅": "*",
    "\u2062": "*",
    "\u2061": "",
    "×": "",
    "−": "-",
    "≤": "<=",
    "≥": ">=",
    **{sign: sign for sign in "+/(),<>"},
}
WORDS = {"if": " if ", "else": " else "}


def drawing_of(example: WorkedExample) -> Drawing:
    """Return the drawing on an example's page."""
    return next(item for item in example.page().items if isinstance(item, Drawing))


def page_of(html: str) -> ET.Element:
    """Return a page's root; it must be well-formed XML."""
    return ET.fromstring(html.removeprefix("<!DOCTYPE html>"))  # noqa: S314 (our own page)


def of_class(root: ET.Element, name: str) -> Iterator[ET.Element]:
    """Yield the elements that have a class."""
    return (e for e in root.iter() if name in e.get("class", "").split())


def one(root: ET.Element, name: str) -> ET.Element:
    """Return the first element that has a class."""
    return next(of_class(root, name))


def expression(root: ET.Element) -> str:
    """Return the formulas below an element, one after the other, as a Python expression."""
    return "".join(python(math) for math in root.iter("math"))


def shown(root: ET.Element) -> str:
    """Return a printed number: its formula, or its text without its copy for the clipboard."""
    if root.find(".//math") is not None:
        return expression(root)
    copies = "".join("".join(e.itertext()) for e in of_class(root, "copy"))
    return "".join(root.itertext()).removesuffix(copies).replace("−", "-")


def python(element: ET.Element) -> str:
    """Return an element of MathML as a part of a Python expression."""
    inner = list(element)
    text = (element.text or "").strip()
    match element.tag:
        case "math" | "mrow":
            return _absolute(inner) or "".join(map(python, inner))
        case "mn" | "mi":
            return text
        case "mo":
            return SIGNS[text]
        case "mtext":
            return WORDS[text]
        case "mfrac":
            return f"(({python(inner[0])}) / ({python(inner[1])}))"
        case "msqrt":
            return f"sqrt({''.join(map(python, inner))})"
        case "msup":
            return _raised(*map(python, inner))
        case unknown:
            raise ValueError(unknown)


def _absolute(inner: list[ET.Element]) -> str:
    """Return the text between two bars, or an empty string if there are none."""
    if not inner or inner[0].text != "|":
        return ""
    return f"abs({''.join(map(python, inner[1:-1]))})"


def _raised(base: str, exponent: str) -> str:
    """Return a power: of e, of ten after a number, or any other."""
    if base == "e":
        return f"exp({exponent})"
    return f"e{exponent}" if base == "10" else f"{base}**({exponent})"
