"""The network: a sequence of layers and a loss, as a description without arrays.

Training, checking and explaining use its forward and backward pass; for a gradient alone,
`Network.loss_and_gradient` is enough. Each layer's input is the output of the layer below it.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from chainrule.batch import (
    Batch,
    as_numeric,
    as_samples,
    as_targets,
    check_finite,
    is_single,
    normalize_weights,
)
from chainrule.descriptions import Converted, check_int, check_type
from chainrule.errors import InputError, unknown
from chainrule.gradcheck import GradientReport, Objective, check_objective
from chainrule.layers import (
    Dense,
    Dropout,
    Gradients,
    Layer,
    Params,
    Saved,
    dropout_mask,
    fields_of,
)
from chainrule.layout import MAX_PARAMETERS, Block, Layout
from chainrule.losses import Loss
from chainrule.losses import loss as named_loss
from chainrule.penalties import Penalty
from chainrule.sparse_samples import SamplesLike, as_dense

Array: TypeAlias = NDArray[Any]


class MaskSeed(NamedTuple):
    """What dropout masks are computed from; without it, as in prediction, dropout is disabled.

    Attributes
    ----------
    seed : int
        The run's seed.
    step : int
        The number of updates made so far.
    first : int, default 0
        The number in its batch of the first sample, for a part of a batch.
    """

    seed: int
    step: int
    first: int = 0


class Trace(NamedTuple):
    """Everything that one forward and one backward pass compute.

    Attributes
    ----------
    batch : Batch
    layers : tuple of Saved
        What each layer's forward pass saved: x, a, and what lies between them, such as z.
    p : array (n, outputs)
        The prediction: the link of the raw output.
    terms : array (n, outputs)
        The error of each output for each sample.
    data_loss : float
        The weighted mean over samples of the sum over outputs of the terms.
    penalty : float
    value : float
        C, the sum of both.
    do : array (n, outputs)
        ∂C/∂o.
    grads : tuple of Gradients
        What each layer's backward pass returned: the gradients of the data loss, such as dW.
    gradient : array (parameters,)
        ∂C/∂θ, penalty included.
    """

    batch: Batch
    layers: tuple[Saved, ...]
    p: Array
    terms: Array
    data_loss: Any
    penalty: Any
    value: Any
    do: Array
    grads: tuple[Gradients, ...]
    gradient: Array

    @property
    def activations(self) -> list[Array]:
        """The output a of every layer, (n, units) each."""
        return [saved.a for saved in self.layers]

    @property
    def deltas(self) -> list[Array]:
        """∂C/∂z of every Dense layer, (n, units) each."""
        fields = [fields_of(g) for g in self.grads]
        return [named["delta"] for named in fields if "delta" in named]


def precision_of(theta: Array) -> type[np.floating[Any]]:
    """Return the precision that θ computes in: float32 or float64."""
    return np.float32 if theta.dtype == np.float32 else np.float64


@dataclass(frozen=True)
class Network:
    """A feed-forward network. It holds no parameters: methods take them as one vector θ.

    Parameters
    ----------
    inputs : int
        The number of features of a sample.
    layers : tuple of Layer
    loss : str or Loss
        By name or as an object.
    penalty : Penalty, optional
        Added to the loss, for large weights; none by default.

    Raises
    ------
    InputError
        If there is no layer, `inputs` is not a positive integer, or there are more than 2³⁰
        parameters.
    UnknownNameError
        If no loss has that name.
    """

    inputs: int
    layers: tuple[Layer, ...]
    loss: Converted[Loss | str, Loss] = Converted(named_loss)
    penalty: Penalty = field(default_factory=Penalty)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", check_int(self.inputs, "inputs"))
        check_type(self.penalty, Penalty, "penalty", "give Penalty(l2=…) or Penalty(alpha=…)")
        check_type(self.layers, Iterable, "layers", "give a tuple of layers")
        object.__setattr__(self, "layers", tuple(self.layers))
        for layer in self.layers:
            check_type(layer, Layer, "layer", "give layers, such as Dense(3, 'tanh')")
        if not self.layers:
            raise InputError("a network needs a layer; add Dense(outputs, activation)")
        if self.layout.size > MAX_PARAMETERS:
            raise InputError(
                f"this network has {self.layout.size:,} parameters, more than {MAX_PARAMETERS:,}; "
                "chainrule is for small and medium-sized networks: choose smaller layers"
            )

    # ---- structure ----

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """The number of inputs and of every layer's outputs."""
        widths = [self.inputs]
        for layer in self.layers:
            widths.append(layer.width(widths[-1]))
        return tuple(widths)

    @property
    def outputs(self) -> int:
        """The number of outputs."""
        return self.widths[-1]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Each layer's name in keys: "1", "2", … with parameters, else such as "dropout1"."""
        labels: list[str] = []
        seen: Counter[str] = Counter()
        for layer, inputs in zip(self.layers, self.widths, strict=False):
            kind = "" if layer.shapes(inputs) else layer.kind  # so the array W2 is in layer 2
            seen[kind] += 1
            labels.append(f"{kind}{seen[kind]}")
        return tuple(labels)

    @cached_property
    def layout(self) -> Layout:
        """The position of each parameter array in θ."""
        blocks: list[Block] = []
        for place, (layer, inputs) in enumerate(zip(self.layers, self.widths, strict=False)):
            for param, shape in layer.shapes(inputs).items():
                start = blocks[-1].stop if blocks else 0
                flags = (param in layer.weights, layer.trains(param))
                blocks.append(
                    Block(f"{param}{self.labels[place]}", place, param, shape, start, *flags)
                )
        return Layout(tuple(blocks))

    @cached_property
    def has_dropout(self) -> bool:
        """Whether a layer is Dropout."""
        return any(isinstance(layer, Dropout) for layer in self.layers)

    # ---- parameters ----

    def initialize(self, seed: int, dtype: DTypeLike = np.float64) -> Array:
        """Return freshly drawn parameters.

        Parameters
        ----------
        seed : int
            The same seed gives the same weights in every dtype.
        dtype : dtype, default float64
            float32 or float64.

        Returns
        -------
        array (parameters,)

        Raises
        ------
        InputError
            If the seed is not an integer of at least 0, or the dtype is another.
        """
        rng, dtype = np.random.default_rng(check_int(seed, "seed", 0)), as_precision(dtype)
        # Drawn in float64 and rounded at the end: the same weights in every precision.
        theta = np.empty(self.layout.size)  # (parameters,)
        for b in self.layout.blocks:
            b.view(theta)[...] = self.layers[b.layer].initializers()[b.param](rng, b.shape)
        return theta.astype(dtype, copy=False)

    def pack(
        self,
        W: Sequence[ArrayLike],  # the textbook's name
        b: Sequence[ArrayLike | None] | None = None,
        dtype: DTypeLike = np.float64,
    ) -> Array:
        """Return θ from arrays: one W and one b for each layer that has parameters.

        Parameters
        ----------
        W : sequence of array
            (out, in) for each Dense, (width,) for each LayerNorm.
        b : sequence of array, optional
            (out,) each, None for a layer without biases; zeros by default.
        dtype : dtype, default float64

        Returns
        -------
        array (parameters,)

        Raises
        ------
        InputError
            If an array is missing, is not finite, has the wrong shape, or has no layer.
        """
        dtype = as_precision(dtype)
        given = _numbered("W", W) | _numbered("b", [] if b is None else b)
        shapes = {block.name: block.shape for block in self.layout.blocks}
        zeros = {n: np.zeros(s) for n, s in shapes.items() if b is None and n.startswith("b")}
        _check_names({**zeros, **given}, shapes)
        arrays = {
            name: _parameter(name, given.get(name, zeros.get(name)), shape, dtype)
            for name, shape in shapes.items()
        }
        return self.layout.join(arrays, dtype)

    def views(self, theta: Array) -> dict[str, Array]:
        """Return every parameter array by name, such as ``views["W1"]``, as views into θ."""
        return self.layout.views(self.layout.check(theta))

    def params(self, theta: Array) -> list[Params]:
        """Return each layer's parameters by the layer's own names, as views into θ."""
        params: list[dict[str, Array]] = [{} for _ in self.layers]
        for b in self.layout.blocks:
            params[b.layer][b.param] = b.view(theta)
        return list(params)

    # ---- the passes ----

    def forward(
        self, params: list[Params], x: Array, mask_seed: MaskSeed | None = None
    ) -> tuple[Saved, ...]:
        """Return what every layer saved; the last layer's a is the raw output o, (n, outputs)."""
        saved: list[Saved] = []
        masks = self.masks(len(x), mask_seed)
        if not isinstance(self.layers[0], Dense):
            x = as_dense(x)  # only a product can use sparse samples as they are
        for layer, own, mask in zip(self.layers, params, masks, strict=True):
            saved.append(layer.forward(own, x, mask))  # own: this layer's parameters
            x = saved[-1].a  # (n, out), the input of the layer above
        return tuple(saved)

    def backward(
        self, params: list[Params], saved: tuple[Saved, ...], do: Array
    ) -> tuple[Gradients, ...]:
        """Return every layer's gradients, from the last layer's do = ∂C/∂o, (n, outputs), down."""
        grads: list[Gradients] = []
        da = do  # (n, outputs); the link belongs to the loss, so o is the last layer's a
        for layer, own, record in zip(
            reversed(self.layers), reversed(params), reversed(saved), strict=True
        ):
            grads.append(layer.backward(own, record, da))
            da = grads[-1].dx  # (n, in), the da of the layer below
        return tuple(reversed(grads))  # in the order of the layers

    def masks(self, n: int, mask_seed: MaskSeed | None) -> list[Array | None]:
        """Return the dropout mask (n, width) of each layer, None where there is none."""
        if mask_seed is None or not self.has_dropout:
            return [None] * len(self.layers)
        return [
            dropout_mask(
                mask_seed.seed, mask_seed.step, place, (n, width), layer.rate, mask_seed.first
            )
            if isinstance(layer, Dropout)
            else None
            for place, (layer, width) in enumerate(zip(self.layers, self.widths, strict=False))
        ]

    def predict(self, theta: ArrayLike, x: SamplesLike) -> Array:
        """Return the prediction p, (n, outputs): the loss's link of the raw output.

        Parameters
        ----------
        theta : array (parameters,)
        x : array (n, inputs), or (inputs,) for one sample

        Raises
        ------
        InputError
            If a shape or dtype does not fit.
        """
        checked = self.layout.check(theta)
        saved = self.forward(self.params(checked), self.samples(x, checked))
        return self.loss.predict(saved[-1].a)

    def activations(self, theta: ArrayLike, x: SamplesLike) -> list[Array]:
        """Return the output of every layer, (n, units) each; the last is the raw output."""
        checked = self.layout.check(theta)
        return [s.a for s in self.forward(self.params(checked), self.samples(x, checked))]

    def value(self, theta: Array, batch: Batch, mask_seed: MaskSeed | None = None) -> Any:
        """Return C for a batch that `batch` made: the loss plus the penalty."""
        o = self.forward(self.params(theta), batch.x, mask_seed)[-1].a  # (n, outputs)
        return self.loss.value(o, batch.t, batch.weight) + self.penalty_value(theta, batch)

    def run(self, theta: Array, batch: Batch, mask_seed: MaskSeed | None = None) -> Trace:
        """Return the trace of both passes for a batch that `batch` made."""
        loss, (x, t, weight, _) = self.loss, batch
        params = self.params(theta)
        saved = self.forward(params, x, mask_seed)
        o = saved[-1].a  # (n, outputs)
        p, terms = loss.predict(o), loss.terms(o, t)  # (n, outputs) both
        data_loss, penalty = loss.value(o, t, weight), self.penalty_value(theta, batch)  # scalars
        do = loss.gradient(o, t, weight)  # (n, outputs)
        grads = self.backward(params, saved, do)
        gradient = self._gradient(theta, grads, batch)  # (parameters,)
        total = data_loss + penalty
        return Trace(batch, saved, p, terms, data_loss, penalty, total, do, grads, gradient)

    def penalty_value(self, theta: Array, batch: Batch) -> Any:
        """Return the penalty of a batch that `batch` made, which is part of C."""
        if not self.penalty:
            return 0.0
        weights = [b.view(theta) for b in self.layout.blocks if b.decays]
        return self.penalty.value(weights, batch.total)

    def _gradient(self, theta: Array, grads: tuple[Gradients, ...], batch: Batch) -> Array:
        """Return ∂C/∂θ, (parameters,), from the layers' gradients and the penalty."""
        arrays: dict[str, Array] = {}
        for b in self.layout.blocks:
            arrays[b.name] = getattr(grads[b.layer], f"d{b.param}")
            if self.penalty and b.decays:
                penalty = self.penalty.gradient(b.view(theta), batch.total)
                arrays[b.name] = arrays[b.name] + penalty
        return self.layout.join(arrays, np.result_type(theta, batch.x.dtype))

    def trace(
        self,
        theta: ArrayLike,
        x: SamplesLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask_seed: MaskSeed | None = None,
    ) -> Trace:
        """Return everything that one forward and backward pass computes.

        Parameters
        ----------
        theta : array (parameters,)
        x : array (n, inputs), or (inputs,) for one sample
        t : array (n, outputs), or (outputs,) for one sample, or (n,) classes or single targets
        sample_weight : array (n,) or (n, outputs), optional
            Sample weights; they are scaled to mean 1 over these samples.
        mask_seed : MaskSeed, optional
            For dropout masks; if None, dropout is disabled.

        Returns
        -------
        Trace

        Raises
        ------
        InputError
            If a shape, a dtype or a target does not fit.

        Notes
        -----
        A NaN or infinity in θ or x raises no error, and makes the loss NaN or infinite.
        """
        checked = self.layout.check(theta)
        return self.run(checked, self.batch(checked, x, t, sample_weight), mask_seed)

    def loss_and_gradient(
        self,
        theta: ArrayLike,
        x: SamplesLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        mask_seed: MaskSeed | None = None,
    ) -> tuple[Any, Array]:
        """Return C and its gradient ∂C/∂θ, (parameters,); the arguments are those of `trace`.

        Raises
        ------
        InputError
            If a shape, a dtype or a target does not fit.
        """
        trace = self.trace(theta, x, t, sample_weight, mask_seed=mask_seed)
        return trace.value, trace.gradient

    def batch(
        self, theta: Array, x: SamplesLike, t: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Batch:
        """Return samples as the passes take them: two-dimensional, in θ's precision, checked."""
        rows, dtype = self.samples(x, theta), precision_of(theta)  # (n, inputs)
        wanted = as_targets(t, len(rows), self.outputs, self.loss, single=is_single(x))
        weight, total = normalize_weights(sample_weight, len(rows), dtype, self._weighted)
        with np.errstate(over="ignore"):  # overflow in float32 is an infinity, which is an error
            return Batch(rows, check_finite(wanted.astype(dtype), "t"), weight, total)

    @property
    def _weighted(self) -> int | None:
        """How many outputs may have weights of their own; those of softmax belong together."""
        return None if self.loss.classes else self.outputs

    def samples(self, x: SamplesLike, theta: Array) -> Array:
        """Return x as (n, inputs) in θ's precision; a one-dimensional x is one sample."""
        return as_samples(x, self.inputs, precision_of(theta))

    # ---- the gradient check ----

    def check_gradient(
        self,
        theta: ArrayLike,
        x: SamplesLike,
        t: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        seed: int = 0,
        entries: int | None = None,
        rows: int = 32,
    ) -> GradientReport:
        """Check this network's gradient against numerical derivatives.

        The check is in float64, on a few samples, with fixed dropout masks, for some entries of
        every parameter array. It is made at θ, again after ten short steps of training, and once
        more with the penalty, if there is one.

        Parameters
        ----------
        theta : array (parameters,)
        x, t, sample_weight : array
            As for `trace`.
        seed : int, default 0
            Seed of the random choice of entries, and of dropout masks.
        entries : int, optional
            How many entries of each array to check; by default all of small networks, else 24.
        rows : int, default 32
            The largest number of samples to use, from the first.

        Returns
        -------
        GradientReport

        Raises
        ------
        InputError
            If a shape, a dtype or a target does not fit, or θ or x is not finite.
        """
        theta = check_finite(self.layout.check(theta), "theta", "give finite parameters")
        theta = theta.astype(np.float64)
        data = self.batch(theta, x, t, sample_weight)
        check_finite(data.x, "x")
        batch = data.head(check_int(rows, "rows"))
        mask_seed = MaskSeed(seed, 0) if self.has_dropout else None
        without_penalty = replace(self, penalty=Penalty())
        return check_objective(
            without_penalty.objective(batch, mask_seed),
            self.objective(batch, mask_seed) if self.penalty else None,
            theta,
            seed=seed,
            entries=entries,
            samples=(len(batch.x), len(data.x)),
        )

    def objective(self, batch: Batch, mask_seed: MaskSeed | None = None) -> Objective:
        """Return C and its gradient for a batch that `batch` made, as functions of θ."""

        def value(theta: Array) -> Any:
            return self.value(theta, batch, mask_seed)

        def gradient(theta: Array) -> Array:
            return self.run(theta, batch, mask_seed).gradient

        return Objective(value, gradient, {b.name: b.shape for b in self.layout.blocks})

    # ---- names ----

    def layer(self, label: str | int) -> int:
        """Return the position, from 0, of the layer with a label, such as 1 or "dropout1"."""
        if str(label) not in self.labels:
            raise unknown("layer", str(label), self.labels)
        return self.labels.index(str(label))


def as_precision(dtype: DTypeLike) -> type[np.floating[Any]]:
    """Return float32 or float64 as a type, or raise InputError."""
    known: dict[np.dtype[Any], type[np.floating[Any]]]
    known = {np.dtype(choice): choice for choice in (np.float32, np.float64)}
    try:
        return known[np.dtype(dtype)]
    except (KeyError, TypeError):
        raise InputError(f"dtype={dtype!r}: must be float32 or float64") from None


def _numbered(name: str, arrays: Iterable[ArrayLike | None]) -> dict[str, ArrayLike]:
    """Return arrays by name and number, such as W1, W2, …, without those that are None."""
    check_type(arrays, Iterable, name, "give a list with one array for each layer")
    return {f"{name}{i}": a for i, a in enumerate(arrays, 1) if a is not None}


def _check_names(given: Collection[str], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise InputError if a parameter array is missing, or there is one too many."""
    for name in (n for n in given if n not in shapes):
        known = ", ".join(shapes)
        raise InputError(f"{name} was given, but this network has only {known}; leave it out")
    for name in (n for n in shapes if n not in given):
        raise InputError(f"{name} of shape {shapes[name]} is missing; give an array for it")


def _parameter(name: str, values: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """Return one parameter array in a precision, or raise InputError."""
    array = check_finite(as_numeric(values, name), name, "give finite parameters")
    if array.shape != shape:
        turned = "; transpose it: rows are outputs" if array.shape == shape[::-1] else ""
        raise InputError(f"{name} has shape {array.shape}, but must be {shape}{turned}")
    with np.errstate(over="ignore"):  # overflow in float32 is an infinity, which is an error
        return check_finite(array.astype(dtype), name, "numbers beyond 3.4e38 need dtype float64")
