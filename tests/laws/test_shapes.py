"""The shapes law: inputs of any form give the same results as a contiguous float64 array.

The forms are lists, integers, booleans, other strides and read-only arrays. Inputs are not
modified, and results have θ's precision.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.activations import ACTIVATIONS
from chainrule.layers import ActivationLayer, Dense, Dropout, LayerNorm
from chainrule.losses import LOSSES
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import Momentum
from chainrule.training import train
from tests.laws.nets import PENALTY, STACKS, Array, case, same_bits

# For other strides, the BLAS uses other kernels, which sum in another order.
ROUNDING = 1e-13


# ---- forms of the same numbers ------------------------------------------------------------------


def spread(a: Array) -> Array:
    """Return every second row and third column of a larger array."""
    large = np.full([size * step for size, step in zip(a.shape, (2, 3), strict=False)], np.nan)
    view = large[tuple(slice(None, None, step) for step in (2, 3)[: a.ndim])]
    view[...] = a
    return view


def backward(a: Array) -> Array:
    """Return the same numbers with negative strides."""
    turned = tuple(slice(None, None, -1) for _ in a.shape)
    return a[turned].copy()[turned]


def read_only(a: Array) -> Array:
    """Return an array that cannot be written to."""
    copy = a.copy()
    copy.setflags(write=False)
    return copy


FORMS: dict[str, Callable[[Array], Any]] = {
    "list": lambda a: a.tolist(),
    "tuple": lambda a: tuple(a.tolist()),
    "list of arrays": list,
    "fortran": np.asfortranarray,
    "spread": spread,
    "backward": backward,
    "transposed twice": lambda a: a.T.copy().T,
    "read-only": read_only,
    "big-endian": lambda a: a.astype(">f8"),
    "broadcast": lambda a: np.broadcast_to(a[:1], a.shape),
    "memoryview": lambda a: a.data,
    **{kind: lambda a, kind=kind: a.astype(kind) for kind in ("float16", "float32", "float64")},
    **{kind: lambda a, kind=kind: np.rint(a).astype(kind) for kind in ("int8", "int32", "int64")},
    **{kind: lambda a, kind=kind: np.abs(np.rint(a)).astype(kind) for kind in ("uint8", "uint64")},
    "bool": lambda a: a > 0,
    "list of bools": lambda a: (a > 0).tolist(),
}

forms = st.sampled_from(sorted(FORMS))
sizes = st.integers(1, 4)
eighths = st.integers(-16, 16).map(lambda k: k / 8)  # exact in float16


@st.composite
def arrays(draw: st.DrawFn, rows: int, columns: int) -> Array:
    """Draw an array of eighths, exact in every precision."""
    values = draw(st.lists(eighths, min_size=rows * columns, max_size=rows * columns))
    return np.array(values).reshape(rows, columns)


@st.composite
def networks(draw: st.DrawFn, outputs: st.SearchStrategy[int] = sizes) -> tuple[Network, Array]:
    """Draw a network of any widths, including one, and its parameters."""
    f = draw(st.sampled_from(sorted(ACTIVATIONS)))
    inner = draw(st.lists(st.sampled_from(["dense", "norm", "dropout", "activation"]), max_size=2))
    made = {
        "dense": Dense(draw(sizes), f, bias=draw(st.booleans())),
        "norm": LayerNorm(0.1),
        "dropout": Dropout(0.3),
        "activation": ActivationLayer(f),
    }
    layers = (*[made[name] for name in inner], Dense(draw(outputs), f))
    network = Network(draw(sizes), layers, draw(st.sampled_from(LINEAR)), PENALTY)
    return network, network.initialize(draw(st.integers(0, 9)))


LINEAR = [name for name, loss in LOSSES.items() if not loss.owns_link]  # any target is right


def plain(values: Any) -> Array:
    """Return numbers as a contiguous float64 array."""
    return np.ascontiguousarray(np.array(values, dtype=np.float64))


def untouched(values: Any, copy: Any) -> bool:
    """Return whether an input is unchanged."""
    return (
        same_bits(values, copy)
        if isinstance(values, np.ndarray)
        else plain(values).tolist() == copy
    )


def snapshot(values: Any) -> Any:
    """Return the copy that `untouched` compares with."""
    return values.copy() if isinstance(values, np.ndarray) else plain(values).tolist()


# ---- laws ---------------------------------------------------------------------------------------


@given(st.data())
def test_every_form_gives_the_same(data):
    network, theta = data.draw(networks())
    rows = data.draw(sizes)
    x = FORMS[data.draw(forms)](data.draw(arrays(rows, network.inputs)))
    t = FORMS[data.draw(forms)](data.draw(arrays(rows, network.outputs)))
    weights = FORMS[data.draw(forms)](np.arange(1.0, rows + 1)[:, None])
    weights = (
        [w[0] for w in weights] if isinstance(weights, list | tuple) else np.asarray(weights)[:, 0]
    )
    kept = [snapshot(values) for values in (x, t, weights)]

    ours = network.trace(theta, x, t, weights, mask_seed=MaskSeed(1, 2))
    plainly = network.trace(theta, plain(x), plain(t), plain(weights), mask_seed=MaskSeed(1, 2))
    for name in ("p", "terms", "value", "do", "gradient"):
        one, other = getattr(ours, name), getattr(plainly, name)
        assert one.dtype == np.float64
        assert np.shape(one) == np.shape(other)
        assert np.allclose(one, other, rtol=ROUNDING, atol=ROUNDING)
    prediction = network.predict(theta, x)
    assert np.allclose(prediction, network.predict(theta, plain(x)), rtol=ROUNDING, atol=ROUNDING)
    assert all(map(untouched, (x, t, weights), kept))


@given(st.data())
def test_one_sample_needs_no_batch_axis(data):
    network, theta = data.draw(networks())
    x = data.draw(arrays(1, network.inputs))[0]
    t = data.draw(arrays(1, network.outputs))[0]
    form = FORMS[data.draw(forms.filter(lambda name: name != "broadcast"))]
    one = network.loss_and_gradient(theta, form(x), form(t))
    row = network.loss_and_gradient(theta, plain(form(x))[None], plain(form(t))[None])
    assert np.allclose(one[0], row[0], rtol=ROUNDING, atol=ROUNDING)
    assert np.allclose(one[1], row[1], rtol=ROUNDING, atol=ROUNDING)
    assert network.predict(theta, form(x)).shape == (1, network.outputs)


@given(st.data())
def test_single_outputs_need_no_column(data):
    network, theta = data.draw(networks(outputs=st.just(1)))
    rows = data.draw(sizes)
    x, t = data.draw(arrays(rows, network.inputs)), data.draw(arrays(rows, 1))
    one = network.loss_and_gradient(theta, x, t[:, 0])
    assert same_bits(one[1], network.loss_and_gradient(theta, x, t)[1])


@given(st.data())
def test_any_theta_gives_the_same(data):
    network, theta = data.draw(networks())
    rows = data.draw(sizes)
    x, t = data.draw(arrays(rows, network.inputs)), data.draw(arrays(rows, network.outputs))
    form = data.draw(st.sampled_from(["list", "spread", "backward", "read-only"]))
    given_theta = FORMS[form](theta)
    kept = snapshot(given_theta)
    value, gradient = network.loss_and_gradient(given_theta, x, t)
    right, right_gradient = network.loss_and_gradient(theta, x, t)
    assert np.allclose(value, right, rtol=ROUNDING)
    assert np.allclose(gradient, right_gradient, rtol=ROUNDING, atol=ROUNDING)
    assert gradient.dtype == np.float64
    assert untouched(given_theta, kept)


@pytest.mark.product(
    activation=ACTIVATIONS,
    loss=LOSSES,
    layers=STACKS,
    form=["float64", "float32", "spread", "list"],
)
def test_results_have_the_precision_of_theta(activation, loss, layers, form):
    for dtype in ("float32", "float64"):
        drawn = case(activation, loss, layers, weighted=True, penalty=PENALTY)
        theta = drawn.theta.astype(dtype)
        x, t = FORMS[form](drawn.x), FORMS[form](drawn.t)
        trace = drawn.network.trace(theta, x, t, drawn.weights, mask_seed=drawn.mask_seed)
        records = [array for record in (*trace.layers, *trace.grads) for array in record]
        numbers = [trace.p, trace.terms, trace.value, trace.do, trace.gradient, *records]
        found = {a.dtype for a in numbers if a is not None and a.dtype != np.uint8}  # masks
        assert found == {np.dtype(dtype)}
        assert drawn.network.predict(theta, x).dtype == dtype


@given(
    form=forms, dtype=st.sampled_from(["float32", "float64"]), size=st.sampled_from([None, 1, 2])
)
def test_training_takes_every_form(form, dtype, size):
    network = Network(2, (Dense(3, "tanh"), Dense(1, "identity")), "squared-error")
    numbers = np.array([[0.5, -1.0], [1.5, 0.25], [0.0, 2.0], [-0.5, 1.0], [1.0, 1.0]])
    x, t = FORMS[form](numbers), FORMS[form](numbers[:, :1])
    theta = network.initialize(0, dtype)
    settings = {"epochs": 2, "batch_size": size, "theta": theta}
    run = train(network, x, t, Momentum(), **settings)
    plainly = train(network, plain(x), plain(t), Momentum(), **settings)
    run.finish()
    plainly.finish()
    assert run.theta.dtype == dtype
    tolerance = ROUNDING if dtype == "float64" else 1e-5
    assert np.allclose(run.theta, plainly.theta, rtol=tolerance, atol=tolerance)


def test_float32_data_are_computed_in_float32():
    network = Network(2, (Dense(1, "tanh"),), "squared-error")
    for dtype, found in (("float32", "float32"), ("float64", "float64"), ("int64", "float64")):
        x = np.ones((3, 2), dtype)
        assert train(network, x, [0, 1, 0], epochs=1).theta.dtype == found
