"""The live page: a worked example whose equations run in the browser."""

from chainrule.explorer.build import live_parts
from chainrule.explorer.exploring import explore

__all__ = ["explore", "live_parts"]
