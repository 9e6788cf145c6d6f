"""Every finding, on a network that must have it, with its number, its limit and a remedy."""

import json
import re
from html import unescape
from typing import Any

import numpy as np
import pytest

from chainrule import (
    SGD,
    Adam,
    InputError,
    Momentum,
    Nesterov,
    Network,
    UnknownNameError,
    mlp,
)
from chainrule.health import EXAMINATIONS, Health, Names, diagnose
from chainrule.health.curvature import hessian_product, sharpness
from chainrule.health.diagnosing import REMOVE_CAUSES
from chainrule.health.formatting import format_number, format_percent
from chainrule.health.learning_rates import stability_limit
from tests.health.failing_networks import (
    DIABETES,
    FAILING,
    FAILING_ROWS,
    FROZEN,
    IRIS,
    Data,
    after,
    cancer,
    classifier,
    diabetes,
    digits,
    iris,
    regressor,
    report,
    standard,
    trained,
    wine,
)


@pytest.mark.parametrize("name", FAILING_ROWS)
def test_a_failing_network_has_its_finding_and_no_others(name: str):
    failing = FAILING[name]
    health = failing.report()
    found = [finding.id for finding in health.findings]
    assert not health.ok
    assert failing.finding in found, str(health)
    assert set(found) <= {failing.finding, *failing.also}, str(health)


def test_every_examination_has_a_failing_network():
    assert {failing.finding for failing in FAILING.values()} == set(EXAMINATIONS)


def test_examinations_are_documented():
    for key, examination in EXAMINATIONS.items():
        assert examination.id == key
        assert examination.title
        assert examination.proof
        assert examination.remedy
        assert examination.why
        assert set(examination.follows) <= set(EXAMINATIONS)


@pytest.mark.parametrize("name", FAILING_ROWS)
def test_sentences_contain_the_number_and_its_limit(name: str):
    for finding in FAILING[name].report().findings:
        assert shows(finding.sentence, finding.number)
        assert shows(finding.sentence, finding.threshold) or "finite" in finding.sentence
        assert finding.remedy
        assert str(finding) == f"{finding.sentence}; {finding.remedy}"
        assert finding.sentence[-1].isalnum() or finding.sentence[-1] in "%)"


def shows(sentence: str, value: float) -> bool:
    """Return whether a sentence contains a number, as such or as a percentage."""
    figures = re.findall(r"(?:\d[\d.,]*(?:e[+-]\d+)?|inf|nan)%?", sentence)
    expected = {format_number(value), format_percent(value)}
    return bool(expected & {figure.rstrip(",.") for figure in figures})


def test_layers_have_the_labels_of_parameter_names():
    (finding,) = FAILING["weights too large"].report().findings
    assert finding.layer == "1"
    assert finding.sentence == (
        "layer 1: 14 of 16 units (87.5%, limit: 50%) are saturated on more than 95% of the samples "
        "(|f'| below 1% of its maximum)"
    )


# ---- the learning rate --------------------------------------------------------------------------


def test_sharpness_is_the_largest_eigenvalue_of_the_hessian():
    """Of a linear network with squared error it is that of XᵀX/n, a column of ones added."""
    network, (X, y) = regressor(10, 1), diabetes()
    theta = network.initialize(0)
    columns = np.c_[X, np.ones(len(X))]
    exact = np.linalg.eigvalsh(columns.T @ columns / len(X)).max()
    np.testing.assert_allclose(sharpness(network, theta, network.batch(theta, X, y)), exact, 0.02)


def test_sharpness_ignores_frozen_parameters():
    network, (X, y) = regressor(10, 1, train_biases=False), diabetes()
    theta, shifted = network.initialize(0), X + 3.0
    exact = np.linalg.eigvalsh(shifted.T @ shifted / len(X)).max()
    found = sharpness(network, theta, network.batch(theta, shifted, y))
    np.testing.assert_allclose(found, exact, 0.02)


def test_sharpness_is_the_largest_eigenvalue_if_iterations_stay_at_another():
    network, X = classifier(4, 16, 3), standard(iris().X)
    least, largest, found = eigenvalues(network, 7, Data(X, iris().y))
    np.testing.assert_allclose((least, largest), (-1.12, 1.77), rtol=0.01)
    np.testing.assert_allclose(found, largest, rtol=0.02)


def test_sharpness_is_the_largest_eigenvalue_if_the_least_is_larger_in_magnitude():
    network = mlp(30, 8, 1, activation="tanh", loss="logistic-cross-entropy")
    least, largest, found = eigenvalues(network, 2, cancer())
    np.testing.assert_allclose((least, largest), (-2.2, 2.05), rtol=0.01)
    np.testing.assert_allclose(found, largest, rtol=0.02)


def test_the_kink_of_a_rectifier_is_not_curvature():
    """A unit whose net input is 1e-5 for one sample, and a slope that jumps there."""
    X, y = standard(iris().X), iris().y
    values: dict[str, float] = {}
    for activation in ("relu", "identity"):
        network = classifier(4, 1, 3, activation=activation)
        theta = network.initialize(0)
        views = network.views(theta)
        views["b1"][...] = 1e-5 - (X @ views["W1"].T).min()
        values[activation] = sharpness(network, theta, network.batch(theta, X, y))
    np.testing.assert_allclose(values["relu"], values["identity"], rtol=1e-3)


def eigenvalues(network: Network, seed: int, data: Data) -> tuple[float, float, float]:
    """Return the least and the largest eigenvalue of the whole Hessian, and what is found."""
    theta = network.initialize(seed)
    batch = network.batch(theta, *data)
    columns = [hessian_product(network, theta, batch, v) for v in np.eye(len(theta))]
    exact = np.linalg.eigvalsh(np.array(columns))
    return exact.min(), exact.max(), sharpness(network, theta, batch)


@pytest.mark.parametrize("rule", [SGD, Momentum, Nesterov])
def test_gradient_descent_diverges_above_the_stability_limit(rule: Any):
    network, (X, _) = regressor(10, 1), diabetes()
    columns = np.c_[X, np.ones(len(X))]
    exact = np.linalg.eigvalsh(columns.T @ columns / len(X)).max()
    limit = stability_limit(rule()) / exact
    below, above = (
        trained(network, diabetes(), rule(learning_rate=share * limit), 1500)
        for share in (0.95, 1.05)
    )
    assert below.history[-1].loss < 0.5
    assert above.history[-1].loss > 1e3


def test_after_divergence_only_the_beginning_counts():
    """The curvature at weights of 1e80 says nothing about the rate that led there."""
    run = trained(DIABETES, diabetes(), SGD(3.0), 200)
    options: dict[str, Any] = {"history": run.history, "optimizer": SGD(3.0)}
    unknown = diagnose(DIABETES, run.theta, *diabetes(), **options)
    assert "rate-too-large" not in ids(unknown)
    start = DIABETES.initialize(1)
    known = diagnose(DIABETES, run.theta, *diabetes(), theta_start=start, **options)
    (finding,) = [f for f in known.findings if f.id == "rate-too-large"]
    exact = 3.0 * sharpness(DIABETES, start, DIABETES.batch(start, *diabetes())) / 2
    np.testing.assert_allclose(finding.number, exact, rtol=1e-9)
    assert finding.threshold == 1.0


@pytest.mark.parametrize("epochs", [3, 200])
def test_huge_targets_are_found_in_a_diverged_run(epochs: int):
    """After 3 updates it is not yet infinite, but far above where it began."""
    data = Data(diabetes().X, 1000 * (77 * diabetes().y + 152))
    health = after(regressor(10, 50, 1, activation="relu"), data, SGD(0.001), epochs)
    causes = [f.id for f in health.findings if not f.sign]
    assert "targets-not-scaled" in causes


def test_the_reason_for_scaling_inputs_applies_to_equally_large_columns():
    """They are large compared with the column of ones, whose weights are the biases."""
    health = report(regressor(10, 1), Data(100.1 * diabetes().X, diabetes().y))
    assert "inputs-not-scaled" in ids(health)
    assert "largest column alone" not in EXAMINATIONS["inputs-not-scaled"].why
    assert "a column of ones" in " ".join(health.to_text().split())


# ---- arguments ----------------------------------------------------------------------------------


def test_invalid_arguments_raise_errors():
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
    with pytest.raises(InputError, match="sample_weight"):
        diagnose(IRIS, theta, X, y, sample_weight=[1.0])
    with pytest.raises(InputError, match="network"):
        diagnose("mlp", theta, X, y)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UnknownNameError, match="adma"):
        diagnose(IRIS, theta, X, y, optimizer="adma")


def test_at_most_limit_samples_are_examined():
    network = classifier(64, 16, 10)
    health = diagnose(network, network.initialize(0), *digits(), limit=100)
    assert (health.samples, health.total) == (100, 1797)
    assert "100 of 1,797 samples" in str(health)


def test_arguments_are_not_modified():
    network, (X, y) = classifier(30, 8, 2), cancer()
    theta, weights = network.initialize(0), np.linspace(1, 2, len(y))
    before = [a.copy() for a in (theta, X, y, weights)]
    diagnose(network, theta, X, y, sample_weight=weights, optimizer="sgd", theta_start=theta)
    for array, copy in zip((theta, X, y, weights), before, strict=True):
        np.testing.assert_array_equal(array, copy)


# ---- the report ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILING_ROWS)
def test_the_dict_can_be_written_as_json(name: str):
    health = FAILING[name].report()
    values = json.loads(json.dumps(health.to_dict(), allow_nan=False))
    assert values["schema"] == "chainrule.health/1"
    assert values["ok"] is False
    assert values["findings"][0]["sentence"] == health.findings[0].sentence
    assert [f["id"] for f in values["findings"]] == [f.id for f in health.findings]
    assert (values["updates"], values["left"] is None) == (health.updates, health.left is None)


@pytest.mark.parametrize("name", FAILING_ROWS)
def test_signs_follow_causes_and_refer_to_them(name: str):
    findings = FAILING[name].report().findings
    assert [f.sign for f in findings] == sorted(f.sign for f in findings)
    for finding in findings:
        assert (finding.remedy == REMOVE_CAUSES) == (finding.sign and not findings[0].sign)


def test_consequences_of_faulty_inputs_are_signs():
    not_scaled = FAILING["wine, not scaled"].report().findings
    assert [(f.id, f.sign) for f in not_scaled] == [
        ("inputs-not-scaled", False),
        ("saturated-units", True),
    ]
    (alone,) = FAILING["weights too large"].report().findings
    assert not alone.sign
    after_training = after(classifier(13, 16, 3), wine(), SGD(0.1), 200)
    assert [f.id for f in after_training.findings if not f.sign] == ["inputs-not-scaled"]
    assert "rate-too-large" in ids(after_training)


def test_implied_findings_are_left_out():
    """A logistic output far below its targets is flat as well, and the targets are large.

    Its slope is below 1e-4 on every sample; the maximum is 0.25.
    """
    health = FAILING["logistic output, targets up to 346"].report()
    assert "saturated-units" not in ids(health)
    assert "targets-not-scaled" not in ids(health)
    assert "diverging-loss" not in ids(FAILING["sgd 3, diverged"].report())


def ids(health: Health) -> list[str]:
    return [finding.id for finding in health.findings]


def test_the_page_has_a_heading_for_each_reason():
    health = FAILING["all weights 0"].report()
    text = " ".join(health.to_text().split())
    assert health.headline == "1 reason why this run may not learn (442 samples examined)."
    assert ids(health).count("symmetric-weights") == 2
    assert text.count("Symmetric weights") == 1
    assert [text.count(word) for word in (" Found ", " Remedy ", " Why ")] == [2, 1, 1]
    assert re.search(r"Signs of it ─+ · Output: .+ · Loss: ", text)
    assert "After 150 updates, 100% of the error of the best constant prediction" in text


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("name", FAILING_ROWS)
def test_the_text_is_complete_and_fits_its_width(name: str, width: int):
    health = FAILING[name].report()
    lines = health.to_text(width).splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    for finding in health.findings:
        assert finding.sentence[1:] in text
        if finding.remedy != REMOVE_CAUSES:
            assert finding.remedy[1:] in text
            assert EXAMINATIONS[finding.id].why[1:] in text


def test_every_format_contains_the_sentence():
    health = FAILING["weights too large"].report()
    sentence = health.findings[0].sentence[1:]
    assert sentence in health.to_markdown().replace("\\", "")
    assert sentence in unescape(health.to_html())
    assert sentence in unescape(health._repr_html_())
    assert repr(health) == "<Health: saturated-units; print() shows the report>"


def test_the_terminal_shows_the_text(capsys: pytest.CaptureFixture[str]):
    health = FAILING["weights too large"].report()
    health.print()
    assert capsys.readouterr().out.split() == str(health).split()


def test_a_report_without_findings():
    health = report(IRIS, iris())
    headline = "Nothing found that keeps this run from learning (150 samples examined)."
    assert health.to_text() == f"✓ {headline}\n"
    assert repr(health) == "<Health: nothing found; print() shows the report>"
    assert health.to_dict()["findings"] == []


def test_a_run_that_has_learned():
    data = Data(standard(iris().X), iris().y)
    health = after(IRIS, data, Adam(0.01), 100, batch_size=32)
    assert health.ok
    assert health.updates == 500
    assert health.left is not None
    assert health.progress == (
        f"After 500 updates, {format_percent(health.left)} of the error of the best constant "
        "prediction is left; a run with at most 10% left has learned."
    )


def test_sentences_use_the_names_of_columns_and_classes():
    names = Names([f"x{i}" for i in range(13)], ["low", "middle", "high"])
    network = classifier(13, 16, 3)
    (finding,) = diagnose(network, network.initialize(3), *wine(), names=names).findings[:1]
    assert finding.sentence.startswith("inputs: columns 'x12' and 'x4' have a root mean square")
    off = classifier(4, 8, 3, **FROZEN)
    run = trained(off, Data(standard(iris().X), iris().y), SGD(0.1), 200)
    named = Names(classes=np.array(["a", "b", "c"]))
    health = diagnose(off, run.theta, *iris(), history=run.history, names=named)
    (sentence,) = [f.sentence for f in health.findings if f.id == "one-class"]
    assert re.match(r"output: class '[abc]' for all 150 samples", sentence)
    with pytest.raises(
        InputError, match="names has 3 columns, but there are 4; give a name for each"
    ):
        diagnose(IRIS, IRIS.initialize(0), *iris(), names=Names(["a", "b", "c"]))


def test_numbers_have_three_digits():
    assert [format_number(v) for v in (0.01254, 24.04, 1052.3, 171234.0, 1.3e9)] == [
        "0.0125",
        "24",
        "1,050",
        "171,000",
        "1.3e+09",
    ]
    assert format_percent(4.853) == "485%"
