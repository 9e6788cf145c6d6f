"""`mlp`: a network of Dense layers from its sizes, the activation and the loss."""

from collections.abc import Sequence

from chainrule.activations import Activation, Identity
from chainrule.errors import InputError
from chainrule.initializers import Constant, Glorot, Initializer
from chainrule.layers import Dense, Dropout, Layer, LayerNorm
from chainrule.losses import Loss
from chainrule.losses import loss as named_loss
from chainrule.network import Network
from chainrule.penalties import Penalty


def mlp(
    *sizes: int,
    activation: str | Activation | Sequence[str | Activation],
    loss: str | Loss,
    output: str | Activation | None = None,
    initializer: str | Initializer | None = None,
    bias_initializer: str | Initializer | None = None,
    bias: bool = True,
    train_biases: bool = True,
    dropout: float = 0.0,
    layer_norm: bool = False,
    penalty: Penalty | None = None,
) -> Network:
    """Return a network of Dense layers (a multilayer perceptron).

    Parameters
    ----------
    *sizes : int
        Inputs, units of each hidden layer, outputs: ``mlp(2, 3, 1, …)``.
    activation : str, Activation or sequence of them
        One is used by every layer, including the output layer, unless the loss has a link of its
        own (the cross-entropies, poisson): then the output layer is linear. A sequence has one for
        each layer.
    loss : str or Loss
    output : str or Activation, optional
        The activation of the output layer, in place of the one above.
    initializer, bias_initializer : str or Initializer, optional
        How W and b are drawn; by default Glorot() and Constant(0.0).
    bias : bool, default True
        Whether layers have biases.
    train_biases : bool, default True
        Whether training changes the biases.
    dropout : float, default 0
        The rate of a Dropout after every hidden layer.
    layer_norm : bool, default False
        Whether a LayerNorm follows every hidden layer.
    penalty : Penalty, optional
        Added to the loss, for large weights.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there are fewer than two sizes, or not as many activations as layers.
    UnknownNameError
        If an activation, a loss or an initializer is unknown.

    Examples
    --------
    >>> from chainrule import mlp
    >>> mlp(2, 3, 1, activation="tanh", loss="squared-error").layout.size
    13
    """
    if len(sizes) < 2:
        raise InputError(
            f"mlp{sizes}: give at least the numbers of inputs and outputs, such as mlp(2, 3, 1, …)"
        )
    count = len(sizes) - 1
    resolved = named_loss(loss)
    choices = _activations(activation, output, resolved, count)
    layers: list[Layer] = []
    for place, (units, f) in enumerate(zip(sizes[1:], choices, strict=True), 1):
        layers.append(
            Dense(
                units,
                f,
                Glorot() if initializer is None else initializer,
                Constant(0.0) if bias_initializer is None else bias_initializer,
                bias=bias,
                trainable=True if train_biases or not bias else ("W",),
            )
        )
        if place < count:  # hidden layers only
            layers += [LayerNorm()] if layer_norm else []
            layers += [Dropout(dropout)] if dropout else []
    return Network(sizes[0], tuple(layers), resolved, Penalty() if penalty is None else penalty)


def _activations(
    activation: str | Activation | Sequence[str | Activation],
    output: str | Activation | None,
    loss: Loss,
    count: int,
) -> list[str | Activation]:
    """Return the activation of each of `count` layers, by the output rule."""
    if isinstance(activation, Sequence) and not isinstance(activation, str):
        choices = list(activation)
    else:
        last = Identity() if loss.owns_link else activation
        choices = [*[activation] * (count - 1), last]
    if len(choices) != count:
        raise InputError(
            f"{len(choices)} activations for {count} layers; name one for all, or one for each"
        )
    return choices if output is None else [*choices[:-1], output]
