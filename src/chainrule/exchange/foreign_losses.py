"""Losses of other libraries that are not in the package: a multiple, and softmax applied twice."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.descriptions import Positive
from chainrule.losses import (
    SOFTMAX,
    Loss,
    SoftmaxCrossEntropy,
    softmax,
    softmax_cross_entropy,
)

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True)
class ScaledLoss(Loss):
    """A multiple of a loss, such as its sum over the samples instead of its mean.

    Parameters
    ----------
    base : Loss
    factor : float
    """

    base: Loss
    factor: Positive

    def __post_init__(self) -> None:
        super().__post_init__()
        link = dict(self.base.link)
        link["terms"], link["slope"] = (f"factor * ({link[name]})" for name in ("terms", "slope"))
        own = {"name": f"scaled-{self.base.name}", "link": link, "classes": self.base.classes}
        for name, value in {**own, "owns_link": self.base.owns_link}.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen

    @property
    def constants(self) -> dict[str, float]:
        return {**self.base.constants, "factor": self.factor}

    @property
    def functions(self) -> dict[str, Callable[..., Any]]:
        return self.base.functions

    def predict(self, o: Array) -> Array:
        return self.base.predict(o)

    def terms(self, o: Array, t: Array) -> Array:
        return self.factor * self.base.terms(o, t)

    def slopes(self, o: Array, t: Array) -> Array:
        return self.factor * self.base.slopes(o, t)

    def check_targets(self, t: Array) -> None:
        self.base.check_targets(t)


def double_softmax_cross_entropy(o: Array, t: Array) -> Array:
    """Return −t log softmax(softmax(o)), (n, k)."""
    return softmax_cross_entropy(softmax(o), t)


def ddouble_softmax_cross_entropy(o: Array, t: Array) -> Array:
    """Return Jᵀ(softmax(p) − t), (n, k), with p = softmax(o) and its Jacobian J."""
    p = softmax(o)  # (n, k)
    r = softmax(p) - t  # (n, k), ∂terms/∂p
    return p * (r - np.sum(r * p, axis=1, keepdims=True))


@dataclass(frozen=True)
class DoubleSoftmaxCrossEntropy(Loss):
    """Cross-entropy that applies softmax to the output of a softmax layer: a common mistake."""

    name = "double-softmax-cross-entropy"
    owns_link = classes = True
    link = {
        **SOFTMAX,
        "u": "p - max(p, axis=1, keepdims=True)",
        "q": "exp(u) / sum(exp(u), axis=1, keepdims=True)",
        "terms": "t * (log(sum(exp(u), axis=1, keepdims=True)) - u)",
        "r": "q - t",
        "slope": "p * (r - sum(r * p, axis=1, keepdims=True))",
    }
    f, df = (
        staticmethod(double_softmax_cross_entropy),
        staticmethod(ddouble_softmax_cross_entropy),
    )

    def predict(self, o: Array) -> Array:
        return softmax(o)

    def check_targets(self, t: Array) -> None:
        SoftmaxCrossEntropy().check_targets(t)
