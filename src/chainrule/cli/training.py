"""What ``chainrule train`` does: reads the table, trains, and writes the model and the run."""

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from chainrule.cli.live import Display, display_for
from chainrule.cli.model_errors import as_options
from chainrule.cli.output import messages, say, show
from chainrule.cli.run_folder import RunFolder
from chainrule.cli.run_lock import locked
from chainrule.cli.tables import names_in, printed, read_source, read_table
from chainrule.cli.team import Team, report_error
from chainrule.cli.train_rules import DEFAULTS, NEVER_SAVED, TRAIN_UNUSED, rule_of
from chainrule.cli.unused_options import reject_unused_options
from chainrule.data import Stream, Table
from chainrule.errors import InputError, missing, unknown
from chainrule.estimators import MLPRegressor
from chainrule.models import Observers, TableModel
from chainrule.training import Record

INTERRUPTED, TERMINATED = 130, 143
NOT_CONVERGED = "Stochastic Optimizer: Maximum iterations"
SILENT = ("Training interrupted", "Got `batch_size`", "learning_rate")
# Parameters of the estimators by the names of options.
PARAMETERS = {
    "activation": "activation",
    "alpha": "alpha",
    "batch-size": "batch_size",
    "class-weight": "class_weight",
    "clip-norm": "clip",
    "dropout": "dropout",
    "early-stopping": "early_stopping",
    "engine": "engine",
    "epochs": "max_iter",
    "hidden": "hidden_layer_sizes",
    "initializer": "initializer",
    "l1": "l1",
    "l2": "l2",
    "layer-norm": "layer_norm",
    "learning-rate": "learning_rate_init",
    "loss": "loss",
    "momentum": "momentum",
    "optimizer": "solver",
    "patience": "n_iter_no_change",
    "schedule": "learning_rate",
    "scoring": "scoring",
    "shuffle": "shuffle",
    "tolerance": "tol",
}


def run(options: Mapping[str, Any]) -> int:
    """Train a network, write everything, and return the exit code.

    Parameters
    ----------
    options : mapping
        What was given, by the names of the options.
    """
    if not options.get("distributed"):
        return work(options, Team(None))
    from chainrule.distributed import aborting, connect

    communicator = connect()
    with aborting(communicator, report_error):
        return work(options, Team(communicator))


def work(options: Mapping[str, Any], team: Team) -> int:
    """Do the work of one process, and return the exit code."""
    chosen = {**DEFAULTS, **options}
    model_path = Path(chosen["output"])
    folder = RunFolder(
        Path(options.get("run", model_path.with_suffix(".run"))), chosen["checkpoint-every"]
    )
    require_folder(model_path)
    if "plot" in options:
        require_folder(options["plot"])
        require_matplotlib()
    check_scorer(options.get("scoring"))
    team.check_source(options["data"])
    # The folder is locked before data are read: its lock shows that the process is alive.
    with team.leading(lambda: claimed(folder)):
        table = read_source(options["data"], options)
        job = Job(options, chosen, folder, table, display_for(options, team.rank), team)
        team.first(lambda: prepare(job))
        job.display.begin(table, job.target)
        with signals() as received, as_options():
            model = job.train()
        fitted: Any = None if model is None else model.estimator
        if model is None or fitted.stop_reason_ == "interrupted":
            return interrupted(job, model, received)
        if team.rank == 0:
            finish(model, model_path, job)
    return 0


@contextmanager
def claimed(folder: RunFolder) -> Iterator[None]:
    """Create and lock the folder of a run for as long as it lasts; leave no empty one."""
    folder.create()
    try:
        with locked(folder.path):
            yield
    finally:
        with suppress(OSError):  # it is not empty
            folder.path.rmdir()


def prepare(job: "Job") -> None:
    """Prepare the folder of a run."""
    options, folder = job.options, job.folder
    folder.prepare(resume="resume" in options, overwrite=bool(options.get("overwrite")))
    saved = {name: v for name, v in options.items() if name not in NEVER_SAVED}
    folder.write_settings({**saved, "target": job.target}, DEFAULTS)


def finish(model: TableModel, path: Path, job: "Job") -> None:
    """Write a model, and report on it."""
    model.save(path)
    job.folder.delete_checkpoints()
    if "plot" in job.options:
        plot(model, job, job.options["plot"])
    report(model, path, job)


def require_matplotlib() -> None:
    """Raise MissingPackageError if plots cannot be drawn, before anything is computed."""
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise missing("matplotlib", "a plot", "plots")


def check_scorer(name: str | None) -> None:
    """Raise BadParameter for the name of a score that scikit-learn does not have."""
    if name is None or name == "loss":
        return
    from sklearn.metrics import get_scorer_names

    if name not in get_scorer_names():
        message = str(unknown("scorer", name, ["loss", *get_scorer_names()]))
        raise typer.BadParameter(message, param_hint="--scoring")


def require_folder(path: Path) -> None:
    """Raise InputError if the folder of a file does not exist, before anything is computed."""
    if not path.parent.is_dir():
        raise InputError(f"{path}: the folder {path.parent} does not exist; create it first")


@dataclass
class Job:
    """A training run.

    Parameters
    ----------
    options, chosen : mapping
        What was given; and with defaults.
    folder : RunFolder
    table : Table or Stream
    display : Display
    team : Team, optional
        The processes of the run; this one alone by default.
    epochs : int
        How many epochs have been seen; 0 before the first.
    """

    options: Mapping[str, Any]
    chosen: Mapping[str, Any]
    folder: RunFolder
    table: Table | Stream
    display: Display
    team: Team = field(default_factory=lambda: Team(None))
    epochs: int = 0
    warnings: list[str] = field(default_factory=list)

    @property
    def target(self) -> str:
        """The column to predict."""
        target = self.options.get("target", self.table.target)
        if target is None:
            named = ", ".join(self.table.names)
            raise InputError(
                f"--target is missing; choose a column of {self.table.source}: {named}"
            )
        if target not in self.table.names:
            raise unknown(f"column of {self.table.source}:", target, self.table.names)
        return str(target)

    def train(self) -> TableModel | None:
        """Return the trained model, or None if it was interrupted before the first epoch."""
        observers = Observers((self.after_epoch,), self.checkpoints)
        with printed(self.warnings), self.display.live(self.chosen["epochs"]):
            try:
                return TableModel.train(
                    self.table, self.target, **self.data_settings(), observers=observers,
                    **self.network_settings(),
                )  # fmt: skip
            except KeyboardInterrupt:  # outside of the loop over epochs
                return None

    @property
    def checkpoints(self) -> Any:
        """The checkpoints; L-BFGS has none."""
        return None if rule_of(dict(self.options)) == "lbfgs" else self.folder.checkpoints

    def data_settings(self) -> dict[str, Any]:
        """Return the arguments of `TableModel.train` that are about the data."""
        given = self.options
        settings = {
            "columns": names_in(given["columns"]) if "columns" in given else None,
            "drop": names_in(given.get("drop")),
            "categories": names_in(given.get("categories")),
            "impute": imputation(given.get("impute")),
            "validation": self.validation(),
            "seed": self.chosen["seed"],
        }
        names = {"task": "task", "dtype": "dtype", "standardize-target": "standardize_target"}
        return settings | {names[key]: given[key] for key in names if key in given}

    def validation(self) -> float | Table:
        """Return the share of rows that are held out, or other rows."""
        try:
            return float(self.chosen["validation"])
        except ValueError:
            return read_table(self.chosen["validation"], self.options)

    def network_settings(self) -> dict[str, Any]:
        """Return the parameters of the estimator."""
        task = self.task()
        reject_unused_options(self.options, task, TRAIN_UNUSED)
        found = {
            PARAMETERS[name]: self.options[name] for name in PARAMETERS if name in self.options
        }
        if "hidden_layer_sizes" in found:
            found["hidden_layer_sizes"] = sizes(found["hidden_layer_sizes"])
        if "," in found.get("activation", ""):
            found["activation"] = names_in(found["activation"])
        if rule_of(dict(self.options)) == "lbfgs":
            found["early_stopping"] = False
        return found | self.team.settings(self.options)

    def task(self) -> str:
        """Return the task, as far as the options and the table decide it."""
        if self.options.get("task", "auto") != "auto":
            return str(self.options["task"])
        of_words = self.table.kinds[self.target] in ("category", "boolean", "text")
        return "classification" if of_words else ""

    def after_epoch(self, estimator: Any, record: Record) -> None:
        """Write and show the results of an epoch."""
        entry = record._asdict()
        if self.team.rank:
            return
        if not self.epochs:
            self.folder.continue_metrics(epochs_before(estimator, record))
        self.epochs = record.epoch
        self.folder.add_metrics(entry)
        self.display.update({**entry, "metric_name": metric_name(estimator)})


def epochs_before(estimator: Any, record: Record) -> list[dict[str, Any]]:
    """Return what an estimator knows of the epochs before one, as entries of the metrics."""
    count = record.epoch - 1
    held = estimator.validation_loss_curve_[:count] or [None] * count
    pairs = zip(estimator.loss_curve_[:count], held, strict=True)
    empty = dict.fromkeys(Record._fields)
    return [
        {**empty, "epoch": epoch, "loss": loss, "validation_loss": other}
        for epoch, (loss, other) in enumerate(pairs, 1)
    ]


def metric_name(estimator: Any) -> str:
    """Return what the metric of an epoch is called."""
    if estimator.scoring not in (None, "loss"):
        return str(estimator.scoring)
    return "R²" if isinstance(estimator, MLPRegressor) else "accuracy"


def imputation(text: str | None) -> str | dict[str, Any] | None:
    """Return the strategy for missing values: one for all columns, or by column.

    Raises
    ------
    InputError
        If it is neither.
    """
    if text is None or "=" not in text:
        return text
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name.strip() and mark for name, mark, _ in pairs):
        raise InputError(f"--impute {text}: give one strategy, or column=strategy for each")
    return {name.strip(): number_or_word(value.strip()) for name, _, value in pairs}


def number_or_word(text: str) -> Any:
    """Return a value of a column as it is typed."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def sizes(text: str) -> tuple[int, ...]:
    """Return the units of the hidden layers."""
    return () if text == "none" else tuple(int(part) for part in text.split(","))


# ---- interruptions ------------------------------------------------------------------------------


@contextmanager
def signals() -> Iterator[list[int]]:
    """Interrupt training on SIGTERM as on Ctrl-C, and note the signal."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def stop(number: int, _: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def interrupted(job: Job, model: TableModel | None, received: list[int]) -> int:
    """Say where the run continues, and return the exit code."""
    if job.team.rank:
        return TERMINATED if signal.SIGTERM in received else INTERRUPTED
    saved = job.checkpoints is not None and job.checkpoints.paths()
    if model is None or not saved:
        say("Stopped before the first epoch ended; nothing was saved.")
    else:
        epochs = len(model.history)
        say(f"Stopped after epoch {epochs}; a checkpoint is saved in {job.folder.path}.")
        say(f"Continue with: chainrule train --resume {job.folder.path}")
    return TERMINATED if signal.SIGTERM in received else INTERRUPTED


# ---- the result ---------------------------------------------------------------------------------


def plot(model: TableModel, job: Job, path: Path) -> None:
    """Plot the run, with the predictions for the rows held out, or for all of them."""
    from chainrule.cli.predicting import write_bytes
    from chainrule.models import plot_bytes, plot_run

    rows = job.validation()
    if not isinstance(rows, Table):
        rows = held_rows(job, rows)
    with printed():
        figure = plot_run(model, rows)
    write_bytes(path, plot_bytes(figure, path, f"{job.table.source}: {job.target}"))


def held_rows(job: Job, share: float) -> Table:
    """Return the rows that were held out, or some of all."""
    from chainrule.models import hold_out, stream_parts

    table, seed = job.table, job.chosen["seed"]
    if isinstance(table, Stream):
        return stream_parts(table, share, seed, None).validation or table.sample(seed)
    parts = hold_out(table, job.target, share, seed)
    return parts.validation or table


def report(model: TableModel, path: Path, job: Job) -> None:
    """Print the scores, what was found, and what to do next."""
    for text in job.warnings:
        if text.startswith(NOT_CONVERGED):
            say(f"The loss still changed after {len(model.history)} epochs; try more --epochs.")
        elif not text.startswith(SILENT):
            say(f"Warning: {text}")
    for remark in model.preparation.remarks:
        say(f"Note: {remark}.")
    if job.options.get("json"):
        sys.stdout.write(json.dumps(result(model, path, job)) + "\n")
        return
    from chainrule.cli.summary import summary_of

    show(summary_of(model).print)
    say(f"Wrote {path}, and {job.folder.path} with metrics and configuration.")
    if messages().is_terminal:
        say(f"Next: chainrule inspect {path}")
        say(f"      chainrule predict {path} NEW_DATA -o out.csv")


def result(model: TableModel, path: Path, job: Job) -> dict[str, Any]:
    """Return the last line for programs."""
    card = model.card().to_dict()
    names = ("seconds", "stop_reason", "training", "validation", "health", "parameters")
    return {
        "event": "result",
        "model": str(path),
        "run": str(job.folder.path),
        "epochs": len(model.history),
        "warnings": job.warnings,
        **{name: card[name] for name in names},
    }
