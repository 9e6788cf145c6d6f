"""``python -m benchmarks.distributed``: training by 1, 2 and 4 processes, and a model of more.

It measures strong and weak scaling, all-reduces, PyTorch's DistributedDataParallel on the same
work, links between two network namespaces (root only), and Spark's MultilayerPerceptronClassifier
if pyspark is installed. A model of the time of an update is fitted to the times of one process and
of all-reduces, and compared with the others. ``--quick`` measures less; ``--write`` writes the
tables and the plot to docs/benchmarks.md.
"""

import argparse
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks import machine, plots, regions
from benchmarks.check import tables
from benchmarks.step_model import RANKS, StepModel, error, fitted
from chainrule.cli.launching import find_mpiexec
from tools import namespaces

REGION = "bench-distributed"
COUNTS, WAYS = (1, 2, 4), ("exact", "any order", "torch")
NETWORKS = {"64-256-256-10": [64, 256, 256, 10], "784-1024-1024-10": [784, 1024, 1024, 10]}
SIZES = [4 * 4**k for k in range(3, 11)]  # bytes of an all-reduce
LINKS = ((1.0, 0.1), (1.0, 1.0), (10.0, 0.1), (10.0, 1.0))  # gigabits a second, milliseconds
STRONG, WEAK = 2048, 1024  # samples in a batch, and in a batch for each process
SPARK_ROWS = 8192
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def parameters(widths: Sequence[int]) -> int:
    """Return the number of parameters of a network."""
    return sum(n * m + m for n, m in pairwise(widths))


# ---- measuring ----------------------------------------------------------------------------------


def measured(ranks: int, prefix: Sequence[str] = (), hosts: str = "", **spec: Any) -> Any:
    """Return what rank 0 of a job measures."""
    line = [*prefix, find_mpiexec(), "-n", str(ranks), *(["-f", hosts] if hosts else [])]
    line += [sys.executable, "-m", "benchmarks.distributed_worker", json.dumps(spec)]
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(  # noqa: S603 (the line is ours)
        line, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(line)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def free_port() -> str:
    """Return a port that no program uses."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


class Bench:
    """The measurements of one run of the command.

    Parameters
    ----------
    quick : bool
        Whether fewer updates are measured.
    """

    def __init__(self, *, quick: bool) -> None:
        self.epochs, self.batches, self.repeats = (2, 4, 5) if quick else (8, 16, 30)
        self.networks = dict(list(NETWORKS.items())[: 1 if quick else None])
        self.sizes = SIZES[:: 2 if quick else 1]
        self.known: dict[str, float] = {}

    def step(self, name: str, ranks: int, batch: int, way: str, **given: Any) -> float:
        """Return the seconds of an update, measured once."""
        key = f"{name} {ranks} {batch} {way} {given}"
        if key not in self.known:
            rows = batch * self.batches
            spec = {"widths": NETWORKS[name], "rows": rows, "batch": batch, "epochs": self.epochs}
            kind = "torch" if way == "torch" else "train"
            spec |= {"kind": kind, "way": way, "blocks": max(4, ranks), "port": free_port()}
            self.known[key] = measured(ranks, **spec, **given)["seconds"]
        return self.known[key]

    def exchanges(self, ranks: int, **given: Any) -> list[tuple[int, float, float]]:
        """Return the processes, the bytes and the seconds of all-reduces."""
        spec = {"kind": "exchange", "sizes": self.sizes, "repeats": self.repeats}
        found = measured(ranks, **spec, **given)["seconds"]
        return [(ranks, size, seconds) for size, seconds in zip(self.sizes, found, strict=True)]


# ---- tables -------------------------------------------------------------------------------------


def ms(seconds: float) -> str:
    """Return seconds as milliseconds."""
    return f"{1000 * seconds:,.3g} ms"


def scaling(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Yield the rows of strong and weak scaling."""
    for name in bench.networks:
        for kind in ("strong", "weak"):
            one = None
            for ranks in COUNTS:
                batch = STRONG if kind == "strong" else WEAK * ranks
                times = {
                    way: bench.step(name, ranks, batch, way)
                    for way in ("exact", "any order", "torch")
                }
                one = one or times["any order"]
                gain = one / times["any order"] * (1 if kind == "strong" else ranks)
                cells = [ms(seconds) for seconds in times.values()]
                yield name, kind, str(ranks), f"{batch:,}", *cells, f"{gain:.2f}×"


def model_of(bench: Bench, name: str) -> StepModel:
    """Return the model of a network's updates."""
    batches = (STRONG // 16, STRONG // 4, STRONG)
    updates = [(float(batch), bench.step(name, 1, batch, "any order")) for batch in batches]
    return fitted(updates, [*bench.exchanges(2)])


def predictions(bench: Bench, models: dict[str, StepModel]) -> Iterator[tuple[str, ...]]:
    """Yield for each network the constants, the error, and where more processes stop paying."""
    for name, model in models.items():
        size, cores = 4 * parameters(NETWORKS[name]), machine.cores()
        pairs = []
        for ranks in COUNTS:
            for batch in dict.fromkeys((STRONG, WEAK * ranks)):
                ours = model.step(ranks, batch, size, cores)
                pairs.append((ours, bench.step(name, ranks, batch, "any order")))
        best, many = (f"{model.best(batch, size):,}" for batch in (STRONG, 2**16))
        yield (
            name, ms(model.update), f"{1e6 * model.sample:.3g} µs", f"{1e6 * model.message:.3g} µs",
            f"{8e-9 / max(model.byte, 1e-15):.3g} Gbit/s", f"{error(pairs):.0%}", best, many,
        )  # fmt: skip


def overlap(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Yield how much time overlapping communication with the backward pass could save."""
    for name in bench.networks:
        found = measured(2, kind="layers", widths=NETWORKS[name], batch=STRONG)
        backward, exchange = found["backward"], found["exchange"]
        hidden = min(sum(exchange[1:]), sum(backward[:-1]))
        step = bench.step(name, 2, STRONG, "any order")
        cells = (ms(sum(backward)), ms(sum(exchange)), ms(hidden), ms(step))
        yield name, *cells, f"{hidden / step:.0%}"


def links(bench: Bench) -> Iterator[tuple[str, ...]]:
    """Yield the times of two processes on two hosts, for each kind of link between them."""
    if os.geteuid() != 0:
        return
    with tempfile.TemporaryDirectory() as folder, namespaces.two_hosts(Path(folder)) as variables:
        before = os.environ.copy()
        os.environ.update(variables)
        try:
            for gigabits, delay in LINKS:
                delayed = namespaces.shape(gigabits, delay)
                how = f"{delay:g} ms" if delayed else "no delay: this kernel has no netem"
                if delayed or delay == LINKS[0][1]:
                    name = f"{gigabits:g} Gbit/s, {how}"
                    yield attempted(bench, name, str(Path(folder) / "hosts"))
        finally:
            os.environ.clear()
            os.environ.update(before)


def attempted(bench: Bench, link: str, hosts: str) -> tuple[str, ...]:
    """Return the row of a link; without figures if MPI cannot use it."""
    try:
        return link_row(bench, link, hosts)
    except SystemExit as error:
        print(error, file=sys.stderr)
        return (link, *["failed"] * (len(LINK) - 1))


def link_row(bench: Bench, link: str, hosts: str) -> tuple[str, ...]:
    """Return the row of a link."""
    where: dict[str, Any] = {"prefix": list(namespaces.ON_FIRST), "hosts": hosts}
    exchanges = bench.exchanges(2, **where)
    small, large = exchanges[0], exchanges[-1]
    name, where = next(iter(bench.networks)), {**where, "link": link}  # to measure it for each
    steps = [bench.step(name, 2, STRONG, way, **where) for way in ("exact", "any order")]
    one = bench.step(name, 1, STRONG, "any order")
    return (
        link, f"{small[1]:,} bytes: {ms(small[2])}",
        f"{large[1]:,} bytes: {ms(large[2])}", name, *map(ms, steps), f"{one / steps[1]:.2f}×",
    )  # fmt: skip


# ---- Spark --------------------------------------------------------------------------------------


def spark(bench: Bench) -> str:
    """Return a sentence on the same data in Spark, whose solver is L-BFGS, as is ours then."""
    if importlib.util.find_spec("pyspark") is None:
        return "Spark was not measured: pyspark is not installed."
    name, rows, iterations = next(iter(bench.networks)), SPARK_ROWS, bench.epochs
    theirs = spark_seconds(NETWORKS[name], rows, iterations)
    ours = lbfgs_seconds(NETWORKS[name], rows, iterations)
    return (
        f"{iterations} iterations of L-BFGS on {rows:,} samples, {name}: Spark's "
        f"MultilayerPerceptronClassifier (local, {machine.cores()} cores, logistic units) "
        f"{theirs:.3g} s; chainrule, one process, the same units, {ours:.3g} s."
    )


def spark_seconds(widths: Sequence[int], rows: int, iterations: int) -> float:
    """Return the seconds of a fit by Spark."""
    # By name, since no environment of the repository has it.
    ml: Any = importlib.import_module("pyspark.ml.classification")
    vectors: Any = importlib.import_module("pyspark.ml.linalg").Vectors
    sql: Any = importlib.import_module("pyspark.sql")
    from benchmarks.distributed_worker import samples

    X, y = samples({"widths": widths, "rows": rows})
    session = sql.SparkSession.builder.master("local[*]").config("spark.ui.enabled", "false")
    spark_session = session.config("spark.driver.memory", "4g").getOrCreate()
    spark_session.sparkContext.setLogLevel("ERROR")
    pairs = [(float(label), vectors.dense(row.tolist())) for row, label in zip(X, y, strict=True)]
    frame = spark_session.createDataFrame(pairs, ["label", "features"]).repartition(4).cache()
    frame.count()
    made = ml.MultilayerPerceptronClassifier(
        layers=list(widths), maxIter=iterations, seed=0, tol=1e-30, blockSize=1024
    )
    made.setMaxIter(1).fit(frame)  # the virtual machine has compiled its code now
    began = perf_counter()
    made.setMaxIter(iterations).fit(frame)
    seconds = perf_counter() - began
    spark_session.stop()
    return seconds


def lbfgs_seconds(widths: Sequence[int], rows: int, iterations: int) -> float:
    """Return the seconds of the same iterations here."""
    from benchmarks.distributed_worker import KIND, samples
    from chainrule import LBFGS, mlp, train

    X, y = samples({"widths": widths, "rows": rows})
    network = mlp(*widths, activation="logistic", loss=KIND)
    train(network, X, y, LBFGS(), epochs=1).finish()
    began = perf_counter()
    train(network, X, y, LBFGS(), epochs=iterations).finish()
    return perf_counter() - began


# ---- the page -----------------------------------------------------------------------------------

SCALING = ("network", "scaling", "processes", "batch", "exact", "any order", "PyTorch DDP, gloo",
           "throughput, any order")  # fmt: skip
MODEL = ("network", "u", "c", "l", "bandwidth", "median error",
         f"fastest at batch {STRONG:,}", f"fastest at batch {2**16:,}")  # fmt: skip
OVERLAP = ("network, 2 processes", "backward", "all-reduce", "could overlap", "update", "share")
LINK = ("link", "small all-reduce", "large all-reduce", "network", "exact", "any order",
        "against one process")  # fmt: skip


SCALED = (
    "An update of Adam in float32, median; 4 blocks for exact sums. Strong scaling divides one "
    "batch; weak scaling gives every process as many samples. 4 processes share {cores} cores here."
)
MODELED = (
    "The model u + c·b/N + l·⌈log2 N⌉ + bytes·2(N−1)/N / bandwidth, fitted to one process and to "
    "all-reduces between two; its median error over all times above (any order); and the number of "
    "processes beyond which an update takes longer:"
)
OVERLAPPED = (
    "What could be gained, at most, if the gradient of a layer were sent while those below it are "
    "computed:"
)
LINKED = "Two network namespaces, with a link whose rate `tc` limits:"
NOT_LINKED = "Links between hosts were not measured: they need root."


def page(bench: Bench) -> Iterator[str]:
    """Yield the parts of the region's text, as soon as they are measured."""
    yield SCALED.format(cores=machine.cores())
    yield tables.markdown(SCALING, list(scaling(bench)))
    models = {name: model_of(bench, name) for name in bench.networks}
    yield MODELED
    yield tables.markdown(MODEL, list(predictions(bench, models)))
    yield OVERLAPPED
    yield tables.markdown(OVERLAP, list(overlap(bench)))
    if found := list(links(bench)):
        yield LINKED
        yield tables.markdown(LINK, found)
    else:
        yield NOT_LINKED
    yield spark(bench)
    yield machine.as_text(machine.described())


def models_on(text: str) -> dict[str, StepModel]:
    """Return the models in the text of the region, by network."""
    paragraph = next(part for part in text.split("\n\n") if part.startswith(f"| {MODEL[0]} | u "))
    return {
        row[MODEL[0]]: StepModel(
            seconds(row["u"]), seconds(row["c"]), seconds(row["l"]), 8 / bits(row["bandwidth"])
        )
        for row in plots.table(paragraph)
    }


def seconds(text: str) -> float:
    """Return a time of the table in seconds."""
    number, unit = text.split()
    return float(number.replace(",", "")) / {"ms": 1e3, "µs": 1e6}[unit]


def bits(text: str) -> float:
    """Return a bandwidth of the table in bits a second."""
    return 1e9 * float(text.split(maxsplit=1)[0].replace(",", ""))


def draw(models: dict[str, StepModel], path: Path) -> None:
    """Draw the time of an update by the number of processes, up to 1,024."""
    plt = plots.pyplot()
    figure, panel = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for name, model in models.items():
        size = 4 * parameters(NETWORKS[name])
        for batch, style in ((STRONG, "-"), (2**16, "--")):
            times = [1000 * model.step(ranks, batch, size) for ranks in RANKS]
            (curve,) = panel.plot(RANKS, times, style, label=f"{name}, batch {batch:,}")
            best = model.best(batch, size)
            fastest = 1000 * model.step(best, batch, size)
            panel.plot([best], [fastest], "o", color=curve.get_color())
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xlabel("processes, each with a core of its own (a dot: fastest)")
    panel.set_ylabel("ms for an update")
    panel.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer updates, one network")
    parser.add_argument("--write", action="store_true", help="write to docs/benchmarks.md")
    arguments = parser.parse_args()
    parts = list[str]()
    for part in page(Bench(quick=arguments.quick)):
        print(f"{part}\n", flush=True)
        parts.append(part)
    if arguments.write:
        regions.write(regions.PAGE, REGION, "\n\n".join(parts))


if __name__ == "__main__":
    main()
