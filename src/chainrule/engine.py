"""What the engine is made of: the step as equations, batches, the layout of θ, and the traces.

Import from here to extend chainrule or to look inside it; what users need is in `chainrule` itself.
"""

from chainrule.batch import Batch
from chainrule.equations import Scope
from chainrule.layout import Block, Layout
from chainrule.loops import Batches
from chainrule.network import MaskSeed, Trace
from chainrule.optimizers import OptimizerState
from chainrule.wiring import Step, wire

__all__ = [
    "Batch",
    "Batches",
    "Block",
    "Layout",
    "MaskSeed",
    "OptimizerState",
    "Scope",
    "Step",
    "Trace",
    "wire",
]
