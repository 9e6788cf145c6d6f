"""Memory: what training adds at its peak to a process that has its libraries and the data.

This works on Linux only: the peak is reset in /proc, and read again after the epoch.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import peers
from benchmarks.results import Figure, Row
from benchmarks.settings import Settings
from benchmarks.timing import Spread
from benchmarks.workers import PeerError, Worker
from benchmarks.workloads import Workload, data, images, layers

KEYS = ("ours", "reference", "torch", "jax", "sklearn", "tutorial")
WORKLOADS = (
    images(128, batch=128, rule="adam", epochs=1),
    images(2048, 2048, batch=256, rule="sgd", rows=4096, epochs=1),
)
PROC = Path("/proc/self")
MB = 1e6


def rows(settings: Settings) -> list[Row]:
    """Return the rows of memory; a figure's unit is the megabyte, its time the bytes."""
    if settings.quick:
        return [row(WORKLOADS[0], ("ours", "torch"))]
    return [row(w, KEYS) for w in WORKLOADS]


def row(w: Workload, keys: Sequence[str]) -> Row:
    """Return the row of a workload, a new process for each peer."""
    return Row(
        "memory growth",
        w.name,
        [figure(key, w) for key in keys],
        "MB",
        facts={"allowed": allowed(w), "data": float(data(w)[0].nbytes)},
    )


def figure(key: str, w: Workload) -> Figure:
    """Return a peer's growth, in bytes."""
    if not peers.installed(key):
        return Figure(key, None, void="not installed")
    try:
        with Worker() as worker:
            grown = worker.call(growth, key, w)
    except PeerError as error:
        return Figure(key, None, void=str(error))
    return Figure(key, Spread(grown, grown, grown), note="1 process")


def allowed(w: Workload) -> float:
    """Return what training may need: θ, the optimizer's state, the best θ, and the batch's arrays.

    A unit's z, a, δ and one more each for every sample of a batch, and 10 MB for all else.
    """
    theta = sum(W.nbytes + b.nbytes for W, b in layers(w))
    slots = {"sgd": 0, "adam": 2}[w.rule]
    return theta * (2 + slots) + 10 * MB + 4 * w.batch * sum(w.sizes) * 4


# ---- in a worker ---------------------------------------------------------------------------------


def growth(key: str, w: Workload) -> float:
    """Return the bytes that an epoch adds at its peak."""
    peer = peers.load(key)
    way = peer.variants(w)[0]
    narrow = (w.sizes[0], *(16 for _ in w.sizes[1:-1]), w.sizes[-1])
    small = replace(w.cut(4 * w.batch), sizes=narrow)
    peer.session(small, way).run()  # libraries, threads and kernels are there now
    data(w)
    layers(w)
    PROC.joinpath("clear_refs").write_text("5")  # the peak is what there is
    before = status("VmHWM")
    made = peer.session(w, way)
    made.run()
    return status("VmHWM") - before


def status(name: str) -> float:
    """Return a number of /proc/self/status in bytes."""
    lines = PROC.joinpath("status").read_text().splitlines()
    return next(float(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
