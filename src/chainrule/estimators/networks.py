"""The network of an estimator, from the names of scikit-learn and of chainrule, and its prediction.

The output layer follows from the loss. Prediction uses the compiled engine if it is available.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import ACTIVATIONS, Activation, Identity, Logistic
from chainrule.compiled import describe, predictor
from chainrule.descriptions import check_type, lookup
from chainrule.errors import InputError
from chainrule.estimators.hyperparameters import Hyperparameters, hidden_layers, hyphenated
from chainrule.initializers import Uniform
from chainrule.initializers import initializer as named_initializer
from chainrule.layers import Dense, Layer
from chainrule.losses import LOSSES, Loss, Poisson, SquaredError
from chainrule.multilayer import mlp
from chainrule.network import Network, precision_of
from chainrule.penalties import Penalty
from chainrule.sparse_samples import SparseSamples

if TYPE_CHECKING:
    from chainrule.compiled import Predictor

Array: TypeAlias = NDArray[Any]

ROWS = 8192  # sparse samples that are predicted at once, by NumPy: the product is SciPy's

LINKS = {
    "logistic-cross-entropy": "logistic",
    "softmax-cross-entropy": "softmax",
    "softmax-squared-error": "softmax",
    "poisson": "exp",
}  # scikit-learn's names of output activations


def find_loss(choice: str | Loss) -> Loss:
    """Return the loss of a name, in chainrule's spelling or scikit-learn's."""
    return lookup(hyphenated(choice) if isinstance(choice, str) else choice, Loss, LOSSES, "loss")


def class_loss(choice: str | Loss, *, one_of_many: bool) -> Loss:
    """Return a classifier's loss; by default the cross-entropy for its kind of targets."""
    if choice in ("log_loss", "log-loss"):
        choice = "softmax-cross-entropy" if one_of_many else "logistic-cross-entropy"
    loss = find_loss(choice)
    if isinstance(loss, Poisson):
        raise InputError(
            "loss='poisson' is for counts, not for classes; choose 'log_loss', or MLPRegressor"
        )
    return loss


def class_output(loss: Loss) -> Activation | None:
    """Return a classifier's output activation, which gives numbers from 0 to 1 to every loss."""
    return None if loss.owns_link else Logistic()


def make_network(
    params: Hyperparameters,
    inputs: int,
    outputs: int,
    loss: Loss,
    output: Activation | None,
    hidden: tuple[int, ...] | None = None,
) -> Network:
    """Return the network of an estimator.

    Parameters
    ----------
    params : Hyperparameters
    inputs, outputs : int
    loss : Loss
    output : Activation or None
        Of the last layer; None where the loss owns its link.
    hidden : tuple of int, optional
        Units of each hidden layer; by default those of the parameters.
    """
    check_type(params.engine, str, "engine", "give 'auto', 'compiled' or 'reference'")
    hidden = hidden_layers(params) if hidden is None else hidden
    last: list[str | Activation] = ["identity" if output is None else output]
    chosen = params.initializer
    chosen = hyphenated(chosen) if isinstance(chosen, str) else chosen
    drawn = None if chosen is None else named_initializer(chosen)
    network = mlp(
        inputs,
        *hidden,
        outputs,
        activation=[*activations_of(params, len(hidden)), *last],
        loss=loss,
        initializer=drawn,
        dropout=params.dropout,
        layer_norm=bool(params.layer_norm),
        penalty=Penalty(params.l1, params.l2, params.alpha),
    )
    return network if drawn is not None else sklearn_initializers(network, logistic_hidden(params))


def activations_of(params: Hyperparameters, count: int) -> list[str | Activation]:
    """Return the activation of each of `count` hidden layers."""
    given = params.activation
    if isinstance(given, str | Activation) or not isinstance(given, Sequence):
        return [find_activation(given)] * count
    if len(given) != count:
        raise InputError(
            f"activation has {len(given)} entries for {count} hidden layers; name one for all, "
            "or one for each hidden layer: the output's follows from the loss"
        )
    return [find_activation(one) for one in given]


def find_activation(choice: str | Activation) -> Activation:
    """Return the activation of a name, in either spelling."""
    spelled = hyphenated(choice) if isinstance(choice, str) else choice
    return lookup(spelled, Activation, ACTIVATIONS, "activation")


def logistic_hidden(params: Hyperparameters) -> bool:
    """Return whether scikit-learn would use its smaller initial weights for logistic units."""
    given = params.activation
    listed = [given] if isinstance(given, str | Activation) else list(given)
    return bool(listed) and all(isinstance(find_activation(one), Logistic) for one in listed)


def sklearn_initializers(network: Network, logistic: bool) -> Network:  # noqa: FBT001 (one switch)
    """Return the network with scikit-learn's initializer of weights and biases, Glorot's."""
    layers: list[Layer] = []
    for layer, inputs in zip(network.layers, network.widths, strict=False):
        if isinstance(layer, Dense):
            bound = math.sqrt((2 if logistic else 6) / (inputs + layer.units))
            law = Uniform(-bound, bound)
            layers.append(replace(layer, initializer=law, bias_initializer=law))
        else:
            layers.append(layer)
    return replace(network, layers=tuple(layers))


def output_name(network: Network) -> str:
    """Return scikit-learn's name of the output activation."""
    if network.loss.owns_link:
        return LINKS[network.loss.name]
    last = network.layers[-1]
    return last.activation.name if isinstance(last, Dense) else "identity"


def with_output(network: Network, name: str) -> Network:
    """Return the network with another output activation, by scikit-learn's name or chainrule's.

    It only predicts: its loss has the link of that name, and is not what was trained.
    """
    loss = next((LOSSES[one] for one, link in LINKS.items() if link == name), SquaredError())
    last: Any = network.layers[-1]  # Dense, in every network of an estimator
    activation = Identity() if name in LINKS.values() else find_activation(name)
    layers = (*network.layers[:-1], replace(last, activation=activation))
    return replace(network, layers=layers, loss=loss)


def by_blocks(function: Callable[[SparseSamples], Array], x: SparseSamples) -> Array:
    """Return a function of samples, computed for some of them at a time to save memory."""
    if len(x) <= ROWS:
        return function(x)
    return np.concatenate([function(x[k : k + ROWS]) for k in range(0, len(x), ROWS)])


class Forward:
    """A network's forward pass.

    Parameters
    ----------
    network : Network
    engine : str
        "auto", "compiled" or "reference".
    """

    network: Network
    engine: str
    _fields = ("network", "engine")  # what it is made from again, as of a named tuple

    def __init__(self, network: Network, engine: str) -> None:
        self.network, self.engine = network, engine
        self._ready: dict[type[np.floating[Any]], Predictor | None] = {}

    def predict(self, theta: Array, x: Any) -> Array:
        """Return the prediction p, (n, outputs)."""
        if isinstance(x, SparseSamples):
            return self.network.loss.predict(self.raw(theta, self.network.samples(x, theta)))
        ready = self._prepared(theta)
        return self.network.predict(theta, x) if ready is None else ready.predict(theta, x)

    def raw(self, theta: Array, x: Any) -> Array:
        """Return the raw output o, (n, outputs), of x in θ's precision."""
        if isinstance(x, SparseSamples):
            return by_blocks(lambda rows: self._raw(theta, rows), x)
        ready = self._prepared(theta)
        return self._raw(theta, x) if ready is None else ready.raw(theta, x)

    def _raw(self, theta: Array, x: Any) -> Array:
        """Return the raw output, computed by NumPy."""
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
        """Leave out the compiled functions, whose addresses are invalid in another process."""
        return {"network": self.network, "engine": self.engine, "_ready": {}}
