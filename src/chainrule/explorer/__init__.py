"""The live page: the worked example as an instrument that computes the engine's equations."""

from chainrule.explorer.build import live_parts
from chainrule.explorer.data_sets import DATA_SET_LEVEL, SEEDS, data_set
from chainrule.explorer.data_sets import samples as data_set_samples
from chainrule.explorer.exploring import explore

__all__ = ["DATA_SET_LEVEL", "SEEDS", "data_set", "data_set_samples", "explore", "live_parts"]
