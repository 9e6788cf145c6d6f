"""Stand-ins for plotting libraries that are not installed: they accept everything and do nothing.

No other library is replaced: what is missing there is said, and what needs it fails.
"""

import dis
import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, ModuleType
from typing import Self

PLOTTING = ("matplotlib", "mpl_toolkits", "seaborn", "plotly", "pylab", "tkinter", "_tkinter")


class StandIn:
    """An object that can be called, indexed, unpacked, looped over and computed with, to no end."""

    def __getattr__(self, name: str) -> "StandIn":
        if name.startswith("__"):
            raise AttributeError(name)  # or copy, pickle and inspect would take it for theirs
        return self

    def __setattr__(self, name: str, value: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def __call__(self, *args: object, **kwargs: object) -> "StandIn":
        return self

    def __getitem__(self, key: object) -> "StandIn":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def __iter__(self) -> Iterator["StandIn"]:
        return iter([self] * _unpacked(sys._getframe(1)))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def __mro_entries__(self, bases: object) -> tuple[()]:
        return ()

    def __float__(self) -> float:
        return 0.0

    def __index__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 0

    def __add__(self, other: object) -> "StandIn":
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __add__


def _unpacked(frame: FrameType) -> int:
    """Return how many names the caller unpacks to, as in ``fig, ax = plt.subplots()``; else 0."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0 or dis.opname[code[at]] != "UNPACK_SEQUENCE":
        return 0
    return code[at + 1]


class _Module(ModuleType):
    """A module that has every name."""

    def __getattr__(self, name: str) -> StandIn:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn()


class Finder(MetaPathFinder, Loader):
    """Finds stand-ins for plotting libraries; asked last, so only for what is not installed.

    Attributes
    ----------
    found : list of str
        The libraries that it stood in for.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the stand-in's specification, if the name is a plotting library's."""
        library = fullname.partition(".")[0]
        if library not in PLOTTING or _installed(library, fullname):
            return None
        shown = library.lstrip("_")
        self.found += [] if shown in self.found else [shown]
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return an empty module that has every name."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is nothing to run."""


def _installed(library: str, fullname: str) -> bool:
    """Tell whether the library itself is there, so that only this part of it is missing."""
    return fullname != library and not isinstance(sys.modules.get(library), _Module)


@contextmanager
def standing_in() -> Generator[Finder]:
    """Have missing plotting libraries stood in for."""
    finder = Finder()
    sys.meta_path.append(finder)
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)
        _forget(name for name, m in list(sys.modules.items()) if isinstance(m, _Module))


def _forget(names: Iterable[str]) -> None:
    """Take stand-ins out of the loaded modules: nobody else shall find them."""
    for name in names:
        sys.modules.pop(name, None)
