"""What an export results in."""

from typing import NamedTuple

from chainrule.exchange.comparison import Difference


class Exported(NamedTuple):
    """The files of an exported model.

    Attributes
    ----------
    files : dict of str to bytes
        By name; all in one folder.
    difference : Difference or None
        How much its predictions differ from the model's; None if that was not computed.
    remark : str
        How the file is loaded, or why the difference was not computed.
    """

    files: dict[str, bytes]
    difference: Difference | None = None
    remark: str = ""
