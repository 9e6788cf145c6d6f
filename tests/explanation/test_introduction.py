"""The sentences at the top of a worked example: present where true, and only there."""

import numpy as np
import pytest

from chainrule import (
    LBFGS,
    SGD,
    Adam,
    ClipNorm,
    Dense,
    Momentum,
    Nesterov,
    Network,
    Penalty,
    explain,
    mlp,
    problem,
)
from chainrule.explanation.introduction import described
from chainrule.pages import Drawing


def first_lines(example) -> str:
    return " ".join(example.to_text().partition("──")[0].split())


@pytest.mark.parametrize(
    ("network", "optimizer", "words"),
    [
        (
            problem("mazur").network,
            SGD(0.5),
            (
                "two inputs, two hidden units and two outputs; sigmoid units, squared "
                "error, gradient "
                "descent with learning rate 0.5"
            ),
        ),
        (
            mlp(3, 5, 4, 2, activation="relu", loss="softmax-cross-entropy", dropout=0.2),
            Adam(),
            (
                "three inputs, two hidden layers of 5 and 4 units, and two outputs; "
                "ReLU hidden units, "
                "softmax outputs with cross-entropy, dropout of 0.2, Adam with learning rate 0.001"
            ),
        ),
        (
            mlp(
                3,
                5,
                1,
                activation="relu",
                output="identity",
                loss="squared-error",
                layer_norm=True,
                penalty=Penalty(l2=0.1),
            ),
            Momentum(0.01, clip=ClipNorm(5)),
            (
                "three inputs, five hidden units and one output; ReLU hidden units, "
                "linear outputs, "
                "layer normalization, L2 penalty 0.1, squared error, gradient descent "
                "with momentum "
                "0.9 and learning rate 0.01, gradient norm clipped at 5"
            ),
        ),
        (
            mlp(3, 1, activation="identity", loss="huber"),
            None,
            "three inputs and one output; linear units, Huber loss",
        ),
        (
            mlp(3, 1, activation="identity", loss="logistic-cross-entropy"),
            LBFGS(),
            "three inputs and one output; sigmoid outputs with cross-entropy, L-BFGS",
        ),
        (
            mlp(12, 11, 11, 1, activation="tanh", loss="poisson"),
            Nesterov(),
            (
                "12 inputs, two hidden layers of 11 units each, and 1 output; tanh hidden units, "
                "exponential outputs with the Poisson loss, gradient descent with "
                "Nesterov momentum "
                "0.9 and learning rate 0.01"
            ),
        ),
    ],
)
def test_a_network_in_words(network, optimizer, words):
    assert described(network, optimizer) == words


def test_it_says_which_weights_are_random_and_from_which_seed():
    assert "drawn at random, from seed 0." in first_lines(explain("xor"))
    assert "drawn at random, from seed 7." in first_lines(explain("xor", seed=7))
    assert "at random" not in first_lines(explain("mazur", seed=7))


@pytest.mark.parametrize("seed", [0, 3])
def test_it_recognizes_the_weights_that_a_network_draws(seed):
    network = mlp(2, 3, 1, activation="tanh", loss="squared-error")
    theta = network.initialize(3)
    example = explain(network, theta, [0.1, 0.2], [0.3], seed=seed)
    assert ("drawn at random, from seed 3." in first_lines(example)) == (seed == 3)


def test_constant_weights_are_not_called_random():
    network = Network(1, (Dense(1, "tanh", "constant"),), "squared-error")
    example = explain(network, network.initialize(0), [0.1], [0.3])
    assert "at random" not in first_lines(example)


def test_dropout_masks_have_a_seed_too():
    network = mlp(2, 3, 1, activation="tanh", loss="squared-error", dropout=0.5)
    example = explain(network, np.ones(network.layout.size), [0.1, 0.2], [0.3], seed=5)
    assert "The dropout masks are drawn at random, from seed 5." in first_lines(example)


@pytest.mark.parametrize(("z", "affected"), [(1.0, False), (-800.0, True)])
def test_stable_forms_are_mentioned_only_where_a_line_is_affected(z, affected):
    network = mlp(1, 1, activation="logistic", loss="squared-error")
    example = explain(network, [z, 0.0], [1.0], [0.5])
    assert ("call logistic by name" in first_lines(example)) == affected
    assert ("logistic(z1[0])" in example.to_text()) == affected


@pytest.mark.parametrize(
    ("activation", "word"), [("logistic", "sigmoid"), ("identity", "linear"), ("relu", "ReLU")]
)
def test_picture_and_summary_use_the_words_of_the_first_sentence(activation, word):
    network = mlp(1, 1, 1, activation=activation, output=activation, loss="squared-error")
    example = explain(network, network.initialize(0), [1.0], [0.5], level="summary")
    drawing = next(item for item in example.page().items if isinstance(item, Drawing))
    captions = [caption.text for caption in drawing.captions]
    assert captions == ["inputs", f"layer 1: {word}", f"outputs: {word}", "targets"]
    assert f"{word} units" in first_lines(example)
    assert [row[1] for row in example.steps[0].tables[0].rows[1:]] == [f"dense, {word}"] * 2
