"""What each process of ``python -m benchmarks.distributed`` measures; rank 0 prints JSON.

mpiexec -n 2 python -m benchmarks.distributed_worker '{"kind": "train", …}'
"""

import json
import os
import statistics
import sys
from collections.abc import Callable
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from chainrule import mlp, train
from chainrule.distributed import MPI, DataParallel

TIMEOUT = 120.0
KIND = "softmax-cross-entropy"


def samples(spec: dict[str, Any]) -> tuple[Any, Any]:
    """Return random samples and classes, the same on every rank."""
    rng = np.random.default_rng(0)
    widths, rows = spec["widths"], spec["rows"]
    X = rng.normal(size=(rows, widths[0])).astype(np.float32)
    return X, rng.integers(0, widths[-1], rows)


def trained(spec: dict[str, Any], communicator: MPI) -> dict[str, Any]:
    """Return the median seconds of an update, and the loss after the last one."""
    X, y = samples(spec)
    network = mlp(*spec["widths"], activation="relu", loss=KIND)
    ways = {
        "alone": None,
        "exact": DataParallel(communicator, blocks=spec["blocks"]),
        "any order": DataParallel(communicator, exact=False),
    }
    run = train(
        network, X, y, "adam", epochs=spec["epochs"] + 1, batch_size=spec["batch"], shuffle=True,
        communicator=ways[spec["way"]], engine="compiled",
    )  # fmt: skip
    times, loss, began = list[float](), 0.0, perf_counter()
    for record in run:
        times.append((perf_counter() - began) / -(-spec["rows"] // spec["batch"]))
        began = perf_counter()
        loss = record.loss
    return {"seconds": statistics.median(times[1:]), "loss": loss}


def with_torch(spec: dict[str, Any], communicator: MPI) -> dict[str, Any]:
    """Return the same for PyTorch's DistributedDataParallel over gloo."""
    import torch
    from torch import distributed, nn
    from torch.nn.parallel import DistributedDataParallel

    torch.set_num_threads(1)
    os.environ |= {"RANK": str(communicator.rank), "WORLD_SIZE": str(communicator.size)}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": spec["port"]}
    distributed.init_process_group("gloo")
    torch.manual_seed(0)
    widths, parts = spec["widths"], list[nn.Module]()
    for k, (n, m) in enumerate(pairwise(widths)):
        parts += [nn.Linear(n, m), *([nn.ReLU()] if k + 2 < len(widths) else [])]
    model = DistributedDataParallel(nn.Sequential(*parts))
    adam, loss_of = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
    X, y = (torch.from_numpy(one) for one in samples(spec))
    times, loss = [], torch.zeros(())
    for epoch in range(spec["epochs"] + 1):
        order = torch.from_numpy(np.random.default_rng([0, epoch]).permutation(spec["rows"]))
        began = perf_counter()
        for start in range(0, spec["rows"], spec["batch"]):
            rows = order[start : start + spec["batch"]][communicator.rank :: communicator.size]
            adam.zero_grad()
            loss = loss_of(model(X[rows]), y[rows])
            loss.backward()
            adam.step()
        times.append((perf_counter() - began) / -(-spec["rows"] // spec["batch"]))
    distributed.destroy_process_group()
    return {"seconds": statistics.median(times[1:]), "loss": float(loss)}


def exchanged(spec: dict[str, Any], communicator: MPI) -> dict[str, Any]:
    """Return the median seconds of an all-reduce of each of some sizes."""
    found = []
    for size in spec["sizes"]:
        array, times = np.ones(size // 4, np.float32), []
        for _ in range(spec["repeats"] + 2):
            communicator.barrier()
            began = perf_counter()
            communicator.all_reduce(array)
            times.append(perf_counter() - began)
            array[:] = 1
        found.append(statistics.median(times[2:]))
    return {"seconds": found}


def layers(spec: dict[str, Any], communicator: MPI) -> dict[str, Any]:
    """Return the seconds of the backward pass of each layer, and of an all-reduce of its part.

    They say how much of the communication could happen while the layers before are computed.
    """
    widths, rows = spec["widths"], spec["batch"] // communicator.size
    rng, backward, exchange = np.random.default_rng(0), [], []
    for n, m in pairwise(widths):
        x, d, w = (rng.normal(size=s).astype(np.float32) for s in ((rows, n), (rows, m), (n, m)))
        gradient = np.empty((n, m), np.float32)

        def passes(x: Any = x, d: Any = d, w: Any = w, gradient: Any = gradient) -> None:
            np.matmul(x.T, d, out=gradient)
            np.matmul(d, w.T)

        backward.append(timed(passes, communicator))
        exchange.append(timed(lambda array=gradient: communicator.all_reduce(array), communicator))
    return {"backward": backward, "exchange": exchange}


def timed(function: Callable[[], object], communicator: MPI) -> float:
    """Return the median seconds of a call, which all ranks make at the same time."""
    times = []
    for _ in range(12):
        communicator.barrier()
        began = perf_counter()
        function()
        times.append(perf_counter() - began)
    return statistics.median(times[2:])


KINDS = {"train": trained, "torch": with_torch, "exchange": exchanged, "layers": layers}

if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    ours = MPI(timeout=TIMEOUT)
    result = KINDS[given["kind"]](given, ours)
    if ours.rank == 0:
        sys.stdout.write(json.dumps(result) + "\n")
