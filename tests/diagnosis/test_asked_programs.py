"""Programs that are asked: what must never be called right, and what never wrong."""

from dataclasses import replace
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

import numpy as np
import pytest

from chainrule import Diagnosis, check
from chainrule.diagnosis import programs
from chainrule.submission import DOUBTFUL
from tests.diagnosis.asked_programs import (
    CALLS_ON_NUMBERS,
    COLUMN_LISTS,
    FAMILY,
    FORWARD,
    HIDDEN_FIRST,
    KEYS_WITH_OTHERS,
    MATRICES,
    NEVER_FILLED_IN,
    NUMERICAL_BESIDE,
    ONE_BY_ONE_WITH_UPDATED_WEIGHTS,
    ONE_COLUMN,
    OWN_RATE_WITH_UPDATED_WEIGHTS,
    RATE_UNUSED,
    RUNNING_MEAN,
    SETS_OF_PARENTS,
    SEVERAL_COLUMNS,
    SINGLE_SOFTMAX,
    VECTOR_AND_DIMENSIONS,
    VECTOR_AND_SIZES,
    WRONG_SHAPE,
)
from tests.rows import more

Arrays: TypeAlias = list[Any]


def check_text(text: str, folder: Path, network: dict[str, Any] | None = None) -> Diagnosis:
    """Check a program, given as its text."""
    path = folder / "program.py"
    path.write_text("import numpy as np\n\n\n" + dedent(text))
    return check(path, network, seconds=30)


def check_function(text: str, name: str) -> Diagnosis:
    """Check a function in this process, which is faster than a file in its own."""
    namespace: dict[str, Any] = {"np": np}
    exec(text, namespace)  # noqa: S102 (a program of this file)
    return check(namespace[name])


def test_a_right_forward_pass_alone_is_not_judged(tmp_path: Path):
    found = check_text(FORWARD, tmp_path)
    assert found.verdict == "could-not-run"
    assert "forward pass agrees with a 2-4-4-3, tanh, identity network" in found.sentence
    assert "gives gradients or updates" in found.sentence
    assert any("gradients(weights, biases, x, t)" in text for text in found.remarks)


def test_a_forward_pass_that_differs_from_the_network_described_is_not_right(tmp_path: Path):
    described = {"activation": "logistic", "layers": [2, 3, 1]}
    assert check_text(FORWARD, tmp_path, network=described).verdict in {"wrong", "unknown"}


@pytest.mark.full_only  # every way to call them is tried
def test_helpers_are_not_asked_as_networks(tmp_path: Path):
    found = check_text(FAMILY, tmp_path)
    assert found.verdict == "could-not-run"  # a column minus a row: the biases change their shape


@pytest.mark.full_only
def test_helpers_that_are_not_run_are_named(tmp_path: Path):
    right = FAMILY.replace("sum(axis=1)", "sum(axis=1, keepdims=True)")
    found = check_text(right, tmp_path)
    assert found.verdict == "right", found.sentence
    assert any("do not run price, glide" in text for text in found.remarks)


@pytest.mark.parametrize(
    "text",
    [
        SETS_OF_PARENTS,
        more(SINGLE_SOFTMAX),
        more(MATRICES),
        more(KEYS_WITH_OTHERS),
        VECTOR_AND_SIZES,
        more(VECTOR_AND_DIMENSIONS),
        more(CALLS_ON_NUMBERS),
        more(RATE_UNUSED),
        ONE_COLUMN,
        more(NUMERICAL_BESIDE),
        more(HIDDEN_FIRST),
        RUNNING_MEAN,
        more(COLUMN_LISTS),
    ],
)
def test_right_programs_are_right(text: str, tmp_path: Path):
    found = check_text(text, tmp_path)
    assert found.verdict == "right", found.sentence


def test_training_that_changes_nothing_is_described(tmp_path: Path):
    found = check_text(NEVER_FILLED_IN, tmp_path)
    assert found.verdict == "unknown"
    assert "every update is 0" in found.sentence


def test_an_unused_learning_rate_is_mentioned(tmp_path: Path):
    found = check_text(RATE_UNUSED, tmp_path)
    assert any("learning rate that it takes is not used" in text for text in found.remarks)


@pytest.mark.full_only  # slow
def test_an_unknown_mistake_is_compared_with_the_network_that_most_arrays_agree_with(
    tmp_path: Path,
):
    found = check_text(WRONG_SHAPE, tmp_path)
    assert found.verdict != "right"
    assert "tanh" in found.network
    tested = " ".join(found.tested)
    assert all(name in tested for name in ("W1", "b1", "b2"))
    assert "W2" not in tested


@pytest.mark.parametrize(
    "text",
    [
        ONE_BY_ONE_WITH_UPDATED_WEIGHTS,
        more(OWN_RATE_WITH_UPDATED_WEIGHTS),
    ],
)
def test_updated_weights_are_named_in_updates_of_single_samples(text: str, tmp_path: Path):
    found = check_text(text, tmp_path)
    assert [f.mistake.id for f in found.mistakes] == ["updated-weights"], found.sentence


LAYERS = """
def gradients(V, b, W, c, x, t):
    h = 1 / (1 + np.exp(-(x @ V + b)))
    o = 1 / (1 + np.exp(-(h @ W + c)))
    d = (o - t) / len(x)
    e = {}
    dV, dW = x.T @ e, h.T @ d
    return dV, {}, dW, d.sum(axis=0)
"""


@pytest.mark.parametrize(
    ("delta", "bias", "words"),
    [
        ("d @ W.T * (1 - h)", "e.sum(axis=0)", "instead of a (1 - a) (layer 1, V)"),
        ("d @ W.T * h * (1 + h)", "e.sum(axis=0)", "it is a * (1 + a) instead of"),
        ("d / (o * (1 - o)) @ W.T * h * (1 - h)", "e.sum(axis=0)", "by the output is backprop"),
        ("d @ W.T * h * (1 - h)", "dV.sum(axis=0)", "dW summed over the layer's inputs"),
        ("d @ W.T * h * (1 - h)", "(d @ W.T).sum(axis=0)", "before multiplying by the activation"),
        ("d @ W.T * h * (1 - h)", "e.sum(axis=0) * len(x) / V.shape[1]", "a number of units"),
        ("0 * (d @ W.T)", "e.sum(axis=0)", "layer 1 (V) is never trained"),
    ],
)
def test_forms_of_mistakes_have_their_own_sentences(delta: str, bias: str, words: str):
    found = check_function(LAYERS.format(delta, bias), "gradients")
    assert found.verdict == "wrong", found.sentence
    assert words in found.sentence


@pytest.mark.full_only
def test_bias_gradients_of_several_columns_that_are_not_summed_are_not_called_right(tmp_path: Path):
    found = check_text(SEVERAL_COLUMNS.format(mean=" / a.shape[1]"), tmp_path)
    assert [f.mistake.id for f in found.mistakes] == ["bias-not-summed"]
    unclear = check_text(SEVERAL_COLUMNS.format(mean=""), tmp_path)
    assert unclear.verdict == "could-not-run"
    assert "right if each call takes one column" in unclear.sentence


def test_a_function_of_one_column_says_that_it_was_asked_so(tmp_path: Path):
    found = check_text(COLUMN_LISTS, tmp_path)
    assert any("one column at a time" in text for text in found.remarks)


LAYER = """
def wide_forward(x, w, b):
    return x @ w + b, (x, w)


def wide_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.mean(axis=0)
"""


def test_a_file_with_one_layer_is_judged(tmp_path: Path):
    found = check_text(LAYER, tmp_path)
    assert found.verdict == "wrong"
    assert found.faults[0].name == "dout.mean(axis=0)"


def test_a_file_with_one_layer_that_cannot_be_run_gets_the_lines_that_check_it(tmp_path: Path):
    found = check_text(LAYER.replace("x, w = cache", "x, w = cache[side]"), tmp_path)
    assert found.verdict == "could-not-run"
    assert any("assert_layer(wide_backward, forward=wide_forward)" in r for r in found.remarks)
    assert any("from program import wide_backward, wide_forward" in r for r in found.remarks)


COUNTED = """
def gradients(V, b, W, c, x, t):
    h = np.tanh(x @ V + b)
    d = ({}) / {}
    e = d @ W.T * (1 - h**2)
    return x.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)
"""


def test_a_division_by_the_number_of_inputs_is_a_mistake(tmp_path: Path):
    found = check_text(COUNTED.format("h @ W + c - t", "x.shape[1]"), tmp_path)
    assert found.mistakes[0].mistake.id == "units-for-samples"
    assert "number of inputs, not of samples" in found.sentence


def test_a_division_by_the_number_of_outputs_is_remarked(tmp_path: Path):
    found = check_text(COUNTED.format("h @ W + c - t", "t.shape[1]"), tmp_path)
    assert found.verdict == "right"
    assert any("along the wrong axis" in text for text in found.remarks)


def test_minus_the_gradient_is_right_only_as_that(tmp_path: Path):
    program = COUNTED.format("t - (h @ W + c)", "len(x)")
    found = check_text(program, tmp_path)
    assert found.verdict == "right"
    assert "Right only as minus the gradient" in found.sentence
    assert "Subtracting it climbs; add it" in found.sentence
    strict = check(tmp_path / "program.py", strict=True)
    assert strict.verdict == "wrong"
    assert "all gradients have the wrong sign" in strict.sentence


TRAINED = """
def step(V, b, W, c, x, t, rate):
    h = np.tanh(x @ V + {} * b)
    d = (h @ W + c - t) / len(x)
    e = d @ W.T * (1 - h**2)
    dV, db, dW, dc = x.T @ e, e.sum(axis=0), h.T @ d, d.sum(axis=0)
    return {}
"""


@pytest.mark.parametrize(
    ("times", "new", "words"),
    [
        (1, "V - rate * dV, b - rate * db, W, c", "layer 2 (W) is never trained"),
        (1, "V - rate * dV, b - rate * db, W, c - rate * dc", "weights of layer 2 (W) are never"),
        (1, "V - rate * dV, b - rate * dc, W - rate * dW, c - rate * dc", "the layer above"),
        (1, "V - rate * dV, b - rate * db, V - rate * dW, c - rate * dc", "old value of the layer"),
        (
            2,
            "V - rate * dV, b - rate * db, W - rate * dW, c - rate * dc",
            "the bias is added twice",
        ),
        (1, "V + rate * dV, b + rate * db, W + rate * dW, c + rate * dc", "goes up the gradient"),
    ],
)
def test_mistakes_of_updates_have_their_own_sentences(times: int, new: str, words: str):
    found = check_function(TRAINED.format(times, new), "step")
    assert found.verdict == "wrong", found.sentence
    assert words in found.sentence


HIDDEN_AND_OUT = """
def gradients(w_hidden, b_hidden, w_out, b_out, inputs, targets):
    h = np.tanh(inputs @ w_hidden + b_hidden)
    d = (h @ w_out + b_out - targets) / len(inputs)
    e = d @ w_out.T * (1 - h**2)
    return {}, e.sum(axis=0), h.T @ d, {} * d.sum(axis=0)
"""


@pytest.mark.parametrize(
    ("weights", "times", "words"),
    [
        ("0 * w_hidden", 1, "weights of layer 1 (w_hidden) are never trained"),
        ("inputs.T @ e", 2, "bias gradients of layer 2 (w_out) have a factor 2"),
    ],
)
def test_layers_are_named_as_the_learner_names_them(weights: str, times: int, words: str):
    found = check_function(HIDDEN_AND_OUT.format(weights, times), "gradients")
    assert words in found.sentence
    assert found.convention["layers"] == "layer 1: w_hidden and b_hidden; layer 2: w_out and b_out"


def test_an_unknown_mistake_is_reported_with_the_learners_names(tmp_path: Path):
    program = HIDDEN_AND_OUT.format("inputs.T @ e + w_hidden**3", 1)
    path = tmp_path / "program.py"
    path.write_text("import numpy as np\n" + program)
    found = check(path, {"activation": "tanh, identity", "loss": "squared-error"}, seconds=4)
    assert found.verdict == "unknown"
    assert "dW1 (of w_hidden) is the first that differs" in found.sentence
    assert set(found.tested) == {"dW2 (of w_out)", "db2 (of b_out)", "db1 (of b_hidden)"}


def test_a_report_shows_no_ids(tmp_path: Path):
    text = check_text(HIDDEN_AND_OUT.format("0 * w_hidden", 1), tmp_path).to_text()
    assert "No. 47 of the catalogue, in layer 1." in text
    assert "only-last-layer" not in text


def biases_alone(weights: Arrays, biases: Arrays, x: Any, t: Any) -> tuple[Arrays, Arrays]:
    (V, W), (b, c) = weights, biases
    h = np.tanh(x @ V.T + b)
    d = h @ W.T + c - t
    e = d @ W * (1 - h**2)
    return [0 * V, 0 * W], [e.sum(axis=0), d.sum(axis=0)]


def test_weights_that_are_never_trained_are_not_gradients_of_zero():
    found = check(biases_alone)
    assert found.verdict == "wrong", found.sentence
    assert "weights of every layer are never trained" in found.sentence


def zeros(weights: Arrays, biases: Arrays, x: Any, t: Any) -> tuple[Arrays, Arrays]:
    return [0 * W for W in weights], [0 * b for b in biases]


def unchanged(
    weights: Arrays, biases: Arrays, x: Any, t: Any, rate: float
) -> tuple[Arrays, Arrays]:
    return list(weights), list(biases)


def constants(weights: Arrays, biases: Arrays, x: Any, t: Any) -> tuple[Arrays, Arrays]:
    return [np.ones_like(W) for W in weights], [np.ones_like(b) for b in biases]


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (zeros, "every gradient is 0"),
        (unchanged, "weights are the same after the update"),
        (constants, "the same for other samples"),
    ],
)
def test_answers_that_say_nothing_are_not_explained_by_a_mistake(program: Any, words: str):
    found = check(program)
    assert found.verdict == "unknown"
    assert words in found.sentence
    assert found.mistakes == ()


def test_a_mistake_in_single_numbers_is_named_whatever_factor_the_loss_has(tmp_path: Path):
    text = """
import math

def step(w, b, v, c, x, t, rate):
    h = 1 / (1 + math.exp(-(w * x + b)))
    o = 1 / (1 + math.exp(-(v * h + c)))
    error = 2 * (o - t)
    delta = error * o * (1 - o)
    below = error * v * h * (1 - h)
    return w - rate * below * x, b - rate * below, v - rate * delta * h, c - rate * delta
"""
    found = check_text(text, tmp_path)
    assert [f.mistake.id for f in found.mistakes] == ["raw-error-back"], found.sentence


UNUSUAL = """
def gradients(W1, b1, W2, b2, x, t):
    z = x @ W1 + b1
    s = 1 / (1 + np.exp(-2 * z))
    h = z * s
    o = h @ W2 + b2
    loss = np.mean((o - t) ** 4)
    d2 = 4 * (o - t) ** 3 / t.size
    d1 = d2 @ W2.T * (s + 2 * h * (1 - s))
    return x.T @ d1, d1.sum(axis=0), h.T @ d2, d2.sum(axis=0)
"""


@pytest.mark.full_only
def test_a_function_with_an_activation_of_its_own_is_judged_by_its_own_forward_pass(
    tmp_path: Path,
):
    found = check_text(UNUSUAL, tmp_path)
    assert found.verdict == "right", found.to_text()
    assert "gradients of W1, b1, W2 and b2" in found.sentence
    assert found.convention["weights"] == "(in, out)"


@pytest.mark.full_only
def test_a_fault_in_a_function_with_an_activation_of_its_own_gets_its_line(tmp_path: Path):
    found = check_text(UNUSUAL.replace("2 * h * (1 - s)", "h * (1 - s)"), tmp_path)
    assert found.verdict == "wrong", found.to_text()
    assert found.faults[0].where == "line 12"


@pytest.mark.full_only
def test_gradients_with_a_factor_that_no_loss_has_are_not_right(tmp_path: Path):
    text = UNUSUAL.replace("4 * (o - t) ** 3", "1.1 * (o - t) ** 3")
    assert check_text(text, tmp_path).verdict == "unknown"


RAISING = """
class Net:
    def __init__(self, sizes):
        pairs = list(zip(sizes[:-1], sizes[1:]))
        self.W = [np.random.randn(n, m) for m, n in pairs]
        self.b = [np.zeros((n, 1)) for m, n in pairs]

    def forward(self, x):
        outputs, nets, a = [x], [], x
        for W, b in zip(self.W, self.b):
            nets.append(W @ a + b)
            a = np.tanh(nets[-1])
            outputs.append(a)
        return a, outputs, nets

    def learn(self, x, t, rate):
        o, outputs, _ = self.forward(x)
        d = (o - t) * (1 - o**2)
        for i in reversed(range(len(self.W))):
            self.W[i] -= rate * d @ outputs[i + 1].T
            d = self.W[i].T @ d * (1 - outputs[i] ** 2)
"""


def test_the_error_of_a_method_that_trains_is_the_reason_and_not_the_forward_pass(tmp_path: Path):
    found = check_text(RAISING, tmp_path)
    assert found.verdict == "could-not-run"
    assert "tanh network" in found.sentence  # not of the net inputs, which come last
    assert "learn raises ValueError" in found.sentence


def test_answers_that_say_nothing_are_not_wrong_where_the_weights_are_unclear(
    monkeypatch: pytest.MonkeyPatch,
):
    transcripts = programs.transcripts

    def unclear(*given: Any) -> Any:
        found: Any = transcripts(*given)
        return [replace(one, own_remarks=(DOUBTFUL,)) for one in found]

    monkeypatch.setattr(programs, "transcripts", unclear)
    found = check(constants)
    assert found.verdict == "could-not-run"
    assert DOUBTFUL in found.sentence
