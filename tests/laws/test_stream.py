"""The law of streams: samples that come in parts give the bytes of the same samples in memory.

However the samples are divided, in their order in memory, every update has the same numbers; so has
a run that was stopped between two parts, and continued.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from chainrule import loops
from chainrule.batch import Batch
from chainrule.chunks import ChunkTraining, whole_batches
from chainrule.compiled import describe
from chainrule.errors import DivergenceError
from chainrule.loops import Batches, State
from chainrule.multilayer import mlp
from chainrule.network import Network
from chainrule.optimizers import OPTIMIZERS, Optimizer
from chainrule.penalties import Penalty
from chainrule.training import Run, train
from tests.laws.nets import same_bits, tuned

SAMPLES, BATCH, SEED = 203, 16, 3
NETWORKS = {
    "tiny": mlp(6, 5, 3, activation="tanh", loss="softmax-cross-entropy"),
    "wide": mlp(6, 64, 40, 3, activation="relu", loss="softmax-cross-entropy"),
    "dropout": mlp(6, 20, 3, activation="tanh", loss="squared-error", dropout=0.2, layer_norm=True),
    "penalty": mlp(
        6, 9, 1, activation="tanh", loss="squared-error", penalty=Penalty(l1=0.01, alpha=0.1)
    ),
}
DESCENTS = [name for name in OPTIMIZERS if name != "lbfgs"]  # which needs all samples at once
CUTS = {
    "one": (),
    "uneven": (50, 55, 140),
    "small": tuple(range(5, SAMPLES, 5)),
    "batches": tuple(range(BATCH, SAMPLES, BATCH)),
}


@dataclass
class Parts:
    """The samples of a batch in parts, in the order that they have in memory."""

    data: Batch
    cuts: tuple[int, ...]
    size: int

    def epoch(self, seed: int, epoch: int) -> Iterator[Batch]:
        order = Batches(self.size).order(len(self.data.x), seed, epoch)
        ordered = Batch(self.data.x[order], self.data.t[order], None, float(len(order)))
        ends = (*self.cuts, len(order))
        for start, stop in zip((0, *self.cuts), ends, strict=True):
            yield ordered.take(slice(start, stop))


def in_memory(network: Network, *, size: int = BATCH, **options: Any) -> Run:
    """Return a run on samples in memory."""
    dtype = options.pop("dtype", "float64")
    rng = np.random.default_rng(8)
    x = rng.normal(size=(SAMPLES, 6)).astype(dtype)
    classes = network.loss.classes
    t = rng.integers(0, 3, SAMPLES) if classes else rng.normal(size=(SAMPLES, network.outputs))
    return train(network, x, t, batch_size=size, seed=SEED, **{"epochs": 3, **options})


def descent(run: Run) -> Optimizer:
    """Return the optimizer of a run, which is not L-BFGS."""
    assert isinstance(run.optimizer, Optimizer)
    return run.optimizer


def in_parts(run: Run, cuts: tuple[int, ...], state: State | None = None) -> Run:
    """Return the same run, before it began, on samples in parts."""
    size = run.settings.batches.size or SAMPLES
    theta = run.network.initialize(SEED, run.data.x.dtype.type)
    parts = Parts(run.data, cuts, size)
    return Run(
        run.network,
        run.data,
        None,
        run.optimizer,
        run.settings,
        theta,
        SEED,
        state,
        run.engine_choice,
        parts,
    )


@pytest.mark.product(
    network=NETWORKS,
    cuts=CUTS,
    engine=["compiled", "reference"],
    dtype=["float64", "float32"],
    size=[BATCH, 7, 300],
)
def test_parts_give_the_bytes_of_memory(
    network: str, cuts: str, engine: str, dtype: str, size: int
):
    whole = in_memory(NETWORKS[network], size=size, engine=engine, dtype=dtype)
    parts = in_parts(whole, CUTS[cuts])
    whole.finish()
    parts.finish()
    assert parts.engine_choice.engine == engine
    assert same_bits(whole.theta, parts.theta)
    assert [r.loss for r in whole.history] == [r.loss for r in parts.history]
    assert whole.state.step == parts.state.step
    assert parts.samples == SAMPLES


@pytest.mark.every_value(name=DESCENTS, engine=["compiled", "reference"])
def test_every_optimizer_gives_the_same_bytes(name: str, engine: str):
    rule = tuned(name)
    whole = in_memory(NETWORKS["tiny"], optimizer=rule, engine=engine)
    parts = in_parts(whole, CUTS["uneven"])
    whole.finish()
    parts.finish()
    assert same_bits(whole.theta, parts.theta)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_run_that_stopped_between_parts_continues(engine: str):
    whole = in_memory(NETWORKS["dropout"], engine=engine)
    parts = in_parts(whole, CUTS["uneven"])
    training = ChunkTraining(
        parts.network,
        descent(parts),
        Parts(whole.data, CUTS["uneven"], BATCH),
        BATCH,
        parts.engine_choice,
    )
    within = next(state for state in training.epoch(parts.state) if state.batch > 3)
    continued = in_parts(whole, CUTS["small"], state=within)
    whole.finish()
    continued.extend(3).finish()
    assert same_bits(whole.theta, continued.theta)


def test_two_threads_give_the_bytes_of_memory():
    network = mlp(6, 300, 300, 3, activation="relu", loss="softmax-cross-entropy")
    whole = in_memory(network, size=100)
    parts = in_parts(whole, CUTS["small"])
    whole.finish()
    parts.finish()
    assert same_bits(whole.theta, parts.theta)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_divergence_names_the_batch_of_the_epoch(engine: str):
    network = NETWORKS["penalty"]
    faults = []
    for cuts in (None, CUTS["small"]):
        run = in_memory(network, engine=engine, optimizer="sgd")
        run.data.x[100] = np.nan
        if cuts is not None:
            run = in_parts(run, cuts)
        with pytest.raises(DivergenceError) as caught:
            run.finish()
        faults.append((str(caught.value), run.state.step))
    assert faults[0] == faults[1]
    assert "epoch 1, batch " in faults[0][0]


@pytest.mark.parametrize("size", [1, 4, 7, 50])
def test_parts_are_divided_into_whole_batches(size: int):
    lengths = [3, 1, 9, 4, 4, 2]
    starts = np.cumsum([0, *lengths])
    x = np.arange(23.0)[:, None]
    batch = Batch(x, -x, None, 23.0)
    parts = [batch.take(slice(a, b)) for a, b in pairwise(starts)]
    divided = list(whole_batches(parts, size))
    assert all(len(part.x) % size == 0 for part in divided[:-1])
    np.testing.assert_array_equal(np.concatenate([part.x for part in divided]), x)
    np.testing.assert_array_equal(np.concatenate([part.t for part in divided]), -x)


def test_the_reference_loop_defines_the_numbers():
    """A run on parts by the reference engine equals the loop over batches, written out."""
    run = in_memory(NETWORKS["tiny"], epochs=1, engine="reference")
    parts = in_parts(run, CUTS["uneven"])
    parts.finish()
    state = run.state
    order = Batches(BATCH).order(SAMPLES, SEED, 0)
    for start in range(0, SAMPLES, BATCH):
        batch = run.data.take(order[start : start + BATCH])
        state = loops.update(run.network, descent(run), batch, state)
    assert same_bits(state.theta, parts.theta)


def test_choices_of_engines_differ():
    """The networks above run on both programs of the compiled engine."""
    tiny = {
        name: describe(network, rows=SAMPLES, batch_size=BATCH).tiny
        for name, network in NETWORKS.items()
    }
    assert (tiny["tiny"], tiny["wide"]) == (True, False)
