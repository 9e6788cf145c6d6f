"""The explanation of a prediction: names, derivatives against numerical ones, formats."""

import json

import numpy as np
import pytest

import chainrule
from chainrule import LOSSES, InputError, TableModel, UnknownNameError
from chainrule.data import read
from chainrule.explanation import WorkedExample
from chainrule.models import Explanation
from tests.models.tables import SETTINGS, mixed

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
TARGETS = ("renewal", "spent", "city")


@pytest.fixture(scope="module")
def models() -> dict[str, TableModel]:
    table = mixed(gaps=False)
    return {
        target: TableModel.train(table, target, **{**SETTINGS, "max_iter": 8}) for target in TARGETS
    }


def explained(model: TableModel, **settings: object) -> Explanation:
    """Return the explanation of a row."""
    found = model.explain(mixed(gaps=False), 7, **settings)  # pyright: ignore[reportArgumentType]
    assert isinstance(found, Explanation)
    return found


@pytest.mark.parametrize("target", TARGETS)
def test_derivatives_by_columns_are_those_of_the_prediction(
    models: dict[str, TableModel], target: str
):
    model, table = models[target], mixed(gaps=False)
    found = explained(model)
    for name in ("age", "income"):
        values = {key: table.numpy(key)[7] for key in table.names}
        step = 1e-4 * abs(values[name])
        ends = []
        for sign in (1, -1):
            row = read({k: [v] for k, v in values.items()} | {name: [values[name] + sign * step]})
            p = model.predict_proba(row)[0] if model.classes else model.predict(row)
            place = [str(c) for c in model.classes].index(found.label) if model.classes else 0
            ends.append(p[place])
        slope = next(one.slope for one in found.influences if one.column == name)
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-12)
    assert found.confirmed


@pytest.mark.parametrize("target", ["renewal", "city"])
@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "poisson"])  # for counts
def test_probabilities_and_their_derivatives_with_any_loss(loss: str, target: str):
    table = mixed(gaps=False)
    model = TableModel.train(table, target, **{**SETTINGS, "max_iter": 8, "loss": loss})
    values = {key: table.numpy(key)[7] for key in table.names}
    step, ends = 1e-4 * values["age"], list[np.ndarray]()
    for age in (values["age"] + step, values["age"] - step):
        row = read({k: [v] for k, v in values.items()} | {"age": [age]})
        ends.append(model.predict_proba(row)[0])
    for place, label in enumerate(model.classes):
        found = explained(model, output=label)
        assert found.value == pytest.approx(model.predict_proba(table)[7, place], rel=1e-12)
        slope = next(one.slope for one in found.influences if one.column == "age")
        numerical = (ends[0][place] - ends[1][place]) / (2 * step)
        assert slope == pytest.approx(numerical, rel=1e-5, abs=1e-12)
        assert found.confirmed
        assert ("sum of all outputs" in found.to_text()) == found.divided


@pytest.mark.parametrize("target", TARGETS)
def test_the_value_is_the_prediction(models: dict[str, TableModel], target: str):
    model, table = models[target], mixed(gaps=False)
    found = explained(model)
    if model.classes:
        assert found.label == str(model.predict(table)[7])
        assert found.value == pytest.approx(model.predict_proba(table)[7].max(), rel=1e-12)
    else:
        assert found.value == pytest.approx(model.predict(table)[7], rel=1e-12)


def test_each_class_can_be_explained(models: dict[str, TableModel]):
    by_class = [explained(models["city"], output=name) for name in models["city"].classes]
    assert sum(found.value for found in by_class) == pytest.approx(1)
    totals = {
        one.column: sum(
            np.array(other.slopes)
            for f in by_class
            for other in f.influences
            if other.column == one.column
        )
        for one in by_class[0].influences
    }
    assert all(np.abs(total).max() < 1e-12 for total in totals.values())


def test_both_of_two_classes_have_opposite_slopes(models: dict[str, TableModel]):
    first, second = (explained(models["renewal"], output=name) for name in ("leaves", "renews"))
    slopes = {one.column: one.slopes for one in first.influences}
    for one in second.influences:
        assert one.slopes == pytest.approx([-slope for slope in slopes[one.column]], rel=1e-12)


def test_contributions_of_the_last_hidden_layer_are_weights_times_outputs(
    models: dict[str, TableModel],
):
    model = models["spent"]
    found = explained(model)
    W = model.estimator.coefs_[-1][:, 0]
    for share in found.units:
        expected = W[share.unit] * share.a * model.target.scale
        assert share.product == pytest.approx(expected, rel=1e-9)


def test_formulas_and_picture_have_the_names_of_columns_and_classes(
    models: dict[str, TableModel],
):
    found = explained(models["renewal"])
    labels = {node.label for node in found.forward.drawing.nodes}
    assert {"age", "city=Lima", "member", "p(renews)"} <= labels
    assert all(node.kind != "target" for node in found.forward.drawing.nodes)
    formulas = " ".join(q.formula or "" for q in found.forward.quantities)
    assert "age*W1[0,0]" in formulas


@pytest.mark.parametrize("output", ["to_text", "to_markdown", "to_html", "to_latex"])
def test_every_format_has_the_columns(models: dict[str, TableModel], output: str):
    text = getattr(explained(models["renewal"]), output)()
    for name in ("age", "income", "member"):
        assert name in text


def test_json(models: dict[str, TableModel]):
    content = json.loads(explained(models["renewal"]).to_json())
    assert {one["column"] for one in content["columns"]} == {
        "age", "income", "city", "member", "spent"
    }  # fmt: skip


def test_explain_takes_a_model_and_a_row_without_a_target(models: dict[str, TableModel]):
    table = mixed(gaps=False)
    row = {name: table.numpy(name)[7] for name in table.names if name != "renewal"}
    found = chainrule.explain(models["renewal"], row)
    assert isinstance(found, Explanation)
    assert found.value == explained(models["renewal"]).value


def test_with_a_target_the_training_step_is_worked_out(models: dict[str, TableModel]):
    table = mixed(gaps=False)
    assert isinstance(models["renewal"].explain(table, 7, step=True), WorkedExample)
    one = models["renewal"].explain(table, 7, parameter="W2[0,3]")
    assert isinstance(one, WorkedExample)
    assert one.parameter == "W2[0,3]"


def test_errors(models: dict[str, TableModel]):
    table = mixed(gaps=False)
    with pytest.raises(InputError, match="from 0 to 119"):
        models["renewal"].explain(table, 120)
    with pytest.raises(UnknownNameError, match="renews"):
        models["renewal"].explain(table, 7, output="renew")
    with pytest.raises(InputError, match="step=True"):
        models["renewal"].explain(table, 7, level="summary")
