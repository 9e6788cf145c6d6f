"""Other ways to what the engine computes: the chain rule through a loss's own link.

They did not run; they are equations that give the same numbers within rounding, which a test holds
them to, and a page marks them as such.
"""

import numpy as np

from chainrule.equations import Scope
from chainrule.wiring import Step

JACOBIAN = {
    "J": "p[:, :, None] * (eye - p[:, None, :])",  # ∂p/∂o, (n, k, k): p_i (1 − p_i) or −p_i p_j
    "slope": "sum(dp[:, :, None] * J, axis=1)",
}
DERIVATIONS: dict[str, dict[str, str]] = {
    "softmax-cross-entropy": {"dp": "-t / p", **JACOBIAN},
    "softmax-squared-error": {"dp": "p - t", **JACOBIAN},
    "logistic-cross-entropy": {"dp": "(p - t) / (p * (1 - p))", "slope": "dp * (p * (1 - p))"},
    "poisson": {"dp": "1 - t / p", "slope": "dp * p"},
}


def derivation(step: Step) -> Scope | None:
    """Return the scope of the other way to do, or None where there is none for these numbers.

    Its names are dp = ∂terms/∂p, for a softmax J = ∂p/∂o, and do.
    """
    equations = dict(DERIVATIONS.get(step.network.loss.name, {}))
    if not equations:
        return None
    weight = "weight[:, None] * " if "weight" in step.loss else ""
    equations["do"] = f"{weight}({equations.pop('slope')}) / n"
    eye = np.eye(step.network.widths[-1])[None]  # (1, k, k)
    scope = Scope("derivation", equations, {"eye": eye})
    scope.links = {name: (step.loss, name) for name in ("p", "t", "n", "o")}
    if weight:
        scope.links["weight"] = (step.loss, "weight")
    finite = all(np.isfinite(scope[name]).all() for name in scope.equations)
    return scope if finite else None  # a prediction of exactly 0 has no such way
