"""The model card: what a model is, on what it was trained, and how good it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.data import Preparation
from chainrule.models.records import Epoch, TrainingReport
from chainrule.models.scores import WORDS, Scores, written
from chainrule.pages import (
    Document,
    Heading,
    Item,
    Listing,
    Mark,
    Page,
    Paragraph,
    Points,
    Table,
    json_number,
    plain_number,
)

MOST_COLUMNS = 40  # of a table, in the card
MOST_CATEGORIES = 6  # of a column, in the card
EPOCHS = 8  # of the history, in the card


@dataclass(frozen=True, repr=False)
class ModelCard(Document):
    """A description of a trained model for people, and as JSON for programs.

    Parameters
    ----------
    preparation : Preparation
    estimator : MLPClassifier or MLPRegressor
    report : TrainingReport
    history : sequence of Epoch
    """

    preparation: Preparation
    estimator: Any
    report: TrainingReport
    history: Sequence[Epoch]

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        target, network = self.preparation.known_target, self.estimator.network_
        what = "a class" if target.task == "classification" else "a number"
        title = f"Model that predicts {target.column}, {what}"
        size = f"{network.layout.size:,} parameters, {'-'.join(map(str, network.widths))}"
        items: list[Item] = [Paragraph(f"{size}; loss {network.loss.name}.")]
        items += [item for part in self.sections().values() for item in part]
        mark: Mark = "" if self.report.health is None or self.report.health.ok else "unclear"
        return Page(title, tuple(items), mark)

    def sections(self) -> dict[str, list[Item]]:
        """Return the parts of the page by name, each with its heading; some may be empty."""
        return {
            "scores": self._scores(),
            "data": self._data(),
            "layers": self._layers(),
            "history": self._history(),
            "health": self._health(),
        }

    def _scores(self) -> list[Item]:
        held, trained = self.report.validation, self.report.training
        if trained is None:
            return []
        parts = {"training rows": trained, **({} if held is None else {"rows held out": held})}
        header = ("score", *parts)
        rows = [("rows", *(f"{scores.rows:,}" for scores in parts.values()))]
        rows += [
            (WORDS[name], *(written(name, scores[name]) for scores in parts.values()))
            for name in trained.values
        ]
        return [Heading("Scores", 2, "scores"), listing("Scores", header, rows)]

    def _data(self) -> list[Item]:
        columns = self.preparation.columns
        rows = [(column.name, column.kind, prepared(column)) for column in columns[:MOST_COLUMNS]]
        more = len(columns) - MOST_COLUMNS
        target = self.preparation.known_target
        said = target_text(target)
        source = f" Trained on {self.report.source}." if self.report.source else ""
        items: list[Item] = [Heading("Data", 2, "data"), Paragraph(f"{said}{source}")]
        items.append(listing("Columns", ("column", "kind", "preparation"), rows))
        if more > 0:
            items.append(Paragraph(f"{more:,} more columns."))
        if self.preparation.remarks:
            items.append(Points(tuple(self.preparation.remarks)))
        return items

    def _layers(self) -> list[Item]:
        network = self.estimator.network_
        rows = [
            (label, layer_text(layer), f"{inputs:,}", f"{units:,}")
            for layer, label, inputs, units in zip(
                network.layers, network.labels, network.widths, network.widths[1:], strict=False
            )
        ]
        header = ("layer", "description", "inputs", "outputs")
        return [Heading("Layers", 2, "layers"), listing("Layers", header, rows)]

    def _history(self) -> list[Item]:
        if not self.history:
            return []
        last = len(self.history) - 1
        chosen = sorted({round(i * last / (EPOCHS - 1)) for i in range(EPOCHS)})
        known = [i for i, value in enumerate(self.history[-1]) if value is not None]
        columns = [equally_long([self.history[place][i] for place in chosen]) for i in known]
        header = tuple(("epoch", "loss", "validation loss", "score")[i] for i in known)
        text = f"{len(self.history):,} epochs in {self.report.seconds:.1f} s; {reason(self)}."
        return [
            Heading("History", 2, "history"),
            Paragraph(text),
            listing("Epochs", header, list(zip(*columns, strict=True))),
        ]

    def _health(self) -> list[Item]:
        health = self.report.health
        if health is None:
            return []
        found = [str(finding) for finding in health.findings]
        items: list[Item] = [Heading("Health", 2, "health"), Paragraph(health.headline)]
        return [*items, Points(tuple(found))] if found else items

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain values, ready for JSON."""
        report, network = self.report, self.estimator.network_
        return {
            "schema": "chainrule.model-card/1",
            "task": self.preparation.known_target.task,
            "parameters": network.layout.size,
            "widths": list(network.widths),
            "network": repr(network),
            "estimator": plain_settings(self.estimator),
            "preparation": self.preparation.to_dict(),
            "feature_names": list(self.preparation.feature_names),
            "source": report.source,
            "seconds": report.seconds,
            "stop_reason": self.estimator.stop_reason_,
            "training": as_dict(report.training),
            "validation": as_dict(report.validation),
            "history": [
                {k: None if v is None else json_number(v) for k, v in epoch._asdict().items()}
                for epoch in self.history
            ],
            "health": None if report.health is None else report.health.to_dict(),
        }

    def __repr__(self) -> str:
        return f"<ModelCard of {self.preparation.known_target.column!r}; print() shows it>"


def card_of(
    preparation: Preparation, estimator: Any, report: TrainingReport, history: Sequence[Epoch]
) -> ModelCard:
    """Return the card of a model."""
    return ModelCard(preparation, estimator, report, history)


def as_dict(scores: Scores | None) -> dict[str, Any] | None:
    """Return scores as plain values."""
    return None if scores is None else scores.to_dict()


def plain_settings(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator as plain values, objects by their description."""
    plain = (str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, plain) else repr(value)
        for name, value in estimator.get_params(deep=False).items()
        if name != "communicator"  # the numbers do not depend on how many processes there were
    }


def listing(title: str, header: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Listing:
    """Return a table of texts."""
    return Listing(Table(title, tuple(header), tuple(rows)), tuple(rows))


def layer_text(layer: Any) -> str:
    """Return in a few words what a layer computes."""
    activation = getattr(layer, "activation", None)
    rate = getattr(layer, "rate", None)
    own = activation.name if activation is not None else f"{rate:g}" if rate is not None else ""
    return f"{layer.kind}, {own}" if own else layer.kind


def equally_long(values: Sequence[float | None]) -> list[str]:
    """Return numbers with as many decimals as the largest needs for four significant digits."""
    largest = max((abs(v) for v in values if v is not None and math.isfinite(v)), default=0.0)
    decimals = 4 if largest < 1 else max(0, 3 - math.floor(math.log10(largest)))
    return [f"{v:,}" if isinstance(v, int) else f"{v:,.{decimals}f}" for v in values]


def prepared(column: Any) -> str:
    """Return in words how a column is prepared."""
    gaps = "" if column.fill is None else f"; missing: {column.fill!s:.20}"
    if column.kind == "number":
        sign = "+" if column.mean < 0 else "−"
        mean, scale = plain_number(abs(column.mean), 4), plain_number(column.scale, 4)
        return f"(x {sign} {mean}) / {scale}{gaps}"
    if column.kind == "boolean":
        return f"0 or 1{gaps}"
    names = [repr(one) if "," in one else one for one in column.categories[:MOST_CATEGORIES]]
    more = len(column.categories) - len(names)
    listed = ", ".join(names) + (f", and {more} more" if more else "")
    return f"one input each for {listed}{gaps}"


def target_text(target: Any) -> str:
    """Return in words what is predicted."""
    if target.task == "classification":
        listed = ", ".join(map(str, target.classes[:MOST_CATEGORIES]))
        more = len(target.classes) - MOST_CATEGORIES
        return f"The target {target.column} has {len(target.classes)} classes: " + (
            f"{listed}, and {more} more." if more > 0 else f"{listed}."
        )
    return (
        f"The target {target.column} is a number, with mean {target.mean:.4g} and standard "
        f"deviation {target.scale:.4g}."
    )


REASONS = {
    "epochs": "all of them were asked for",
    "converged": "the loss no longer improved",
    "early stopping": "the validation loss or score no longer improved",
    "callback": "a callback ended training",
    "interrupted": "training was interrupted",
    "calls": "the limit of loss evaluations was reached",
    "diverged": "the loss was no longer finite",
}  # why training stopped


def reason(card: ModelCard) -> str:
    """Return why training stopped, in words."""
    why: str = card.estimator.stop_reason_
    return REASONS.get(why, why)
