"""Single functions of a course: right ones are never called wrong, and mistakes are named.

The functions are in ``programs/layers``, as learners write them.
"""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from chainrule import Diagnosis, InputError, UnknownNameError, check
from chainrule.diagnosis.layers import check_layer, check_update
from chainrule.diagnosis.layers.mistakes import ENTRIES
from chainrule.submission import time_limit
from chainrule.testing import assert_gradient, assert_layer, assert_update

FOLDER = Path(__file__).parent / "programs" / "layers"
LOSS = ""  # the function returns the loss and its gradients

# File, forward function, and the backward functions with the mistakes in them: none where it is
# right, and "unknown" where no plain equations give the numbers.
PAIRS: dict[tuple[str, str], dict[str, str]] = {
    ("rows", "affine_forward"): {
        "affine_backward": "",
        "affine_backward_ones": "",
        "affine_backward_dict": "",
        "affine_backward_no_sum": "not-summed",
        "affine_backward_db_axis": "summed-over-wrong-axis",
        "affine_backward_db_all": "summed-over-everything",
        "affine_backward_db_mean": "divided-in-some-gradients",
        "affine_backward_transposed": "layer-transposed",
        "affine_backward_sign": "layer-sign",
        "affine_backward_none": "nothing-computed",
        "affine_backward_zeros": "zero-gradient",
        "affine_backward_odd": "unknown",
    },
    ("rows", "relu_forward"): {
        "relu_backward": "",
        "relu_backward_in_place": "",
        "relu_backward_no_mask": "mask-missing",
        "relu_backward_mask_of_dout": "mask-of-upstream",
        "relu_backward_no_dout": "upstream-left-out",
    },
    ("rows", "affine_relu_forward"): {
        "affine_relu_backward": "",
        "affine_relu_backward_no_mask": "mask-missing",
    },
    ("rows", LOSS): {
        "softmax_loss": "",
        "softmax_loss_no_n": "sum-not-mean",
        "softmax_loss_no_target": "target-not-subtracted",
        "svm_loss": "",
        "svm_loss_no_right_class": "right-class-left-out",
        "svm_loss_naive": "",
        "svm_loss_no_reg": "penalty-left-out",
    },
    ("rows", "dropout_forward"): {
        "dropout_backward": "",
        "dropout_backward_no_mask": "mask-missing",
        "dropout_backward_no_scale": "layer-factor",
    },
    ("normalization", "batchnorm_forward"): {
        "batchnorm_backward": "",
        "batchnorm_backward_alt": "",
        "batchnorm_backward_constants": "statistics-constant",
        "batchnorm_backward_no_var": "variance-constant",
        "batchnorm_backward_no_gamma": "scale-left-out",
        "batchnorm_backward_gamma_x": "not-normalized",
        "batchnorm_backward_gamma_no_sum": "not-summed",
    },
    ("normalization", "layernorm_forward"): {
        "layernorm_backward": "",
        "layernorm_backward_axis": "normalized-over-wrong-axis",
        "layernorm_backward_constants": "statistics-constant",
    },
    ("normalization", "spatial_batchnorm_forward"): {"spatial_batchnorm_backward": ""},
    ("columns", "relu"): {"relu_backward": ""},
    ("columns", "sigmoid"): {
        "sigmoid_backward": "",
        "sigmoid_backward_of_a": "slope-wrong",
        "sigmoid_backward_no_slope": "slope-wrong",
    },
    ("columns", "linear_forward"): {
        "linear_backward": "",
        "linear_backward_sums": "",
        "linear_backward_db_m": "divided-in-some-gradients",
        "linear_backward_db_no_sum": "not-summed",
        "linear_backward_da_m": "mean-not-sum",
    },
    ("columns", "linear_activation_forward"): {
        "linear_activation_backward": "",
        "linear_activation_backward_relu_wrong": "mask-missing",
    },
    ("columns", "compute_cost"): {
        "cost_backward": "",
        "cost_backward_mean": "",
        "cost_backward_sign": "layer-sign",
    },
    ("recurrent", "rnn_step_forward"): {
        "rnn_step_backward": "",
        "rnn_step_backward_no_slope": "slope-missing",
        "rnn_step_backward_no_square": "slope-wrong",
        "rnn_step_backward_wh": "weight-not-transposed",
    },
    ("recurrent", "rnn_forward"): {"rnn_backward": "", "rnn_backward_forgets": "unknown"},
    ("recurrent", "lstm_step_forward"): {
        "lstm_step_backward": "",
        "lstm_step_backward_no_dc": "unknown",
    },
    ("recurrent", "rnn_cell_forward"): {
        "rnn_cell_backward": "",
        "rnn_cell_backward_dba": "not-summed",
    },
    ("recurrent", "lstm_cell_forward"): {"lstm_cell_backward": ""},
    ("recurrent", "word_embedding_forward"): {
        "word_embedding_backward": "",
        "word_embedding_backward_overwrites": "repeated-index-overwritten",
    },
    ("recurrent", "temporal_affine_forward"): {
        "temporal_affine_backward": "",
        "temporal_affine_backward_db": "not-summed",
    },
    ("pictures", "conv_forward_naive"): {
        "conv_backward_naive": "",
        "conv_backward_db": "summed-over-wrong-axis",
        "conv_backward_flipped": "flipped",
        "conv_backward_overwrites": "unknown",
    },
    ("pictures", "max_pool_forward_naive"): {
        "max_pool_backward_naive": "",
        "max_pool_backward_average": "unknown",
    },
    ("pictures", "conv_forward"): {"conv_backward": ""},
    ("pictures", "pool_forward"): {"pool_backward": ""},
    ("functions", "softmax_forward"): {
        "softmax_backward": "",
        "softmax_backward_loop": "",
        "softmax_backward_diagonal": "softmax-diagonal",
    },
    ("functions", "tanh_forward"): {
        "tanh_backward": "",
        "tanh_backward_of_x": "",
        "tanh_backward_twice": "slope-wrong",
    },
    ("functions", "dense"): {"dense_backward": ""},
    ("functions", "mse"): {"mse_backward": "", "mse_backward_no_two": "layer-factor"},
    ("functions", "attention_forward"): {
        "attention_backward": "",
        "attention_backward_diagonal": "softmax-diagonal",
        "attention_backward_no_scale": "layer-factor",
        "attention_backward_swapped": "gradient-of-another-input",
    },
    ("functions", "leaky_relu_forward"): {"leaky_relu_backward": ""},
    ("functions", "gelu_forward"): {"gelu_backward": "", "gelu_backward_half": "unknown"},
    ("functions", "distance_forward"): {"distance_backward": ""},
    ("others", "fc_fwd"): {"fc_bwd": "", "fc_bwd_wrong": "divided-in-some-gradients"},
    ("others", "linear_forward"): {"linear_backward": "", "linear_backward_w": "layer-transposed"},
    ("others", LOSS): {
        "softmax_ce": "",
        "softmax_ce_bad": "unknown",
        "ridge": "",
        "ridge_bad": "penalty-left-out",
        "propagate": "",
        "softmax_loss_naive": "",
        "softmax_loss_naive_bad": "penalty-left-out",
        "temporal_softmax_loss": "",
    },
    ("others", "cross_entropy"): {
        "cross_entropy_backward": "",
        "cross_entropy_backward_eps": "",
        "cross_entropy_backward_bad": "unknown",
    },
    ("others", "elu_forward"): {"elu_backward": "", "elu_backward_bad": "unknown"},
    ("others", "swish"): {"swish_backward": ""},
    ("others", "gru_forward"): {"gru_backward": ""},
    ("others", "spatial_groupnorm_forward"): {"spatial_groupnorm_backward": ""},
    ("others", "bn_forward"): {"bn_backward": "", "bn_backward_noeps": ""},
    ("others", "mha_forward"): {"mha_backward": ""},
    ("others", "dropout_fwd"): {"dropout_bwd": "", "dropout_bwd_bad": "layer-factor"},
    ("others", "bce"): {"bce_prime": "", "bce_prime_bad": "layer-sign"},
    ("others", "mse"): {"mse_prime": ""},
    ("others", "aff32"): {"aff32_backward": ""},
    ("others", "avg_pool_forward"): {
        "avg_pool_backward": "",
        "avg_pool_backward_bad": "layer-factor",
    },
    ("others", "flatten_forward"): {"flatten_backward": ""},
    ("others", "affine_d"): {"affine_d_backward": ""},
    ("others", "two_layer"): {"two_layer_backward": "", "two_layer_backward_bad": "unknown"},
}
UPDATES = {
    "sgd": "",
    "sgd_climbs": "climbs",
    "sgd_momentum": "",
    "sgd_momentum_forgets": "not kept",
    "sgd_momentum_minus": "climbs",
    "rmsprop": "",
    "rmsprop_no_root": "root",
    "adam": "",
    "adam_no_correction": "correction is left out",
    "adam_t_not_kept": "step 1 each time",
    "update_parameters": "",
    "update_parameters_with_momentum": "",
    "update_parameters_with_adam": "",
}


def module(name: str) -> ModuleType:
    """Return a file of learners' functions."""
    full = f"learners_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, FOLDER / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


SLOW = (
    *("conv_backward_overwrites", "conv_backward_flipped", "rnn_step_backward_no_slope"),
    *("rnn_step_backward_wh", "affine_backward_db_all", "affine_backward_none", "svm_loss_no_reg"),
)


def pairs() -> Iterator[Any]:
    """Yield every function; of one mistake, and of the right ones of a file, one runs.

    Those that take seconds run only with --full.
    """
    seen: set[str] = set()
    for (file, forward), functions in PAIRS.items():
        for backward, mistake in functions.items():
            kind = mistake or f"right in {file}"
            slow = backward in SLOW
            marks = [pytest.mark.full_only] if kind in seen or slow else []
            seen.add(kind)
            name = f"{file}-{backward}"
            yield pytest.param(file, forward, backward, mistake, id=name, marks=marks)


@pytest.mark.parametrize(("file", "forward", "backward", "mistake"), [*pairs()])
def test_the_verdict_and_the_mistake_are_true(file: str, forward: str, backward: str, mistake: str):
    functions = module(file)
    found = check_layer(
        getattr(functions, backward), getattr(functions, forward) if forward else None
    )
    expected = "right" if not mistake else "unknown" if mistake == "unknown" else "wrong"
    assert (found.verdict, [f.mistake.id for f in found.mistakes]) == (
        expected,
        [mistake] if expected == "wrong" else [],
    ), found.to_text()


def test_there_are_enough_functions():
    mistakes = [m for functions in PAIRS.values() for m in functions.values()]
    assert sum(not m for m in mistakes) >= 25
    assert sum(bool(m) for m in mistakes) >= 25


@pytest.mark.parametrize(("name", "mistake"), UPDATES.items())
def test_updates(name: str, mistake: str):
    found = check_update(getattr(module("optimizers"), name))
    assert found.verdict == ("wrong" if mistake else "right"), found.to_text()
    assert mistake in found.sentence


def test_an_update_by_a_rule_that_is_not_its_own_is_not_right():
    with pytest.raises(AssertionError, match="not those of adam") as caught:
        assert_update(module("optimizers").rmsprop, rule="adam")
    assert "The numbers are those of rmsprop" in str(caught.value)


def test_an_update_without_a_known_rule_is_not_judged():
    def change(w: Any, dw: Any) -> Any:
        return w - 0.1 * np.sin(dw)

    assert check_update(change).verdict == "could-not-run"
    with pytest.raises(UnknownNameError, match="adam"):
        check_update(change, "adamm")


# ---- scales -------------------------------------------------------------------------------------


def test_the_course_with_means_in_the_parameters_is_right_and_named():
    columns = module("columns")
    found = check_layer(columns.linear_backward, columns.linear_forward)
    assert "dW and db: divided by the number of samples" in found.convention["scale"]
    strict = check_layer(columns.linear_backward, columns.linear_forward, strict=True)
    assert strict.verdict == "wrong"


def test_the_gradient_of_a_sum_for_a_mean_is_named_in_the_headline():
    columns = module("columns")
    found = check_layer(columns.cost_backward, columns.compute_cost)
    assert "as the gradient of the sum over the samples" in found.sentence
    assert not check_layer(columns.cost_backward, columns.compute_cost, strict=True).ok


# ---- what is passed in, and what cannot be asked ------------------------------------------------


def test_inputs_of_the_user():
    rows, rng = module("rows"), np.random.default_rng(0)
    inputs = [rng.normal(size=(6, 2, 2)), rng.normal(size=(4, 3)), rng.normal(size=3)]
    assert check_layer(rows.affine_backward, rows.affine_forward, inputs).ok
    wrong = check_layer(rows.affine_backward_no_sum, rows.affine_forward, inputs)
    assert not wrong.ok
    with pytest.raises(InputError, match="4 values"):
        check_layer(rows.affine_backward, rows.affine_forward, [*inputs, 1])


def test_a_kink_at_inputs_of_the_user_is_not_judged():
    rows = module("rows")
    found = check_layer(
        rows.relu_backward, rows.relu_forward, [np.array([[0.0, 1.0], [2.0, -1.0]])]
    )
    assert found.verdict == "could-not-run"
    assert "kink" in found.sentence


def test_the_forward_function_is_found_next_to_it():
    assert_layer(module("rows").affine_backward)


def test_a_function_without_a_forward_function_asks_for_one():
    found = check_layer(module("functions").tanh_backward_twice)
    assert found.verdict == "could-not-run"
    assert "assert_layer(tanh_backward_twice, forward=tanh_forward_twice)" in found.sentence


def strange_forward(x: Any, table: Any) -> Any:
    return x[:, table.rows], table


def strange_backward(dout: Any, cache: Any) -> Any:
    return dout


def test_arguments_that_cannot_be_designed_are_asked_for():
    found = check_layer(strange_backward, strange_forward, seconds=3)
    assert found.verdict == "could-not-run"
    lines = found.sentence.splitlines()
    assert lines[-1] == (
        "assert_layer(strange_backward, forward=strange_forward, inputs=[x, table])"
    )
    assert "x = rng.normal(size=(4, 3))" in lines


@pytest.mark.parametrize("looks", [1, 30, 100])
def test_without_time_nothing_is_right_for_one_sample_only_and_nothing_wrong(
    monkeypatch: pytest.MonkeyPatch, looks: int
):
    others = module("others")
    times = iter(range(looks, -1, -1))  # the limit is over after so many looks at the clock
    monkeypatch.setattr(time_limit, "now", lambda: 0.0 if next(times, 0) else 1e9)
    found = check_layer(others.conv1d_backward, others.conv1d_forward)
    assert found.verdict == "could-not-run", found.sentence


@pytest.mark.full_only
def test_a_function_that_is_right_for_one_sample_only_is_called_neither_right_nor_wrong():
    others = module("others")
    found = check_layer(others.conv1d_backward, others.conv1d_forward)
    assert found.verdict == "could-not-run"
    assert "right for one sample, and wrong for a batch" in found.sentence
    inputs = [np.array([1.0, -2.0, 0.5, 3.0]), np.array([0.3, 0.7])]
    assert check_layer(others.conv1d_backward, others.conv1d_forward, inputs).ok


@pytest.mark.full_only
def test_a_forward_function_that_draws_other_numbers_each_time_is_not_judged():
    rng = np.random.default_rng(0)

    def forward(x: Any) -> Any:
        mask = rng.random(x.shape) < 0.5
        return x * mask, mask

    found = check_layer(lambda dout, cache: dout * cache, forward)
    assert found.verdict == "could-not-run"


def test_a_backward_function_that_fails_is_not_judged():
    def backward(dout: Any, cache: Any) -> Any:
        raise ZeroDivisionError("within")

    found = check_layer(backward, module("rows").relu_forward)
    assert found.verdict == "could-not-run"
    assert "backward raised ZeroDivisionError: within" in found.sentence


def test_the_callers_random_numbers_and_arguments_are_not_changed():
    np.random.seed(1)  # noqa: NPY002 (what programs use)
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    rows, x = module("rows"), np.array([[1.0, -2.0], [3.0, 4.0]])
    check_layer(rows.dropout_backward, rows.dropout_forward)
    check_layer(rows.relu_backward_in_place, rows.relu_forward, [x])
    assert np.random.rand() == expected  # noqa: NPY002
    assert (x == [[1.0, -2.0], [3.0, 4.0]]).all()


# ---- the interfaces -----------------------------------------------------------------------------


def test_check_with_a_forward_function():
    rows = module("rows")
    assert check(rows.affine_backward, forward=rows.affine_forward).ok
    found = check(rows.relu_backward_no_mask, forward=rows.relu_forward, hint=2)
    assert isinstance(found, Diagnosis)
    assert "mask" not in found.to_text().split("\n", 1)[0]
    assert found.to_dict()["schema"] == "chainrule.diagnosis/1"


def test_assert_layer_raises_the_diagnosis():
    rows = module("rows")
    assert_layer(rows.softmax_loss)
    with pytest.raises(AssertionError) as caught:
        assert_layer(rows.affine_backward_no_sum, rows.affine_forward)
    text = str(caught.value)
    assert text.startswith("✗ Wrong: the gradient db is not summed")
    assert "derivatives of the forward function" in check_layer(rows.relu_backward).to_html()
    with pytest.raises(InputError, match="hint=7"):
        assert_layer(rows.relu_backward, hint=7)
    with pytest.raises(InputError, match="is not a function"):
        assert_layer("affine_backward")  # pyright: ignore[reportArgumentType]


def test_assert_gradient():
    A = np.array([[2.0, 1.0], [0.5, 3.0]])
    assert_gradient(lambda w: w @ A @ w, lambda w: (A + A.T) @ w, [1.0, -2.0])
    assert_gradient(np.sum, np.ones_like, [[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(AssertionError, match="1/3 times"):
        assert_gradient(lambda w: (w**3).sum(), lambda w: w**2, [1.0, -2.0])
    with pytest.raises(AssertionError, match="kink"):
        assert_gradient(lambda w: np.abs(w).sum(), np.sign, [0.0, 1.0])
    with pytest.raises(InputError, match="one number"):
        assert_gradient(lambda w: w, lambda w: w, [1.0, 2.0])


def test_every_named_mistake_is_in_a_function_here():
    named = {m for functions in PAIRS.values() for m in functions.values()}
    untested = {entry.id for entry in ENTRIES} - named
    assert untested <= {"input-returned", "mean-constant", "mean-over-broadcast-axis"}
