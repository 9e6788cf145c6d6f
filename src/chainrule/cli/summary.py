"""What a training run has come to, as a short document."""

from dataclasses import dataclass
from typing import Any

from chainrule.models import TableModel
from chainrule.pages import Document, Item, Page


@dataclass(frozen=True)
class RunSummary(Document):
    """The scores, the history and the health of a model, a part of its card.

    Parameters
    ----------
    model : TableModel
    """

    model: TableModel

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        card = self.model.card()
        whole, parts = card.page(), card.sections()
        items: list[Item] = [*parts["scores"][1:], parts["history"][1], *parts["health"][1:]]
        return Page(whole.title, tuple(items), whole.mark)

    def to_dict(self) -> dict[str, Any]:
        """Return the whole card as plain values."""
        return self.model.card().to_dict()


def summary_of(model: TableModel) -> RunSummary:
    """Return the summary of a model."""
    return RunSummary(model)
