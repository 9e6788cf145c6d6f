"""The live page: the worked example as an instrument that computes the engine's equations."""

from chainrule.explorer.build import live_parts
from chainrule.explorer.exploring import explore

__all__ = ["explore", "live_parts"]
