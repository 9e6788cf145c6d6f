"""``chainrule import``: a model of another program as a model file."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chainrule.cli import options
from chainrule.cli import table_options as given
from chainrule.cli.completion import MODEL_ENDING
from chainrule.cli.requirements import require_files
from chainrule.cli.table_options import columns_option

if TYPE_CHECKING:
    from chainrule.network import Network

EXAMPLES = """\b
Examples:
  chainrule import net.onnx --classes no,yes
  chainrule import mlp.skops -o mlp.safetensors
  chainrule import state.pt --layers 4,8,3 --activation relu \\
      --loss softmax-cross-entropy

Nothing in the file is executed. Pickles are refused, because they may run any code."""

Foreign = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        show_default=False,
        help="FILE.onnx; FILE.skops, with an MLP of scikit-learn; or a state dict of PyTorch: "
        "FILE.pt, FILE.pth or FILE.safetensors.",
    ),
]
Output = Annotated[
    Path,
    given.option("The model's file.", "-o", "--output", metavar="FILE"),
]
Classes = Annotated[
    str | None,
    columns_option("What the outputs of a classifier mean (default: 0, 1, …)."),
]


def import_model(
    file: Foreign,
    *,
    layers: options.Layers = None,
    activation: options.ActivationNames = None,
    loss: options.Loss = None,
    classes: Classes = None,
    output: Output = Path("model.safetensors"),
) -> None:
    """Turn a model of ONNX, PyTorch or scikit-learn into a model file.

    A state dict has no layers, so --layers, --activation and --loss describe them.
    """
    network = {"layers": layers, "activation": activation, "loss": loss}
    check_ending(output)
    require_files("chainrule import")
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.output import say
    from chainrule.cli.tables import names_in
    from chainrule.exchange import import_model as imported
    from chainrule.models import save

    known = described(file, network)
    with as_options():
        model = imported(file, known, names_in(classes) or None)
    save(model, output)
    say(f"Wrote {output}: {summary_of(model)}.")


def check_ending(output: Path) -> None:
    """Raise BadParameter if the ending of the file to write is not that of a model."""
    if output.suffix.lower() != MODEL_ENDING:
        raise typer.BadParameter(
            f"{str(output)!r} must end in {MODEL_ENDING}; other formats are written by "
            "chainrule export",
            param_hint="-o",
        )


def described(file: Path, settings: Mapping[str, str | None]) -> "Network | None":
    """Return the network that options describe; raise BadParameter if one is missing or idle."""
    from chainrule.errors import ChainruleError
    from chainrule.exchange import NEED_NETWORK, importer

    try:
        importer(str(file))
    except ChainruleError as error:
        raise typer.BadParameter(str(error)) from None
    needed = file.suffix.lower() in NEED_NETWORK
    for name, value in settings.items():
        if needed and value is None:
            raise typer.BadParameter(
                "is missing; a state dict has no layers, so describe them", param_hint=f"--{name}"
            )
        if not needed and value is not None:
            raise typer.BadParameter(
                "has no effect on this file, which has its own layers; remove it",
                param_hint=f"--{name}",
            )
    return network_of(settings) if needed else None


def network_of(settings: Mapping[str, Any]) -> "Network":
    """Return the network of --layers, --activation and --loss."""
    from chainrule.errors import ChainruleError
    from chainrule.multilayer import mlp

    try:
        sizes = [int(part) for part in settings["layers"].split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"must be whole numbers between commas, such as 4,8,3, not {settings['layers']!r}",
            param_hint="--layers",
        ) from None
    names = settings["activation"].split(",")
    try:
        return mlp(*sizes, activation=names if len(names) > 1 else names[0], loss=settings["loss"])
    except ChainruleError as error:
        raise typer.BadParameter(str(error), param_hint="--layers") from None


def summary_of(model: Any) -> str:
    """Return what was imported, in a few words."""
    network = getattr(model, "network_", None) or model.network
    widths = "-".join(map(str, network.widths))
    classes = getattr(model, "classes_", None)
    named = "" if classes is None else f", classes {', '.join(map(str, classes))}"
    return f"{type(model).__name__}, {widths}{named}"
