"""Training in several processes, on one machine or many: each computes a part of every batch.

`MPI`, `Gloo` and `SingleProcess` connect processes. Given as the ``communicator`` of a run, they
give the same bytes for every number of processes.
"""

from chainrule.distributed.agreement import from_rank_zero, on_rank_zero, same_everywhere, same_seed
from chainrule.distributed.communicators import Communicator, SingleProcess
from chainrule.distributed.divided_data import InMemory, Sharded, Shards
from chainrule.distributed.gathering import gathered
from chainrule.distributed.gloo import Gloo
from chainrule.distributed.job import aborting, connect
from chainrule.distributed.mpi import MPI
from chainrule.distributed.settings import DataParallel, as_parallel
from chainrule.distributed.tree_sum import range_of
from chainrule.distributed.updates import DistributedTraining
from chainrule.distributed.waiting import TIMEOUT_VARIABLE

__all__ = [
    "MPI",
    "TIMEOUT_VARIABLE",
    "Communicator",
    "DataParallel",
    "DistributedTraining",
    "Gloo",
    "InMemory",
    "Sharded",
    "Shards",
    "SingleProcess",
    "aborting",
    "as_parallel",
    "connect",
    "from_rank_zero",
    "gathered",
    "on_rank_zero",
    "range_of",
    "same_everywhere",
    "same_seed",
]
