"""The report of a check: the diagnosis as a document, and what each hint reveals of it."""

from importlib import resources

from chainrule.diagnosis.report.diagnosis import Diagnosis

__all__ = ["Diagnosis", "diagnosis_schema"]


def diagnosis_schema() -> str:
    """Return the JSON Schema of ``chainrule.diagnosis/1``, as text."""
    schema = resources.files("chainrule.diagnosis").joinpath("diagnosis.schema.json")
    return schema.read_text(encoding="utf-8")
