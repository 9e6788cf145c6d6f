"""Models in files: `save` and `load` for everything that chainrule trains."""

from chainrule.models.loading import LOADERS, load, save

__all__ = ["LOADERS", "load", "save"]
