"""``chainrule inspect``: what a model is, on what it was trained, and how good it is."""

from chainrule.cli import table_options as given
from chainrule.cli.check import Format
from chainrule.cli.check import Json as JsonFormat
from chainrule.cli.check import chosen as chosen_format
from chainrule.cli.options import File
from chainrule.cli.requirements import require_files

EXAMPLES = """\b
Examples:
  chainrule inspect model.safetensors
  chainrule inspect model.safetensors -o card.html"""


def inspect(
    model: given.Model,
    *,
    json: JsonFormat = False,
    format: Format = None,  # noqa: A002 (named as its option)
    output: File = None,
) -> None:
    """Show the card of a model: scores, data, layers, history, health."""
    written = chosen_format(format, output, json=json)
    require_files("chainrule inspect")
    from chainrule.cli.formats import write_document
    from chainrule.cli.tables import read_card_of

    card = read_card_of(model).card()
    write_document(card, card.print, written, output)
