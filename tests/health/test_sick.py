"""Every finding, on a network that was made to have it, with its number, its limit and a remedy.

Nothing that contradicts it may be found beside it.
"""

import json
from typing import Any

import numpy as np
import pytest

from chainrule import SGD, InputError, Momentum, Nesterov, UnknownNameError
from chainrule.health import EXAMINATIONS, diagnose
from chainrule.health.curvature import sharpness
from chainrule.health.rates import stable
from tests.health.wards import (
    DIABETES,
    IRIS,
    SICK,
    Sick,
    cancer,
    classifier,
    diabetes,
    digits,
    iris,
    regressor,
    report,
    trained,
)


@pytest.mark.parametrize("sick", SICK.values(), ids=SICK)
def test_a_sick_network_has_its_finding_and_no_false_one(sick: Sick):
    health = sick.report()
    found = [finding.id for finding in health.findings]
    assert not health.ok
    assert sick.finding in found, str(health)
    assert set(found) <= {sick.finding, *sick.also}, str(health)


def test_every_examination_has_a_sick_network():
    assert {sick.finding for sick in SICK.values()} == set(EXAMINATIONS)


def test_examinations_say_what_they_are():
    for key, examination in EXAMINATIONS.items():
        assert examination.id == key
        assert examination.title
        assert examination.why


@pytest.mark.parametrize("sick", SICK.values(), ids=SICK)
def test_sentences_have_number_and_remedy(sick: Sick):
    for finding in sick.report().findings:
        assert any(c.isdigit() for c in finding.sentence)
        assert finding.remedy
        assert str(finding) == f"{finding.sentence}; {finding.remedy}"
        assert not finding.sentence.endswith(".")


def test_a_layer_is_named_as_keys_call_it():
    (finding,) = SICK["weights too large"].report().findings
    assert finding.layer == "1"
    assert finding.sentence == (
        "layer 1: 14 of 16 units (87.5 %, the limit is 50 %) are saturated on more than 95 % of "
        "the samples (|f'| below 1 % of its largest)"
    )


# ---- the learning rate --------------------------------------------------------------------------


def test_sharpness_is_the_largest_eigenvalue_of_the_hessian():
    """Of a linear network with squared error it is that of XᵀX/n, a column of ones added."""
    network, (X, y) = regressor(10, 1), diabetes()
    theta = network.initialize(0)
    columns = np.c_[X, np.ones(len(X))]
    exact = np.linalg.eigvalsh(columns.T @ columns / len(X)).max()
    np.testing.assert_allclose(sharpness(network, theta, network.batch(theta, X, y)), exact, 0.02)


def test_sharpness_leaves_out_what_is_not_trained():
    network, (X, y) = regressor(10, 1, train_biases=False), diabetes()
    theta, shifted = network.initialize(0), X + 3.0
    exact = np.linalg.eigvalsh(shifted.T @ shifted / len(X)).max()
    found = sharpness(network, theta, network.batch(theta, shifted, y))
    np.testing.assert_allclose(found, exact, 0.02)


@pytest.mark.parametrize("rule", [SGD, Momentum, Nesterov])
def test_the_limits_are_where_gradient_descent_diverges(rule: Any):
    network, (X, _) = regressor(10, 1), diabetes()
    columns = np.c_[X, np.ones(len(X))]
    exact = np.linalg.eigvalsh(columns.T @ columns / len(X)).max()
    limit = stable(rule()) / exact
    below, above = (
        trained(network, diabetes(), rule(rate=share * limit), 1500) for share in (0.95, 1.05)
    )
    assert below.history[-1].loss < 0.5
    assert above.history[-1].loss > 1e3


def test_the_rate_to_try_trains():
    """A run that diverges, and one with the rate of its report's remedy."""
    (finding,) = [f for f in SICK["sgd 30"].report().findings if f.id == "rate-too-large"]
    rate = float(finding.remedy.removeprefix("try "))
    assert trained(DIABETES, diabetes(), SGD(rate), 300).history[-1].loss < 0.3


# ---- what is handed in --------------------------------------------------------------------------


def test_bad_input_is_refused():
    theta = IRIS.initialize(0)
    X, y = iris()
    with pytest.raises(InputError, match="theta has shape"):
        diagnose(IRIS, theta[1:], X, y)
    with pytest.raises(InputError, match="t has shape"):
        diagnose(IRIS, theta, X, y[1:])
    with pytest.raises(InputError, match="not finite"):
        diagnose(IRIS, theta, np.where(X > 6, np.nan, X), y)
    with pytest.raises(InputError, match="history"):
        diagnose(IRIS, theta, X, y, history=[0.5])  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="limit"):
        diagnose(IRIS, theta, X, y, limit=0)
    with pytest.raises(InputError, match="complex"):
        diagnose(IRIS, theta + 0j, X, y)
    with pytest.raises(InputError, match="weights"):
        diagnose(IRIS, theta, X, y, weights=[1.0])
    with pytest.raises(InputError, match="network"):
        diagnose("mlp", theta, X, y)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownNameError, match="adma"):
        diagnose(IRIS, theta, X, y, optimizer="adma")


def test_at_most_so_many_samples_are_looked_at():
    network = classifier(64, 16, 10)
    health = diagnose(network, network.initialize(0), *digits(), limit=100)
    assert (health.samples, health.total) == (100, 1797)
    assert "100 of 1,797 samples" in str(health)


def test_nothing_handed_in_is_changed():
    network, (X, y) = classifier(30, 8, 2), cancer()
    theta, weights = network.initialize(0), np.linspace(1, 2, len(y))
    before = [a.copy() for a in (theta, X, y, weights)]
    diagnose(network, theta, X, y, weights=weights, optimizer="sgd", theta_start=theta)
    for array, copy in zip((theta, X, y, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# ---- how it is told -----------------------------------------------------------------------------


@pytest.mark.parametrize("sick", SICK.values(), ids=SICK)
def test_plain_values_are_json(sick: Sick):
    health = sick.report()
    values = json.loads(json.dumps(health.to_dict(), allow_nan=False))
    assert values["ok"] is False
    assert [f["id"] for f in values["findings"]] == [f.id for f in health.findings]


def test_the_text_has_a_line_for_each_finding():
    health = SICK["one value"].report()
    head, *lines = str(health).split("\n")
    assert head.startswith(f"{len(lines)} reasons why this run may not learn (442 samples")
    assert [line.strip() for line in lines] == [str(f) for f in health.findings]


def test_the_terminal_shows_title_sentence_remedy_and_why(capsys: pytest.CaptureFixture[str]):
    health = SICK["weights too large"].report()
    health.print()
    shown = " ".join(capsys.readouterr().out.split())
    for text in ("1. saturated units", "14 of 16 units", health.findings[0].remedy, "multiplied"):
        assert text in shown


def test_a_healthy_one_says_so(capsys: pytest.CaptureFixture[str]):
    health = report(IRIS, iris())
    health.print()
    said = "Nothing found that keeps this run from learning (150 samples looked at)."
    assert str(health) == said
    assert said in " ".join(capsys.readouterr().out.split())
    assert health.to_dict()["findings"] == []
