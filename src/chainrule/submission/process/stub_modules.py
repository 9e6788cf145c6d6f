"""Replace plotting libraries that are not installed by stubs that accept everything.

Other missing libraries are not replaced: a statement that imports one fails.
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


class Stub:
    """An object that can be called, indexed, unpacked and computed with, without any effect."""

    def __getattr__(self, name: str) -> "Stub":
        if name.startswith("__"):
            raise AttributeError(name)  # copy, pickle and inspect look for special methods
        return self

    def __setattr__(self, name: str, value: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def __call__(self, *args: object, **kwargs: object) -> "Stub":
        return self

    def __getitem__(self, key: object) -> "Stub":
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...

    def __iter__(self) -> Iterator["Stub"]:
        return iter([self] * _names_unpacked_to(sys._getframe(1)))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def __mro_entries__(self, bases: object) -> tuple[()]:
        return ()

    def __float__(self) -> float:
        return 0.0

    def __index__(self) -> int:
        return 0

    def __len__(self) -> int:
        return 0

    def __add__(self, other: object) -> "Stub":
        return self

    __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __add__


def _names_unpacked_to(frame: FrameType) -> int:
    """Return the number of names in an assignment such as ``fig, ax = plt.subplots()``, else 0."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0 or dis.opname[code[at]] != "UNPACK_SEQUENCE":
        return 0
    return code[at + 1]


class _Module(ModuleType):
    """A module with an attribute of every name."""

    def __getattr__(self, name: str) -> Stub:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub()


class StubFinder(MetaPathFinder, Loader):
    """Imports stubs for plotting libraries that are not installed.

    Attributes
    ----------
    found : list of str
        The libraries that were replaced.
    """

    def __init__(self) -> None:
        self.found: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the specification of a stub if the module belongs to a plotting library."""
        library = fullname.partition(".")[0]
        if library not in PLOTTING or _installed(library, fullname):
            return None
        shown = library.lstrip("_")
        self.found += [] if shown in self.found else [shown]
        return ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module with an attribute of every name."""
        return _Module(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is nothing to run."""


def _installed(library: str, fullname: str) -> bool:
    """Return whether the library itself is installed, so that only this module is missing."""
    return fullname != library and not isinstance(sys.modules.get(library), _Module)


@contextmanager
def stub_plotting_modules() -> Generator[StubFinder]:
    """Replace missing plotting libraries in the block."""
    finder = StubFinder()
    sys.meta_path.append(finder)  # asked last, so only for modules that are not installed
    try:
        yield finder
    finally:
        sys.meta_path.remove(finder)
        _forget(name for name, m in list(sys.modules.items()) if isinstance(m, _Module))


def _forget(names: Iterable[str]) -> None:
    """Remove modules from the loaded ones, so that other code does not import them."""
    for name in names:
        sys.modules.pop(name, None)
