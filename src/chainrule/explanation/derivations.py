"""Alternative derivations of ∂C/∂o: the chain rule through the link of a loss.

The engine does not use these equations. They give the same numbers within rounding, which a test
checks, and pages mark them as other derivations.
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
    """Return the scope of another derivation of do, or None if these numbers have none.

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
    return scope if finite else None  # not for a prediction of exactly 0
