"""The links of losses as functions to be translated: identity, exponential, logistic.

Numba is not needed to import this.
"""

from collections.abc import Callable
from typing import Any

from chainrule.activations import identity, logistic
from chainrule.elementwise import exp, log


def exponential(x: Any) -> Any:
    """Return e^x, as source text to translate."""
    return exp(x)


def logarithm(x: Any) -> Any:
    """Return log x, as source text to translate."""
    return log(x)


# The links of losses, by their equation of p.
LINKS: dict[str, Callable[..., Any]] = {
    "o": identity,
    "exp(o)": exponential,
    "logistic(o)": logistic,
}
