"""Check reproduced mistakes of the catalogue: a sample; ``make bench-check`` checks all of them."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from benchmarks.check import __main__ as command
from benchmarks.check import cases, distinguishing, tables
from benchmarks.check.attempts import (
    CONVENTIONS,
    FORMS,
    PRECISIONS,
    Case,
    as_texts,
    reported_numbers,
)
from benchmarks.check.scores import score, truth_of
from benchmarks.check.setups import setups
from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.diagnosis.rules import ADAPTIVE
from tests.rows import rows

PARTS, FULL = 4, 240  # parts of the sample, which run in parallel; its size with --full
SMALL = 8 * PARTS  # without --full, each part has every 32nd case of a smaller sample
MOST_DRAWN = max(FULL, len(MISTAKES))
UNKNOWN = 0.1  # the largest share of attempts that may be unknown


# ---- right attempts ------------------------------------------------------------------------------


@pytest.mark.every_value(
    setup_name=[name for name in setups() if name != "penalized"],
    form=FORMS,
    convention=CONVENTIONS,
)
def test_right_attempts_are_right(setup_name, form, convention):
    for precision in PRECISIONS[form]:
        rule = "sgd" if form in ("step", "W_new numbers") else ""
        found = score(Case(setup_name, rule, None, form, convention, precision))
        assert found.outcome == "right", f"{found.case}: {found.summary}"


@pytest.mark.every_value(rule=ADAPTIVE, convention=CONVENTIONS)
def test_right_updates_of_adaptive_optimizers_are_right(rule, convention):
    for precision in PRECISIONS["W_new numbers"]:
        found = score(Case("deep", rule, None, "W_new numbers", convention, precision))
        assert found.outcome == "right", f"{found.case}: {found.summary}"


# ---- wrong attempts ------------------------------------------------------------------------------


@cache
def drawn() -> list[Case]:
    """Return cases in the order of a sample, which takes a second because there are so many."""
    return cases.sample(MOST_DRAWN)


@pytest.mark.parametrize("part", range(PARTS))
def test_mistakes_are_named_and_not_confused(part, full):
    chosen = drawn()[: FULL if full else len(MISTAKES)][part :: PARTS if full else SMALL]
    scores = [score(case) for case in chosen]
    false = [s for s in scores if s.truth in tables.RIGHT or s.outcome in ("misnamed", "right")]
    assert not tables.failures(false)
    unknown = [s for s in scores if s.outcome == "unknown"]
    # at least one: a mistake in eps vanishes in float32, and the sample is small
    assert len(unknown) <= max(1, UNKNOWN * len(scores)), tables.failures(unknown)


def test_the_sample_has_every_entry_that_can_be_reproduced():
    every = {case.id for case in cases.product(right=False)}
    assert {case.id for case in drawn()[: len(every)]} == every


# ---- the benchmark itself ------------------------------------------------------------------------


def test_a_mistake_without_effect_counts_as_invisible():
    variants = cases.mistakes_on("relu", "")
    number = next(i for i, v in enumerate(variants) if v.mistake.id == "output-slope-missing")
    case = Case("relu", "", number, "gradients", CONVENTIONS[0], "float64")
    assert truth_of(case) == "invisible"  # the output's activation is the identity


def test_numbers_have_the_requested_digits():
    assert as_texts(np.array([0.123456789, -12.0]), 4) == ["0.1235", "-12.00"]
    case = Case("deep", "", None, "dW numbers", CONVENTIONS[1], "6 digits")
    assert np.shape(reported_numbers(case)["dW1"]) == (2, 4)  # (in, out)


def test_shares_are_not_rounded_up_to_1():
    assert tables.share(9_999, 10_000) == "0.999"
    assert tables.share(10, 10) == "1.000"


def test_text_is_written_between_the_markers(tmp_path: Path):
    page = tmp_path / "README.md"
    page.write_text(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n", encoding="utf-8")
    command.write(page, "| new |")
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n{command.BEGIN}\n\n| new |\n\n{command.END}\nafter\n"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(SystemExit, match="must contain the lines"):
        command.write(page, "")


# ---- mistakes that cannot be distinguished -------------------------------------------------------

# These give the same numbers on every network: they are the same arithmetic.
ALWAYS = {
    # the delta of the layer below the output does come from the output's: there, the form is right
    ("", "hidden-from-output-error"),
    # bias gradients divided by n once more, or not at all, are a factor in the biases only
    ("bias-not-summed", "mean-twice"),
    ("bias-not-summed", "sum-for-mean"),
    # one sum over samples and units, for all units
    ("bias-not-summed", "shared-bias"),
    # without the weights in the backward pass they count as 1, or the deltas are only added
    ("hidden-from-output-error", "upstream-dropped"),
}
# Activations other than the identity and ReLU, whose slopes are the same at z and at a.
NONLINEAR = {
    # z is overwritten by f(z) before f' is computed from it
    ("changed-in-place", "slope-of-activation"),
}
# A nonlinear output with the squared error: p - t is the error without the output's slope.
NONLINEAR_OUTPUT = {
    ("cross-entropy-delta", "output-slope-missing"),
    ("hidden-from-output-error", "raw-error-back"),
}
# An output without activation: f' is 1, so mistakes in it have no effect …
LINEAR_OUTPUT = {
    *(
        ("", name)
        for name in (
            "bias-before-slope",
            "changed-in-place",
            "output-slope-missing",
            "raw-error-back",
            "slope-form-fed-z",
            "slope-of-activation",
            "slope-of-error",
            "stale-values",
        )
    ),
    # … and a factor a is a factor o of the error
    ("activation-for-slope", "extra-output-factor"),
}
# One output: the sum and the mean over the outputs are that output.
ONE_OUTPUT = {
    *(
        ("", name)
        for name in (
            "bias-not-summed",
            "lost-factor",
            "matrix-for-elementwise",
            "one-path-only",
            "shared-bias",
        )
    ),
    # divided by one unit instead of n is not divided
    ("sum-for-mean", "units-for-samples"),
    ("bias-not-summed", "units-for-samples"),
    # W / ΣW over one output is 1, as if there were no weights
    ("hidden-from-output-error", "normalized-weights"),
    ("normalized-weights", "upstream-dropped"),
}
# p - t of softmax adds up to 0 over the outputs, and so does every sum over them.
SOFTMAX = {
    ("extra-output-slope", "softmax-diagonal"),  # both are (p - t) p (1 - p)
    ("bias-before-slope", "biases-never-updated"),
    ("bias-not-summed", "biases-never-updated"),
    ("biases-never-updated", "shared-bias"),
    ("hidden-from-output-error", "only-last-layer"),
    ("matrix-for-elementwise", "only-last-layer"),
    ("only-last-layer", "upstream-dropped"),
    ("hidden-from-output-error", "matrix-for-elementwise"),
    ("matrix-for-elementwise", "upstream-dropped"),
    ("missing-bias", "shared-bias"),  # one number added to every net input changes no softmax
}
INSEPARABLE = {
    "deep": ALWAYS | NONLINEAR | NONLINEAR_OUTPUT,
    "square": ALWAYS | NONLINEAR | NONLINEAR_OUTPUT,
    "softmax": ALWAYS | NONLINEAR | LINEAR_OUTPUT | SOFTMAX,
    # ReLU: f' at a is f' at z; without output activation cross-entropy's delta is the right one,
    # and a derivative that is always 1 is one that is missing
    "relu": ALWAYS
    | LINEAR_OUTPUT
    | {("", "cross-entropy-delta"), ("hidden-slope-missing", "relu-slope-always-1")},
    # the logistic function is positive, so ReLU's slope at its values is 1;
    # with one output (p - t).T @ (p - t) is the sum of squares
    "single": ALWAYS
    | NONLINEAR
    | NONLINEAR_OUTPUT
    | ONE_OUTPUT
    | {
        ("", "loss-table"),
        ("cross-entropy-delta", "sole-slope-form"),
        ("output-slope-missing", "sole-slope-form"),
    },
    "two-classes": ALWAYS | NONLINEAR | LINEAR_OUTPUT | ONE_OUTPUT,
}


# All pairs that are listed above occur in the others.
@pytest.mark.parametrize("setup_name", rows(INSEPARABLE, "square", "deep", "two-classes"))
def test_only_these_mistakes_cannot_be_distinguished(setup_name):
    assert set(distinguishing.inseparable(setup_name)) == INSEPARABLE[setup_name]


@pytest.mark.parametrize("rule", ["momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_mistakes_of_optimizers_can_be_distinguished(rule):
    assert not distinguishing.inseparable(distinguishing.ON[0], rule)
