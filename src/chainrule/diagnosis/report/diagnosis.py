"""The diagnosis as a document: its page and its plain values, limited to what its hint reveals."""

from dataclasses import dataclass
from typing import Any

from chainrule.diagnosis.findings import CheckResult
from chainrule.diagnosis.report.hints import redacted
from chainrule.diagnosis.report.outline import diagnosis_page
from chainrule.diagnosis.report.values import plain_values
from chainrule.pages import Document, Page


@dataclass(frozen=True)
class Diagnosis(CheckResult, Document):
    """The result of a check.

    Its fields are those of `CheckResult`: verdict, sentence, convention, first_wrong, difference,
    mistakes, comparisons, tested, remarks, network, source, seconds, hint, compared, differ.
    """

    def page(self) -> Page:
        """Return the content, which is the same in every format."""
        return diagnosis_page(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the diagnosis in plain values, following the schema ``chainrule.diagnosis/1``."""
        return plain_values(self)

    def __repr__(self) -> str:
        sentence = redacted(self).sentence
        return f"<Diagnosis {self.verdict}: {sentence} print() shows it, save() writes it>"
