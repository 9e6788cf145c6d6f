"""The commands for tables: a whole session, configuration, interruptions, errors, options."""

import csv
import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule.cli import app, train_rules
from chainrule.cli.config import NOT_IN_FILES, option_of
from chainrule.cli.curve import curve
from chainrule.cli.live import hints
from chainrule.cli.run_folder import RunFolder
from chainrule.data import read
from chainrule.models import TrainingReport
from tests.cli.conftest import COMMAND, Call, Outcome, environment, finish
from tests.models.tables import mixed

FAST = ("--hidden", "4", "--epochs", "6", "--engine", "reference")
RENEWAL = ("--target", "renewal", "--drop", "spent", "--impute", "median", *FAST)


def write_csv(path: Path, **settings: Any) -> Path:
    """Write a mixed table."""
    table = mixed(**settings)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(table.names)
        rows = zip(*(table[name].values.to_pylist() for name in table.names), strict=True)
        writer.writerows(["" if v is None else str(v) for v in row] for row in rows)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with a table, in which commands run."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "rows.csv")
    return tmp_path


def trained(call: Call, *options: str, data: str = "rows.csv") -> Outcome:
    """Train a small model."""
    return call("train", data, *RENEWAL, "--overwrite", *options)


def metrics_of(run: str) -> list[dict[str, Any]]:
    """Return the metrics in the folder of a run."""
    text = Path(run, "metrics.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


# ---- a session ----------------------------------------------------------------------------------


def test_a_session_from_a_file_to_an_explained_prediction(call: Call, folder: Path):
    code, out, err = trained(call)
    assert (code, "accuracy" in out) == (0, True)
    assert "(target)" in err
    model = chainrule.load("model.safetensors")
    table = read("rows.csv")
    assert call("evaluate", "model.safetensors", "rows.csv").code == 0
    assert call("predict", "model.safetensors", "rows.csv", "-o", "out.csv").code == 0
    rows = list(csv.DictReader(Path("out.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["prediction"] for row in rows] == model.predict(table).tolist()
    p = [[float(row[f"probability_{c}"]) for c in model.classes] for row in rows]
    assert np.allclose(p, model.predict_proba(table), rtol=1e-12, atol=1e-14)
    assert [row["city"] for row in rows] == [v or "" for v in table.numpy("city")]
    page = call("explain", "model.safetensors", "rows.csv", "--row", "7")
    assert page.code == 0
    assert page == call("explain", "model.safetensors", "--row", "7", "--data", "rows.csv")
    assert "gradient × input" in page.out
    assert "income · W1[" in page.out
    assert call("inspect", "model.safetensors").out.startswith("Model that predicts renewal")
    assert call("check", "model.safetensors", "rows.csv").code == 0


@pytest.mark.parametrize(
    "ending",
    [".parquet", *(pytest.param(e, marks=pytest.mark.full_only) for e in (".tsv", ".arrow"))],
)
def test_predictions_are_read_back(call: Call, folder: Path, ending: str):
    trained(call)
    assert call("predict", "model.safetensors", "rows.csv", "-o", f"out{ending}").code == 0
    table, out = read("rows.csv"), read(f"out{ending}")
    assert out.names[: len(table.names)] == table.names
    assert out.numpy("prediction").tolist() == (
        chainrule.load("model.safetensors").predict(table).tolist()
    )


def test_predictions_go_to_standard_output_as_csv(call: Call, folder: Path):
    trained(call)
    code, out, err = call("predict", "model.safetensors", "rows.csv")
    assert code == 0
    assert len(list(csv.reader(out.splitlines()))) == len(mixed()) + 1
    assert err == ""


def test_a_number_is_predicted_in_its_own_unit(call: Call, folder: Path):
    assert call("train", "rows.csv", "--target", "spent", "--impute", "mean", *FAST).code == 0
    out = call("predict", "model.safetensors", "rows.csv").out
    rows = list(csv.DictReader(out.splitlines()))
    model = chainrule.load("model.safetensors")
    predicted = model.predict(read("rows.csv"))
    assert np.allclose([float(row["prediction"]) for row in rows], predicted, rtol=1e-12)


def test_the_exported_program_predicts_the_same(call: Call, folder: Path):
    trained(call)
    assert call("export", "model.safetensors", "-o", "m.py").code == 0
    program = [sys.executable, "m.py", "rows.csv"]
    out = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    rows = list(csv.DictReader(out.splitlines()))
    model, table = chainrule.load("model.safetensors"), read("rows.csv")
    p = [[float(row[f"probability_{c}"]) for c in model.classes] for row in rows]
    assert np.allclose(p, model.predict_proba(table), rtol=1e-12, atol=1e-14)
    assert [row["prediction"] for row in rows] == model.predict(table).tolist()


def test_export_prints_the_largest_difference(call: Call, folder: Path):
    trained(call)
    code, out, err = call("export", "model.safetensors", "-o", "m.onnx", "--data", "rows.csv")
    assert (code, out) == (0, "")
    assert "Wrote m.onnx.\nCompared with onnxruntime " in err
    rows = len(read("rows.csv"))
    assert f"on {rows} rows: the largest difference of the probabilities is" in err


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("target", ["renewal", "spent"])
def test_estimators_without_a_table_are_explained_checked_and_inspected(
    call: Call, folder: Path, target: str, named: bool
):
    frame = mixed(gaps=False).select(["age", "income", target]).to_arrow().to_pandas()
    X, y = frame[["age", "income"]] / [50, 30000], frame[target]
    frame[["age", "income"]] = X
    frame.to_csv("plain.csv", index=False)
    cls = chainrule.MLPClassifier if target == "renewal" else chainrule.MLPRegressor
    plain = cls(hidden_layer_sizes=(4,), max_iter=2000, tol=0, engine="reference", solver="lbfgs")
    plain.set_params(random_state=1, activation="tanh")
    plain.fit(X if named else X.to_numpy(), y).save("plain.safetensors")
    code, out, err = call("explain", "plain.safetensors", "--data", "plain.csv", "--row", "7")
    assert (code, err) == (0, "")
    assert "income" in out
    code, out, _ = call("check", "plain.safetensors", "--data", "plain.csv")
    assert (code, "right" in out or "passed" in out or "ok" in out) == (0, True)
    code, out, _ = call("inspect", "plain.safetensors")
    assert code == 0
    assert ("income" in out) == named
    code, _, err = call("explain", "plain.safetensors", "--row", "7")
    assert code == 2
    assert "DATA is missing" in err
    assert call("evaluate", "plain.safetensors", "plain.csv").code == 0
    frame[X.columns].to_csv("inputs.csv", index=False)
    assert call("predict", "plain.safetensors", "inputs.csv", "-o", "out.csv").code == 0
    found = read("out.csv").numpy("prediction").tolist()
    expected = plain.predict(X if named else X.to_numpy()).tolist()
    assert found == (pytest.approx(expected) if target == "spent" else expected)
    code, out, err = call("explain", "plain.safetensors", "inputs.csv", "--row", "7")
    assert (code, err) == (0, "")


def test_a_table_that_does_not_fit_an_estimator(call: Call, folder: Path):
    chainrule.MLPRegressor.from_weights([[[1.0]]], [[0.0]]).save("plain.safetensors")
    code, _, err = call("check", "plain.safetensors", "--data", "rows.csv")
    assert code == 3
    assert "columns, but the estimator has 1 inputs; give a table" in err


def test_cross_validation_evaluates_every_row_once(call: Call, folder: Path):
    code, out, err = call("cv", "rows.csv", *RENEWAL, "--folds", "3", "--json")
    assert (code, err.count("fold")) == (0, 3)
    assert sum(fold["rows"] for fold in json.loads(out)["folds"]) == len(mixed())


# ---- the run's folder and JSON ------------------------------------------------------------------


def test_json_lines_have_the_data_the_epochs_and_the_result(call: Call, folder: Path):
    code, out, _ = trained(call, "--json")
    entries = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [e["event"] for e in entries] == ["data", *["epoch"] * 6, "result"]
    assert entries[-1]["epochs"] == 6
    metrics = metrics_of("model.run")
    assert [m["epoch"] for m in metrics] == [1, 2, 3, 4, 5, 6]
    assert {k: v for k, v in entries[1].items() if k in metrics[0]} == metrics[0]


def test_the_configuration_of_a_run_repeats_it(call: Call, folder: Path):
    trained(call, "--l2", "0.001")
    first = chainrule.load("model.safetensors").estimator.theta_
    assert call("train", "--config", "model.run/config.toml", "-o", "again.safetensors").code == 0
    assert first.tobytes() == chainrule.load("again.safetensors").estimator.theta_.tobytes()
    packages = json.loads(Path("model.run/environment.json").read_text())["packages"]
    assert packages["numpy"] == np.__version__


def test_options_come_before_the_environment_the_file_and_the_default(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    def epochs(*options: str) -> int:
        assert call("train", "rows.csv", *RENEWAL[:6], *options, "--overwrite").code == 0
        return tomllib.loads(Path("model.run/config.toml").read_text())["epochs"]

    Path("c.toml").write_text('epochs = 3\nhidden = [4]\nengine = "reference"\npatience = 100\n')
    assert epochs("--config", "c.toml") == 3
    monkeypatch.setenv("CHAINRULE_TRAIN_EPOCHS", "2")
    assert epochs("--config", "c.toml") == 2
    assert epochs("--config", "c.toml", "--epochs", "1") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch = 3", "did you mean 'epochs'"),
        ("epochs = ", "is not TOML"),
        ("epochs = 1979-05-27", "give a text, a number"),
    ],
)
def test_faults_of_a_configuration_name_the_file(call: Call, folder: Path, text: str, words: str):
    Path("c.toml").write_text(text)
    code, _, err = trained(call, "--config", "c.toml")
    assert code == 3
    assert "c.toml: " in err
    assert words in err


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("train",), 2, "DATA is missing"),
        (("train", "rows.csv"), 3, "--target is missing"),
        (("train", "rows.csv", "--target", "renewl"), 3, "did you mean 'renewal'"),
        (("train", "rows.csv", "--target", "renewal"), 3, "row 3 (line 5)"),
        (("train", "rows.csv", "--target", "renewal"), 3, "--impute median"),
        (("train", "rows.csv", *RENEWAL, "--momentum", "0.5"), 2, "--momentum"),
        (("train", "rows.csv", *RENEWAL, "--optimizer", "lbfgs", "--batch-size", "5"), 2, "lbfgs"),
        (("train", "rows.csv", *RENEWAL, "--schedule", "adaptive"), 2, "--schedule"),
        (("train", "rows.csv", *RENEWAL, "--no-standardize-target"), 2, "on classes"),
        (("train", "rows.csv", *RENEWAL, "-o", "no/m.safetensors"), 3, "does not exist"),
        (("train", "rows.csv", *RENEWAL, "--plot", "p.gif"), 2, ".svg .png .html"),
        (("train", "--resume", "nothing.run"), 2, "has no config.toml"),
        (("train", "absent.csv", *RENEWAL), 3, "absent.csv"),
        (("predict", "absent.safetensors", "rows.csv"), 3, "absent.safetensors"),
        (("export", "absent.safetensors", "-o", "m.xyz"), 2, ".py"),
        (("explain", "absent.safetensors", "--row", "1"), 3, "absent.safetensors"),
        (("explain", "absent.safetensors"), 2, "--row"),
        (("explain", "mazur", "--row", "1"), 2, "needs a model"),
        (
            ("explain", "rows.csv"),
            2,
            "'rows.csv' is a table, and a model is needed: chainrule train",
        ),
        (("explain", "m.safetensors", "a", "--data", "b", "--row", "1"), 2, "a second table, 'b'"),
        (("explain", "mazur", "--delimiter", ";"), 2, "--delimiter: needs a model"),
        (("check", "net.py", "--no-header"), 2, "--header: has no effect without a model"),
        (("export", "m.safetensors", "-o", "m.py", "--decimal", ","), 2, "without --data"),
        (("predict", "rows.csv", "m.safetensors"), 2, "table: m.safetensors rows.csv"),
        (("evaluate", "rows.csv", "m.safetensors"), 2, "give the model first, then the table"),
        (("train", "rows.csv", *RENEWAL, "--scoring", "acuracy"), 2, "did you mean 'accuracy'"),
        (("train", "rows.csv", *RENEWAL, "--plot", "no/p.svg"), 3, "the folder no does not exist"),
        (
            ("train", "head.csv", "--target", "y"),
            3,
            "at least one, or --no-header if 'x,y' is a row",
        ),
        (("train", "rows.csv", "--config", "maybe.toml"), 2, "maybe.toml: quiet: must be true or"),
        (("train", "rows.csv", "--config", "many.toml"), 2, "many.toml: epochs: must be a whole"),
    ],
)
def test_errors_say_what_to_do(
    call: Call, folder: Path, arguments: tuple[str, ...], code: int, words: str
):
    Path("head.csv").write_text("x,y\n")
    Path("maybe.toml").write_text('quiet = "maybe"')
    Path("many.toml").write_text('epochs = "many"')
    found = call(*arguments)
    assert (found.code, found.out) == (code, "")
    assert words in found.err


def test_a_wrong_variable_is_named(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHAINRULE_TRAIN_EPOCHS", "many")
    code, _, err = call("train", "rows.csv")
    assert code == 2
    assert "Error: CHAINRULE_TRAIN_EPOCHS: must be a whole number" in err


def test_what_was_found_in_the_columns_is_printed(call: Call, folder: Path):
    err = trained(call).err
    assert "Note: age: missing values (" in err


def test_a_model_of_standard_input_needs_a_table(call: Call, folder: Path):
    model = chainrule.TableModel.train(mixed(gaps=False), "renewal", max_iter=400, tol=0.1)
    replace(model, report=TrainingReport("standard input")).save("m.safetensors")
    for command in (("check",), ("explain", "--row", "1")):
        code, _, err = call(*command, "m.safetensors")
        assert (code, "DATA is missing; m.safetensors was trained on" in err) == (2, True)


def test_a_column_that_is_missing_is_named(call: Call, folder: Path):
    trained(call)
    Path("few.csv").write_text("age,income,member\n1,2,true\n")
    code, _, err = call("predict", "model.safetensors", "few.csv")
    assert code == 3
    assert "few.csv has no column 'city'" in err


def test_a_prediction_does_not_replace_a_column(call: Call, folder: Path):
    trained(call)
    call("predict", "model.safetensors", "rows.csv", "-o", "out.csv")
    code, _, err = call("predict", "model.safetensors", "out.csv")
    assert code == 3
    assert "--column" in err
    assert call("predict", "model.safetensors", "rows.csv", "--column", "said").code == 0


def test_unknown_categories_are_said(call: Call, folder: Path):
    trained(call)
    text = Path("rows.csv").read_text().replace("Oslo", "Lagos")
    Path("other.csv").write_text(text)
    found = call("predict", "model.safetensors", "other.csv")
    assert found.code == 0
    assert "'Lagos'" in found.err
    quiet = call("predict", "model.safetensors", "other.csv", "--unknown-categories", "ignore")
    assert (quiet.code, quiet.err) == (0, "")
    strict = call("predict", "model.safetensors", "other.csv", "--unknown-categories", "error")
    assert strict.code == 3


# ---- interruptions ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.full_only),
    ],
)
def test_an_interrupted_run_continues_with_the_same_bytes(
    call: Call, folder: Path, sent: signal.Signals, code: int
):
    options = (*RENEWAL, "--epochs", "100", "--patience", "1000", "--tolerance", "0")
    long = [*COMMAND, "train", "rows.csv", *options, "--json"]
    with subprocess.Popen(
        long, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if '"epoch": 13,' in line:
                child.send_signal(sent)
                break
        _, err = child.communicate()
    assert child.returncode == code
    assert "--resume model.run" in err
    assert not Path("model.safetensors").exists()
    refused = call("train", "rows.csv", *options)
    assert refused.code == 3
    assert "--resume model.run" in refused.err
    assert call("train", "--resume", "model.run", "--quiet").code == 0
    assert not list(Path("model.run").rglob("epoch-*"))
    call("train", "rows.csv", *options, "-o", "whole.safetensors", "--quiet")
    whole, resumed = (chainrule.load(f"{name}.safetensors") for name in ("whole", "model"))
    assert resumed.estimator.theta_.tobytes() == whole.estimator.theta_.tobytes()
    metrics = metrics_of("model.run")
    assert [m["epoch"] for m in metrics] == list(range(1, len(whole.history) + 1))


def test_metrics_of_a_continued_run_are_complete_and_not_doubled(tmp_path: Path):
    run = RunFolder(tmp_path, 1)
    known = [{"epoch": epoch, "loss": float(epoch)} for epoch in (1, 2, 3)]
    for epoch in (1, 2, 4):  # the line of the third was not written, the fourth comes again
        run.add_metrics({"epoch": epoch, "loss": -1.0})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 5, "lo')  # as a killed process leaves it
    run.continue_metrics(known)
    assert [(m["epoch"], m["loss"]) for m in metrics_of(str(tmp_path))] == [
        (1, -1.0), (2, -1.0), (3, 3.0)
    ]  # fmt: skip


# ---- every option has an effect -----------------------------------------------------------------


def weights_of(path: str = "model.safetensors") -> bytes:
    """Return the bytes of a model's weights."""
    return chainrule.load(path).estimator.theta_.tobytes()


SPENT = ("--target", "spent", "--drop", "renewal", "--impute", "median", *FAST)
# A setting in which each option changes the weights: its value, and other options before it.
CHANGES: dict[str, tuple[str, ...]] = {
    "task": ("--task", "regression", "--target", "member", "--drop", "renewal"),
    "columns": ("--columns", "age,city"),
    "drop": ("--drop", "spent,city"),
    "categories": ("--categories", "age"),
    "impute": ("--impute", "age=0,city=Oslo"),
    "dtype": ("--dtype", "float32"),
    "validation": ("--validation", "0.4"),
    "missing": ("--missing", "Oslo"),
    "hidden": ("--hidden", "5"),
    "activation": ("--activation", "tanh"),
    "loss": ("--loss", "squared-error"),
    "initializer": ("--initializer", "he"),
    "dropout": ("--dropout", "0.2"),
    "layer-norm": ("--layer-norm",),
    "alpha": ("--alpha", "0.1"),
    "l1": ("--l1", "0.1"),
    "l2": ("--l2", "0.1"),
    "optimizer": ("--optimizer", "sgd"),
    "learning-rate": ("--learning-rate", "0.1"),
    "schedule": ("--schedule", "inverse-scaling"),
    "momentum": ("--optimizer", "sgd", "--momentum", "0.2"),
    "batch-size": ("--batch-size", "7"),
    "epochs": ("--epochs", "3"),
    "shuffle": ("--no-shuffle",),
    "early-stopping": ("--no-early-stopping", "--learning-rate", "0.5"),
    "patience": ("--no-early-stopping", "--tolerance", "10", "--patience", "1"),
    "tolerance": ("--tolerance", "10", "--patience", "1"),
    "scoring": ("--scoring", "accuracy", "--learning-rate", "0.1", "--epochs", "30"),
    "class-weight": ("--class-weight", "balanced"),
    "clip-norm": ("--clip-norm", "0.01"),
    "seed": ("--seed", "1"),
}
BEFORE: dict[str, tuple[str, ...]] = {
    "task": ("--target", "member", "--drop", "renewal"),
    "momentum": ("--optimizer", "sgd"),
    "early-stopping": ("--learning-rate", "0.5"),
    "patience": ("--no-early-stopping", "--tolerance", "10"),
    "tolerance": ("--patience", "1"),
    "scoring": ("--learning-rate", "0.1", "--epochs", "30"),
}  # what the other run has, where it is not the plain one
# Options whose effect another test shows, and by what.
ELSEWHERE = {
    "data": "every test",
    "target": "test_a_number_is_predicted_in_its_own_unit",
    "standardize-target": "test_a_target_that_is_not_standardized",
    "delimiter": "test_options_of_text_files",
    "encoding": "test_options_of_text_files",
    "header": "test_options_of_text_files",
    "decimal": "test_options_of_text_files",
    "engine": "test_the_engine_is_chosen",
    "output": "test_options_of_files",
    "run": "test_options_of_files",
    "plot": "test_options_of_files",
    "checkpoint-every": "test_checkpoints_are_written_as_often_as_chosen",
    "overwrite": "test_an_interrupted_run_continues_with_the_same_bytes",
    "json": "test_json_lines_have_the_data_the_epochs_and_the_result",
    "quiet": "test_options_of_files",
    "config": "test_the_configuration_of_a_run_repeats_it",
    "resume": "test_an_interrupted_run_continues_with_the_same_bytes",
    "stream": "test_streams_hold_out_other_rows_and_shuffle_fewer",
    "buffer-rows": "test_streams_hold_out_other_rows_and_shuffle_fewer",
    "distributed": "test_sums_of_distributed_runs",
    "blocks": "test_sums_of_distributed_runs",
    "exact": "test_sums_of_distributed_runs",
}


def train_options() -> list[str]:
    """Return the names of all options of train."""
    from typer.main import get_command

    command: Any = get_command(app)
    return [option_of(p) for p in command.commands["train"].params if p.name != "help"]


def test_the_effect_of_every_option_is_tested():
    assert sorted([*CHANGES, *ELSEWHERE]) == sorted(train_options())
    assert set(ELSEWHERE.values()) - {"every test"} <= set(globals())
    assert set(train_rules.DEFAULTS) <= set(train_options())
    assert set(NOT_IN_FILES) <= set(train_options())


@pytest.mark.parametrize(
    "name",
    [
        name if i % 6 == 0 else pytest.param(name, marks=pytest.mark.full_only)
        for i, name in enumerate(CHANGES)
    ],
)
def test_an_option_changes_the_weights(call: Call, folder: Path, name: str):
    assert trained(call, *BEFORE.get(name, ())).code == 0
    before = weights_of()
    found = trained(call, *CHANGES[name])
    assert found.code == 0, found.err
    assert weights_of() != before


def test_a_target_that_is_not_standardized(call: Call, folder: Path):
    call("train", "rows.csv", *SPENT)
    before = weights_of()
    assert call("train", "rows.csv", *SPENT, "--no-standardize-target").code == 0
    assert weights_of() != before
    assert chainrule.load("model.safetensors").target.scale == 1


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a|y\n1|u\n2|v\n", ("--delimiter", "|")),
        ("a;y\n1,5;u\n2,5;v\n", ("--decimal", ",", "--delimiter", ";")),
        ("a,y\n1,ü\n2,v\n", ("--encoding", "latin-1")),
        ("1,u\n2,v\n", ("--no-header", "--target", "column2")),
    ],
)
def test_options_of_text_files(call: Call, folder: Path, text: str, options: tuple[str, ...]):
    Path("t.csv").write_text(text, encoding="latin-1")
    found = call("train", "t.csv", "--target", "y", *FAST, *options)
    assert found.code == 0, found.err
    model = chainrule.load("model.safetensors")
    assert len(model.preparation.feature_names) == 1
    assert set(model.classes) <= {"u", "v", "ü"}
    own = [one for one in options if one not in ("--target", "column2")]
    for command in (("check",), ("explain", "--row", "0"), ("evaluate",), ("predict",)):
        found = call(*command, "model.safetensors", "t.csv", *own)
        assert found.code == 0, found.err
    found = call("export", "model.safetensors", "-o", "m.py", "--data", "t.csv", *own)
    assert found.code == 0, found.err


def test_the_engine_is_chosen(call: Call, folder: Path):
    trained(call)
    assert chainrule.load("model.safetensors").estimator.engine == "reference"


def test_streams_hold_out_other_rows_and_shuffle_fewer(call: Call, folder: Path):
    found = set()
    for given in ((), ("--stream",), ("--stream", "--buffer-rows", "20")):
        assert trained(call, *given).code == 0
        found.add(weights_of())
    assert len(found) == 3


def test_sums_of_distributed_runs(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch):
    """They differ by rounding; tests/distributed compares numbers of processes."""
    from chainrule.distributed import SingleProcess

    monkeypatch.setattr("chainrule.distributed.connect", SingleProcess)
    ways = (
        (),
        ("--distributed",),
        ("--distributed", "--blocks", "3"),
        ("--distributed", "--no-exact"),
    )
    found: list[Any] = []
    for options in ways:
        assert trained(call, *options).code == 0
        found.append(chainrule.load("model.safetensors").estimator.theta_)
    assert len({weights.tobytes() for weights in found[1:]}) == 3
    for weights in found[1:]:
        np.testing.assert_allclose(weights, found[0], rtol=1e-6, atol=1e-12)
    assert "distributed = true" in Path("model.run/config.toml").read_text(encoding="utf-8")


def test_options_of_files(call: Call, folder: Path):
    code, _, err = trained(call, "-o", "m.safetensors", "--run", "r", "--plot", "p.svg", "--quiet")
    assert code == 0
    assert "epoch 1/" not in err
    assert Path("m.safetensors").is_file()
    assert Path("r/config.toml").is_file()
    assert Path("p.svg").read_text(encoding="utf-8").startswith("<?xml")


def test_checkpoints_are_written_as_often_as_chosen(
    call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    from chainrule.files import Checkpoints

    epochs: list[int] = []
    write = Checkpoints.write

    def noted(self: Checkpoints, epoch: int, *rest: Any) -> None:
        epochs.append(epoch)
        write(self, epoch, *rest)

    monkeypatch.setattr(Checkpoints, "write", noted)
    trained(call, "--checkpoint-every", "2")
    assert epochs == [2, 4, 6]


# ---- the display --------------------------------------------------------------------------------


def test_a_terminal_shows_the_curve_and_the_next_commands(
    folder: Path, terminal: Callable[..., Any]
):
    child = terminal("train", "rows.csv", *RENEWAL, "--overwrite", width=80)
    code, text = finish(child)
    assert code == 0
    assert "epoch 6/6" in text
    assert "loss by epoch, 1 to 6" in text
    assert "chainrule inspect model.safetensors" in text


def test_the_curve_has_its_ends_at_the_right_rows():
    lines = [line.plain for line in curve({"training": [3.0, 2.0, 1.0]}, 10, 3)]
    assert lines[0].startswith("        3 ")
    assert lines[2].startswith("        1 ")
    assert lines[0][10] != " "
    assert lines[2][19] != " "
    assert lines[2][10] == lines[0][19] == " "


@pytest.mark.parametrize(
    ("losses", "held", "words"),
    [
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None, "smaller --learning-rate"),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5], [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0], "--dropout"),
        ([6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5], [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0], ""),
    ],
)
def test_hints_of_a_run(losses: list[float], held: list[float] | None, words: str):
    entries: list[dict[str, Any]] = [
        {"loss": loss, "validation_loss": None if held is None else held[i]}
        for i, loss in enumerate(losses)
    ]
    found = list(hints(entries))
    assert bool(found) is bool(words)
    assert words in " ".join(found)


def test_prediction_imports_no_scikit_learn(call: Call, folder: Path):
    trained(call)
    command = [sys.executable, "-X", "importtime", "-m", "chainrule"]
    done = subprocess.run(
        [*command, "predict", "model.safetensors", "rows.csv", "-o", "out.csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()
    }
    assert loaded & {"sklearn", "scipy", "numba", "pyarrow"} == {"pyarrow"}


def test_other_rows_have_the_types_of_the_training_rows(call: Call, folder: Path):
    kinds = ["True", "a", "1.0", "b"]
    rows = [f"1.{k:03}{',5' * (k % 2)};{kinds[k % 4]};{'yn'[k % 2]}" for k in range(40)]
    Path("training.csv").write_text("price;kind;y\n" + "\n".join(rows) + "\n")
    call("train", "training.csv", "--target", "y", "-o", "m.safetensors", "--epochs", "2")
    Path("new.csv").write_text("price;kind;y\n1.002;True;y\n")
    Path("both.csv").write_text("price;kind;y\n1.002;True;y\n1.003,5;a;n\n")
    code, out, err = call("predict", "m.safetensors", "new.csv")
    assert (code, err) == (0, "")
    both = call("predict", "m.safetensors", "both.csv").out.splitlines()
    assert out.splitlines()[1] == both[1]
    assert both[1].startswith("1002,")
    assert call("evaluate", "m.safetensors", "new.csv").code == 0
    assert call("explain", "m.safetensors", "new.csv", "--row", "0").code == 0
