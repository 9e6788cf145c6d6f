"""Prediction for an estimator: the compiled forward pass where there is one, else the reference.

It is prepared when it is first used, and left behind when the estimator is pickled.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.compiled import describe, predictor
from chainrule.network import Network, precision_of

if TYPE_CHECKING:
    from chainrule.compiled import Predictor

Array: TypeAlias = NDArray[Any]


class Forward:
    """A network's forward pass.

    Parameters
    ----------
    network : Network
    engine : str
        "auto", "compiled" or "reference".
    """

    def __init__(self, network: Network, engine: str) -> None:
        self.network, self.engine = network, engine
        self._ready: dict[type[np.floating[Any]], Predictor | None] = {}

    def predict(self, theta: Array, x: Array) -> Array:
        """Return the prediction p, (n, outputs)."""
        ready = self._prepared(theta)
        return self.network.predict(theta, x) if ready is None else ready.predict(theta, x)

    def raw(self, theta: Array, x: Array) -> Array:
        """Return the raw output o, (n, outputs), of x in θ's precision."""
        ready = self._prepared(theta)
        if ready is not None:
            return ready.raw(theta, x)
        return self.network.forward(self.network.params(theta), x)[-1].a

    def _prepared(self, theta: Array) -> "Predictor | None":
        """Return the compiled pass for θ's precision, or None."""
        dtype = precision_of(theta)
        if dtype not in self._ready:
            path = describe(self.network, "sgd", rows=1, dtype=dtype, engine=self.engine)
            compiled = path.engine == "compiled"
            self._ready[dtype] = predictor(self.network, dtype) if compiled else None
        return self._ready[dtype]

    def __getstate__(self) -> dict[str, Any]:
        """Leave addresses behind, which another process cannot use."""
        return {"network": self.network, "engine": self.engine, "_ready": {}}
