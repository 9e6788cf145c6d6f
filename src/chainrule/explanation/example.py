"""The worked example as a document: its page, its plain values, and its programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from chainrule.errors import missing
from chainrule.explanation.outline import example_page
from chainrule.explanation.plain_values import frame_rows, plain_values
from chainrule.explanation.record import ExampleRecord
from chainrule.names import DOCUMENT_FORMATS, PROGRAM_FORMATS
from chainrule.pages import Document, Live, LivePage, Page, live_parts


@dataclass(frozen=True, eq=False)
class WorkedExample(ExampleRecord, Document):
    """The complete worked example of a network.

    Its fields are those of `ExampleRecord`: title, source, setup, description, level, parameter,
    notation, digits, cells, steps, history, errata. Indexing with a key or a name, such as
    ``example["dW2[0,1]"]``, gives a quantity of the first step, and iterating gives the steps.
    """

    formats: ClassVar[Mapping[str, tuple[str, ...]]] = {**DOCUMENT_FORMATS, **PROGRAM_FORMATS}

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        return example_page(self)

    def _live(self) -> Live:
        """Return what makes the page live."""
        return live_parts(self)

    def explore(self) -> LivePage:
        """Return the live page, which a notebook shows and `open()` shows in the browser.

        Returns
        -------
        LivePage
        """
        return LivePage(self.title, self.to_html())

    def to_dict(self) -> dict[str, Any]:
        """Return the document in plain values, following the schema ``chainrule.example/1``."""
        return plain_values(self)

    def to_frame(self) -> Any:
        """Return the numbers as a pandas DataFrame with one row each; of a summary, its table rows.

        Raises
        ------
        MissingPackageError
            If pandas is not installed.
        """
        try:
            import pandas as pd  # pyright: ignore[reportMissingTypeStubs] (only here)
        except ImportError:
            raise missing("pandas", "to_frame()", "frames") from None
        return pd.DataFrame(frame_rows(self))

    def to_numpy(self) -> str:
        """Return a short NumPy program that recomputes the example from scratch.

        Raises
        ------
        InputError
            If the network uses a custom function whose source is not available.
        """
        from chainrule.explanation.programs import numpy_program

        return numpy_program(self.setup, self.title)

    def to_pytorch(self) -> str:
        """Return a short PyTorch program that recomputes the example from scratch.

        Raises
        ------
        InputError
            If the network uses a custom function whose source is not available.
        """
        from chainrule.explanation.programs import pytorch_program

        return pytorch_program(self.setup, self.title)

    def __repr__(self) -> str:
        numbers = sum(len(step.quantities) for step in self.steps)
        what = f"{self.parameter}, " if self.parameter else ""
        return (
            f"<WorkedExample {self.title!r}: {what}{self.level}, {len(self.steps)} step(s), "
            f"{numbers} numbers; print() shows it, save() writes it>"
        )
