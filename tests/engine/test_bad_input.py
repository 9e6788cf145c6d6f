"""Bad input is rejected with an error message that has the value, the fault and the remedy.

Each table combines an input with the entry points that accept it. Inputs are not modified.
"""

import pickle
import tracemalloc
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest

from chainrule import (
    ELU,
    INITIALIZERS,
    LBFGS,
    OPTIMIZERS,
    SGD,
    ActivationLayer,
    Adam,
    AdamW,
    ChainruleError,
    ClipNorm,
    ClipValue,
    Constant,
    ConstantRate,
    CosineDecay,
    Dense,
    Dropout,
    EarlyStopping,
    EquationError,
    ExponentialDecay,
    Glorot,
    Huber,
    InputError,
    InverseScaling,
    LayerNorm,
    LeakyReLU,
    Momentum,
    Nesterov,
    Network,
    Optimizer,
    Orthogonal,
    Penalty,
    Quantile,
    RMSProp,
    StepDecay,
    Uniform,
    UnknownNameError,
    WarmUp,
    check_gradient,
    mlp,
    problem,
    train,
)
from chainrule.engine import Batches, wire
from chainrule.initializers import initializer

Inputs: TypeAlias = dict[str, Any]

NAN, INF = float("nan"), float("inf")
NET = mlp(3, 4, 2, activation="tanh", loss="squared-error")
CLASSES = mlp(3, 4, 3, activation="tanh", loss="softmax-cross-entropy")
X = np.arange(15.0).reshape(5, 3) / 10
T = np.arange(10.0).reshape(5, 2) / 10
THETA = NET.initialize(0)


def as_any(value: object) -> Any:
    """Return a value as Any, so that the type checker accepts it."""
    return value


def assert_rejected(
    call: Callable[[], object], *words: str, error: type[ChainruleError] = InputError
) -> None:
    """Assert that a call raises a ChainruleError whose message contains all the words."""
    with pytest.raises(error) as caught:
        call()
    assert isinstance(caught.value, ChainruleError)
    for word in words:
        assert word in str(caught.value)


# ---- the passes: x, t, weights and theta × the functions that accept them -----------------------

ENTRY_POINTS: dict[str, Callable[[Inputs], object]] = {
    "predict": lambda i: i["net"].predict(i["theta"], i["x"]),
    "activations": lambda i: i["net"].activations(i["theta"], i["x"]),
    "views": lambda i: i["net"].views(i["theta"]),
    "trace": lambda i: i["net"].trace(i["theta"], i["x"], i["t"], i["weights"]),
    "loss_and_gradient": lambda i: i["net"].loss_and_gradient(
        i["theta"], i["x"], i["t"], i["weights"]
    ),
    "check_gradient": lambda i: i["net"].check_gradient(i["theta"], i["x"], i["t"], i["weights"]),
    "train": lambda i: train(
        i["net"], i["x"], i["t"], SGD(), theta=i["theta"], sample_weight=i["weights"], epochs=1
    ),
    "validation": lambda i: train(
        i["net"], i["good x"], i["good t"], SGD(), epochs=1, validation=(i["x"], i["t"])
    ),
}
PASSES = ["trace", "loss_and_gradient", "check_gradient", "train"]
TAKE = {
    "x": ["predict", "activations", *PASSES, "validation"],
    "t": [*PASSES, "validation"],
    "weights": PASSES,
    "theta": ["predict", "activations", "views", *PASSES],
}
# These require finite x and theta; the other functions accept NaN.
FINITE_ONLY = ["check_gradient", "train", "validation"]

RAGGED = ("not a rectangular array", "rows of equal length")
SHAPE = {
    "too wide": (np.zeros((5, 4)), ["(5, 4)", "takes (n, 3)", "rows are samples"]),
    "transposed": (X.T, ["(3, 5)", "takes (n, 3)", "transpose it"]),
    "three axes": (X[None], ["(1, 5, 3)", "takes (n, 3)"]),
    "one sample too wide": (np.zeros(4), ["(4,)", "takes (n, 3)"]),
    "a number": (3.0, ["shape ()", "takes (n, 3)"]),
    "ragged": ([[1, 2, 3], [1, 2]], RAGGED),
    "strings": ([["a", "b", "c"]], ["dtype <U1", "give numbers"]),
    "objects": ([[1, None, 2]], ["dtype object", "give numbers"]),
    "dates": (np.zeros((1, 3), "M8[D]"), ["datetime64", "give numbers"]),
    "no array": ({"x": 1}, ["dtype object", "give numbers"]),
    "empty batch": (np.zeros((0, 3)), ["no samples", "at least one row"]),
    "empty list": ([], ["(0,)", "takes (n, 3)"]),
    "list of nothing": ([[]], ["(1, 0)", "takes (n, 3)"]),
}
NOT_FINITE = {
    "NaN": (np.where(X == 0.4, NAN, X), ["[1, 1] is nan", "one of 1", "correct or remove"]),
    "inf": (np.where(X > 1.2, INF, X), ["[4, 1] is inf", "one of 2", "correct or remove"]),
    "-inf": (np.where(X == 0, -INF, X), ["[0, 0] is -inf", "one of 1", "correct or remove"]),
    "complex": (X + 0j, ["dtype complex128", "real numbers"]),
}
TARGETS = {
    "too wide": (np.zeros((5, 3)), ["(5, 3)", "for 5 samples", "needs (5, 2)"]),
    "too few": (T[:4], ["(4, 2)", "for 5 samples", "needs (5, 2)"]),
    "transposed": (T.T, ["(2, 5)", "needs (5, 2)", "a row for each sample"]),
    "three axes": (T[None], ["(1, 5, 2)", "needs (5, 2)"]),
    "one column": (np.zeros(5), ["(5,)", "needs (5, 2)", "a column for each output"]),
    "flat": (T.ravel(), ["(10,)", "needs (5, 2)"]),
    "a number": (1.0, ["shape ()", "needs (5, 2)"]),
    "ragged": ([[1, 2], [1]], RAGGED),
    "strings": ([["yes", "no"]] * 5, ["dtype <U3", "give numbers"]),
    "objects": ([[None, 1]] * 5, ["dtype object", "give numbers"]),
    "empty": ([], ["(0,)", "needs (5, 2)"]),
    "complex": (T + 0j, ["t has dtype complex128", "real numbers"]),
    "NaN": (np.where(T == 0.4, NAN, T), ["t[2, 0] is nan", "one of 1", "correct or remove"]),
    "inf": (np.where(T == 0.9, INF, T), ["t[4, 1] is inf", "one of 1", "correct or remove"]),
}
WEIGHTS = {
    "too few": (np.ones(4), ["(4,)", "5 samples", "one number for each"]),
    "a column": (np.ones((5, 1)), ["(5, 1)", "5 samples", "one number for each"]),
    "a number": (2.0, ["shape ()", "one number for each"]),
    "negative": ([1, 1, 1, 1, -2], ["-2", "at least 0"]),
    "all zero": (np.zeros(5), ["0.0 to 0.0", "not all 0"]),
    "NaN": ([1, 1, NAN, 1, 1], ["nan", "finite"]),
    "inf": ([1, 1, INF, 1, 1], ["inf", "finite"]),
    "sum overflows": (np.full(5, 1e308), ["1e+308", "as must be their sum"]),
    "strings": (list("abcde"), ["dtype <U1", "give numbers"]),
    "complex": (np.ones(5, complex), ["dtype complex128", "real numbers"]),
    "ragged": ([[1], [1, 2]], RAGGED),
}
PARAMETERS = {
    "too short": (THETA[:-1], ["(25,)", "26 parameters", "network.initialize(seed)"]),
    "too long": (np.r_[THETA, 1.0], ["(27,)", "26 parameters", "network.pack"]),
    "two axes": (THETA[None], ["(1, 26)", "26 parameters"]),
    "integers": (np.zeros(26, int), ["dtype int64", "astype('float64')"]),
    "float16": (THETA.astype("f2"), ["dtype float16", "astype('float64')"]),
    "complex64": (THETA.astype("c8"), ["dtype complex64", "astype('float64')"]),
    "other byte order": (THETA.astype(">f8"), ["dtype >f8", "astype('float64')"]),
    "strings": (["a"] * 26, ["dtype <U1", "astype('float64')"]),
    "ragged": ([[1.0], [1.0, 2.0]], ["not a vector", "one flat array"]),
}
BAD_PARAMETERS = {
    "NaN": (np.r_[THETA[:3], NAN, THETA[4:]], ["theta[3] is nan", "finite parameters"]),
    "inf": (np.r_[INF, THETA[1:]], ["theta[0] is inf", "finite parameters"]),
    "complex": (THETA + 0j, ["theta has dtype complex128", "real numbers"]),
}
TABLES = [
    ("x", TAKE["x"], SHAPE),
    ("x", FINITE_ONLY, NOT_FINITE),
    ("t", TAKE["t"], TARGETS),
    ("weights", TAKE["weights"], WEIGHTS),
    ("theta", TAKE["theta"], PARAMETERS),
    ("theta", ["check_gradient", "train"], BAD_PARAMETERS),
]
CASES = [
    pytest.param(name, entry, bad, words, id=f"{entry}-{name} {fault}")
    for name, entries, table in TABLES
    for entry in entries
    for fault, (bad, words) in table.items()
]


@pytest.mark.parametrize(("name", "entry", "bad", "words"), CASES)
def test_arrays(name: str, entry: str, bad: object, words: list[str]):
    inputs = {"net": NET, "theta": THETA, "x": X, "t": T, "weights": None}
    inputs |= {"good x": X, "good t": T, name: bad}
    before = pickle.dumps(inputs)
    where = ["validation: "] if entry == "validation" else []
    assert_rejected(lambda: ENTRY_POINTS[entry](inputs), *words, *where)
    assert pickle.dumps(inputs) == before


@pytest.mark.parametrize("entry", [*PASSES, "validation"])
@pytest.mark.parametrize(
    ("t", "words"),
    [
        ([0, 1, 2, 3, 0], ["class 3 of sample 3", "0 to 2", "an output for each"]),
        ([0, 1, 0.5, 2, 0], ["class 0.5 of sample 2", "not an integer"]),
        ([0, -1, 1, 2, 0], ["class -1 of sample 1", "number the classes from 0"]),
        ([0, 1, NAN, 2, 0], ["t[2] is nan", "correct or remove"]),
        (np.array([0, 1, 2, 1, 0], complex), ["dtype complex128", "real numbers"]),
        (list("abcab"), ["dtype <U1", "give numbers"]),
        ([0, 1], ["(2,)", "for 5 samples", "or class numbers (n,)"]),
        ([[0.5, 0.5, 0.5]] * 5, ["sample 0 sum to 1.5", "divide each row by its sum"]),
        ([[1.5, -0.5, 0]] * 5, ["target 1.5 of sample 0, output 0", "outside [0, 1]"]),
    ],
)
def test_classes(entry: str, t: object, words: list[str]):
    inputs = {"net": CLASSES, "theta": CLASSES.initialize(0), "x": X, "t": t, "weights": None}
    inputs |= {"good x": X, "good t": [0, 1, 2, 0, 1]}
    before = pickle.dumps(inputs)
    assert_rejected(lambda: ENTRY_POINTS[entry](inputs), *words)
    assert pickle.dumps(inputs) == before


@pytest.mark.parametrize("entry", [*PASSES, "validation"])
@pytest.mark.parametrize(
    ("loss", "outside", "domain"),
    [
        ("poisson", -1.0, "[0, inf]"),
        ("logistic-cross-entropy", 1.5, "[0, 1]"),
        ("logistic-cross-entropy", -0.5, "[0, 1]"),
        ("softmax-cross-entropy", -0.5, "[0, 1]"),
        ("softmax-squared-error", 1.5, "[0, 1]"),
    ],
)
def test_domains_of_losses(entry: str, loss: str, outside: float, domain: str):
    net = mlp(3, 2, activation="tanh", loss=loss)
    good = np.tile([0.0, 1.0], (5, 1))
    bad = np.where(np.arange(10).reshape(5, 2) == 5, outside, good)
    inputs = {"net": net, "theta": net.initialize(0), "x": X, "t": bad, "weights": None}
    inputs |= {"good x": X, "good t": good}
    words = [f"target {outside} of sample 2, output 1", f"outside {domain}", loss]
    assert_rejected(lambda: ENTRY_POINTS[entry](inputs), *words)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("place", ["x", "theta"])
def test_nonfinite_values_reach_the_loss(place: str, bad: float):
    x, theta = X.copy(), THETA.copy()
    (x if place == "x" else theta).flat[4] = bad
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(NET.predict(theta, x)).all()
        assert not np.isfinite(NET.activations(theta, x)[0]).all()
        assert not np.isfinite(NET.trace(theta, x, T).value)
        assert not np.isfinite(NET.loss_and_gradient(theta, x, T)[0])


@pytest.mark.parametrize("name", ["rows", "entries"])
@pytest.mark.parametrize("bad", [0, -1, 1.5, True, "2"])
def test_counts_of_the_gradient_check(name: str, bad: Any):
    words = [f"{name} = {bad!r}", "an integer of at least 1"]
    assert_rejected(lambda: NET.check_gradient(THETA, X, T, **{name: bad}), *words)


# ---- check_gradient, the function ----------------------------------------------------------------


def square(w: Any) -> Any:
    return np.sum(w * w)


def always(result: object) -> Callable[[Any], Any]:
    """Return a function with a constant result."""
    return lambda _: result


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"theta": []}, ["array([]", "a vector of finite numbers"]),
        ({"theta": [[1.0, 2.0]]}, ["[[1., 2.]]", "a vector of finite numbers"]),
        ({"theta": [1.0, NAN]}, ["nan", "a vector of finite numbers"]),
        ({"theta": [1.0, INF]}, ["inf", "a vector of finite numbers"]),
        ({"theta": [1j, 2]}, ["theta has dtype complex128", "real numbers"]),
        ({"theta": ["a", "b"]}, ["theta has dtype <U1", "real numbers"]),
        ({"theta": [[1.0], [1.0, 2.0]]}, ["theta is not a vector", "one flat array"]),
        ({"gradient": [2.0]}, ["(1,)", "theta (2,)", "one derivative for each"]),
        ({"gradient": lambda w: (2 * w)[:, None]}, ["(2, 1)", "theta (2,)"]),
        ({"gradient": always(None)}, ["the gradient has dtype object", "real numbers"]),
        ({"gradient": lambda w: 2j * w}, ["the gradient has dtype complex128", "real numbers"]),
        ({"value": lambda w: w * w}, ["array([1., 4.])", "one finite real number"]),
        ({"value": always(None)}, ["None", "one finite real number"]),
        ({"value": always(NAN)}, ["nan", "one finite real number"]),
        ({"value": always(INF)}, ["inf", "one finite real number"]),
        ({"value": always(3 + 0j)}, ["3.+0.j", "one finite real number"]),
        (
            {"arrays": {"W": (3,)}},
            ["{'W': (3,)}", "the 2 parameters", "list the shape of every array"],
        ),
        (
            {"arrays": {"W": (1,)}},
            ["{'W': (1,)}", "the 2 parameters", "list the shape of every array"],
        ),
        ({"entries": 0}, ["entries = 0", "at least 1"]),
        ({"seed": -1}, ["seed = -1", "at least 0"]),
    ],
)
def test_check_gradient(change: dict[str, Any], words: list[str]):
    right = {"value": square, "gradient": lambda w: 2 * w, "theta": [1.0, 2.0]}
    assert_rejected(lambda: check_gradient(**(right | change)), *words)


# ---- pack and initialize -------------------------------------------------------------------------

W = [np.ones((4, 3)), np.ones((2, 4))]
B = [np.ones(4), np.ones(2)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"W": W[:1]}, ["W2 of shape (2, 4) is missing", "give an array"]),
        ({"W": []}, ["W1 of shape (4, 3) is missing", "give an array"]),
        ({"W": [None, W[1]]}, ["W1 of shape (4, 3) is missing", "give an array"]),
        ({"W": [*W, W[1]]}, ["W3 was given", "only W1, b1, W2, b2", "leave it out"]),
        ({"W": [W[0].T, W[1]]}, ["W1 has shape (3, 4)", "must be (4, 3)", "transpose it"]),
        ({"W": [W[0], W[1][:, :3]]}, ["W2 has shape (2, 3)", "must be (2, 4)"]),
        ({"W": [W[0] * NAN, W[1]]}, ["W1[0, 0] is nan", "one of 12", "finite parameters"]),
        ({"W": [W[0], W[1] * INF]}, ["W2[0, 0] is inf", "one of 8", "finite parameters"]),
        ({"W": [W[0] + 0j, W[1]]}, ["W1 has dtype complex128", "real numbers"]),
        ({"W": ["a", "b"]}, ["W1 has dtype <U1", "give numbers"]),
        ({"W": [[[1, 2, 3], [1]], W[1]]}, ["W1 is", *RAGGED]),
        ({"W": None}, ["W=None", "a list with one array for each layer"]),
        ({"W": 3}, ["W=3", "a list with one array for each layer"]),
        ({"b": B[:1]}, ["b2 of shape (2,) is missing", "give an array"]),
        ({"b": [None, B[1]]}, ["b1 of shape (4,) is missing", "give an array"]),
        ({"b": [*B, B[0]]}, ["b3 was given", "only W1, b1, W2, b2", "leave it out"]),
        ({"b": np.ones(2)}, ["b1 has shape ()", "must be (4,)"]),
        ({"b": [B[0][:, None], B[1]]}, ["b1 has shape (4, 1)", "must be (4,)"]),
        ({"b": [B[0] * -INF, B[1]]}, ["b1[0] is -inf", "one of 4", "finite parameters"]),
        ({"dtype": "float16"}, ["dtype='float16'", "float32 or float64"]),
        ({"dtype": int}, ["int", "float32 or float64"]),
        ({"dtype": "abc"}, ["dtype='abc'", "float32 or float64"]),
        ({"W": [W[0] * 1e39, W[1]], "dtype": "float32"}, ["W1[0, 0] is inf", "need dtype float64"]),
    ],
)
def test_pack(arguments: dict[str, Any], words: list[str]):
    arguments = {"W": W, "b": B} | arguments
    before = pickle.dumps(arguments)
    assert_rejected(lambda: NET.pack(**arguments), *words)
    assert pickle.dumps(arguments) == before


def test_pack_rejects_biases_of_layers_without_biases():
    bare = mlp(3, 4, 2, activation="tanh", loss="squared-error", bias=False)
    assert_rejected(lambda: bare.pack(W, B), "b1 was given", "only W1, W2", "leave it out")
    np.testing.assert_array_equal(bare.pack(W, [None, None]), bare.pack(W))


@pytest.mark.parametrize("seed", [-1, 1.5, None, "a", True, [1, 2]])
def test_seeds(seed: Any):
    words = [f"seed = {seed!r}", "an integer of at least 0"]
    assert_rejected(lambda: NET.initialize(seed), *words)
    assert_rejected(lambda: train(NET, X, T, epochs=1, seed=seed), *words)
    assert_rejected(lambda: train(NET, X, T, epochs=1, seed=seed, theta=THETA), *words)


@pytest.mark.parametrize("dtype", ["float16", "int64", complex, np.longdouble, "abc"])
def test_initialize_rejects_other_precisions(dtype: Any):
    assert_rejected(lambda: NET.initialize(0, dtype), f"dtype={dtype!r}", "float32 or float64")


def test_seeds_may_be_large():
    net = mlp(3, 4, 2, activation="tanh", loss="squared-error", dropout=0.5)
    run = train(net, X, T, SGD(), epochs=1, seed=2**70)
    assert np.isfinite(run.finish().loss)


# ---- descriptions --------------------------------------------------------------------------------

BUILD_WITH_UNITS: dict[str, Callable[[Any], Network]] = {
    "Dense": lambda n: Network(3, (Dense(n, "tanh"),), "squared-error"),
    "hidden": lambda n: mlp(3, n, 1, activation="tanh", loss="squared-error"),
    "outputs": lambda n: mlp(3, n, activation="tanh", loss="squared-error"),
    "inputs": lambda n: mlp(n, 2, 1, activation="tanh", loss="squared-error"),
    "Network": lambda n: Network(n, (Dense(1, "tanh"),), "squared-error"),
}


@pytest.mark.parametrize("build", BUILD_WITH_UNITS.values(), ids=BUILD_WITH_UNITS)
@pytest.mark.parametrize("units", [0, -1, 1.0, 2.5, True, np.float64(3), "3", None, NAN, [3]])
def test_units(build: Callable[[Any], Network], units: Any):
    assert_rejected(lambda: build(units), f"= {units!r}", "an integer of at least 1")


@pytest.mark.parametrize("build", BUILD_WITH_UNITS.values(), ids=BUILD_WITH_UNITS)
def test_units_may_be_numpy_integers(build: Callable[[Any], Network]):
    net = build(np.int8(2))
    assert net == build(2)
    assert "int8" not in repr(net)


@pytest.mark.parametrize(
    "sizes", [(10**9, 10**9, 1), (2, 10**9, 1), (10**30, 10**30), (2**15, 2**15), (2, *[2**14] * 9)]
)
def test_excessive_sizes_are_rejected_before_memory_is_allocated(sizes: tuple[int, ...]):
    tracemalloc.start()
    build = lambda: mlp(*sizes, activation="tanh", loss="squared-error")  # noqa: E731
    assert_rejected(build, "parameters, more than 1,073,741,824", "choose smaller layers")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1e6


def test_largest_network_is_described_without_allocating_memory():
    tracemalloc.start()
    net = mlp(2**15, 2**15 - 1, activation="tanh", loss="squared-error")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert net.layout.size == 2**30 - 1
    assert peak < 1e6


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: mlp(activation="tanh", loss="huber"), ["mlp()", "inputs and outputs"]),
        (lambda: mlp(3, activation="tanh", loss="huber"), ["mlp(3,)", "inputs and outputs"]),
        (lambda: mlp(2, 3, 1, activation=["tanh"], loss="huber"), ["1 activations", "2 layers"]),
        (lambda: mlp(2, 1, activation=["tanh"] * 2, loss="huber"), ["2 activations", "1 layers"]),
        (
            lambda: mlp(2, 1, activation="tanh", loss="huber", penalty=as_any(0.1)),
            ["0.1", "Penalty(l2=…)"],
        ),
        (lambda: Network(2, (), "huber"), ["needs a layer", "add Dense"]),
        (lambda: Network(2, as_any(None), "huber"), ["layers=None", "a tuple of layers"]),
        (
            lambda: Network(2, as_any(Dense(1, "tanh")), "huber"),
            ["Dense(units=1", "a tuple of layers"],
        ),
        (lambda: Network(2, as_any(["dense"]), "huber"), ["layer='dense'", "Dense(3, 'tanh')"]),
        (lambda: Network(2, as_any([Dense]), "huber"), ["Dense'>", "Dense(3, 'tanh')"]),
        (lambda: Dense(2, "tanh", trainable=("w",)), ["('w',)", "no parameter", "W, b"]),
        (
            lambda: Dense(2, "tanh", trainable=as_any("W")),
            ["trainable='W'", "a tuple such as ('W',)"],
        ),
        (lambda: Dense(2, "tanh", trainable=as_any(["W"])), ["trainable=['W']", "a tuple such as"]),
        (lambda: Dense(2, "tanh", bias=False, trainable=("b",)), ["no parameter 'b'", "of W,"]),
        (lambda: LayerNorm(trainable=("gamma",)), ["no parameter 'gamma'", "W, b"]),
        (lambda: Uniform(1, -1), ["low=1.0, high=-1.0", "low must be at most high"]),
        (lambda: Uniform(-1e308, 1e308), ["high=1e+308", "their difference finite"]),
        (lambda: SGD(0.1, clip=as_any(1.0)), ["clip=1.0", "ClipNorm(1.0)"]),
        (lambda: Adam(clip=as_any("norm")), ["clip='norm'", "ClipNorm(1.0)"]),
        (lambda: AdamW(clip=as_any(ClipNorm)), ["ClipNorm'>", "ClipNorm(1.0)"]),
    ],
)
def test_descriptions(build: Callable[[], object], words: list[str]):
    assert_rejected(build, *words)


def outside(interval: str) -> list[object]:
    """Return values outside an interval, its excluded bounds, and values that are not numbers."""
    low, high = (float(bound) for bound in interval[1:-1].split(","))
    bounds = {low - 1, high + 1, *[low] * (interval[0] == "("), *[high] * (interval[-1] == ")")}
    return [*sorted(bounds), NAN, "0.5", None, True, 0.5j]


Field: TypeAlias = tuple[Callable[..., object], str, str]

FIELDS: list[Field] = [
    *[
        (type(o), "learning_rate", "(0, inf)")
        for o in OPTIMIZERS.values()
        if isinstance(o, Optimizer)
    ],
    *[(cls, "momentum", "[0, 1)") for cls in (Momentum, Nesterov)],
    *[(cls, name, "[0, 1)") for cls in (Adam, AdamW) for name in ("beta1", "beta2")],
    *[(cls, "eps", "(0, inf)") for cls in (RMSProp, Adam, AdamW, LayerNorm)],
    (RMSProp, "rho", "[0, 1)"),
    (AdamW, "decay", "[0, inf)"),
    (LBFGS, "tolerance", "[0, inf)"),
    *[(cls, "limit", "(0, inf)") for cls in (ClipNorm, ClipValue)],
    *[(Penalty, name, "[0, inf)") for name in ("l1", "l2", "alpha")],
    (Dropout, "rate", "[0, 1)"),
    (EarlyStopping, "min_delta", "[0, inf)"),
    (Huber, "width", "(0, inf)"),
    (Quantile, "level", "(0, 1)"),
    (LeakyReLU, "slope", "(-inf, inf)"),
    (ELU, "alpha", "(-inf, inf)"),
    (Constant, "value", "(-inf, inf)"),
    (Orthogonal, "gain", "(-inf, inf)"),
    *[(Uniform, name, "(-inf, inf)") for name in ("low", "high")],
    (ConstantRate, "learning_rate", "(0, inf)"),
    *[(cls, "learning_rate", "(0, inf)") for cls in (StepDecay, ExponentialDecay)],
    *[(cls, "factor", "(0, 1]") for cls in (StepDecay, ExponentialDecay)],
    *[(InverseScaling, name, "(0, inf)") for name in ("learning_rate", "power")],
    (CosineDecay, "learning_rate", "(0, inf)"),
    (CosineDecay, "final", "[0, inf)"),
]
NEEDS: dict[object, dict[str, Any]] = {
    StepDecay: {"learning_rate": 0.1},
    ExponentialDecay: {"learning_rate": 0.1},
    InverseScaling: {"learning_rate": 0.1},
    CosineDecay: {"learning_rate": 0.1, "steps": 9},
}


@pytest.mark.parametrize(
    ("build", "field", "interval", "bad"),
    [
        pytest.param(*field, bad, id=f"{field[0].__name__}-{field[1]}={bad!r}")
        for field in FIELDS
        for bad in outside(field[2])
    ],
)
def test_numbers_of_descriptions(
    build: Callable[..., object], field: str, interval: str, bad: object
):
    words = [f"{field}={bad!r}", f"must be a number in {interval}"]
    assert_rejected(lambda: build(**(NEEDS.get(build, {}) | {field: bad})), *words)


@pytest.mark.parametrize("bad", [0, -1, NAN, "0.1", None])
def test_learning_rate_after_a_warm_up(bad: Any):
    assert_rejected(lambda: WarmUp(9, bad), f"rate={bad!r}", "must be a number in (0, inf)")


@pytest.mark.parametrize(
    ("build", "name", "low"),
    [
        (lambda n: LBFGS(memory=n), "memory", 1),
        (lambda n: EarlyStopping(patience=n), "patience", 1),
        (lambda n: StepDecay(0.1, every=n), "every", 1),
        (lambda n: CosineDecay(0.1, steps=n), "steps", 2),
        (lambda n: WarmUp(n, 0.1), "steps", 1),
        (Batches, "size", 1),
        (lambda n: train(NET, X, T, batch_size=n), "size", 1),
        (lambda n: train(NET, X, T, epochs=n), "epochs", 0),
        (lambda n: train(NET, X, T, record_every=n), "record_every", 1),
    ],
    ids=["memory", "patience", "every", "cosine", "warm-up", "size", "batch", "epochs", "record"],
)
@pytest.mark.parametrize("bad", [-1, "low - 1", 1.5, 3.0, True, "3"])
def test_integers_of_descriptions(build: Callable[[Any], object], name: str, low: int, bad: Any):
    bad = low - 1 if bad == "low - 1" else bad
    assert_rejected(lambda: build(bad), f"{name} = {bad!r}", f"an integer of at least {low}")


# ---- names ---------------------------------------------------------------------------------------


def net_of(**change: Any) -> Network:
    """Return a network with some arguments changed."""
    usual: dict[str, Any] = {"activation": "tanh", "loss": "squared-error"}
    return mlp(2, 3, 1, **(usual | change))


BY_NAME: dict[str, tuple[Callable[[Any], object], dict[object, str]]] = {
    "activation": (
        lambda n: net_of(activation=n),
        {"tahn": "tanh", "leaky_rellu": "leaky-relu", "sigmod": "logistic", "prelu": ""},
    ),
    "activation of an output": (lambda n: net_of(output=n), {"logisitc": "logistic"}),
    "activation of a list": (lambda n: net_of(activation=["tanh", n]), {"reul": "relu"}),
    "activation of a Dense": (lambda n: Dense(2, n), {"gelu_tanhh": "gelu-tanh"}),
    "activation of an ActivationLayer": (ActivationLayer, {"eluu": "elu"}),
    "loss": (
        lambda n: net_of(loss=n),
        {"sqared_error": "squared-error", "hinge": ""},
    ),
    "loss of a Network": (lambda n: Network(2, (Dense(1, "tanh"),), n), {"huberr": "huber"}),
    "optimizer": (lambda n: train(NET, X, T, n), {"adm": "adam", "lbgfs": "lbfgs", "adagrad": ""}),
    "initializer": (initializer, {"glorott": "glorot"}),
    "initializer of an mlp": (lambda n: net_of(initializer=n), {"lecum": "lecun"}),
    "initializer of a Dense": (
        lambda n: Dense(2, "tanh", bias_initializer=n),
        {"constent": "constant"},
    ),
    "distribution": (Glorot, {"gaussian": "", "unifrom": "uniform"}),
    "metric": (lambda n: train(NET, X, T, metric=n), {"acuracy": "accuracy", "r22": "r2"}),
    "problem": (problem, {"mazzur": "mazur", "half_ader": "half-adder"}),
    "layer": (net_of(dropout=0.5).layer, {"dropuot1": "dropout1"}),
    "number to monitor": (lambda n: EarlyStopping(monitor=n), {"los": "loss"}),
}


@pytest.mark.parametrize(
    ("what", "wrong", "right"),
    [
        (what, wrong, right)
        for what, (_, names) in BY_NAME.items()
        for wrong, right in names.items()
    ],
)
def test_unknown_names_give_a_suggestion(what: str, wrong: str, right: str):
    call, _ = BY_NAME[what]
    kind = what.split(" of a", maxsplit=1)[0]
    hint = f"did you mean {right!r}?" if right else "choose one of: "
    assert_rejected(
        lambda: call(wrong), f"unknown {kind} {wrong!r}; {hint}", error=UnknownNameError
    )


@pytest.mark.parametrize("what", [what for what in BY_NAME if what != "layer"])
@pytest.mark.parametrize("wrong", [3, (), {"a": []}])
def test_values_that_are_not_names_are_rejected(what: str, wrong: object):
    call, _ = BY_NAME[what]
    if what == "activation" and wrong == ():
        assert_rejected(lambda: call(wrong), "0 activations for 2 layers")
    else:
        assert_rejected(lambda: call(wrong), f" {wrong!r}; choose one of: ", error=UnknownNameError)


def test_unknown_names_are_key_errors_without_quotes():
    with pytest.raises(KeyError) as caught:
        net_of(activation="tahn")
    assert str(caught.value) == "unknown activation 'tahn'; did you mean 'tanh'?"


def test_classes_and_functions_are_not_names():
    assert_rejected(lambda: net_of(loss=Huber), "did you mean 'huber'?", error=UnknownNameError)
    assert_rejected(
        lambda: net_of(activation=np.tanh), "did you mean 'tanh'?", error=UnknownNameError
    )


def test_every_initializer_has_a_name():
    for name, choice in INITIALIZERS.items():
        assert Dense(2, "tanh", name) == Dense(2, "tanh", choice)


# ---- train ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"early_stopping": 3}, ["early_stopping=3", "EarlyStopping(patience=10)"]),
        ({"early_stopping": EarlyStopping(monitor="metric")}, ["needs a metric", "'accuracy'"]),
        ({"validation": X}, ["ndarray", "a pair (X, y)"]),
        ({"validation": (X,)}, ["tuple", "a pair (X, y)"]),
        ({"validation": (X, T, T)}, ["tuple", "a pair (X, y)"]),
        ({"validation": ()}, ["tuple", "a pair (X, y)"]),
        ({"state": 3}, ["state=3", "run.state"]),
        ({"state": {}}, ["state={}", "run.state"]),
    ],
)
def test_settings_of_a_run(settings: dict[str, Any], words: list[str]):
    assert_rejected(lambda: train(NET, X, T, **settings), *words)


def test_metric_must_return_a_number():
    run = train(NET, X, T, epochs=1, metric=lambda *_: as_any("good"))
    assert_rejected(run.finish, "metric's value='good'", "returns a number")


@pytest.mark.parametrize(
    ("source", "target", "kept", "wanted"),
    [(Adam(), SGD(), 2, 0), (SGD(), Momentum(), 0, 1), (LBFGS(), Adam(), 0, 2)],
    ids=str,
)
def test_state_of_another_optimizer(
    source: Optimizer | LBFGS, target: Optimizer, kept: int, wanted: int
):
    run = train(NET, X, T, source, epochs=1)
    run.finish()
    words = [f"has {kept} moving averages", f"has {wanted}", "continue with the optimizer"]
    assert_rejected(lambda: train(NET, X, T, target, epochs=1, state=run.state), *words)


def test_state_of_another_network():
    run = train(NET, X, T, epochs=1)
    run.finish()
    other = mlp(3, 5, 2, activation="tanh", loss="squared-error")
    words = ["(26,)", "32 parameters"]
    assert_rejected(lambda: train(other, X, T, epochs=1, state=run.state), *words)


def test_run_without_remaining_epochs():
    assert_rejected(train(NET, X, T, epochs=0).finish, "no epochs left", "epochs=1")


# ---- wire ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replace", "error", "words"),
    [
        ({("hiden", "dx"): "delta"}, UnknownNameError, ["'hiden'", "did you mean 'hidden'?"]),
        ({(9, "dx"): "delta"}, UnknownNameError, ["'9'", "choose one of: 1, 2, W1"]),
        ({("hidden", "dxx"): "delta"}, UnknownNameError, ["'dxx'", "did you mean 'dx'?"]),
        ({("optimizer", "wnew"): "w"}, UnknownNameError, ["'wnew'", "did you mean 'w_new'?"]),
        ({("loss", "termz"): "p - t"}, UnknownNameError, ["'termz'", "did you mean 'terms'?"]),
        ({("output", "delta"): "da @"}, EquationError, ["'da @'", "invalid syntax"]),
        ({("output", "delta"): ""}, EquationError, ["''", "invalid syntax"]),
        ({("output", "delta"): 3}, EquationError, ["3", "not a Python expression"]),
        ({("output", "delta"): "[da]"}, EquationError, ["'[da]'", "not in the grammar"]),
        ({("output", "db"): "sum(da)"}, EquationError, ["sum must name its axis", "axis=0"]),
        ({("output", "delta"): "dA * z"}, UnknownNameError, ["'dA'", "did you mean 'da'?"]),
        (
            {("output", "delta"): "f1(z)"},
            UnknownNameError,
            ["unknown function", "'f1'; did you"],
        ),
        ({("output", "delta"): "df(z)"}, EquationError, ["layer2.delta = 'df(z)'", "argument"]),
        ({("output", "delta"): "da @ da"}, EquationError, ["layer2.delta = 'da @ da'", "size"]),
        ({("output", "delta"): "da[:, 7]"}, EquationError, ["'da[:, 7]'", "out of bounds"]),
        ({("output", "delta"): "belw.a"}, UnknownNameError, ["'belw'", "did you mean 'below'?"]),
        ({("output", "delta"): "da + delta"}, EquationError, ["layer2.delta depends on itself"]),
        ({"output": "delta"}, InputError, ["'output' is not a pair", "('hidden', 'dx')"]),
    ],
)
def test_replacements(replace: Any, error: type[ChainruleError], words: list[str]):
    batch = NET.batch(THETA, X, T)
    assert_rejected(
        lambda: wire(NET, THETA, batch, SGD(), replace=replace).theta_new, *words, error=error
    )


def test_wire_without_a_layer_of_the_kind():
    net = mlp(3, 2, activation="tanh", loss="squared-error")
    theta = net.initialize(0)
    batch = net.batch(theta, X, T)
    words = ["no layer of the kind 'hidden'", "choose another place"]
    assert_rejected(lambda: wire(net, theta, batch, replace={("hidden", "dx"): "delta"}), *words)


def test_wire_requires_theta_of_the_right_size():
    batch = NET.batch(THETA, X, T)
    assert_rejected(lambda: wire(NET, THETA[:-1], batch), "(25,)", "26 parameters")
