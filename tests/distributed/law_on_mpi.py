"""Prints the hash of every case, computed by 2 ranks, 3, and so on: the first of this job.

``mpiexec -n 4 python -m tests.distributed.law_on_mpi``
"""

import json
import sys

from chainrule.distributed import MPI
from tests.distributed.cases import digests

if __name__ == "__main__":
    world = MPI(timeout=60.0)
    from mpi4py.MPI import COMM_WORLD

    found, sizes = {}, range(2, world.size + 1)
    parts = [COMM_WORLD.Split(int(world.rank < size), world.rank) for size in sizes]
    for size, part in zip(sizes, parts, strict=True):
        if world.rank < size:
            found[str(size)] = digests(MPI(part, timeout=60.0), full="--full" in sys.argv)
    if world.rank == world.size - 1:
        found = {str(world.size): found[str(world.size)]}
    if world.rank in (0, world.size - 1):
        sys.stdout.write(json.dumps(found) + "\n")
