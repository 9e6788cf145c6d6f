"""JSON as model files contain it: strictly by the standard, and without duplicate keys."""

import json
import math
from collections.abc import Iterable
from typing import Any, TypeAlias

from chainrule.errors import DamagedFileError

Json: TypeAlias = Any  # dicts with keys that are strings, lists, str, int, float, bool, None


def dump(content: Json) -> str:
    """Return JSON as ASCII text; equal contents give equal texts."""
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


def parse(text: str) -> Json:
    """Return the content of a JSON text.

    Parameters
    ----------
    text : str

    Raises
    ------
    DamagedFileError
        If it is not JSON, a key occurs twice, or a number is NaN or infinite.
    """
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite
        )
    except RecursionError:
        raise DamagedFileError("its JSON is nested too deeply") from None
    except ValueError as error:
        raise DamagedFileError(f"its JSON is invalid: {error}") from None


def _unique(pairs: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    """Return an object of JSON, or raise ValueError if a key occurs twice."""
    content: dict[str, Json] = {}
    for key, value in pairs:
        if key in content:
            raise ValueError(f"the key {key[:80]!r} occurs twice")
        content[key] = value
    return content


def _no_constant(name: str) -> Json:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:80]} is too large for a float")
    return number
