"""How a diagnosis is shown: as a page in explain's document model, and in plain values for JSON.

It decides what a hint gives away and in which words; what is wrong is found elsewhere.
"""

from importlib import resources  # the name files is that of a file in this folder

__all__ = ["diagnosis_schema"]


def diagnosis_schema() -> str:
    """Return the JSON Schema of ``chainrule.diagnosis/1``, as text."""
    schema = resources.files("chainrule.diagnosis").joinpath("diagnosis.schema.json")
    return schema.read_text(encoding="utf-8")
