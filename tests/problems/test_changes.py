"""Problems from settings: what they change and keep, and which settings are rejected."""

from typing import Any

import numpy as np
import pytest

from chainrule.activations import Identity, Logistic, ReLU, Tanh
from chainrule.errors import UnknownNameError
from chainrule.explanation import NOTATIONS
from chainrule.layers import Dense, Dropout, LayerNorm
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, SGD, Adam, ClipNorm, ClipValue, Momentum
from chainrule.penalties import Penalty
from chainrule.problems import (
    EXCLUSIVE,
    PROBLEMS,
    SETTINGS,
    Problem,
    SettingError,
    check_settings,
    problem,
    specify,
)
from chainrule.problems import settings as settings_module

CUSTOM = {"layers": [2, 3, 1], "inputs": [[0.1, 0.2], [0.3, 0.4]], "targets": [0, 1]}
NETS = {"layers": "2,3,2", "inputs": ".1,.2", "targets": "1"}


def made(base: str | None = None, **settings: Any) -> Problem:
    named = {key.replace("_", "-"): value for key, value in settings.items()}
    return specify(check_settings(({"preset": base} if base else {}) | named)).problem


def activations(net: Network) -> list[object]:
    return [layer.activation for layer in net.layers if isinstance(layer, Dense)]


# ---- changed and kept properties ----------------------------------------------------------------


def test_custom_network():
    p = made(**CUSTOM)
    assert p.x == ((0.1, 0.2), (0.3, 0.4))
    assert p.t == ((0,), (1,))
    assert activations(p.network) == [Logistic(), Logistic()]
    assert p.network.loss.name == "squared-error"
    assert (p.optimizer, p.notation, p.source) == (SGD(), "plain", "")
    assert p.title == "A 2-3-1 network: logistic, squared-error"


def test_default_output_activation_of_changed_problems():
    assert activations(made("mazur", loss="logistic-cross-entropy").network)[-1] == Identity()
    assert activations(made("softmax", loss="squared-error").network) == [Tanh(), Tanh()]
    assert activations(made("mazur", activation="tanh").network) == [Tanh(), Tanh()]
    assert activations(made("softmax", activation="relu").network) == [ReLU(), Identity()]
    assert activations(made("mazur", activation="tanh,relu").network) == [Tanh(), ReLU()]
    assert activations(made("mazur", activation=["tanh", "relu"]).network) == [Tanh(), ReLU()]
    assert activations(made("mazur", output="identity").network) == [Logistic(), Identity()]


def test_other_layers_discard_the_published_weights():
    kept, lost = made("mazur", activation="tanh"), made("mazur", layers=[2, 3, 2])
    assert kept.weights == PROBLEMS["mazur"].weights
    assert (lost.weights, lost.biases) == ((), ())
    assert not np.array_equal(lost.theta(0), lost.theta(1))
    assert lost.x == PROBLEMS["mazur"].x


def test_initializers_are_kept():
    p = made("xor", layers=[2, 4, 1])
    assert p.network.layers[0] == Dense(4, "logistic", "uniform", bias_initializer="uniform")


def test_errata_are_kept_only_if_they_apply():
    assert made("mazur", learning_rate=1.0).errata == PROBLEMS["mazur"].errata
    assert made("mazur", inputs=".2,.3").errata == ()
    assert made("mazur", loss="absolute-error").errata == ()
    assert made("mazur", clip_norm=0.1).errata == ()
    assert made("mazur", optimizer="lbfgs").errata == ()


def test_titles_and_sources_of_changed_problems():
    plain, penalized, other = (
        made("mazur"),
        made("mazur", l2=0.1),
        made("mazur", activation="tanh"),
    )
    assert plain.source == PROBLEMS["mazur"].source
    assert penalized.title == plain.title
    assert penalized.source == other.source == f"{plain.source}; changed here"
    assert other.title == "A 2-2-2 network: tanh, squared-error"
    assert made("mazur", title="Mine", source="me", l2=1.0).title == "Mine"
    assert made("mazur", title="Mine", source="me", l2=1.0).source == "me"


def test_layers_are_added():
    net = made("half-adder", dropout=0.25, layer_norm=True).network
    kinds = [type(layer) for layer in net.layers]
    assert kinds == [Dense, LayerNorm, Dropout, Dense, LayerNorm, Dropout, Dense]
    assert made("mazur", dropout=0, layer_norm=False) == PROBLEMS["mazur"]


def test_weights_of_dense_layers_are_sufficient():
    p = made("mazur", layer_norm=True)
    views = p.network.views(p.theta())
    assert views["W1"].tolist() == [[0.15, 0.20], [0.25, 0.30]]
    assert (views["W2"].tolist(), views["b2"].tolist()) == ([1, 1], [0, 0])
    assert views["W3"].tolist() == [[0.40, 0.45], [0.50, 0.55]]
    whole = [[[1, 2], [3, 4]], [5, 6], [[7, 8], [9, 10]]]
    views = (p := made("mazur", layer_norm=True, weights=whole)).network.views(p.theta())
    assert views["W2"].tolist() == [5, 6]


def test_penalties():
    assert made("mazur", l1=1, l2=2, alpha=3).network.penalty == Penalty(1.0, 2.0, 3.0)


def test_optimizers():
    assert made("mazur", optimizer="adam", learning_rate=1).optimizer == Adam(1.0)
    assert made("mazur", optimizer="sgdm", momentum=0.5).optimizer == Momentum(0.5, momentum=0.5)
    assert made("mazur", clip_norm=1).optimizer == SGD(0.5, ClipNorm(1.0))
    assert made("mazur", clip_value=1).optimizer == SGD(0.5, ClipValue(1.0))


@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "lbfgs"])
def test_another_optimizer_keeps_the_learning_rate_of_the_problem(name: str):
    rule = made("mazur", optimizer=name).optimizer
    assert (rule.name, getattr(rule, "learning_rate", None)) == (name, 0.5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_default_learning_rates_are_those_of_the_classes(name: str):
    assert made(**CUSTOM, optimizer=name).optimizer == OPTIMIZERS[name]
    assert made(**CUSTOM).optimizer == SGD() == OPTIMIZERS["sgd"]


def test_biases():
    assert made("mazur", train_biases=True) == made("mazur", train_biases=True).trained(biases=True)
    assert made("mazur", biases="none").network.layout.size == 8
    p = made("huddar", biases=[0.1, 0.2, 0.3])
    assert p.biases == ((0.1, 0.2), (0.3,))
    assert made("mazur", biases=[[1, 2], [3, 4]]).biases == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "weights",
    [
        ".15 .20 .25 .30 .40 .45 .50 .55",
        ".15,.20,.25,.30,.40,.45,.50,.55",
        "[.15, .20, .25, .30, .40, .45, .50, .55]",
        "[[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]]",
        "(((.15, .20), (.25, .30)), ((.40, .45), (.50, .55)))",
        [[[0.15, 0.20], [0.25, 0.30]], [[0.40, 0.45], [0.50, 0.55]]],
    ],
    ids=str,
)
def test_notations_of_weights(weights: object):
    assert made("mazur", weights=weights) == PROBLEMS["mazur"]


@pytest.mark.parametrize("inputs", [".1,.2; .3,.4", ".1 .2;.3 .4;", "[[.1,.2],[.3,.4]]"])
def test_notations_of_rows(inputs: str):
    assert made(**{**CUSTOM, "inputs": inputs}) == made(**CUSTOM)


def test_numbers_in_a_row_are_one_or_several_samples():
    one = made(layers="1,2,1", inputs="1,2,3", targets="4,5,6")
    assert (one.x, one.t) == (((1,), (2,), (3,)), ((4,), (5,), (6,)))
    assert made("mazur", inputs=".2,.3", targets=".4,.5").t == ((0.4, 0.5),)


@pytest.mark.parametrize("targets", ["0,0,1,1,2,2", "0;0;1;1;2;2", [0, 0, 1, 1, 2, 2]])
def test_class_numbers_are_targets_of_softmax(targets: object):
    assert made("softmax", targets=targets) == PROBLEMS["softmax"]
    assert made(**NETS, loss="softmax-cross-entropy").t == ((0, 1),)


def test_sample_weight():
    assert made("xor", sample_weight="1,2,3,4").data().sample_weight == (1, 2, 3, 4)


def test_display_settings():
    spec = specify(check_settings({"preset": "mazur", "steps": 5, "show": "2,4", "count-from": 0}))
    assert (spec.steps, spec.show, spec.count_from, spec.digits) == (5, (2, 4), 0, None)
    assert made("mazur", notation="plain").notation == "plain"
    assert made("mazur", notation="plain").source == PROBLEMS["mazur"].source


@pytest.mark.parametrize("seed", [{"preset": "xor"}, {"preset": "mazur", "dropout": 0.5}], ids=str)
def test_seed_with_random_weights_or_dropout(seed: dict[str, Any]):
    assert specify(check_settings({**seed, "seed": 7})).seed == 7


# ---- rejected settings --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "key", "message"),
    [
        ({"layers": [2, 3, 1]}, "inputs", "missing; give layers"),
        ({"layers": [2, 1], "inputs": [1, 2]}, "targets", "missing; give layers"),
        ({}, "layers", "missing; give layers, inputs and targets, or a preset"),
        ({"preset": "mazr"}, "preset", "did you mean 'mazur'"),
        ({"preset": "mazur", "layers": [2, 2, 1]}, "targets", r"needs \(1, 1\)"),
        ({"preset": "mazur", "layers": [3, 2, 2]}, "inputs", r"takes \(n, 3\)"),
        ({"preset": "mazur", "layers": [2]}, "layers", "at least inputs and outputs"),
        ({"preset": "mazur", "layers": [2, 0, 2]}, "layers", "whole number from 1"),
        ({"preset": "mazur", "layers": [2, 10**10, 2]}, "layers", "choose smaller layers"),
        ({"preset": "mazur", "layers": "2,x,2"}, "layers", "2,3,1"),
        ({"preset": "mazur", "layers": []}, "layers", "2,3,1"),
        ({"preset": "mazur", "layers": [2, True, 2]}, "layers", "whole number"),
        ({"preset": "mazur", "activation": ["tanh"] * 3}, "activation", "3 activations for 2"),
        ({"preset": "mazur", "activation": "tan"}, "activation", "did you mean 'tanh'"),
        ({"preset": "mazur", "activation": 3}, "activation", "must be a name"),
        ({"preset": "mazur", "activation": "tanh,relu", "output": "tanh"}, "output", "remove one"),
        ({"preset": "mazur", "output": 3}, "output", "must be text"),
        ({"preset": "mazur", "loss": "squared"}, "loss", "did you mean"),
        ({"preset": "mazur", "weights": [1, 2]}, "weights", "got 2 numbers, not 8"),
        ({"preset": "mazur", "weights": [[[1]], [[2]]]}, "weights", r"must be \(2, 2\)"),
        ({"preset": "mazur", "weights": 3}, "weights", "must be a list of numbers"),
        ({"preset": "mazur", "weights": "[1, 2"}, "weights", "must be a list of numbers"),
        (
            {"preset": "mazur", "weights": "a.csv"},
            "weights",
            "cannot read numbers from 'a.csv'.*3'$",
        ),
        ({"preset": "mazur", "weights": [[[[1]]]]}, "weights", "more than 3 deep"),
        (
            {"preset": "mazur", "weights": [[[1, 2], [3, "4"]], []]},
            "weights",
            "'4' must be a number",
        ),
        ({"preset": "mazur", "biases": [[1, 2], [3]]}, "biases", r"b2 has shape \(1,\)"),
        ({"preset": "mazur", "inputs": float("nan")}, "inputs", "nan is not finite"),
        ({"preset": "mazur", "inputs": [[float("inf"), 1]]}, "inputs", "inf is not finite"),
        ({"preset": "mazur", "inputs": [10**400, 1]}, "inputs", "inf is not finite"),
        ({"preset": "mazur", "inputs": [[True, 1]]}, "inputs", "True must be a number"),
        ({"preset": "mazur", "inputs": [[1, 2], [3]]}, "inputs", "rows of equal length"),
        ({"preset": "mazur", "inputs": "one,two"}, "inputs", "or name a CSV file"),
        ({"preset": "mazur", "inputs": []}, "inputs", "must be a list of numbers"),
        ({"preset": "softmax", "targets": [0, 1, 2, 0, 1, 3]}, "targets", "class 3.0 of sample 5"),
        ({"preset": "xor", "sample-weight": [1, 2]}, "sample-weight", "one number for each"),
        ({"preset": "xor", "sample-weight": []}, "sample-weight", "must be a list of numbers"),
        ({"preset": "mazur", "train-biases": 1}, "train-biases", "must be true or false"),
        ({"preset": "huddar", "train-biases": True}, "train-biases", "no biases"),
        ({"preset": "mazur", "dropout": 1.0}, "dropout", r"in \[0, 1\)"),
        ({**CUSTOM, "layers": [2, 1], "dropout": 0.5}, "dropout", "requires a hidden layer"),
        ({**CUSTOM, "layers": [2, 1], "layer-norm": True}, "layer-norm", "requires a hidden layer"),
        (
            {**CUSTOM, "layers": [2, 1], "activation": "tanh", "output": "relu"},
            "activation",
            "no layer uses tanh",
        ),
        ({"preset": "mazur", "l2": -1}, "l2", r"in \[0, inf\)"),
        ({"preset": "mazur", "learning-rate": "fast"}, "learning-rate", r"in \(0, inf\)"),
        ({"preset": "mazur", "momentum": 0.5}, "momentum", "sgd does not use it"),
        (
            {"preset": "mazur", "optimizer": "lbfgs", "learning-rate": 1},
            "learning-rate",
            "lbfgs does not use it",
        ),
        (
            {"preset": "mazur", "optimizer": "lbfgs", "clip-norm": 1},
            "clip-norm",
            "lbfgs does not use it",
        ),
        ({"preset": "mazur", "optimizer": "lbfgs", "steps": 2}, "steps", "explain one step"),
        ({"preset": "mazur", "optimizer": "adm"}, "optimizer", "did you mean 'adam'"),
        ({"preset": "mazur", "steps": 0}, "steps", "whole number from 1"),
        ({"preset": "mazur", "steps": 2.0}, "steps", "whole number from 1"),
        ({"preset": "mazur", "steps": 3, "show": [4]}, "show", "choose from 1 to 3"),
        ({"preset": "mazur", "seed": 1}, "seed", "has no effect"),
        ({"preset": "mazur", "level": "scalarz"}, "level", "did you mean 'scalars'"),
        ({"preset": "mazur", "notation": "mazr"}, "notation", "did you mean 'mazur'"),
        ({"preset": "mazur", "residual": "x"}, "residual", "choose one of: o-t, t-o"),
        ({"preset": "mazur", "count-from": 2}, "count-from", "choose one of: 0, 1"),
        ({"preset": "mazur", "count-from": True}, "count-from", "choose one of: 0, 1"),
        ({"preset": "mazur", "parameter": 5}, "parameter", "must be text"),
        *(
            (
                {"preset": "mazur", **dict.fromkeys(pair, 1)},
                pair[0],
                f"cannot be combined with {pair[1]}",
            )
            for pair in EXCLUSIVE
            if "parameter" not in pair
        ),
        (
            {"preset": "mazur", "parameter": "w5", "level": "scalars"},
            "parameter",
            "cannot be combined with level",
        ),
    ],
    ids=str,
)
def test_invalid_settings_are_rejected(settings: dict[str, Any], key: str, message: str):
    with pytest.raises(SettingError, match=f"^{key}: .*{message}") as caught:
        specify(check_settings(settings))
    assert caught.value.key == key


def test_unknown_settings_give_a_suggestion():
    with pytest.raises(UnknownNameError, match="setting 'learnig_rate'; did you mean 'lear"):
        check_settings({"learnig_rate": 1})


@pytest.mark.parametrize("old", ["sample-weights", "sample_weights"])
def test_old_names_of_sample_weight_give_a_suggestion(old: str):
    with pytest.raises(UnknownNameError, match=f"'{old}'; did you mean 'sample-weight'"):
        check_settings({old: [1, 2, 3, 4]})


@pytest.mark.parametrize("typed", ["learning_rate", "lr", "eta", "Learning-Rate"])
def test_settings_have_aliases(typed: str):
    assert check_settings({typed: 0.25}) == {"learning-rate": 0.25}


def test_setting_given_twice_is_rejected():
    with pytest.raises(SettingError, match=r"^learning-rate: given twice, also as lr; remove one"):
        check_settings({"learning-rate": 0.25, "lr": 0.5})


def test_settings_of_a_run_are_registered():
    assert set(settings_module.RUN) < set(SETTINGS)
    assert problem("mazur").notation in NOTATIONS
