"""Explain: complete worked examples of networks, from the engine's own equations."""

from importlib.resources import files

from chainrule.explanation.derivations import DERIVATIONS
from chainrule.explanation.example import WorkedExample
from chainrule.explanation.explaining import explain, explain_problem
from chainrule.explanation.forward import ForwardPass, explain_forward
from chainrule.explanation.forward import Names as ForwardNames
from chainrule.explanation.notation import NOTATIONS, Notation
from chainrule.explanation.notation_files import choose_notation, notation_schema
from chainrule.explanation.patterns import SIGNS
from chainrule.explanation.programs import TORCH_ACTIVATIONS, TORCH_LINKS
from chainrule.explanation.record import ErratumFigure, ExampleStep
from chainrule.explanation.setup import Setup, activation_of
from chainrule.explanation.single import one_number
from chainrule.explanation.summary import summary_texts

__all__ = [
    "DERIVATIONS",
    "NOTATIONS",
    "SIGNS",
    "ErratumFigure",
    "ExampleStep",
    "ForwardNames",
    "ForwardPass",
    "Notation",
    "Setup",
    "TORCH_ACTIVATIONS",
    "TORCH_LINKS",
    "WorkedExample",
    "activation_of",
    "choose_notation",
    "example_schema",
    "explain",
    "explain_forward",
    "explain_problem",
    "notation_schema",
    "one_number",
    "summary_texts",
]


def example_schema() -> str:
    """Return the JSON Schema of ``chainrule.example/1``, as text."""
    return (
        files("chainrule.explanation").joinpath("example.schema.json").read_text(encoding="utf-8")
    )
