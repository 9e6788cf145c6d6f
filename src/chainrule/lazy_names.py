"""Loads the public names of a package when they are first used (PEP 562)."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, module_of: Mapping[str, str]) -> Callable[[str], object]:
    """Return what a package calls ``__getattr__``.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    module_of : mapping of str to str
        The module below the package in which each name is.

    Returns
    -------
    callable
        Loads a name; it raises AttributeError for one that is not in `module_of`.
    """

    def load(name: str) -> object:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)  # found without this function from now on
        return value

    return load
