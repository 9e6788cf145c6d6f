"""What ``chainrule cv`` does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chainrule.cli.formats import JSON, TEXT, write_document
from chainrule.cli.live import NoDisplay
from chainrule.cli.model_errors import as_options
from chainrule.cli.output import say
from chainrule.cli.run_folder import RunFolder
from chainrule.cli.tables import printed, read_table
from chainrule.cli.training import Job
from chainrule.models import Scores, cross_validate, written


def run(options: Mapping[str, Any], chosen: Mapping[str, Any]) -> None:
    """Train and evaluate models, and print the scores."""
    table = read_table(options["data"], options)
    job = Job(options, chosen, RunFolder(Path(), 1), table, NoDisplay())

    def after_fold(number: int, scores: Scores) -> None:
        if not options.get("quiet"):
            name, value = scores.main
            say(f"fold {number}/{chosen['folds']}: {name} {written(name, value)}")

    warnings: list[str] = []
    with as_options(), printed(warnings):
        result = cross_validate(
            table,
            job.target,
            folds=chosen["folds"],
            after_fold=after_fold,
            **job.data_settings(),
            **job.network_settings(),
        )
    write_document(result, result.print, JSON if options.get("json") else TEXT, None)
