"""The data sets of the live page: the same in Python and on the page, and explored by name."""

import json
from typing import Any

import numpy as np
import pytest

from chainrule import PROBLEMS, Adam, UnknownNameError, explain, explore, mlp
from chainrule.explorer.data_sets import DRAWN, RECIPES, data_set, page_data, samples, uniform
from chainrule.explorer.presets import presets
from chainrule.explorer.tables import tables
from chainrule.names import DATA_SETS
from tests.explorer.node import run_node


@pytest.fixture(scope="module")
def on_page() -> dict[str, Any]:
    """Return the models of the page's presets."""
    return run_node("data_sets.mjs", {**tables(), "presets": presets()})


def model(html: str) -> dict[str, Any]:
    """Return the state at which a page begins."""
    return json.loads(html.partition('id="live-model">')[2].partition("</script>")[0])


def test_every_name_has_a_recipe_and_a_drawing():
    assert {*DATA_SETS} == {*DRAWN} == {*RECIPES} - {"digits"}
    assert not {*DATA_SETS} & {*PROBLEMS}


def test_the_page_offers_problems_and_data_sets(on_page: dict[str, Any]):
    assert {*on_page} == {*PROBLEMS, *DATA_SETS}


@pytest.mark.parametrize("name", DATA_SETS)
def test_python_draws_what_the_page_draws(on_page: dict[str, Any], name: str):
    begun, drawn = model(explore(name).to_html()), on_page[name]
    for part in ("x", "t", "names", "validation"):
        assert begun["data"][part] == drawn["data"][part], part
    for part in ("title", "network", "optimizer"):
        assert begun[part] == drawn[part], part
    assert len(begun["theta"]) == len(drawn["theta"])


@pytest.mark.parametrize("name", DATA_SETS)
def test_a_data_set_is_explored_as_its_problem(name: str):
    page, set_ = explore(name), data_set(name)
    assert page.title == set_.title == RECIPES[name].title
    assert page.to_html() == explain(set_, level="summary").to_html()
    network, begun = set_.network, model(page.to_html())
    value, _ = network.loss_and_gradient(set_.theta(0), *set_.data()[:2])
    assert np.isfinite(value)
    assert begun["theta"] == set_.theta(0).tolist()


def test_options_apply_to_data_sets():
    page = explore("spiral", parameter="W2[0,3]", seed=3, digits=4).to_html()
    assert page == explain(data_set("spiral"), parameter="W2[0,3]", seed=3, digits=4).to_html()
    assert model(page)["data"]["validation"]["x"]
    matrices = explore("regression", level="matrices").to_html()
    assert matrices == explain(data_set("regression"), level="matrices").to_html()


def test_classes_are_of_equal_size_and_apart():
    for name in ("spiral", "moons", "circles"):
        drawn = samples(name)
        t = [*drawn.t, *drawn.held_t]
        assert t.count((0,)) == t.count((1,)) == len(t) / 2
        assert len(drawn.held_t) == len(t) / 4


def test_other_samples_have_no_validation_and_digits_are_pictures():
    spiral = samples("spiral")
    network = mlp(2, 1, activation="tanh", loss="squared-error")
    theta = network.initialize(0)
    moved = np.array(spiral.x) + 1
    assert page_data(network.batch(theta, moved, spiral.t)) == {}
    assert "validation" in page_data(network.batch(theta, spiral.x, spiral.t))
    digits = model(explore("digits").to_html())["data"]
    assert (digits["side"], digits["classes"]) == (8, [*"0123456789"])
    assert "validation" not in digits


def test_random_numbers_are_uniform():
    drawn = [*uniform(7)]
    assert min(drawn) >= 0
    assert max(drawn) < 1
    assert np.histogram(drawn, 8, (0, 1))[0].min() > 400


def test_unknown_names_get_the_nearest_and_explain_says_where_data_sets_are():
    with pytest.raises(UnknownNameError, match="did you mean 'spiral'"):
        explore("spirl")
    with pytest.raises(UnknownNameError, match=r"run 'chainrule explore moons'"):
        explain("moons")
    assert data_set("spiral").optimizer == Adam(0.02)
