"""Renders the drawing of a network as SVG, standalone or for an HTML page.

``drawing`` has the positions; this module adds shapes and colors, which a page can set.
"""

from collections.abc import Iterator
from html import escape

from chainrule.pages.drawing import LETTER, Caption, Drawing, Edge, Node, letters
from chainrule.pages.markup import Name, Piece, Ratio, parse_name

THINNEST, WIDEST = 0.8, 4.4  # lines
DASH = "6 4"  # of a negative weight
TEXT = 5.0  # from a text's middle down to its base line
SCRIPT = 10  # the size of subscripts and superscripts
READABLE = 0.75  # of its size; below that, it scrolls on the page
HIGH = 9.0  # half the height of the background of a label

PLAIN = 'text-anchor="middle" font-family="sans-serif" font-size="13"'  # without the style
# Each color is written twice: viewers that do not support custom properties use the first.
STYLE = """
.cr-picture { font: 13px ui-sans-serif, system-ui, "Helvetica Neue", Arial, sans-serif }
.cr-picture text { fill: #1c2430; fill: var(--cr-ink, #1c2430); text-anchor: middle }
.cr-picture .caption { fill: #59636e; fill: var(--cr-muted, #59636e) }
.cr-picture .value { font-variant-numeric: tabular-nums }
.cr-picture .node { fill: #fff; fill: var(--cr-paper, #fff);
  stroke: #59636e; stroke: var(--cr-muted, #59636e); stroke-width: 1.5 }
.cr-picture .unit, .cr-picture .output { fill: #eef3fa; fill: var(--cr-tint, #eef3fa) }
.cr-picture .gap { font-size: 26px }
.cr-picture .edge { fill: none; stroke: #1f5fa8; stroke: var(--cr-plus, #1f5fa8) }
.cr-picture .negative { stroke: #b3402a; stroke: var(--cr-minus, #b3402a) }
.cr-picture .same, .cr-picture .target { stroke: #59636e; stroke: var(--cr-muted, #59636e) }
.cr-picture .behind { fill: #fff; fill: var(--cr-paper, #fff); opacity: .88 }
""".strip()
DARK = """
@media (prefers-color-scheme: dark) { .cr-picture { --cr-ink: #e4e8ee; --cr-muted: #a3adba;
  --cr-paper: #14181f; --cr-tint: #1e2733; --cr-plus: #6ea8f0; --cr-minus: #f0917c } }
""".strip()


def svg(drawing: Drawing, *, standalone: bool = True) -> str:
    """Return a drawing as SVG.

    Parameters
    ----------
    drawing : Drawing
    standalone : bool, default True
        Include the style and a background, for light and dark mode; otherwise the page must
        include `STYLE` and `width_limits`, and may set custom properties.

    Returns
    -------
    str
    """
    size = f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}"'
    label = escape(f"{drawing.title}. {drawing.description}")
    own = (
        f' xmlns="http://www.w3.org/2000/svg" width="{drawing.width:.0f}" '
        f'height="{drawing.height:.0f}"'
    )
    style = f'<style>{STYLE}\n{DARK}</style><rect class="behind" width="100%" height="100%"/>'
    kind, there = ("", own) if standalone else (f" {_width_class(drawing)}", "")
    return "\n".join(
        [
            f'<svg class="cr-picture{kind}" role="img" {size} aria-label="{label}" {PLAIN}{there}>',
            f"<title>{escape(drawing.title)}</title><desc>{escape(drawing.description)}</desc>",
            *([style] if standalone else []),
            *_parts(drawing),
            "</svg>",
        ]
    )


def width_limits(drawing: Drawing) -> str:
    """Return the rule for the width of a drawing on a page, where no style may be inline."""
    limits = f"min-width: {READABLE * drawing.width:.0f}px; max-width: {drawing.width:.0f}px"
    return f".cr-picture.{_width_class(drawing)} {{ {limits} }}"


def _width_class(drawing: Drawing) -> str:
    return f"cr-{drawing.width:.0f}"


def _parts(drawing: Drawing) -> Iterator[str]:
    """Yield the elements from back to front."""
    yield from (_caption(c) for c in drawing.captions)
    yield from (_line(edge, drawing) for edge in drawing.edges)
    yield from (_shape(node, drawing.radius) for node in drawing.nodes)
    for edge in drawing.edges:
        if edge.value:
            yield _text(edge.x, edge.y, edge.label, edge.value, "label")


def _caption(caption: Caption) -> str:
    place = f'x="{caption.x:.1f}" y="{caption.y + TEXT:.1f}"'
    return f'<text class="caption" {place}>{escape(caption.text)}</text>'


def _line(edge: Edge, drawing: Drawing) -> str:
    a, b = drawing.node(edge.start), drawing.node(edge.end)
    kind = "negative" if edge.negative else "positive"
    ends = f'x1="{a.x:.1f}" y1="{a.y:.1f}" x2="{b.x:.1f}" y2="{b.y:.1f}"'
    width = THINNEST + (WIDEST - THINNEST) * edge.strength
    dash = DASH if edge.negative else "1.5 4" if edge.kind == "target" else ""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line class="edge {edge.kind} {kind}" {ends} stroke="#59636e" '
        f'stroke-width="{width:.2f}"{dashes}/>'
    )


def _shape(node: Node, radius: float) -> str:
    """Return a node with its name above its number; a bias is a text, a gap three dots."""
    if node.kind == "gap":
        return f'<text class="gap" x="{node.x:.1f}" y="{node.y:.1f}">⋮</text>'
    if node.kind == "bias":
        return _text(node.x, node.y, node.label, node.value, "bias")
    look = f'class="node {node.kind}" fill="#fff" stroke="#59636e"'
    shape = f'<circle {look} cx="{node.x:.1f}" cy="{node.y:.1f}" r="{radius:.1f}"/>'
    if node.kind == "target":  # a target is not a unit
        side = f'width="{2 * radius:.1f}" height="{1.5 * radius:.1f}" rx="6"'
        corner = f'x="{node.x - radius:.1f}" y="{node.y - 0.75 * radius:.1f}"'
        shape = f"<rect {look} {corner} {side}/>"
    name = _words(node.x, node.y - 4, _spans(parse_name(node.label)), "name")
    number = _words(node.x, node.y + 13, _number(node.value), "value")
    return shape + name + number


def _text(x: float, y: float, label: str, value: str, sort: str) -> str:
    """Return a name and a number side by side, on a background that hides the lines."""
    name = _spans(parse_name(label)) + "\u2002" if label else ""
    wide = LETTER * (letters(parse_name(label)) + len(value) + bool(label)) / 2 + 1
    box = f'x="{x - wide:.1f}" y="{y - HIGH:.1f}" width="{2 * wide:.1f}" height="{2 * HIGH:.1f}"'
    ground = f'<rect class="behind" {box} fill="#fff"/>'
    return ground + _words(x, y + TEXT, name + _number(value), sort)


def _words(x: float, base: float, inner: str, sort: str) -> str:
    return f'<text class="{sort}" x="{x:.1f}" y="{base:.1f}">{inner}</text>'


def _number(text: str) -> str:
    return f'<tspan class="value">{escape(text).replace("-", "−")}</tspan>'


# ---- names --------------------------------------------------------------------------------------


def _spans(name: Name) -> str:
    """Return a name with raised and lowered scripts."""
    return "".join(
        f"{_spans(part.top)}/{_spans(part.bottom)}" if isinstance(part, Ratio) else _piece(part)
        for part in name
    )


def _piece(piece: Piece) -> str:
    return escape(piece.base) + _script(piece.above, -5) + _script(piece.below, 4)


def _script(pieces: tuple[Piece, ...], by: int) -> str:
    """Return a script shifted up or down, followed by a shift back."""
    if not pieces:
        return ""
    inner = "".join(escape(p.base) + _script(p.above, -3) + _script(p.below, 3) for p in pieces)
    return f'<tspan dy="{by}" font-size="{SCRIPT}">{inner}</tspan><tspan dy="{-by}">\u200b</tspan>'
