"""Renders the drawing of a network in TikZ, for LaTeX.

Positions come from ``drawing``; here are only shapes, and colors that a page sets.
"""

from collections.abc import Iterator

from chainrule.pages.drawing import Caption, Drawing, Edge, Node
from chainrule.pages.tex_math import Tex
from chainrule.pages.tex_words import words

THINNEST, WIDEST = 0.5, 2.8  # points
UNIT = 0.72  # points of one of the drawing's units
STYLES = r"""
\definecolor{plus}{HTML}{1F5FA8}
\definecolor{minus}{HTML}{B3402A}
\definecolor{muted}{HTML}{59636E}
\definecolor{tint}{HTML}{EEF3FA}
\tikzset{
  edge/.style={draw=plus}, negative/.style={draw=minus, dash pattern=on 4pt off 2.5pt},
  same/.style={draw=muted}, target/.style={draw=muted, dash pattern=on 1pt off 3pt},
  unit/.style={circle, draw=muted, fill=tint, line width=.8pt, inner sep=0pt, align=center},
  plain/.style={unit, fill=white}, given/.style={plain, rectangle, rounded corners=3pt},
  label/.style={fill=white, fill opacity=.9, text opacity=1, inner sep=1pt},
}
""".strip()


def tikz(drawing: Drawing, tex: Tex) -> str:
    """Return a drawing as a ``tikzpicture``, for a document with `STYLES`.

    Parameters
    ----------
    drawing : Drawing
    tex : Tex
        How names and numbers are set.

    Returns
    -------
    str
    """
    size = rf"x={UNIT}pt, y=-{UNIT}pt, font=\footnotesize"
    begin, end = rf"\begin{{tikzpicture}}[{size}]", r"\end{tikzpicture}"
    return "\n".join([begin, *_parts(drawing, tex), end])


def _parts(drawing: Drawing, tex: Tex) -> Iterator[str]:
    """Yield the elements from back to front."""
    yield from (_line(edge, drawing) for edge in drawing.edges)
    yield from (_caption(c) for c in drawing.captions)
    yield from (_shape(node, drawing.radius, tex) for node in drawing.nodes)
    for edge in drawing.edges:
        if edge.value:
            yield rf"\node[label] at ({_at(edge)}) {{{_name_and_value(edge, tex)}}};"


def _at(what: Caption | Node | Edge) -> str:
    return f"{what.x:.1f},{what.y:.1f}"


def _caption(caption: Caption) -> str:
    return rf"\node[text=muted] at ({_at(caption)}) {{{words(caption.text)}}};"


def _line(edge: Edge, drawing: Drawing) -> str:
    start, end = drawing.node(edge.start), drawing.node(edge.end)
    look = edge.kind if edge.kind in ("same", "target") else "edge"
    look += ", negative" * edge.negative
    width = THINNEST + (WIDEST - THINNEST) * edge.strength
    return rf"\draw[{look}, line width={width:.2f}pt] ({_at(start)}) -- ({_at(end)});"


def _shape(node: Node, radius: float, tex: Tex) -> str:
    """Return a node with its name above its number; a bias is a text, a gap three dots."""
    place = f"({_at(node)})"
    if node.kind == "gap":
        return rf"\node at {place} {{$\vdots$}};"
    if node.kind == "bias":
        return rf"\node[label] at {place} {{{_name_and_value(node, tex)}}};"
    wide, high = 2 * radius * UNIT, (1.5 if node.kind == "target" else 2) * radius * UNIT
    look = {"unit": "unit", "output": "unit", "target": "given"}.get(node.kind, "plain")
    size = f"minimum width={wide:.1f}pt, minimum height={high:.1f}pt"
    inner = r" \\ ".join(f"${part}$" for part in _name_and_number(node, tex))
    return rf"\node[{look}, {size}] at {place} {{{inner}}};"


def _name_and_value(what: Node | Edge, tex: Tex) -> str:
    return r"\enspace ".join(f"${part}$" for part in _name_and_number(what, tex))


def _name_and_number(what: Node | Edge, tex: Tex) -> list[str]:
    name = [tex.name(what.label)] if what.label else []
    return [*name, tex.number(what.value)] if what.value else name
