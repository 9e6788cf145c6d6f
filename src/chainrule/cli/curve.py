"""A curve of losses in a terminal, drawn with braille dots."""

import math
from collections.abc import Mapping, Sequence

from rich.text import Text

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a character, by row and column
STYLES = ("cyan", "magenta")
LABEL = 9  # columns of the numbers at the axis
EMPTY = 0x2800


def curve(series: Mapping[str, Sequence[float]], width: int, height: int) -> list[Text]:
    """Return the lines of a drawing, with its legend; none if there is nothing to draw.

    Parameters
    ----------
    series : mapping of str to sequence of float
        Curves of the same length.
    width, height : int
        Characters of the drawing itself.
    """
    values = [v for one in series.values() for v in one if math.isfinite(v)]
    longest = max(map(len, series.values()))
    if longest < 2 or not values or width < 1:
        return []
    low, high = min(values), max(values)
    layers = [dots(one, longest, (low, high), width, height) for one in series.values()]
    drawn = [line(layers, row, labels(low, high, row, height)) for row in range(height)]
    return [*drawn, legend(series, longest)]


def labels(low: float, high: float, row: int, height: int) -> str:
    """Return the number at the axis in a row: the largest at the top, the smallest below."""
    if row not in (0, height - 1):
        return " " * LABEL
    return f"{high if row == 0 else low:{LABEL}.4g}"


def dots(
    values: Sequence[float], count: int, limits: tuple[float, float], width: int, height: int
) -> list[list[int]]:
    """Return the dots of a curve, as bits of braille characters (height, width)."""
    low, high = limits
    grid = [[0] * width for _ in range(height)]
    across, up = 2 * width - 1, 4 * height - 1
    for column in range(2 * width):
        place = column * (count - 1) / across
        value = between(values, place)
        if not math.isfinite(value):
            continue
        y = round((high - value) / ((high - low) or 1.0) * up)
        grid[y // 4][column // 2] |= DOTS[y % 4][column % 2]
    return grid


def between(values: Sequence[float], place: float) -> float:
    """Return the value at a place between two epochs."""
    first = min(int(place), len(values) - 1)
    second = min(first + 1, len(values) - 1)
    share = place - first
    return values[first] * (1 - share) + values[second] * share


def line(layers: list[list[list[int]]], row: int, label: str) -> Text:
    """Return a row of the drawing; where curves meet, the color is that of the last one."""
    text = Text(f"{label} ")
    for column in range(len(layers[0][row])):
        bits = [layer[row][column] for layer in layers]
        style = next((STYLES[i] for i in reversed(range(len(bits))) if bits[i]), "")
        text.append(chr(EMPTY + sum_bits(bits)) if any(bits) else " ", style)
    return text


def sum_bits(bits: Sequence[int]) -> int:
    """Return the dots of all curves together."""
    together = 0
    for one in bits:
        together |= one
    return together


def legend(series: Mapping[str, Sequence[float]], epochs: int) -> Text:
    """Return the names of the curves in their colors, and the number of epochs."""
    text = Text(" " * (LABEL + 1))
    for name, style in zip(series, STYLES, strict=False):
        text.append(f"━ {name}  ", style)
    return text.append(f"loss by epoch, 1 to {epochs}", "dim")
