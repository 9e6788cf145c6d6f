"""Which network an estimator trains, by the names of scikit-learn and of chainrule.

The output layer follows from the loss; the description of the network is chainrule's.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from chainrule.activations import ACTIVATIONS, Activation, Logistic
from chainrule.descriptions import check_type, lookup
from chainrule.errors import InputError
from chainrule.estimators.choices import Choices, hidden_layers, plain
from chainrule.initializers import Uniform
from chainrule.initializers import initializer as named_initializer
from chainrule.layers import Dense, Layer
from chainrule.losses import LOSSES, Loss, Poisson
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.penalties import Penalty

LINKS = {
    "logistic-cross-entropy": "logistic",
    "softmax-cross-entropy": "softmax",
    "softmax-squared-error": "softmax",
    "poisson": "exp",
}  # scikit-learn's names of output activations


def named_loss(choice: str | Loss) -> Loss:
    """Return the loss of a name, in chainrule's spelling or scikit-learn's."""
    return lookup(plain(choice) if isinstance(choice, str) else choice, Loss, LOSSES, "loss")


def class_loss(choice: str | Loss, *, one_of_many: bool) -> Loss:
    """Return a classifier's loss; the cross-entropy by default, of whichever kind fits."""
    if choice in ("log_loss", "log-loss"):
        choice = "softmax-cross-entropy" if one_of_many else "logistic-cross-entropy"
    loss = named_loss(choice)
    if isinstance(loss, Poisson):
        raise InputError(
            "loss='poisson' is for counts, not for classes; choose 'log_loss', or MLPRegressor"
        )
    return loss


def class_output(loss: Loss) -> Activation | None:
    """Return a classifier's output activation, so that every loss sees numbers from 0 to 1."""
    return None if loss.owns_link else Logistic()


def network_of(
    choices: Choices, inputs: int, outputs: int, loss: Loss, output: Activation | None
) -> Network:
    """Return the network of the choices.

    Parameters
    ----------
    choices : Choices
    inputs, outputs : int
    loss : Loss
    output : Activation or None
        Of the last layer; None where the loss owns its link.
    """
    check_type(choices.engine, str, "engine", "give 'auto', 'compiled' or 'reference'")
    hidden = hidden_layers(choices)
    last: list[str | Activation] = ["identity" if output is None else output]
    chosen = choices.initializer
    chosen = plain(chosen) if isinstance(chosen, str) else chosen
    drawn = None if chosen is None else named_initializer(chosen)
    network = mlp(
        inputs,
        *hidden,
        outputs,
        activation=[*activations_of(choices, len(hidden)), *last],
        loss=loss,
        initializer=drawn,
        dropout=choices.dropout,
        layer_norm=bool(choices.layer_norm),
        penalty=Penalty(choices.l1, choices.l2, choices.alpha),
    )
    return network if drawn is not None else drawn_as_theirs(network, logistic_hidden(choices))


def activations_of(choices: Choices, count: int) -> list[str | Activation]:
    """Return the activation of each of `count` hidden layers."""
    given = choices.activation
    if isinstance(given, str | Activation) or not isinstance(given, Sequence):
        return [named_activation(given)] * count
    if len(given) != count:
        raise InputError(
            f"activation has {len(given)} entries for {count} hidden layers; name one for all, "
            "or one for each hidden layer: the output's follows from the loss"
        )
    return [named_activation(one) for one in given]


def named_activation(choice: str | Activation) -> Activation:
    """Return the activation of a name, in either spelling."""
    spelled = plain(choice) if isinstance(choice, str) else choice
    return lookup(spelled, Activation, ACTIVATIONS, "activation")


def logistic_hidden(choices: Choices) -> bool:
    """Tell whether scikit-learn would draw the smaller weights that it has for the logistic."""
    given = choices.activation
    listed = [given] if isinstance(given, str | Activation) else list(given)
    return bool(listed) and all(isinstance(named_activation(one), Logistic) for one in listed)


def drawn_as_theirs(network: Network, logistic: bool) -> Network:  # noqa: FBT001 (one switch)
    """Return the network with weights and biases drawn by scikit-learn's law, Glorot's."""
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
    """Return scikit-learn's name for what the output goes through."""
    if network.loss.owns_link:
        return LINKS[network.loss.name]
    last = network.layers[-1]
    return last.activation.name if isinstance(last, Dense) else "identity"
