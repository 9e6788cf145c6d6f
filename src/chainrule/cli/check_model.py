"""``chainrule check`` of a saved model: its gradient against numerical derivatives."""

from pathlib import Path
from typing import Any

import typer

from chainrule.cli.output import say
from chainrule.cli.requirements import require_files
from chainrule.cli.table_options import TEXT_OPTIONS

ROWS = 32
WRONG = 1


def check_model(file: Path, data: str | None, options: dict[str, Any]) -> int:
    """Check the gradient of a model on the first rows of a table; return the exit code.

    Parameters
    ----------
    file : Path
        Of the model.
    data : str, optional
        The table; by default the one that the model was trained on. An estimator requires it.
    options : dict
        What else was given. Those of text files are for the table; others have no effect.
    """
    for name in options.keys() - TEXT_OPTIONS:
        raise typer.BadParameter("has no effect on a model; remove it", param_hint=f"--{name}")
    require_files("check with a model")
    from chainrule.cli.model_errors import as_options
    from chainrule.cli.tables import printed, read_model_and_rows

    model, table = read_model_and_rows(file, data, options)
    table = table.slice(0, ROWS)
    with as_options(), printed():
        X, y = model.inputs(table), model.preparation.targets(table)
        report = model.estimator.check_gradient(X, y)
    say(f"The gradient on {len(table)} rows of {table.source}, against numerical derivatives:")
    print(report)  # noqa: T201 (a result)
    return 0 if report else WRONG
