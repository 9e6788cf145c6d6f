"""The document in plain values: for JSON after its schema, and as rows of a data frame.

Values are not rounded; the printed text of each is included.
"""

from typing import Any

from chainrule.explanation.record import ErratumFigure, ExampleRecord, ExampleStep
from chainrule.pages import Digits, Line, Matrix, Quantity, Ref, Table, cell, listing, plain_name


def plain_values(example: ExampleRecord) -> dict[str, Any]:
    """Return the document after the schema ``chainrule.example/1``."""
    compiled = {"compiled_updates": n} if (n := example.compiled_updates) else {}
    return {
        "schema": "chainrule.example/1",
        "title": example.title,
        "source": example.source,
        **example.description,
        "level": example.level,
        "parameter": example.parameter,
        "notation": example.notation.name,
        "steps": [_step(step, example.cells) for step in example.steps],
        "history": [{"step": step, "loss": loss} for step, loss in example.history],
        "errata": [_erratum(figure) for figure in example.errata],
        **compiled,
    }


def frame_rows(example: ExampleRecord) -> list[dict[str, Any]]:
    """Return a row for each number, or for each entry of a matrix, or each figure of a table."""
    rows: list[dict[str, Any]] = []
    for step in example.steps:
        rows += [{"step": step.number} | _flat(q) for q in step.quantities]
        for matrix in step.matrices:
            rows += [{"step": step.number} | entry for entry in _entries(matrix)]
        for table in step.tables:
            rows += [{"step": step.number, "table": table.title} | row for row in _records(table)]
    return rows


def _step(step: ExampleStep, digits: Digits) -> dict[str, Any]:
    return {
        "step": step.number,
        "loss_before": step.loss_before,
        "loss_after": step.loss_after,
        "quantities": [_quantity(q) for q in step.quantities],
        "matrices": [_matrix(m, digits) for m in step.matrices],
        "tables": [_table(t, digits) for t in step.tables],
    }


def _quantity(q: Quantity) -> dict[str, Any]:
    """Return a quantity as a row: what it is, its place, its name and its lines."""
    row: dict[str, Any] = {"quantity": q.ref.quantity, "key": q.key}
    if q.ref.layer:
        row["layer"] = int(q.ref.layer) if q.ref.layer.isdigit() else q.ref.layer
    row |= _index(q.ref) | {"name": q.name, "section": q.section}
    if q.equation is not None:
        row |= _line(q.equation)
    others = [{"kind": line.kind, **_line(line)} for line in q.lines if line.kind != "equation"]
    row |= {"routes": others} if others else {}
    row |= {"value": q.value, "shown": q.shown}
    row |= {"sign": q.sign} if q.sign < 0 else {}
    row |= {"numerical": q.numerical} if q.numerical is not None else {}
    return row | ({"remark": q.remark} if q.remark else {})


def _line(line: Line) -> dict[str, Any]:
    if line.substituted is None:
        return {"formula": line.formula}
    return {"formula": line.formula, "substituted": line.substituted, "exact": line.exact}


def _index(ref: Ref) -> dict[str, int]:
    if ref.sampled:
        return dict(zip(("sample", "unit", "unit2"), ref.index, strict=False))
    names = ("to", "from") if len(ref.index) == 2 else ("unit",)
    return dict(zip(names, ref.index, strict=False))


def _matrix(matrix: Matrix, digits: Digits) -> dict[str, Any]:
    row: dict[str, Any] = {"key": matrix.key, "name": plain_name(matrix.markup)}
    row |= {"section": matrix.section}
    row |= {"formula": matrix.formula} if matrix.formula else {}
    row |= {"sign": matrix.sign} if matrix.sign < 0 else {}
    value, shown = matrix.array.tolist(), _shown(matrix.shown.tolist(), digits)
    return row | {"value": value, "shown": shown}


def _shown(values: Any, digits: Digits) -> Any:
    """Return nested lists of numbers as they are printed."""
    if isinstance(values, float | int):
        return cell(values, digits)
    return [_shown(value, digits) for value in values]


def _table(table: Table, digits: Digits) -> dict[str, Any]:
    """Return a table: its figures by their headings, and its rows as they are printed."""
    rows = listing(table, digits).rows
    return {
        "title": table.title,
        "remark": table.remark,
        "header": list(table.header),
        "rows": _records(table),
        "shown": [list(row) for row in rows],
    }


def _records(table: Table) -> list[dict[str, Any]]:
    """Return a table's rows by their headings; an empty cell is left out."""
    return [
        {
            heading: cell
            for heading, cell in zip(table.header, row, strict=True)
            if heading and cell != ""
        }
        for row in table.rows
    ]


def _erratum(figure: ErratumFigure) -> dict[str, Any]:
    return vars(figure).copy()


def _flat(q: Quantity) -> dict[str, Any]:
    """Return a quantity as a row of a frame: one column for each thing."""
    row = _quantity(q)
    row.pop("routes", None)
    return {name: row.get(name) for name in COLUMNS}


COLUMNS = (
    "key",
    "name",
    "section",
    "quantity",
    "layer",
    "sample",
    "unit",
    "unit2",
    "to",
    "from",
    "formula",
    "substituted",
    "value",
    "shown",
    "numerical",
)


def _entries(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the entries of a matrix, each by its key."""
    import numpy as np

    places = np.ndindex(*matrix.array.shape)
    names = {place: f"[{','.join(map(str, place))}]" if place else "" for place in places}
    return [
        {"key": matrix.key + name, "section": matrix.section, "value": float(matrix.array[place])}
        for place, name in names.items()
    ]
