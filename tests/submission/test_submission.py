"""Submissions: functions in every layout and classes in many styles are called and read.

Each program here is correct up to a convention, so its answer must be the network's gradient, or a
step along it. Wrong programs are tested in tests/diagnosis.
"""

# The programs are written on purpose as learners write them.
# ruff: noqa: B905, NPY002, S311, S102, ARG005, PLW2901, N803, RUF005, F841, SIM105, RUF007
# pyright: reportUnusedExpression=false, reportOperatorIssue=false, reportArgumentType=false

import contextlib
import io
import itertools
import json
import math
import random
import runpy
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.diagnosis import check
from chainrule.submission import (
    GROWING_RESULT,
    Attempt,
    SubmissionError,
    attempt_of,
    find,
    layers_of,
    read,
    widths_of,
)
from chainrule.submission.questions import Array, Failure, Layout, Question, Reading
from chainrule.submission.reading import example

WIDTHS = (3, 4, 2)


def squash(z: Any) -> Any:
    """Return the logistic function."""
    return 1 / (1 + np.exp(-z))


def right(question: Question) -> dict[str, Array]:
    """Return the gradients of ½ Σ (a − t)², mean over samples, for logistic layers."""
    a = [question.x]
    for W, b in zip(question.W, question.b, strict=True):
        a.append(squash(a[-1] @ W.T + b))
    delta = (a[-1] - question.t) * a[-1] * (1 - a[-1])
    found: dict[str, Array] = {"p": a[-1]}
    for i in range(len(question.W), 0, -1):
        found[f"dW{i}"] = delta.T @ a[i - 1] / len(question.x)
        found[f"db{i}"] = delta.mean(axis=0)
        delta = delta @ question.W[i - 1] * a[i - 1] * (1 - a[i - 1])
    return found


def backprop(Ws: Any, bs: Any, x: Any, t: Any) -> tuple[list[Array], list[Array]]:
    """Return gradients in the standard layout, for learners' functions that differ from it."""
    question = Question(tuple(map(np.asarray, Ws)), tuple(map(np.ravel, bs)), x, t, 0.1)
    found = right(question)
    depth = range(1, len(Ws) + 1)
    return [found[f"dW{i}"] for i in depth], [found[f"db{i}"] for i in depth]


def read_all(thing: Any, widths: tuple[int, ...] = WIDTHS, calls: int = 1) -> list[Reading]:
    """Return the readings of a program that gives answers; its layout survives JSON."""
    attempt = attempt_of(thing)
    question = replace(example(widths), calls=calls)
    found = read(attempt, question, seconds=3.0)
    assert not isinstance(found, Failure), found
    layout = json.loads(json.dumps(asdict(found[0].layout)))
    again = read(attempt, question, kind=found[0].kind, layout=Layout(**layout), seconds=3.0)
    assert isinstance(again, list)
    assert len(again) == 1
    for mine, theirs in zip(again[0].answers, found[0].answers, strict=True):
        assert mine.keys() == theirs.keys()
        assert all(np.array_equal(mine[n], theirs[n], equal_nan=True) for n in mine)
    return found


def assert_gradients(reading: Reading, widths: tuple[int, ...] = WIDTHS, factor: float = 1) -> None:
    """Assert that a reading is the gradient."""
    assert reading.kind == "gradients"
    expected = right(example(widths))
    for name, array in reading.answers[0].items():
        if name in expected and name != "p":
            np.testing.assert_allclose(array, factor * expected[name], rtol=1e-5, atol=1e-8)
    assert {f"dW{i}" for i in range(1, len(widths))} <= set(reading.answers[0])


def assert_step(
    reading: Reading, rate: float, widths: tuple[int, ...] = WIDTHS, *, biases: bool = True
) -> None:
    """Assert that a reading is one step along the gradient."""
    assert reading.kind == "step"
    question = example(widths)
    expected = right(question)
    for i, (W, b) in enumerate(zip(question.W, question.b, strict=True), 1):
        answer = reading.answers[0]
        np.testing.assert_allclose(answer[f"W{i}_new"], W - rate * expected[f"dW{i}"], atol=1e-7)
        if biases:
            np.testing.assert_allclose(
                answer[f"b{i}_new"], b - rate * expected[f"db{i}"], atol=1e-7
            )
    if "p" in reading.answers[0]:
        np.testing.assert_allclose(reading.answers[0]["p"], expected["p"], atol=1e-7)


def online(rate: float, widths: tuple[int, ...] = WIDTHS) -> dict[str, Array]:
    """Return the parameters after one step for each sample in turn."""
    q = example(widths)
    for i in range(len(q.x)):
        g = right(replace(q, x=q.x[i : i + 1], t=q.t[i : i + 1]))
        W = tuple(w - rate * g[f"dW{k}"] for k, w in enumerate(q.W, 1))
        q = replace(q, W=W, b=tuple(b - rate * g[f"db{k}"] for k, b in enumerate(q.b, 1)))
    new = {f"W{k}_new": w for k, w in enumerate(q.W, 1)}
    return new | {f"b{k}_new": b for k, b in enumerate(q.b, 1)}


def assert_online(reading: Reading, rate: float, widths: tuple[int, ...] = WIDTHS) -> None:
    """Assert that a reading is a step for each sample, one after the other."""
    assert reading.kind == "step"
    assert reading.layout.samples == "one at a time"
    for name, array in online(rate, widths).items():
        np.testing.assert_allclose(reading.answers[0][name], array, atol=1e-7)


# --- Functions -----------------------------------------------------------------------------------


def standard(weights, biases, x, t):
    return backprop(weights, biases, x, t)


def data_first(X, Y, weights, biases):
    return backprop(weights, biases, X, Y)


def flat(W1, b1, W2, b2, x, t):
    (dW1, dW2), (db1, db2) = backprop([W1, W2], [b1, b2], x, t)
    return dW1, db1, dW2, db2


def flat_data_first(x, t, W1, b1, W2, b2):
    return flat(W1, b1, W2, b2, x, t)


def flat_grouped(W1, W2, b1, b2, x, t):
    (dW1, dW2), (db1, db2) = backprop([W1, W2], [b1, b2], x, t)
    return dW1, dW2, db1, db2


def in_out(weights, biases, x, t):
    x @ weights[0] @ weights[1]
    dW, db = backprop([w.T for w in weights], biases, x, t)
    return [g.T for g in dW], db


def in_out_returned_out_in(weights, biases, x, t):
    x @ weights[0] @ weights[1]
    return backprop([w.T for w in weights], biases, x, t)


def columns(weights, biases, x, t):
    weights[0] @ x + biases[0]
    dW, db = backprop(weights, biases, x.T, t.T)
    assert biases[0].shape == (len(weights[0]), 1)
    return dW, [g.reshape(-1, 1) for g in db]


def row_biases(weights, biases, x, t):
    _, _ = biases[0].shape
    dW, db = backprop(weights, biases, x, t)
    return dW, [g[None, :] for g in db]


def one_sample(weights, biases, x, t):
    assert np.shape(x) == (3,)
    return backprop(weights, biases, np.array([x]), np.array([t]))


def one_row(weights, biases, x, t):
    assert x.shape == (1, 3)
    assert t.shape == (1, 2)
    return backprop(weights, biases, x, t)


def one_column(weights, biases, x, t):
    assert x.shape == (3, 1)
    assert biases[0].shape == (4, 1)
    dW, db = backprop(weights, biases, x.T, t.T)
    return dW, [g.reshape(-1, 1) for g in db]


def nested_lists(weights, biases, x, t):
    assert isinstance(weights[0][0], list)
    dW, db = backprop([np.array(w) for w in weights], biases, np.array(x + []), np.array(t))
    return [g.tolist() for g in dW], [g.tolist() for g in db]


def one_sample_lists(w, b, entrada, alvo):
    z = [sum(p * q for p, q in zip(row, entrada)) + c for row, c in zip(w[0], b[0])]
    h = [1 / (1 + math.exp(-v)) for v in z]
    z = [sum(p * q for p, q in zip(row, h)) + c for row, c in zip(w[1], b[1])]
    y = [1 / (1 + math.exp(-v)) for v in z]
    d = [(p - q) * p * (1 - p) for p, q in zip(y, alvo)]
    e = [sum(w[1][k][j] * d[k] for k in range(len(d))) * h[j] * (1 - h[j]) for j in range(len(h))]
    return [[[p * q for q in entrada] for p in e], [[p * q for q in h] for p in d]], [e, d]


def one_dictionary(params, x, t):
    (dW1, dW2), (db1, db2) = backprop(
        [params["W1"], params["W2"]], [params["b1"], params["b2"]], x, t
    )
    return {"db2": db2, "dW2": dW2, "db1": db1, "dW1": dW1}


def from_zero(params, x, t):
    dW, db = backprop([params["W0"], params["W1"]], [params["b0"], params["b1"]], x, t)
    return {"dW": {0: dW[0], 1: dW[1]}, "db": {0: db[0], 1: db[1]}}


def two_lists_in_one(params, x, t):
    dW, db = backprop(params["W"], params["b"], x, t)
    return {"W": dW, "b": db}


def list_of_dicts(layers, x, t):
    dW, db = backprop([layer["W"] for layer in layers], [layer["b"] for layer in layers], x, t)
    return [{"dW": w, "db": b} for w, b in zip(dW, db)]


def list_of_pairs(layers, x, t):
    dW, db = backprop([w for w, _ in layers], [b for _, b in layers], x, t)
    return list(zip(dW, db))


def pairs_from_the_end(weights, biases, x, t):
    dW, db = backprop(weights, biases, x, t)
    return list(zip(dW, db))[::-1]


def from_the_end(weights, biases, x, t):
    dW, db = backprop(weights, biases, x, t)
    return dW[::-1], db[::-1]


def with_loss_and_cache(weights, biases, x, t):
    dW, db = backprop(weights, biases, x, t)
    return 0.125, (dW, db), {"A": [x, x]}


def biases_first(weights, biases, x, t):
    dW, db = backprop(weights, biases, x, t)
    return db, dW


def bias_last(weights, x, t):
    ones = np.ones((len(x), 1))
    np.hstack([x, ones]) @ weights[0].T
    dW, db = backprop([w[:, :-1] for w in weights], [w[:, -1] for w in weights], x, t)
    return [np.column_stack([w, b]) for w, b in zip(dW, db)]


def bias_first(weights, x, t):
    dW, db = backprop([w[:, 1:] for w in weights], [w[:, 0] for w in weights], x, t)
    return [np.column_stack([b, w]) for w, b in zip(dW, db)]


def bias_row(V, U, x, t):
    np.hstack([x, np.ones((len(x), 1))]) @ V
    dW, db = backprop([V[:-1].T, U[:-1].T], [V[-1], U[-1]], x, t)
    return [np.vstack([w.T, b]) for w, b in zip(dW, db)]


def no_biases_back(weights, biases, x, t):
    return backprop(weights, biases, x, t)[0]


def three_numbers_wide(weights, biases, x, t):
    return np.array(backprop(weights, biases, x, t)[0], dtype=object)


def one_vector(theta, x, t):
    W1, b1, W2, b2 = np.split(theta, [12, 16, 24])
    (dW1, dW2), (db1, db2) = backprop([W1.reshape(4, 3), W2.reshape(2, 4)], [b1, b2], x, t)
    return np.concatenate([dW1.ravel(), db1, dW2.ravel(), db2])


def class_numbers(weights, biases, x, labels):
    t = np.zeros((len(labels), 2))
    t[np.arange(len(labels)), labels] = 1
    return backprop(weights, biases, x, t)


GRADIENTS = {
    standard: ("(out, in)", "rows", "separate"),
    data_first: ("(out, in)", "rows", "separate"),
    flat: ("(out, in)", "rows", "separate"),
    flat_data_first: ("(out, in)", "rows", "separate"),
    flat_grouped: ("(out, in)", "rows", "separate"),
    in_out: ("(in, out)", "rows", "separate"),
    in_out_returned_out_in: ("(in, out)", "rows", "separate"),
    columns: ("(out, in)", "columns", "separate"),
    row_biases: ("(out, in)", "rows", "separate"),
    one_sample: ("(out, in)", "one at a time", "separate"),
    one_row: ("(out, in)", "one at a time", "separate"),
    one_column: ("(out, in)", "one at a time", "separate"),
    nested_lists: ("(out, in)", "rows", "separate"),
    one_sample_lists: ("(out, in)", "one at a time", "separate"),
    one_dictionary: ("(out, in)", "rows", "separate"),
    from_zero: ("(out, in)", "rows", "separate"),
    two_lists_in_one: ("(out, in)", "rows", "separate"),
    list_of_dicts: ("(out, in)", "rows", "separate"),
    list_of_pairs: ("(out, in)", "rows", "separate"),
    pairs_from_the_end: ("(out, in)", "rows", "separate"),
    from_the_end: ("(out, in)", "rows", "separate"),
    with_loss_and_cache: ("(out, in)", "rows", "separate"),
    biases_first: ("(out, in)", "rows", "separate"),
    bias_last: ("(out, in)", "rows", "last"),
    bias_first: ("(out, in)", "rows", "first"),
    bias_row: ("(in, out)", "rows", "last"),
    no_biases_back: ("(out, in)", "rows", "separate"),
    three_numbers_wide: ("(out, in)", "rows", "separate"),
    one_vector: ("(out, in)", "rows", "separate"),
    class_numbers: ("(out, in)", "rows", "separate"),
}


@pytest.mark.parametrize("function", GRADIENTS, ids=lambda f: f.__name__)
def test_gradients_in_every_layout(function):
    reading = read_all(function)[0]
    assert_gradients(reading)
    layout = reading.layout
    assert (layout.weights, layout.samples, layout.bias) == GRADIENTS[function]


def test_gradients_are_distinguished_from_steps_if_all_arrays_are_square():
    widths = (4, 4, 4)
    for function in (standard, in_out):
        readings = read_all(function, widths)
        assert any(_is_right(reading, widths) for reading in readings)


def _is_right(reading: Reading, widths: tuple[int, ...]) -> bool:
    """Return whether a reading is the gradient."""
    expected = right(example(widths))
    return all(np.allclose(a, expected[n]) for n, a in reading.answers[0].items())


def test_arrays_of_unexpected_shape_are_kept():
    def db_not_summed(weights, biases, x, t):
        dW, db = backprop(weights, biases, x, t)
        return dW, [np.repeat(g[None, :], len(x), axis=0) for g in db]

    answer = read_all(db_not_summed)[0].answers[0]
    assert answer["db1"].shape == (6, 4)
    np.testing.assert_allclose(answer["dW1"], right(example(WIDTHS))["dW1"])


def test_transposed_gradients_are_recognized_also_square_ones():
    def transposed(weights, biases, x, t):
        dW, db = backprop(weights, biases, x, t)
        return [g.T for g in dW], db

    assert_gradients(read_all(transposed, (3, 4, 4, 2))[0], (3, 4, 4, 2))


# --- Steps ---------------------------------------------------------------------------------------


def stepped(weights, biases, x, t, rate):
    dW, db = backprop(weights, biases, x, t)
    return [w - rate * g for w, g in zip(weights, dW)], [b - rate * g for b, g in zip(biases, db)]


def test_required_learning_rate_is_that_of_the_question():
    def step(weights, biases, x, t, learning_rate):
        return stepped(weights, biases, x, t, learning_rate)

    reading = read_all(step)[0]
    assert reading.rate == 0.37
    assert_step(reading, 0.37)


def test_default_arguments_are_kept():
    def step(weights, biases, x, t, learning_rate=0.5, momentum=0.9):
        return stepped(weights, biases, x, t, learning_rate)

    reading = read_all(step)[0]
    assert reading.rate is None
    assert reading.own == {"learning_rate": 0.5, "momentum": 0.9}
    assert_step(reading, 0.5)


def test_gradient_times_learning_rate_is_a_gradient():
    def gradients(weights, biases, x, t, rate):
        dW, db = backprop(weights, biases, x, t)
        return [rate * g for g in dW], [rate * g for g in db]

    assert_gradients(read_all(gradients)[0], factor=0.37)


def test_step_in_place_without_result():
    def train(weights, biases, x, t, eta=0.5):
        dW, db = backprop(weights, biases, x, t)
        for i in range(len(weights)):
            weights[i] -= eta * dW[i]
            biases[i] -= eta * db[i]

    reading = read_all(train)[0]
    assert_step(reading, 0.5)
    assert set(reading.changed) == {"weights", "biases"}


def test_step_in_place_in_a_dictionary_that_returns_the_loss():
    def train(params, X, y, alpha):
        dW, db = backprop([params["W1"], params["W2"]], [params["b1"], params["b2"]], X, y)
        for i in (1, 2):
            params[f"W{i}"] = params[f"W{i}"] - alpha * dW[i - 1]
            params[f"b{i}"] = params[f"b{i}"] - alpha * db[i - 1]
        return 0.5

    assert_step(read_all(train)[0], 0.37)


def test_number_of_epochs_is_set_to_one():
    def train(weights, biases, x, t, epochs=1000, rate=0.5):
        for _ in range(epochs):
            weights, biases = stepped(weights, biases, x, t, rate)
        return weights, biases

    assert_step(read_all(train)[0], 0.5)


def test_steps_for_single_samples_continue_from_each_other():
    def step(weights, biases, x, t, rate=0.5):
        assert np.shape(x) == (3,)
        return stepped(weights, biases, np.array([x]), np.array([t]), rate)

    assert_online(read_all(step)[0], 0.5)


def test_several_steps_continue_from_each_other_and_keep_module_state():
    namespace: dict[str, Any] = {"stepped": stepped, "backprop": backprop}
    source = """
speed = {}
def step(weights, biases, x, t, rate=.5):
    dW, db = backprop(weights, biases, x, t)
    for i, g in enumerate(dW):
        speed[i] = .9 * speed.get(i, 0) + g
    new = [w - rate * speed[i] for i, w in enumerate(weights)]
    return new, [b - rate * g for b, g in zip(biases, db)]
"""
    exec(source, namespace)
    attempt = find(namespace, "step")
    question = replace(example(WIDTHS), calls=3)
    first, again = (read(attempt, question) for _ in range(2))
    assert isinstance(first, list)
    assert isinstance(again, list)
    assert len(first[0].answers) == 3
    assert_step(first[0], 0.5)
    for mine, theirs in zip(first[0].answers, again[0].answers, strict=True):
        assert all(np.array_equal(mine[n], theirs[n]) for n in mine)
    moved = [first[0].answers[i]["W1_new"] - first[0].answers[i - 1]["W1_new"] for i in (1, 2)]
    assert np.linalg.norm(moved[1]) > np.linalg.norm(moved[0])


def test_modified_arguments_are_reported():
    def gradients(weights, biases, x, t):
        found = backprop(weights, biases, x, t)
        x *= 2
        weights[0] += 1
        return found

    reading = read_all(gradients)
    grads = next(r for r in reading if r.kind == "gradients")
    assert set(grads.changed) == {"x", "weights"}


# --- Forward -------------------------------------------------------------------------------------


def ran(weights, biases, x):
    a, z = [x], []
    for w, b in zip(weights, biases):
        z.append(a[-1] @ w.T + b)
        a.append(squash(z[-1]))
    return z, a


@pytest.mark.parametrize(
    ("result", "names"),
    [
        (lambda z, a: a[-1], {"p"}),
        (lambda z, a: a, {"p", "a1", "a2"}),
        (lambda z, a: a[1:], {"p", "a1", "a2"}),
        (lambda z, a: (z, a), {"p", "a1", "a2"}),
        (lambda z, a: (a[1:], z), {"p", "a1", "a2"}),
        (lambda z, a: (z[0], a[1], z[1], a[2]), {"p", "a1", "a2"}),
        (lambda z, a: {"A2": a[2], "A1": a[1]}, {"p", "a1", "a2"}),
        (lambda z, a: (a[-1], {"Z1": z[0]}), {"p"}),
    ],
)
def test_forward_gives_the_output_and_identified_activations(result, names):
    def forward(weights, biases, x):
        return result(*ran(weights, biases, x))

    reading = read_all(forward)[0]
    assert reading.kind == "forward"
    assert set(reading.answers[0]) == names
    np.testing.assert_allclose(reading.answers[0]["p"], right(example(WIDTHS))["p"])


def test_forward_outputs_of_single_samples_are_stacked():
    def forward(weights, biases, x):
        for W, b in zip(weights, biases):
            x = [1 / (1 + math.exp(-sum(p * q for p, q in zip(r, x)) - c)) for r, c in zip(W, b)]
        return x

    np.testing.assert_allclose(read_all(forward)[0].answers[0]["p"], right(example(WIDTHS))["p"])


# --- Failures ------------------------------------------------------------------------------------


def failed(thing: Any, widths: tuple[int, ...] = WIDTHS, seconds: float = 3.0) -> Failure:
    """Return the failure of a program that gives no answer."""
    found = read(attempt_of(thing), example(widths), seconds=seconds)
    assert isinstance(found, Failure), found
    return found


def test_exception_is_reported_with_its_line():
    def gradients(weights, biases, x, t):
        hidden = x @ weights[0].T
        raise ValueError("no idea")

    failure = failed(gradients)
    assert failure.fault == "exception"
    assert "no idea" in failure.text
    assert "line" in failure.detail


def test_endless_loop_is_interrupted_even_if_it_catches_everything():
    def gradients(weights, biases, x, t):
        while True:
            try:
                sum(range(1000))
            except:  # noqa: E722, S110
                pass

    failure = failed(gradients, seconds=0.3)
    assert failure.fault == "endless"


def test_random_answers_are_a_failure():
    def gradients(weights, biases, x, t):
        dW, db = backprop(weights, biases, x, t)
        return [g * np.random.rand() for g in dW], db

    assert failed(gradients).fault == "non-deterministic"


def test_random_order_of_samples_is_fixed_and_reported():
    def step(weights, biases, x, t, rate=0.5):
        for i in np.random.permutation(len(x)):
            weights, biases = stepped(weights, biases, x[i : i + 1], t[i : i + 1], rate)
        return weights, biases

    reading = read_all(step)[0]
    assert any("random order" in remark for remark in reading.remarks)


def test_input_and_exit_are_failures():
    def gradients(weights, biases, x, t):
        input("how many?")

    assert "type" in failed(gradients).text

    def leaves(weights, biases, x, t):
        raise SystemExit(0)

    assert failed(leaves).fault == "exception"


def test_printed_output_is_discarded(capsys):
    def gradients(weights, biases, x, t):
        print("loss", 3)
        return backprop(weights, biases, x, t)

    assert_gradients(read_all(gradients)[0])
    assert capsys.readouterr().out == ""


def test_function_that_returns_no_arrays():
    def gradients(weights, biases, x, t):
        return "done"

    assert failed(gradients).fault == "no-layout"


def test_nan_is_a_valid_answer():
    def gradients(weights, biases, x, t):
        dW, db = backprop(weights, biases, x, t)
        return [g * np.nan for g in dW], db

    assert np.isnan(read_all(gradients)[0].answers[0]["dW1"]).all()


def test_float32_is_detected():
    def gradients(weights, biases, x, t):
        dW, db = backprop(weights, biases, x, t)
        return [g.astype(np.float32) for g in dW], [g.astype(np.float32) for g in db]

    assert read_all(gradients)[0].layout.dtype == "float32"


# --- Classes -------------------------------------------------------------------------------------


class Lists:
    """Lists of matrices, and buffers of the same shapes."""

    def __init__(self, sizes, lr=0.5):
        self.lr = lr
        self.velocity = [np.zeros((o, i)) for i, o in itertools.pairwise(sizes)]
        self.weights = [np.random.randn(o, i) for i, o in itertools.pairwise(sizes)]
        self.grads = [np.zeros((o, i)) for i, o in itertools.pairwise(sizes)]
        self.biases = [np.zeros(o) for o in sizes[1:]]
        self.grads_b = [np.zeros(o) for o in sizes[1:]]

    def predict(self, x):
        return ran(self.weights, self.biases, x)[1][-1]

    def accuracy(self, x, t):
        return float(np.mean(self.predict(x).argmax(1) == t.argmax(1)))

    def fit(self, x, t, epochs=200, verbose=10):
        for _ in range(epochs):
            self.train_step(x, t)

    def train_step(self, x, t):
        self.grads, self.grads_b = backprop(self.weights, self.biases, x, t)
        for i in range(len(self.weights)):
            self.velocity[i] = 0.9 * self.velocity[i] + self.grads[i]
            self.weights[i] -= self.lr * self.velocity[i]
            self.biases[i] -= self.lr * self.grads_b[i]


class Attributes:
    """W1, b1, W2, b2 in (in, out); forward, backward and update; the rate is an argument."""

    def __init__(self, d, h, k):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros((1, h))
        self.W2, self.b2 = np.random.randn(h, k), np.zeros((1, k))

    def forward(self, x):
        self.x = x
        self.h = squash(x @ self.W1 + self.b1)
        self.o = squash(self.h @ self.W2 + self.b2)
        return self.o

    def backward(self, t):
        d2 = (self.o - t) * self.o * (1 - self.o) / len(t)
        d1 = d2 @ self.W2.T * self.h * (1 - self.h)
        self.dW2, self.db2 = self.h.T @ d2, d2.sum(0, keepdims=True)
        self.dW1, self.db1 = self.x.T @ d1, d1.sum(0, keepdims=True)

    def update(self, rate):
        for name in ("W1", "b1", "W2", "b2"):
            setattr(self, name, getattr(self, name) - rate * getattr(self, "d" + name))


class BackwardWithEverything:
    """backward(x, t, output) changes the weights itself."""

    def __init__(self, sizes, rate):
        self.rate = rate
        self.w = {i: np.random.randn(o, n) for i, (n, o) in enumerate(itertools.pairwise(sizes))}
        self.b = {i: np.random.randn(o) for i, o in enumerate(sizes[1:])}

    def feedforward(self, x):
        return ran(self.w.values(), self.b.values(), x)[1][-1]

    def backward(self, x, t, output):
        assert output.shape == t.shape
        dW, db = backprop(list(self.w.values()), list(self.b.values()), x, t)
        for i in self.w:
            self.w[i] = self.w[i] - self.rate * dW[i]
            self.b[i] = self.b[i] - self.rate * db[i]


class GradientsLeft:
    """Gradients stay in attributes, and there is no update at all."""

    def __init__(self, sizes=(3, 4, 2)):
        self.weights = [np.random.randn(o, i) for i, o in itertools.pairwise(sizes)]
        self.biases = [np.random.randn(o, 1) for o in sizes[1:]]

    def backprop(self, x, t):
        self.nabla_w, self.nabla_b = backprop(self.weights, self.biases, x.T, t.T)
        self.weights[0] @ x + self.biases[0]


class ChapterOne:
    """Samples as pairs of columns, as in a well-known book."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:])]

    def update_mini_batch(self, mini_batch, eta):
        dw = [np.zeros(w.shape) for w in self.weights]
        db = [np.zeros(b.shape) for b in self.biases]
        for x, y in mini_batch:
            nb, nw = self.nabla(x, y)
            dw = [a + b for a, b in zip(dw, nw)]
            db = [a + b for a, b in zip(db, nb)]
        n = len(mini_batch)
        self.weights = [w - eta / n * g for w, g in zip(self.weights, dw)]
        self.biases = [b - eta / n * g for b, g in zip(self.biases, db)]

    def nabla(self, x, y):
        assert x.shape == (self.sizes[0], 1)
        dW, db = backprop(self.weights, self.biases, x.T, y.T)
        return [g.reshape(-1, 1) for g in db], dW


class LayerObject:
    """A layer with its own forward, backward and update."""

    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
        self.dW = np.zeros_like(self.W)
        self.db = np.zeros_like(self.b)

    def forward(self, x):
        self.x = x
        self.a = squash(x @ self.W + self.b)
        return self.a

    def backward(self, da):
        d = da * self.a * (1 - self.a)
        self.dW, self.db = self.x.T @ d, d.sum(0)
        return d @ self.W.T


class OfLayers:
    """A list of layer objects."""

    def __init__(self, *sizes):
        self.layers = [LayerObject(i, o) for i, o in itertools.pairwise(sizes)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def learn(self, x, t, rate):
        d = (self(x) - t) / len(x)
        for layer in reversed(self.layers):
            d = layer.backward(d)
        for layer in self.layers:
            layer.W -= rate * layer.dW
            layer.b -= rate * layer.db


class Unit:
    """A neuron with its own weights and bias, and the results of its last call."""

    def __init__(self, n):
        self.output, self.delta = 0.0, 0.0
        self.w = [random.gauss(0, 1) for _ in range(n)]
        self.bias = random.gauss(0, 1)

    def fire(self, xs):
        self.xs = xs
        self.output = 1 / (1 + math.exp(-sum(p * q for p, q in zip(self.w, xs)) - self.bias))
        return self.output


class OfNeurons:
    """Neuron objects in two lists, plain Python, one sample at a time."""

    def __init__(self, d, h, k, rate=0.5):
        self.rate = rate
        self.hidden = [Unit(d) for _ in range(h)]
        self.out = [Unit(h) for _ in range(k)]

    def answer(self, xs):
        hs = [u.fire(xs) for u in self.hidden]
        return [u.fire(hs) for u in self.out]

    def teach(self, xs, ts):
        self.answer(xs)
        for u, t in zip(self.out, ts):
            u.delta = (u.output - t) * u.output * (1 - u.output)
        for j, u in enumerate(self.hidden):
            u.delta = sum(v.w[j] * v.delta for v in self.out) * u.output * (1 - u.output)
        for u in self.hidden + self.out:
            u.w = [w - self.rate * u.delta * x for w, x in zip(u.w, u.xs)]
            u.bias -= self.rate * u.delta


class OfDicts:
    """Lists of dictionaries whose last weight is the bias; three methods, one row at a time."""

    def __init__(self, d, h, k):
        self.network = [
            [{"weights": [random.random() for _ in range(d + 1)]} for _ in range(h)],
            [{"weights": [random.random() for _ in range(h + 1)]} for _ in range(k)],
        ]

    def forward_propagate(self, row):
        for layer in self.network:
            for u in layer:
                z = sum(w * v for w, v in zip(u["weights"], row)) + u["weights"][-1]
                u["output"] = 1 / (1 + math.exp(-z))
            row = [u["output"] for u in layer]
        return row

    def backward_propagate(self, expected):
        hidden, out = self.network
        for u, t in zip(out, expected):
            u["delta"] = (u["output"] - t) * u["output"] * (1 - u["output"])
        for j, u in enumerate(hidden):
            e = sum(v["weights"][j] * v["delta"] for v in out)
            u["delta"] = e * u["output"] * (1 - u["output"])

    def update_weights(self, row, l_rate):
        for layer in self.network:
            for u in layer:
                for j, v in enumerate(row):
                    u["weights"][j] -= l_rate * u["delta"] * v
                u["weights"][-1] -= l_rate * u["delta"]
            row = [u["output"] for u in layer]


class Trick:
    """The bias in the first column of every matrix."""

    def __init__(self, sizes):
        self.theta = [np.random.randn(o, i + 1) for i, o in itertools.pairwise(sizes)]

    def train(self, x, t, alpha=0.5):
        W, b = [m[:, 1:] for m in self.theta], [m[:, 0] for m in self.theta]
        dW, db = backprop(W, b, x, t)
        for m, w, c in zip(self.theta, dW, db):
            m -= alpha * np.column_stack([c, w])


class Columns:
    """Samples in columns, biases upright."""

    def __init__(self, n_x, n_h, n_y):
        self.p = {"W1": np.random.randn(n_h, n_x), "b1": np.zeros((n_h, 1))}
        self.p |= {"W2": np.random.randn(n_y, n_h), "b2": np.zeros((n_y, 1))}

    def predict(self, X):
        A = squash(self.p["W1"] @ X + self.p["b1"])
        return squash(self.p["W2"] @ A + self.p["b2"])

    def gradients(self, X, Y):
        self.predict(X)
        p = self.p
        dW, db = backprop([p["W1"], p["W2"]], [p["b1"], p["b2"]], X.T, Y.T)
        return {"W1": dW[0], "b1": db[0][:, None], "W2": dW[1], "b2": db[1][:, None]}


class GivenTheData:
    """The constructor takes x and t, and fixes the hidden width."""

    def __init__(self, x, y):
        self.input, self.y = x, y
        self.weights1 = np.random.rand(x.shape[1], 4)
        self.weights2 = np.random.rand(4, y.shape[1])

    def feedforward(self):
        self.layer1 = squash(self.input @ self.weights1)
        self.output = squash(self.layer1 @ self.weights2)

    def backprop(self):
        zero = [np.zeros(4), np.zeros(self.y.shape[1])]
        dW, _ = backprop([self.weights1.T, self.weights2.T], zero, self.input, self.y)
        self.weights1 -= 0.5 * dW[0].T
        self.weights2 -= 0.5 * dW[1].T


class Scalars:
    """A 2-2-1 network of single numbers."""

    def __init__(self):
        self.rate = 0.5
        self.w1, self.w2, self.b1 = 0.1, 0.2, 0.3
        self.w3, self.w4, self.b2 = 0.4, 0.5, 0.6
        self.w5, self.w6, self.b3 = 0.7, 0.8, 0.9

    def train(self, x, t):
        (x1, x2), (t1,) = x, t
        W = [np.array([[self.w1, self.w2], [self.w3, self.w4]]), np.array([[self.w5, self.w6]])]
        b = [np.array([self.b1, self.b2]), np.array([self.b3])]
        (d1, d2), (e1, e2) = backprop(W, b, np.array([[x1, x2]]), np.array([[t1]]))
        changes = [*d1[0], e1[0], *d1[1], e1[1], *d2[0], e2[0]]
        for name, change in zip(("w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3"), changes):
            setattr(self, name, getattr(self, name) - self.rate * float(change))


class OneBiasALayer:
    """One number is the bias of a whole layer."""

    def __init__(self, d, h, k):
        self.rate = 0.5
        self.w1, self.w2 = np.random.randn(h, d), np.random.randn(k, h)
        self.b1, self.b2 = 0.3, 0.4

    def forward(self, x):
        return squash(squash(x @ self.w1.T + self.b1) @ self.w2.T + self.b2)

    def step(self, x, t):
        b = [np.full(len(self.w1), self.b1), np.full(len(self.w2), self.b2)]
        dW, db = backprop([self.w1, self.w2], b, x, t)
        self.w1 = self.w1 - self.rate * dW[0]
        self.w2 = self.w2 - self.rate * dW[1]
        self.b1 -= self.rate * db[0].sum()
        self.b2 -= self.rate * db[1].sum()


def test_weights_are_distinguished_from_buffers_of_equal_shapes():
    reading = read_all(Lists)[0]
    assert_step(reading, 0.5)
    assert reading.own["lr"] == 0.5
    assert "train_step" in reading.layout.arguments


def test_class_keeps_its_state_between_calls():
    reading = read_all(Lists, calls=3)[0]
    assert len(reading.answers) == 3
    moved = [reading.answers[i]["W1_new"] - reading.answers[i - 1]["W1_new"] for i in (1, 2)]
    assert np.linalg.norm(moved[1]) > np.linalg.norm(moved[0])


def test_method_can_be_named():
    namespace = {"Lists": Lists}
    found = read(find(namespace, "Lists.fit"), example(WIDTHS))
    assert isinstance(found, list)
    assert "fit" in found[0].layout.arguments
    assert_step(found[0], 0.5)


def test_forward_backward_update_in_separate_methods():
    reading = read_all(Attributes)[0]
    assert_step(reading, 0.37)
    assert reading.rate == 0.37
    assert reading.layout.weights == "(in, out)"


def test_backward_that_updates_weights():
    reading = read_all(BackwardWithEverything)[0]
    assert_step(reading, 0.37)
    assert reading.rate == 0.37


def test_gradients_in_attributes():
    assert_gradients(read_all(GradientsLeft)[0])


def test_pairs_of_columns():
    found = read_all(ChapterOne)[0]
    if found.kind == "step":
        assert_step(found, 0.37)
    else:
        assert_gradients(found)
    named = read(find({"N": ChapterOne}, "N.update_mini_batch"), example(WIDTHS))
    assert isinstance(named, list)
    assert_step(named[0], 0.37)


def test_layer_objects():
    assert_step(read_all(OfLayers, (3, 4, 4, 2))[0], 0.37, (3, 4, 4, 2))


def test_neuron_objects():
    assert_online(read_all(OfNeurons)[0], 0.5)


def test_dictionaries_with_bias_last():
    reading = read_all(OfDicts)[0]
    assert_online(reading, 0.37)
    assert reading.layout.bias == "last"


def test_bias_in_the_first_column():
    reading = read_all(Trick)[0]
    assert reading.layout.bias == "first"
    assert_step(reading, 0.5)


def test_samples_in_columns():
    reading = read_all(Columns)[0]
    assert_gradients(reading)
    assert reading.layout.samples == "columns"


def test_constructor_that_takes_data():
    question = example(WIDTHS)
    found = read(attempt_of(GivenTheData), replace(question, b=(np.zeros(4), np.zeros(2))))
    assert isinstance(found, list)
    assert {"layer 1 has no bias", "layer 2 has no bias"} <= set(found[0].remarks)
    expected = right(replace(question, b=(np.zeros(4), np.zeros(2))))
    new = found[0].answers[0]["W1_new"]
    np.testing.assert_allclose(new, question.W[0] - 0.5 * expected["dW1"])


def test_parameters_as_single_numbers():
    assert widths_of(attempt_of(Scalars)) == (2, 2, 1)
    readings = read_all(Scalars, (2, 2, 1))
    expected = online(0.5, (2, 2, 1))
    matches = [r for r in readings if np.allclose(r.answers[0]["W1_new"], expected["W1_new"])]
    assert matches
    assert_online(matches[0], 0.5, (2, 2, 1))


def test_shared_bias_is_reported():
    reading = read_all(OneBiasALayer)[0]
    assert {f"all units of layer {i} share one bias" for i in (1, 2)} <= set(reading.remarks)


def test_fixed_sizes_are_found_and_reported():
    class Fixed:
        def __init__(self):
            self.W1, self.b1 = np.random.randn(2, 5), np.zeros((1, 5))
            self.W2, self.b2 = np.random.randn(5, 1), np.zeros((1, 1))

        def train(self, x, t):
            dW, db = backprop([self.W1.T, self.W2.T], [self.b1, self.b2], x, t)
            self.W1, self.W2 = self.W1 - dW[0].T, self.W2 - dW[1].T
            self.b1, self.b2 = self.b1 - db[0], self.b2 - db[1]

    assert widths_of(attempt_of(Fixed)) == (2, 5, 1)
    assert layers_of(attempt_of(Fixed)) == 2
    failure = failed(Fixed)
    assert failure.fault == "no-layout"
    assert "2-5-1" in failure.text
    assert_step(read_all(Fixed, (2, 5, 1))[0], 1.0, (2, 5, 1))


def test_existing_object():
    class Stack:
        def __init__(self):
            self.layers = []

        def add(self, layer):
            self.layers.append(layer)

        def train(self, x, t, rate=0.5):
            out = x
            for layer in self.layers:
                out = layer.forward(out)
            d = (out - t) / len(x)
            for layer in reversed(self.layers):
                d = layer.backward(d)
            for layer in self.layers:
                layer.W = layer.W - rate * layer.dW
                layer.b = layer.b - rate * layer.db

    net = Stack()
    net.add(LayerObject(3, 4))
    net.add(LayerObject(4, 2))
    for thing in (net, net.train):
        assert_step(read_all(thing)[0], 0.5)
    attempt = find({"Stack": Stack, "net": net, "LayerObject": LayerObject}, "Stack")
    assert widths_of(attempt) == (3, 4, 2)


def test_class_lists_and_growing_results_are_reported():
    namespace: dict[str, Any] = {"math": math, "random": random, "__name__": __name__}
    source = """
class Unit:
    def __init__(self, weights, bias):
        self.weights, self.bias = weights, bias
    def calculate(self, inputs):
        z = sum(w * x for w, x in zip(self.weights, inputs))
        return 1 / (1 + math.exp(-z - self.bias))
class Layer:
    units = []
    outputs = []
    def __init__(self, n, n_inputs):
        for _ in range(n):
            row = [random.uniform(-1, 1) for _ in range(n_inputs)]
            self.units.append(Unit(row, random.uniform(-1, 1)))
    def forward(self, inputs):
        for unit in self.units:
            self.outputs.append(unit.calculate(inputs))
        return self.outputs
class Network:
    layers = []
    def __init__(self, d, h, k):
        self.layers.append(Layer(h, d))
        self.layers.append(Layer(k, h))
    def forward(self, inputs):
        for layer in self.layers:
            inputs = layer.forward(inputs)
        return inputs
"""
    exec(source, namespace)
    found = read(find(namespace, "Network.forward"), example(WIDTHS))
    assert isinstance(found, list)
    remarks = found[0].remarks
    assert any(remark.startswith("Layer.units is an attribute of the class") for remark in remarks)
    assert any(remark.startswith(GROWING_RESULT) for remark in remarks)
    np.testing.assert_allclose(found[0].answers[0]["p"], right(example(WIDTHS))["p"])


# --- Learners' programs --------------------------------------------------------------------------

PROGRAMS = Path(__file__).parents[1] / "diagnosis" / "programs"
FORMS = (  # what decides how a program is read, in the words of its description
    *("class", "layer objects", "neuron", "dict", "plain", "bias trick"),
    *("(in, out)", "columns", "one sample", "loss"),
)


def learners_programs() -> Iterator[Any]:
    """Yield every program; those of a folder and a form that others have run only with --full."""
    seen: set[tuple[bool, str]] = set()
    for file in sorted(PROGRAMS.glob("*/truth.json")):
        for truth in json.loads(file.read_text(encoding="utf-8")):
            is_read = truth["verdict"] != "could-not-run"
            words = [word for word in FORMS if word in truth["form"]]
            form = {(is_read, word) for word in (file.parent.name, *words)}
            marks = [pytest.mark.full_only] if form <= seen else []
            seen |= form
            path = file.parent / truth["file"]
            yield pytest.param(path, truth, id=f"{file.parent.name}/{path.name}", marks=marks)


@pytest.mark.parametrize(("path", "truth"), [*learners_programs()])
def test_every_learners_program_is_read(path, truth):
    with contextlib.redirect_stdout(io.StringIO()):
        namespace = runpy.run_path(str(path))
    options = {**(namespace.get("NETWORK") or {}), **truth["options"]}
    attempt = find(namespace, options.get("function"))
    found = read(attempt, example(options.get("layers", (2, 4, 3)), 7), seconds=1.0)
    assert isinstance(found, Failure) is (truth["verdict"] == "could-not-run"), found


# --- Finding -------------------------------------------------------------------------------------


def test_step_is_preferred_to_classes_and_classes_to_other_functions():
    def step(weights, biases, x, t):
        return stepped(weights, biases, x, t, 0.1)

    everything = {"Lists": Lists, "step": step, "standard": standard, "LayerObject": LayerObject}
    module = {name: value for name, value in everything.items() if name != "step"}
    assert find(everything).target is step
    assert find(module).target is Lists
    assert find({"loss": lambda w, b, x, t: 0.5, "standard": standard}).target is standard


def test_network_is_found_among_several_classes():
    module = {"Unit": Unit, "OfNeurons": OfNeurons, "LayerObject": LayerObject}
    assert find(module).target is OfNeurons


@pytest.mark.parametrize("name", ["stepp", "Lists.trian", "number"])
def test_unknown_names_raise_errors_with_the_known_ones(name):
    with pytest.raises(SubmissionError, match="standard") as error:
        find({"standard": standard, "Lists": Lists, "number": 3}, name)
    assert error.value.fault == "not-found"


def test_objects_without_functions_raise_errors():
    with pytest.raises(SubmissionError, match="defines no functions or classes"):
        find({"x": 1})
    with pytest.raises(SubmissionError, match="3 cannot be checked: submit a function"):
        attempt_of(3)


def test_number_of_layers_of_a_function():
    assert layers_of(attempt_of(flat)) == 2
    assert layers_of(attempt_of(standard)) is None
    assert widths_of(attempt_of(standard)) is None


def test_parameter_names_do_not_matter():
    def f(p, q, r, s):
        return backprop(p, q, r, s)

    def g(r, s, p, q):
        return backprop(p, q, r, s)

    def h(a, b, c, d, e, f):
        return flat(a, b, c, d, e, f)

    for function in (f, g, h):
        assert_gradients(read_all(function)[0])
    assert isinstance(attempt_of(f), Attempt)


def test_misleading_parameter_names_do_not_matter():
    def gradients(x, t, weights, biases):
        return backprop(x, t, weights, biases)

    assert_gradients(read_all(gradients)[0])


class Plain:
    """A neuron of numbers with arbitrary names, and a loss that depends on all of them."""

    def __init__(self, lr=0.5):
        self.lr = lr
        self.A, self.B, self.C = 0.3, -0.4, 0.1

    def train(self, x, t):
        d = self.A * x[0] + self.B * x[1] + self.C - t[0]
        self.A -= self.lr * d * x[0]
        self.B -= self.lr * d * x[1]
        self.C -= self.lr * d
        return d * d / 2


class PlainBiasFirst(Plain):
    """The same with the bias first, where weights are expected."""

    def train(self, x, t):
        d = self.B * x[0] + self.C * x[1] + self.A - t[0]
        self.B -= self.lr * d * x[0]
        self.C -= self.lr * d * x[1]
        self.A -= self.lr * d
        return d * d / 2


class PlainFixedBias(Plain):
    """The same, but its bias never changes, so only the loss shows which number it is."""

    def train(self, x, t):
        kept, loss = self.C, super().train(x, t)
        self.C = kept
        return loss


SINGLE = {"layers": [2, 1], "activation": "identity", "loss": "squared-error", "learning_rate": 0.5}


@pytest.mark.parametrize("cls", [Plain, PlainBiasFirst])
def test_single_numbers_are_identified_by_probes_not_names(cls):
    assert check(cls.train.__get__(cls()), SINGLE).verdict == "right"


def test_learning_rate_is_distinguished_from_constant_bias():
    reading = read_all(PlainFixedBias, (2, 1))[0]
    assert reading.own == {"lr": 0.5}
    made = check(PlainFixedBias, SINGLE)
    assert (made.verdict, [m.mistake.id for m in made.mistakes]) == (
        "wrong",
        ["biases-never-updated"],
    )


class SquareInOut:
    """Weights in (in, out), which shapes do not show if all widths are equal."""

    def __init__(self, d, h, k):
        self.W1, self.b1 = np.random.randn(d, h), np.zeros(h)
        self.W2, self.b2 = np.random.randn(h, k), np.zeros(k)

    def forward(self, x):
        self.x, self.h = x, squash(x @ self.W1 + self.b1)
        self.o = squash(self.h @ self.W2 + self.b2)
        return self.o

    def backward(self, t):
        dW, db = backprop([self.W1.T, self.W2.T], [self.b1, self.b2], self.x, t)
        return dW[0].T, db[0], dW[1].T, db[1]


def square_in_out(W1, b1, W2, b2, x, t):
    dW, db = backprop([W1.T, W2.T], [b1, b2], x, t)
    return dW[0].T, db[0], dW[1].T, db[1]


def square_one_sample(weights, biases, x, t):
    h = squash(x @ weights[0] + biases[0])
    o = squash(h @ weights[1] + biases[1])
    d2 = (o - t) * o * (1 - o)
    d1 = weights[1] @ d2 * h * (1 - h)
    return [np.outer(x, d1), np.outer(h, d2)], [d1, d2]


@pytest.mark.parametrize("thing", [SquareInOut, square_in_out, square_one_sample, flat])
def test_square_weights_are_accepted_in_both_orientations(thing):
    square = {"layers": [2, 2, 2], "activation": "logistic", "loss": "squared-error"}
    assert check(thing, square).verdict == "right"
