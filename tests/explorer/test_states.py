"""Saved states: the page reads again what it writes, and refuses what is not as it should be."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jsonschema
import pytest

import chainrule
from chainrule import (
    ACTIVATIONS,
    LOSSES,
    NOTATIONS,
    OPTIMIZERS,
    PROBLEMS,
    ActivationLayer,
    Constant,
    Custom,
    Dense,
    Dropout,
    ExponentialDecay,
    Glorot,
    He,
    LayerNorm,
    LeCun,
    Network,
    Notation,
    Optimizer,
    Orthogonal,
    Penalty,
    Uniform,
    explain,
    explain_problem,
    mlp,
    problem,
)
from chainrule.activations import Activation
from chainrule.elementwise import Number
from chainrule.explanation import WorkedExample, example_schema
from chainrule.explorer.model import model_of
from chainrule.explorer.notations import notation_entry
from chainrule.explorer.tables import tables
from chainrule.optimizers import SGD, Adam, ClipNorm
from tests.explorer.node import run_node
from tests.rows import more

SCHEMA = jsonschema.Draft202012Validator(json.loads(example_schema()))
SMALL = [name for name in PROBLEMS if name != "digits"]
X, T = [[0.5, -0.2], [1.0, 0.3]], [[0.2, 0.8], [0.9, 0.1]]
NAMES = {n: getattr(chainrule, n) for n in chainrule.__all__} | {
    f.__name__: f for f in Activation.__subclasses__()
}
NAMES |= {type(one).__name__: type(one) for one in (*LOSSES.values(), *OPTIMIZERS.values())}


def example(network: Network, rule: Optimizer | None = None) -> WorkedExample:
    """Return an example with two samples."""
    t = T if network.outputs == 2 else [[0.2], [0.9]]
    return explain(network, network.initialize(1), X, t, rule)


def bent(z: Number) -> Number:
    return z / (1 + z * z)


def several() -> Network:
    layers = (Dense(3, "tanh"), LayerNorm(), ActivationLayer("relu"), Dropout(0.5), Dense(2, "elu"))
    return Network(2, layers, "huber", Penalty(l1=0.1))


def state(model: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "chainrule.live/1",
        "model": model,
        "at": model["state"]["step"],
        "mistake": "",
    }


def read(states: list[Any]) -> list[dict[str, Any]]:
    """Return what the page makes of states, or of texts."""
    texts = [s if isinstance(s, str) else json.dumps(s) for s in states]
    return run_node("states.mjs", {"tables": tables(), "texts": texts})


@cache
def exported(name: str) -> dict[str, Any]:
    """Return the model of a problem, which no test changes."""
    return model_of(explain_problem(problem(name)))


def mazur() -> dict[str, Any]:
    """Return the model of the 2-2-2 example, to be changed."""
    return copy.deepcopy(exported("mazur"))


# ---- what is right ------------------------------------------------------------------------------


def test_every_entry_is_read_and_written_again(full: bool) -> None:
    networks = [mlp(2, 2, 2, activation=a, loss="squared-error") for a in ACTIVATIONS]
    networks += [mlp(2, 2, 2, activation="tanh", loss=loss) for loss in LOSSES]
    networks += [several(), Network(2, (Dense(2, Custom("bent", bent)),), "squared-error")]
    rules = [rule for rule in OPTIMIZERS.values() if isinstance(rule, Optimizer)]
    rules += [Adam(ExponentialDecay(0.1, 0.9), clip=ClipNorm(1.0))]
    models = [model_of(example(network, SGD(0.1))) for network in networks]
    models += [model_of(example(networks[0], rule)) for rule in rules]
    models += [exported(name) for name in SMALL]
    models += [mazur() | {"notation": own_fields(own)} for own in NOTATIONS.values()]
    models = models if full else models[::3]
    for model, row in zip(models, read(list(map(state, models))), strict=True):
        assert row.get("again"), row
        assert plain(row["model"]) == plain(model)


def own_fields(notation: Notation) -> dict[str, Any]:
    """Return a notation as a model has it that is not registered."""
    return {"name": "own", **notation_entry(notation)}


def plain(model: dict[str, Any]) -> dict[str, Any]:
    """Return a model without what may be absent or null."""
    found = json.loads(json.dumps(model))
    found["data"] = {k: v for k, v in found["data"].items() if v is not None}
    return {k: v for k, v in found.items() if v is not None and k != "notes"}


# ---- what is refused ----------------------------------------------------------------------------


def at(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of one place of a state; a value of ... takes the field away."""

    def change(given: dict[str, Any]) -> None:
        target = given
        for key in path[:-1]:
            target = target[key]
        if value is ...:
            del target[path[-1]]
        else:
            target[path[-1]] = value

    return change


def both(
    first: Callable[[dict[str, Any]], None], second: Callable[[dict[str, Any]], None]
) -> Callable[[dict[str, Any]], None]:
    """Return two changes as one."""

    def change(given: dict[str, Any]) -> None:
        first(given)
        second(given)

    return change


LAYER = ("model", "network", "layers", 0)
IDENTITY = {"name": "identity", "constants": {}}
ENTRY = {"formula": None, "dformula": None}
CALL = ["call", "constructor", [["name", "z"]], {}]
DEEP: Any = 1
for _ in range(500):
    DEEP = ["neg", DEEP]


def own_function(value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change: the first layer has an activation of the user's own with an equation."""
    f = {"arguments": ["z"], "lets": [], "value": value}
    entry = ENTRY | {"f": f, "df": f, "constants": {}, "python": "Custom", "limits": {}}
    return at(*LAYER, "activation", value={"name": "x", "constants": {}, "entry": entry})


def own_notation(**fields: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change: a notation of the user's own."""
    return at("model", "notation", value=own_fields(NOTATIONS["mazur"]) | fields)


def named(**patterns: str) -> Callable[[dict[str, Any]], None]:
    return own_notation(patterns=patterns)


def wide_layer(given: dict[str, Any]) -> None:
    """Make a state of few letters with many numbers: 5,000 samples through 10,000 units."""
    layers = [
        {"kind": "dense", "units": 10_000, "bias": False, "activation": IDENTITY},
        {"kind": "dense", "units": 1, "bias": False, "activation": IDENTITY},
    ]
    given["model"]["network"] |= {"inputs": 1, "layers": layers}
    given["model"] |= {"theta": [0] * 20_000, "data": {"x": [[0]] * 5000, "t": [[0]] * 5000}}


HOSTILE: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "another schema": (at("schema", value="other/9"), "schema"),
    "no model": (at("model", value=...), "the state is not an object"),
    "a list": (at("model", value=[]), "the state is not an object"),
    "no layers": (at("model", "network", "layers", value=[]), "no layer"),
    "unknown kind": (at(*LAYER, "kind", value="conv"), "unknown name"),
    "a prototype's kind": (at(*LAYER, "kind", value="constructor"), "unknown name"),
    "a prototype's loss": (at("model", "network", "loss", "name", value="__proto__"), "unknown"),
    "markup": (at("model", "network", "loss", "name", value="<img src=x>"), "unknown name"),
    "units": (at(*LAYER, "units", value=1e9), "units is not a whole number from 1"),
    "units in text": (at(*LAYER, "units", value="2"), "units"),
    "half a unit": (at(*LAYER, "units", value=1.5), "units"),
    "no units": (at(*LAYER, "units", value=...), "units"),
    "more units": (at(*LAYER, "units", value=3), "parameters"),
    "theta": (at("model", "theta", value=[1, 2]), "12 parameters, but 2 are given"),
    "theta of texts": (at("model", "theta", 0, value="1"), "theta[0] is not a number"),
    "null in theta": (at("model", "theta", 0, value=None), "theta[0] is not a number"),
    "huge theta": (at("model", "theta", value=[0] * 300_000), "at most"),
    "ragged": (at("model", "data", "x", value=[[1]]), "2 inputs and 2 targets"),
    "other count": (at("model", "data", "t", value=[[1, 2], [3, 4]]), "2 inputs and 2 targets"),
    "no samples": (at("model", "data", value={"x": [], "t": [], "weight": None}), "no sample"),
    "targets": (
        both(
            at("model", "network", "loss", value={"name": "poisson", "constants": {}}),
            at("model", "data", "t", value=[[-1, 2]]),
        ),
        "does not suit poisson",
    ),
    "weights": (at("model", "data", "weight", value=[1, 2]), "one weight for each"),
    "negative weight": (at("model", "data", "weight", value=[-1]), "from 0"),
    "optimizer": (at("model", "optimizer", "name", value="lbfgs"), "unknown name"),
    "rate": (at("model", "optimizer", "learning_rate", value="1"), "learning_rate"),
    "slots": (at("model", "state", "slots", value=[[1]]), "does not fit"),
    "seed": (at("model", "state", "seed", value=-1), "seed"),
    "many updates": (at("at", value=10**6), "would make 1000000 updates again"),
    "half an update": (at("at", value=0.5), "at is not a whole number"),
    "a long replay": (
        both(
            at("at", value=2000),
            at("model", "data", value={"x": [[0, 0]] * 4000, "t": [[0, 0]] * 4000}),
        ),
        "takes too long",
    ),
    "a large pass": (wide_layer, "a pass over its network and samples would take seconds"),
    "digits": (at("model", "digits", "significant", value=10**9), "significant"),
    "notation": (at("model", "notation", value="klingon"), "unknown name"),
    "an empty notation": (at("model", "notation", value={}), "notation.patterns is not an object"),
    "a list as notation": (at("model", "notation", value=[1, 2]), "notation is not an object"),
    "no notation": (at("model", "notation", value=None), "notation is not an object"),
    "a placeholder": (named(W="w<zzz>"), "patterns.W is not a pattern"),
    "a brace": (named(a="a_{<n>"), "patterns.a is not a pattern"),
    "a name in itself": (named(W="<own>"), "patterns.W is not a pattern"),
    "residual": (own_notation(residual="o"), "residual has an unknown name"),
    "title": (at("model", "title", value="x" * 10_000), "title"),
    "title as a list": (at("model", "title", value=["x"]), "title"),
    "constants": (at(*LAYER, "activation", "constants", value={"constructor": 1}), "not allowed"),
    "an own function": (
        at(*LAYER, "activation", value={"name": "x", "constants": {}, "entry": ENTRY}),
        "entry.f is not an object",
    ),
    "an unknown name": (own_function(["name", "y"]), "cannot be computed: function has no name y"),
    "an unknown function": (own_function(["call", "f", [1], {}]), "cannot be computed"),
    "a prototype's function": (own_function(CALL), "not allowed"),
    "deep": (own_function(DEEP), "too deeply"),
    "an unknown operation": (own_function(["?", 1, 2]), "value is not an equation"),
    "an operation without a number": (own_function(["+", 1]), "value is not a list of 3 entries"),
    "an empty equation": (own_function([]), "value is not an equation"),
    "an equation as an object": (own_function({"length": 2}), "value is not an equation"),
    "null as an equation": (own_function(None), "value is not an equation"),
    "initializer": (at(*LAYER, "initializer", value={"low": 1}), "is not an initializer"),
    "an initializer's name": (
        at(*LAYER, "initializer", value={"python": {}, "gain": 1}),
        "python is not a text",
    ),
    "schedule": (
        at("model", "optimizer", "learning_rate", value={"words": "x", "tree": ["name"]}),
        "tree is not a list of 2 entries",
    ),
    "infinite": (at("model", "theta", value=[1e308] * 12), "cannot be computed"),
}
TEXTS = [
    "",
    "null",
    "[]",
    "{",
    "1e999",
    '{"schema":"chainrule.live/1"}',
    "<script>alert(1)</script>",
]
PROTO = '{"schema":"chainrule.live/1","at":0,"mistake":"","model":{"__proto__":{"network":1}}}'


@pytest.fixture(scope="module")
def refusals() -> dict[str, dict[str, Any]]:
    """Return what the page says of every hostile state."""
    states: list[Any] = []
    for change, _ in HOSTILE.values():
        one = state(mazur())
        change(one)
        states.append(one)
    rows = read([*states, *TEXTS, PROTO])
    return dict(zip([*HOSTILE, *TEXTS, PROTO], rows, strict=True))


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_state_is_refused_with_its_reason(refusals: Any, what: str) -> None:
    assert HOSTILE[what][1] in refusals[what].get("error", "it was accepted")


@pytest.mark.parametrize("text", [*TEXTS, PROTO])
def test_a_text_that_is_no_state_is_refused(refusals: Any, text: str) -> None:
    assert refusals[text]["kind"] == "Error"


# ---- explain's JSON -----------------------------------------------------------------------------


def test_a_step_is_written_as_explain_writes_it(full: bool) -> None:
    examples = [explain_problem(problem(name)) for name in SMALL if full or name == "softmax"]
    examples.append(explain("mazur", notation="russell-norvig"))  # some of its names have a minus
    examples.append(explain("xor", decimals=3))
    varied = replace(NOTATIONS["mazur"], residual="o-t")
    examples.append(explain("mazur", notation=varied))
    examples += [example(several(), SGD(0.1)), example(drawn(), Adam(0.01))]
    models = [model_of(one) for one in examples]
    found = run_node("examples.mjs", {"tables": tables(), "models": models})
    for one, document in zip(examples, found, strict=True):
        SCHEMA.validate(document)
        wanted = json.loads(json.dumps(one.to_dict()))
        # the page takes no complex steps, which are exact where a function bends
        close = 1e-8 if one in examples[:-2] else 1e-4
        for row, right in zip(rows(document), rows(wanted), strict=True):
            assert row.pop("numerical", 0) == pytest.approx(right.pop("numerical", 0), abs=close)
            assert row.pop("value") == pytest.approx(right.pop("value"), rel=1e-12, abs=1e-15)
        for loss in ("loss_before", "loss_after"):
            right = wanted["steps"][0].pop(loss)
            assert document["steps"][0].pop(loss) == pytest.approx(right, rel=1e-12)
        assert document == wanted


def test_a_run_is_written_as_explain_writes_several_steps() -> None:
    example = explain("xor", steps=4, show_steps=(1, 2, 3, 4))
    models = [model_of(explain("xor"))]
    (document,) = run_node("examples.mjs", {"tables": tables(), "models": models, "updates": 3})
    SCHEMA.validate(document)
    wanted = json.loads(json.dumps(example.to_dict()))
    losses = [one["loss"] for one in document["history"]]
    assert losses == [step["loss_before"] for step in document["steps"]]
    for step, right in zip(document["steps"], wanted["steps"], strict=True):
        for name in ("loss_before", "loss_after"):
            assert step.pop(name) == pytest.approx(right.pop(name), rel=1e-12)
        for row, one in zip(step["quantities"], right["quantities"], strict=True):
            assert row.pop("numerical", 0) == pytest.approx(one.pop("numerical", 0), abs=1e-8)
            assert row.pop("value") == pytest.approx(one.pop("value"), rel=1e-10, abs=1e-14)
            one.pop("remark", None)  # only of the step of the file
    for one in (document, wanted):
        one.pop("history")
        for row in rows(one):
            row.pop("remark", None)
    assert document == wanted


@pytest.mark.parametrize("updates", [5, more(3_000)])
def test_a_saved_run_keeps_its_start_and_where_a_reset_goes(updates: int) -> None:
    first = model_of(explain("xor"))
    given = {"tables": tables(), "texts": [json.dumps(state(first))], "updates": updates}
    (row,) = run_node("states.mjs", given)
    found = row["long"]
    assert found["at"] == updates + 2
    assert found["first"] == found["start"]
    assert found["origin"] == [first["theta"][0] + 1, *first["theta"][1:]]
    if updates > 2_000:  # too long to be made again
        assert found["same"]
        assert found["losses"][0] == pytest.approx(found["losses"][1], rel=1e-14)
        assert found["between"] in (2, updates + 1)
    else:
        assert found["now"] is None


def drawn() -> Network:
    """Return a network with every kind of initializer."""
    layers = (
        Dense(3, "tanh", initializer=Orthogonal(0.5), bias_initializer=Constant(0.1)),
        Dense(3, "leaky-relu", initializer=LeCun("uniform"), bias=False),
        Dense(3, "relu", initializer=He(), trainable=("W",)),
        Dense(2, "logistic", initializer=Glorot("normal"), bias_initializer=Uniform(-1, 2)),
    )
    return Network(2, layers, "squared-error", Penalty(l2=0.1))


def test_notes_are_written_on_the_step_of_the_file_alone() -> None:
    model = mazur()
    assert model["notes"]["errata"]
    (document,) = run_node(
        "examples.mjs", {"tables": tables(), "models": [model | {"notes": None}]}
    )
    assert document["errata"] == []
    assert not [row for row in rows(document) if "remark" in row]
    assert "notes" not in read([state(model)])[0]["model"]


def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the numbers of the first step."""
    return document["steps"][0]["quantities"]


def test_python_builds_what_the_page_describes(full: bool) -> None:
    networks = [mlp(2, 2, 2, activation=a, loss="squared-error") for a in ACTIVATIONS]
    networks += [mlp(2, 2, 2, activation="tanh", loss=loss) for loss in LOSSES]
    networks = networks if full else networks[:: len(networks) // 4]
    pairs: list[tuple[Network, Optimizer]] = [
        (network, SGD(0.1)) for network in [*networks, several()]
    ]
    rules = [rule for rule in OPTIMIZERS.values() if isinstance(rule, Optimizer)]
    rules += [Adam(ExponentialDecay(0.1, 0.9), clip=ClipNorm(1.0))]
    pairs += [(networks[0], rule) for rule in (rules if full else rules[-2:])]
    models = [model_of(example(*pair)) for pair in pairs]
    found = run_node("examples.mjs", {"tables": tables(), "models": models})
    for (network, rule), document in zip(pairs, found, strict=True):
        SCHEMA.validate(document)
        assert eval(document["network"]["python"], NAMES) == network  # noqa: S307
        assert eval(document["optimizer"]["python"], NAMES) == rule  # noqa: S307


# ---- practice -----------------------------------------------------------------------------------


def test_a_number_is_hidden_under_each_of_its_names() -> None:
    refs = [
        {"scope": "layer2", "name": "dW", "index": [0, 1]},
        {"scope": "layer1", "name": "a", "index": [0, 0]},
        {"scope": "layer2", "name": "dx", "index": [0, 0]},
    ]
    keys = run_node("hidden.mjs", {"tables": tables(), "model": mazur(), "refs": refs})
    assert {"layer2.dW[0,1]", "W2.d[0,1]", "W2.dC[0,1]", "W2.g[0,1]"} <= set(keys)
    assert {"layer1.a[0,0]", "layer2.x[0,0]", "layer2.dx[0,0]", "layer1.da[0,0]"} <= set(keys)
    assert len(keys) == 8
