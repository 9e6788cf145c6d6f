"""TableModel: what it learns, that it keeps everything in a file, and that pipelines agree."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule
from chainrule import InputError, TableModel, UnknownNameError
from chainrule.data import Table
from chainrule.data import read as read_table
from chainrule.files import read, write_container
from chainrule.models import Observers, cross_validate
from chainrule.models.held_out import hold_out
from tests.models.tables import SETTINGS, mixed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TARGETS = {"renewal": "spent", "spent": "renewal"}  # each target with the column to leave out


def trained(target: str = "renewal", table: Table | None = None, **settings: Any) -> TableModel:
    """Return a small model."""
    chosen = {**SETTINGS, "impute": "median", "drop": [TARGETS[target]], **settings}
    return TableModel.train(mixed() if table is None else table, target, **chosen)


@pytest.fixture(scope="module")
def models() -> dict[str, TableModel]:
    return {target: trained(target) for target in TARGETS}


def frame_of(table: Table) -> pd.DataFrame:
    return table.to_arrow().to_pandas()


# ---- training -----------------------------------------------------------------------------------


def test_the_preparation_has_seen_the_training_rows_only():
    table = mixed(gaps=False)
    model = trained(table=table, validation=table.slice(60, 120), max_iter=1)
    all_rows = trained(table=table, validation=0.0, max_iter=1, early_stopping=False)
    half = trained(table=table.slice(0, 60), validation=table.slice(60, 120), max_iter=1)
    assert all_rows.preparation != half.preparation
    assert model.preparation == all_rows.preparation


def test_rows_are_held_out_by_class():
    table = mixed()
    model = trained(table=table, max_iter=1, validation=0.25)
    held, learned = model.report.validation, model.report.training
    assert held is not None
    assert learned is not None
    assert held.rows + learned.rows == len(table)
    labels = table.numpy("renewal")
    for name, row in zip(held.classes, held.confusion, strict=True):
        assert sum(row) == round(0.25 * sum(labels == name))


def test_a_class_with_one_row_stays_among_the_training_rows():
    table = mixed(gaps=False)
    labels = table.numpy("renewal").astype(object)
    labels[7] = "once"
    columns = {name: table.numpy(name) for name in table.names} | {"renewal": labels}
    model = trained(table=read_table(columns), max_iter=1)
    assert "once" in model.classes


def test_small_tables_are_used_completely():
    model = TableModel.train(read_table("xor"), max_iter=2, engine="reference")
    assert model.report.validation is None
    assert model.report.training is not None
    assert model.report.training.rows == 4


def test_a_model_predicts_better_than_a_constant(models: dict[str, TableModel]):
    classes = models["renewal"].report.training
    numbers = models["spent"].report.training
    assert classes is not None
    assert numbers is not None
    assert classes["accuracy"] > classes["always_most_frequent"] + 0.2
    assert numbers["rmse"] < 0.6 * numbers["rmse_of_mean"]


def test_the_same_seed_gives_the_same_bytes():
    first, second, third = (trained(seed=seed, max_iter=2) for seed in (1, 1, 2))
    assert first.estimator.theta_.tobytes() == second.estimator.theta_.tobytes()
    assert first.estimator.theta_.tobytes() != third.estimator.theta_.tobytes()


def test_scores_are_those_of_scikit_learn(models: dict[str, TableModel]):
    from sklearn import metrics

    table, model = mixed(seed=1), models["renewal"]
    labels, predicted = table.numpy("renewal"), model.predict(table)
    scores = model.evaluate(table)
    expected = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "log_loss": metrics.log_loss(labels, model.predict_proba(table)),
    }
    assert {name: scores[name] for name in expected} == pytest.approx(expected, rel=1e-12)
    confusion = metrics.confusion_matrix(labels, predicted)
    assert [list(row) for row in scores.confusion] == confusion.tolist()
    regression, t = models["spent"].evaluate(table), table.numpy("spent")
    assert regression["r2"] == pytest.approx(metrics.r2_score(t, models["spent"].predict(table)))


def test_a_label_that_is_not_among_the_classes_counts_as_wrong(models: dict[str, TableModel]):
    table = mixed().slice(0, 4)
    columns = {name: table.numpy(name) for name in table.names}
    labels = [*models["renewal"].predict(table)[:3], "zzz"]
    scores = models["renewal"].evaluate(read_table(columns | {"renewal": labels}))
    assert scores["accuracy"] == 0.75
    assert scores["log_loss"] == np.inf


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"max_iters": 5}, UnknownNameError, "max_iter"),
        ({"validation": 1.5}, InputError, "share of rows"),
        ({"impute": None}, InputError, "impute='median'"),
        ({"drop": ["citi"]}, UnknownNameError, "city"),
    ],
)
def test_errors_name_the_remedy(settings: dict[str, Any], error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        trained(**settings)


def test_a_missing_target_lists_the_columns():
    with pytest.raises(InputError, match="'age', 'income'"):
        TableModel.train(mixed())


def test_a_number_has_no_probabilities(models: dict[str, TableModel]):
    with pytest.raises(InputError, match="use predict"):
        models["spent"].predict_proba(mixed())


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_keeps_everything(models: dict[str, TableModel], tmp_path: Path, target: str):
    model, path = models[target], tmp_path / "model.safetensors"
    model.save(path)
    loaded = chainrule.load(path)
    table = mixed(seed=5)
    assert type(loaded) is TableModel
    assert loaded.preparation == model.preparation
    assert loaded.report == model.report
    assert loaded.history == model.history
    assert loaded.predict(table).tobytes() == model.predict(table).tobytes()
    again = tmp_path / "again.safetensors"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def changed_file(model: TableModel, path: Path, **changes: Any) -> Path:
    """Write a model's file with other fields, and a right checksum."""
    model.save(path)
    content = read(path)
    head = {"kind": content.kind, "version": 1}
    write_container(path, {**head, **content.body, **changes}, content.arrays)
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"report": 3}, "report"),
        ({"extra": 1}, "fields"),
        ({"version": 2}, "update chainrule"),
        ({"estimator": {"kind": "network", "version": 1}}, "estimator"),
        ({"preparation": {"named": {"version": 1}}}, "preparation"),
    ],
)
def test_changed_files_are_refused(
    models: dict[str, TableModel], tmp_path: Path, changes: dict[str, Any], words: str
):
    path = changed_file(models["renewal"], tmp_path / "m.safetensors", **changes)
    with pytest.raises(InputError, match=words):
        chainrule.load(path)


def test_the_preparation_of_another_model_is_refused(models: dict[str, TableModel], tmp_path: Path):
    models["spent"].save(tmp_path / "other.safetensors")
    other = read(tmp_path / "other.safetensors").body["preparation"]
    path = changed_file(models["renewal"], tmp_path / "m.safetensors", preparation=other)
    with pytest.raises(InputError, match="regression is not predicted by an MLPClassifier"):
        chainrule.load(path)


def test_an_interrupted_run_continues_with_the_same_bytes(tmp_path: Path):
    def interrupt(estimator: Any, record: Any) -> None:
        if record.epoch == 3:
            raise KeyboardInterrupt

    settings: dict[str, Any] = {"max_iter": 6, "n_iter_no_change": 100}
    saves = chainrule.Checkpoints(str(tmp_path), every=100)
    whole = trained(**settings)
    with pytest.warns(UserWarning, match="interrupted"):
        part = trained(observers=Observers((interrupt,), saves), **settings)
    assert len(part.history) == 3
    continued = trained(observers=Observers((), saves), **settings)
    assert len(continued.history) == 6
    assert continued.estimator.theta_.tobytes() == whole.estimator.theta_.tobytes()


# ---- pipelines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("dtype", ["float64", pytest.param("float32", marks=pytest.mark.full_only)])
def test_the_pipeline_predicts_the_same_numbers(target: str, dtype: str):
    model = trained(target, dtype=dtype, max_iter=3)
    table = mixed(seed=2)
    pipeline, frame = model.to_sklearn(), frame_of(table)
    assert pipeline.predict(frame).tolist() == model.predict(table).tolist()
    inner = getattr(pipeline, "regressor_", pipeline)
    names = inner["prepare"].get_feature_names_out()
    assert tuple(names) == model.preparation.feature_names
    if target == "renewal":
        assert np.array_equal(pipeline.predict_proba(frame), model.predict_proba(table))


def test_a_pipeline_takes_categories_that_are_numbers_and_unknown_ones():
    columns = {"zip": [1, 2, 3, 1, 2, 3] * 5, "y": ["a", "b", "a", "a", "b", "b"] * 5}
    table = read_table(columns)
    model = TableModel.train(table, "y", categories=["zip"], max_iter=2, engine="reference")
    other = pd.DataFrame({"zip": [3, 9, 1]})
    expected = model.predict_proba(read_table(other), unknown_categories="ignore")
    assert np.array_equal(model.to_sklearn().predict_proba(other), expected)


# ---- display ------------------------------------------------------------------------------------


def test_the_card_has_layers_data_scores_history_and_health(models: dict[str, TableModel]):
    text, html = str(models["renewal"].card()), models["renewal"]._repr_html_()
    for part in ("Scores", "Data", "Layers", "History", "Health", "city", "renews", "dense, tanh"):
        assert part in text
        assert part in html
    assert repr(models["renewal"]).startswith("<TableModel of 'renewal': classification, 6-6-1")


@pytest.mark.parametrize("target", TARGETS)
def test_the_card_and_scores_are_json(models: dict[str, TableModel], target: str):
    card = json.loads(models[target].card().to_json())
    assert card["feature_names"] == list(models[target].preparation.feature_names)
    assert len(card["history"]) == len(models[target].history)
    scores = json.loads(models[target].evaluate(mixed()).to_json())
    assert scores["rows"] == len(mixed())


# ---- rows that are held out ---------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_many_small_classes_are_all_trained_on(share: float):
    names = [f"c{k:02}" for k in range(40) for _ in range(1 + k % 4)]
    table = read_table({"x": np.arange(float(len(names))), "y": names})
    parts = hold_out(table, "y", share, seed=3)
    assert parts.validation is not None
    assert isinstance(parts.training, Table)
    assert set(parts.training["y"].values.to_pylist()) == set(names)
    assert abs(len(parts.validation) - share * len(table)) <= 1


def test_cross_validation_of_a_class_with_one_row_has_its_scores():
    table = read_table({"x": np.arange(30.0), "y": ["rare"] + ["a", "b"] * 14 + ["a"]})
    settings = {"max_iter": 2, "engine": "reference", "hidden_layer_sizes": (), "validation": 0}
    result = cross_validate(table, "y", folds=3, **settings)
    assert "deviation" in result.to_text()
    assert 0 <= np.mean(result.values("accuracy")) <= 1
