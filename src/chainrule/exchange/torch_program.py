"""A model as a readable PyTorch module, and its parameters as a state dict."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.activations import Activation
from chainrule.errors import InputError
from chainrule.exchange.numpy_program import calls, in_docstring, output_lines, preparing
from chainrule.exchange.parts import Parts
from chainrule.explanation import TORCH_ACTIVATIONS, TORCH_LINKS
from chainrule.layers import ActivationLayer, Dense, Dropout, Layer, LayerNorm
from chainrule.losses import Loss
from chainrule.network import Network

Array: TypeAlias = NDArray[Any]

# The loss of PyTorch with the same gradient, of raw outputs and targets; others have none.
LOSSES = {
    "squared-error": 'nn.MSELoss(reduction="sum"), divided by 2 n',
    "absolute-error": 'nn.L1Loss(reduction="sum"), divided by n',
    "poisson": 'nn.PoissonNLLLoss(reduction="sum"), divided by n',
    "logistic-cross-entropy": 'nn.BCEWithLogitsLoss(reduction="sum"), divided by n',
    "softmax-cross-entropy": "nn.CrossEntropyLoss()",
}

MODULE = '''"""{title} as a PyTorch module, whose parameters are in {weights}.

    from {module} import load
    net = load("{weights}")
    p = net.predict(x)  # x: (n, {inputs})

{features}
"""

{imports}

class Net(nn.Module):
    """A network with {inputs} inputs and {outputs} outputs."""

    def __init__(self):
        super().__init__()
{layers}

    def forward(self, x):
        """Return the raw output o, (n, {outputs}); train it with {loss}."""
        a = x
{passes}
        return a

    def predict(self, x):
        """Return the prediction p, (n, {outputs})."""
        o = self(x)
        return {link}


def load(path):
    """Return the network with the parameters of a file, for prediction."""
    net = Net()
    net.load_state_dict(load_file(path))
    return net.eval()
'''

IMPORTS = "import torch\nfrom safetensors.torch import load_file\nfrom torch import nn\n{more}"
CSV_IMPORTS = "import csv\nimport math\nimport sys\n\nimport numpy as np\n"
FUNCTIONAL = "from torch.nn import functional as F\n"

MAIN = '''

def main(weights, path):
    """Print a prediction for each row of a CSV file."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    x = torch.tensor([inputs(row) for row in rows], dtype=torch.{dtype})
    with torch.no_grad():
        p = load(weights).predict(x).numpy()
{output}
    csv.writer(sys.stdout).writerows([header, *listed])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
'''


def torch_program(parts: Parts, weights: str, module: str) -> str:
    """Return a module with the class ``Net`` and the function ``load``.

    Parameters
    ----------
    parts : Parts
    weights, module : str
        The name of the file with the parameters, and of the module.

    Raises
    ------
    InputError
        If a layer or an activation is the user's own.
    """
    network, table = parts.network, parts.preparation is not None
    passes = [line for layer, label in labeled(network) for line in passing(layer, label)]
    link = TORCH_LINKS.get(network.loss.name, "{o}").format(o="o")
    functional = FUNCTIONAL if any("F." in line for line in [*passes, link]) else ""
    text = MODULE.format(
        title=title(parts),
        weights=in_docstring(weights),
        module=in_docstring(module),
        features=features(parts),
        imports=(CSV_IMPORTS if table else "") + IMPORTS.format(more=functional),
        inputs=network.inputs,
        outputs=network.outputs,
        layers=indented(constructors(network, parts.theta.dtype.name)),
        passes=indented(passes),
        link=link,
        loss=training_loss(network.loss),
    )
    return text + (prediction_of_rows(parts) if table else "")


def title(parts: Parts) -> str:
    """Return what the module is, for its docstring."""
    if parts.preparation is None:
        return f"A trained {type(parts.model).__name__}"
    return f"The prediction of {in_docstring(repr(parts.preparation.known_target.column))}"


def features(parts: Parts) -> str:
    """Return the sentence about the inputs for the docstring."""
    names = ", ".join(map(in_docstring, parts.feature_names))
    return f"The inputs are: {names}." if names else "The inputs are those of the training data."


def indented(lines: list[str]) -> str:
    """Return lines as the body of a method."""
    return "\n".join(f"        {line}" for line in lines)


def prediction_of_rows(parts: Parts) -> str:
    """Return the functions that prepare and predict the rows of a CSV file."""
    preparation = parts.preparation
    if preparation is None:
        return ""
    output = output_lines(preparation.known_target, parts.network)
    shown = "\n".join(f"    {line}" for line in output)
    columns = preparing(list(calls(preparation)))
    return f"\n\n{columns}" + MAIN.format(dtype=preparation.dtype, output=shown)


# ---- layers -------------------------------------------------------------------------------------


def labeled(network: Network) -> Iterator[tuple[Layer, str]]:
    """Yield each layer with its name as an attribute of the module."""
    for layer, label in zip(network.layers, network.labels, strict=True):
        yield layer, f"layer{label}" if label.isdigit() else label.replace("-", "_")


def constructors(network: Network, dtype: str) -> list[str]:
    """Return the lines that make the layers."""
    lines = [
        f"self.{name} = {made}"
        for (layer, name), inputs in zip(labeled(network), network.widths, strict=False)
        if (made := constructor(layer, inputs, f"dtype=torch.{dtype}"))
    ]
    return lines or ["# it has no parameters"]


def constructor(layer: Layer, inputs: int, dtype: str) -> str:
    """Return the expression that makes a layer; empty if it needs none."""
    if isinstance(layer, Dense):
        bias = "" if layer.bias else "bias=False, "
        return f"nn.Linear({inputs}, {layer.units}, {bias}{dtype})"
    if isinstance(layer, LayerNorm):
        return f"nn.LayerNorm({inputs}, eps={layer.eps!r}, {dtype})"
    return f"nn.Dropout({layer.rate!r})" if isinstance(layer, Dropout) else ""


def passing(layer: Layer, name: str) -> list[str]:
    """Return the lines by which a layer computes a from the a below it."""
    if isinstance(layer, Dense):
        return [f"z = self.{name}(a)", f"a = {formula(layer.activation)}"]
    if isinstance(layer, ActivationLayer):
        return ["z = a", f"a = {formula(layer.activation)}"]
    if isinstance(layer, LayerNorm | Dropout):
        return [f"a = self.{name}(a)"]
    raise InputError(f"the layer {layer!r} has no form in PyTorch; leave it out")


def formula(activation: Activation) -> str:
    """Return an activation as an expression of PyTorch."""
    if activation.name not in TORCH_ACTIVATIONS:
        raise InputError(
            f"the activation {activation.name!r} is your own, which the module cannot contain; "
            "choose one of chainrule.ACTIVATIONS"
        )
    constants = {name: repr(value) for name, value in activation.constants.items()}
    return TORCH_ACTIVATIONS[activation.name].format(z="z", **constants)


def training_loss(loss: Loss) -> str:
    """Return the loss of PyTorch with the gradient by which the network was trained."""
    return LOSSES.get(loss.name, f"the loss {loss.name!r}, which PyTorch does not have")


# ---- parameters ---------------------------------------------------------------------------------


def state_dict(parts: Parts) -> dict[str, Array]:
    """Return the parameters by their names in the module, such as ``layer1.weight``."""
    views = parts.network.views(parts.theta)
    suffixes = {"W": "weight", "b": "bias"}
    return {
        f"layer{name[1:]}.{suffixes[name[0]]}": np.ascontiguousarray(array)
        for name, array in views.items()
    }
