"""Private names of scikit-learn's MLP, which public programs use.

Those with a meaning here are obeyed. The others raise an error that names the public way when they
are used, and a warning when they are set or overridden, since that has no effect.
"""

import math
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import check_random_state

from chainrule.estimators.hyperparameters import Hyperparameters
from chainrule.estimators.introspection import Introspection
from chainrule.estimators.networks import logistic_hidden
from chainrule.estimators.progress import warn
from chainrule.estimators.weights import blocks, placed
from chainrule.network import Network
from chainrule.schedules import rate_at

Array: TypeAlias = NDArray[Any]

RATE = (
    "set_params(solver=…, learning_rate_init=…), which the next partial_fit or warm start follows"
)
LOSS = "loss=… (a name, or an object of your own), l1=…, l2=…, or callbacks=[…]"
VIEWS = "network_.layout, which says where each array lies in theta_"
BEST = "early_stopping=True, which restores the best weights in coefs_ and intercepts_"
RULE = "tol=…, n_iter_no_change=…, early_stopping=…, scoring=… and callbacks=[…]"

# Methods that a subclass of scikit-learn's MLP may override, and the public way.
METHODS = {
    "_forward_pass": "activation=… (a name, or an object of your own), or override predict",
    "_forward_pass_fast": "activation=… (a name, or an object of your own), or override predict",
    "_backprop": LOSS,
    "_compute_loss_grad": LOSS,
    "_loss_grad_lbfgs": LOSS,
    "_unpack": "coefs_, intercepts_ and theta_, which can be set",
    "_initialize": "initializer=…, _init_coef, or warm_start=True with coefs_ and intercepts_",
    "_fit_stochastic": "solver=… (a name, or an object), callbacks=[…], or partial_fit",
    "_fit_lbfgs": "solver=LBFGS(…), max_iter=… and max_fun=…",
    "_fit": "fit and partial_fit, which can be overridden",
    "_update_no_improvement_count": RULE,
    "_score_with_function": "scoring=…",
    "_validate_input": "fit, which can be overridden",
}


class PrivateAttribute:
    """A private attribute of scikit-learn's that is not obeyed; the messages name the public way.

    Parameters
    ----------
    instead : str
        What has the effect.
    """

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, estimator: Any, owner: type) -> Any:
        """Return what was set, or raise AttributeError with the public way."""
        if estimator is None:
            return self
        if self.name in vars(estimator):
            return vars(estimator)[self.name]
        raise AttributeError(f"{owner.__name__} has no {self.name}: {private(self.instead)}")

    def __set__(self, estimator: Any, value: Any) -> None:
        """Keep the value, and warn that nothing follows it."""
        vars(estimator)[self.name] = value
        warn(f"{self.name} was set, which has no effect: {private(self.instead)}")


def private(instead: str) -> str:
    """Return the end of a message about a private name."""
    return f"it is a private name of scikit-learn's; use {instead}"


class PrivateNames(Introspection, Hyperparameters):
    """The private names of scikit-learn's MLP; the base of both estimators."""

    _random_state = PrivateAttribute("random_state=…")
    _best_coefs = PrivateAttribute(BEST)
    _best_intercepts = PrivateAttribute(BEST)
    _coef_indptr = PrivateAttribute(VIEWS)
    _intercept_indptr = PrivateAttribute(VIEWS)

    def __init_subclass__(cls, **choices: Any) -> None:
        """Warn of methods that scikit-learn's `fit` or `predict` would call, and ours do not."""
        super().__init_subclass__(**choices)
        if cls.__module__.startswith("chainrule."):
            return
        for name in vars(cls).keys() & METHODS.keys():
            warn(f"{cls.__name__} overrides {name}, which has no effect: {private(METHODS[name])}")

    # ---- training ----

    @property
    def _optimizer(self) -> "OptimizerView":
        """What scikit-learn's optimizer is asked for: its learning rate."""
        self._require("_optimizer")
        return OptimizerView(self)

    @_optimizer.setter
    def _optimizer(self, value: Any) -> None:
        warn(f"_optimizer was set, which has no effect: {private(RATE)}")

    @property
    def _no_improvement_count(self) -> int:
        """How many epochs in a row brought no improvement."""
        self._require("_no_improvement_count")
        return self._history.plateau.epochs

    @_no_improvement_count.setter
    def _no_improvement_count(self, value: Any) -> None:
        warn(f"_no_improvement_count was set, which has no effect: {private(RULE)}")

    # ---- first weights ----

    def _init_coef(self, fan_in: int, fan_out: int, dtype: DTypeLike) -> tuple[Array, Array]:
        """Return first weights (fan_in, fan_out) and biases (fan_out,); subclasses may override."""
        bound = math.sqrt((2 if logistic_hidden(self) else 6) / (fan_in + fan_out))
        coefs = self._random_state.uniform(-bound, bound, (fan_in, fan_out))
        intercepts = self._random_state.uniform(-bound, bound, fan_out)
        return coefs.astype(dtype), intercepts.astype(dtype)

    def _first_theta(self, network: Network, seed: int, dtype: DTypeLike) -> Array:
        """Return the first θ, drawn by `_init_coef` where a subclass has its own."""
        theta = network.initialize(seed, dtype)
        if getattr(self._init_coef, "__func__", None) is PrivateNames._init_coef:
            return theta
        vars(self)["_random_state"] = check_random_state(seed % 2**32)  # as there, for `_init_coef`
        views = [block.view(theta) for block in blocks(network, "W")]  # (units, inputs) each
        drawn = [self._init_coef(w.shape[1], w.shape[0], theta.dtype) for w in views]
        return placed(network, theta, [w for w, _ in drawn], [b for _, b in drawn])

    # ---- passes ----

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Array:  # noqa: FBT001, FBT002 (scikit-learn's)
        """Return the network's predictions (n, outputs); X is always checked."""
        return self._predictions(X)

    def _forward_pass(self, activations: list[Any]) -> list[Any]:
        """Return the list with what each layer passes on, behind X, which it begins with."""
        activations[1:] = self.activations(activations[0])
        return activations

    def _backprop(self, X: Any, y: Any, *more: Any) -> tuple[float, list[Array], list[Array]]:
        """Return the loss and its gradients; y are the network's targets, such as one-hot rows.

        Parameters
        ----------
        X : array (n, features)
        y : array (n, outputs)
        *more
            Sample weights (since scikit-learn 1.7), and its lists of activations, deltas and
            gradients, of which all but the deltas are filled.
        """
        *weight, activations, _, coefs, intercepts = more
        self._forward_pass(activations)
        loss, flat = self.network_.loss_and_gradient(self._theta, self._rows(X), y, *weight)
        coefs[:] = [block.view(flat).T for block in blocks(self.network_, "W")]
        intercepts[:] = [block.view(flat) for block in blocks(self.network_, "b")]
        return float(loss), coefs, intercepts

    def _unpack(self, packed_parameters: Array) -> None:
        """Set the weights from one array, in scikit-learn's order: all coefs, then all biases."""
        places = [*blocks(self.network_, "W"), *blocks(self.network_, "b")]
        shapes = [block.view(self._theta).T.shape for block in places]
        ends = np.cumsum([math.prod(shape) for shape in shapes])[:-1]
        parts = np.split(np.asarray(packed_parameters), ends)
        arrays = [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]
        half = len(arrays) // 2
        self._theta = placed(self.network_, self._theta, arrays[:half], arrays[half:])

    def _loss_grad_lbfgs(self, packed_coef_inter: Array, *data: Any) -> tuple[float, Array]:
        """Return the loss at these weights, which are set, and its gradient in the same order."""
        self._unpack(packed_coef_inter)
        loss, coefs, intercepts = self._backprop(*data)
        return loss, np.hstack([array.ravel() for array in coefs + intercepts])


class OptimizerView:
    """scikit-learn's optimizer, of which programs read or set the learning rate.

    Parameters
    ----------
    estimator : PrivateNames
    """

    def __init__(self, estimator: PrivateNames) -> None:
        vars(self)["_estimator"] = estimator

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update."""
        history: Any = self._estimator._history  # noqa: SLF001 (this is a part of it)
        return rate_at(history.optimizer.learning_rate, history.state.step + 1)

    def __getattr__(self, name: str) -> Any:
        """Refuse what scikit-learn's optimizers have besides."""
        raise AttributeError(f"the optimizer has no {name} here: {private(RATE)}")

    def __setattr__(self, name: str, value: Any) -> None:
        """Set the initial learning rate, which the next partial_fit or warm start follows."""
        if name not in ("learning_rate", "learning_rate_init"):
            warn(f"{name} of the optimizer was set, which has no effect: {private(RATE)}")
        else:
            self._estimator.learning_rate_init = float(value)
