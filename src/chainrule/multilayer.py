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
    """Return a network of Dense layers.

    Parameters
    ----------
    *sizes : int
        Inputs, units of each hidden layer, outputs: ``mlp(2, 3, 1, …)``.
    activation : str, Activation or sequence of them
        One means every layer, the output included, unless the loss owns a link (cross-entropies,
        poisson), where the output is linear. A sequence names each layer's own.
    loss : str or Loss
    output : str or Activation, optional
        The last layer's activation, whatever the rule above says.
    initializer, bias_initializer : str or Initializer, optional
        How W and b are drawn; Glorot() and Constant(0.0).
    bias : bool, default True
        Whether layers have biases.
    train_biases : bool, default True
        Whether training changes them.
    dropout : float, default 0
        The rate of a Dropout behind every hidden layer.
    layer_norm : bool, default False
        Whether a LayerNorm stands behind every hidden layer.
    penalty : Penalty, optional
        On the weights.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If there are fewer than two sizes, or activations for other than each layer.
    UnknownNameError
        If a name is in no table.

    Examples
    --------
    >>> from chainrule import mlp
    >>> mlp(2, 3, 1, activation="tanh", loss="squared-error").layout.size
    13
    """
    if len(sizes) < 2:
        raise InputError(f"mlp{sizes}: needs at least inputs and outputs, such as mlp(2, 3, 1, …)")
    count = len(sizes) - 1
    objective = named_loss(loss)
    choices = _choices(activation, output, objective, count)
    drawn = Glorot() if initializer is None else initializer
    layers: list[Layer] = []
    for place, (units, f) in enumerate(zip(sizes[1:], choices, strict=True), 1):
        layers.append(
            Dense(
                units,
                f,
                drawn,
                Constant(0.0) if bias_initializer is None else bias_initializer,
                bias=bias,
                trainable=True if train_biases or not bias else ("W",),
            )
        )
        if place < count:
            layers += [LayerNorm()] if layer_norm else []
            layers += [Dropout(dropout)] if dropout else []
    return Network(sizes[0], tuple(layers), objective, Penalty() if penalty is None else penalty)


def _choices(
    activation: str | Activation | Sequence[str | Activation],
    output: str | Activation | None,
    objective: Loss,
    count: int,
) -> list[str | Activation]:
    """Return the activation of each of `count` layers, by the output rule."""
    if isinstance(activation, Sequence) and not isinstance(activation, str):
        choices = list(activation)
    else:
        last = Identity() if objective.owns_link else activation
        choices = [*[activation] * (count - 1), last]
    if len(choices) != count:
        raise InputError(
            f"{len(choices)} activations for {count} layers; name one for all, or one for each"
        )
    return choices if output is None else [*choices[:-1], output]
