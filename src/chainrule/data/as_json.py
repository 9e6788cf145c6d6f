"""The parts of a preparation as plain JSON, and back, checked field by field."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from chainrule.data.features import BooleanColumn, CategoryColumn, InputColumn, NumberColumn
from chainrule.data.targets import Target
from chainrule.errors import InputError, unknown

VERSION = 1
INPUTS: dict[str, type[InputColumn]] = {
    cls.kind: cls for cls in (NumberColumn, CategoryColumn, BooleanColumn)
}
Checks = Mapping[str, Callable[[Any], bool]]


def is_text(value: Any) -> bool:
    """Return whether a value is a string."""
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number."""
    return type(value) in (int, float) and math.isfinite(value)


def is_scale(value: Any) -> bool:
    """Return whether a value is a finite number above 0."""
    return is_number(value) and value > 0


def is_list_of(*kinds: type) -> Callable[[Any], bool]:
    """Return a function that says whether a value is a list of these types."""
    return lambda value: isinstance(value, list) and all(type(item) in kinds for item in value)


def or_none(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return a function that also accepts None."""
    return lambda value: value is None or check(value)


def one_of(*choices: str) -> Callable[[Any], bool]:
    """Return a function that says whether a value is one of these words."""
    return lambda value: isinstance(value, str) and value in choices


PREPARATION: Checks = {
    "version": lambda value: type(value) is int,
    "decimal": one_of("", ".", ","),
    "dtype": one_of("float32", "float64"),
    "columns": is_list_of(dict),
    "target": or_none(lambda value: isinstance(value, dict)),
    "remarks": is_list_of(str),
}
COLUMNS: dict[str, Checks] = {
    "number": {"mean": is_number, "scale": is_scale, "fill": or_none(is_number)},
    "category": {"categories": is_list_of(str), "fill": or_none(is_text)},
    "boolean": {"fill": or_none(lambda value: isinstance(value, bool))},
}
TARGET: Checks = {
    "column": is_text,
    "task": one_of("classification", "regression"),
    "classes": is_list_of(str, int, bool),
    "mean": is_number,
    "scale": is_scale,
}


def as_dict(record: Any) -> dict[str, Any]:
    """Return the fields of a record; tuples are lists."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def column_as_dict(column: InputColumn) -> dict[str, Any]:
    """Return an input column as JSON."""
    return {"kind": column.kind, **as_dict(column)}


def column_from_dict(content: Mapping[str, Any]) -> InputColumn:
    """Return an input column from JSON.

    Raises
    ------
    InputError
        If a field is missing, unknown or wrong.
    UnknownNameError
        If there is no such kind of input.
    """
    kind = content.get("kind")
    if not isinstance(kind, str) or kind not in INPUTS:
        raise unknown("kind of input", kind, INPUTS)
    checks = {"kind": is_text, "name": is_text, **COLUMNS[kind]}
    check_fields(f"{kind} column", content, checks)
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in content.items()}
    del values["kind"]
    categories = values.get("categories", ())
    if list(categories) != sorted(set(categories)):
        raise InputError(f"column {content['name']!r}: its categories are not sorted, or repeated")
    return INPUTS[kind](**values)


def target_from_dict(content: Mapping[str, Any]) -> Target:
    """Return a target from JSON.

    Raises
    ------
    InputError
        If a field is missing, unknown or wrong.
    """
    check_fields("target", content, TARGET)
    classes = tuple(content["classes"])
    if len({type(label) for label in classes}) > 1 or list(classes) != sorted(set(classes)):
        raise InputError("target: its classes are not sorted, repeated, or of several types")
    if (content["task"] == "classification") != (len(classes) > 1):
        raise InputError(
            f"target: a {content['task']} with {len(classes)} classes; a classification has two or "
            "more, a regression none"
        )
    return Target(**{**content, "classes": classes})


def check_fields(what: str, content: Mapping[str, Any], checks: Checks) -> None:
    """Raise InputError unless content has exactly these fields, each with a fitting value."""
    if set(content) != set(checks):
        lacking, strange = sorted(set(checks) - set(content)), sorted(set(content) - set(checks))
        raise InputError(f"{what}: missing fields {lacking}, unknown fields {strange}")
    for name, check in checks.items():
        if not check(content[name]):
            raise InputError(
                f"{what}: the field {name!r} has the wrong value {content[name]!r:.80}"
            )
