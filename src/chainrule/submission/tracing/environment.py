"""The environment of a traced program: the same in every run, without windows or input."""

import ast
import builtins
import io
import itertools
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np

from chainrule.submission.process.stub_modules import PLOTTING, Stub, StubFinder
from chainrule.submission.process.usual_names import provide_usual_names

SEED = 0
ANSWER = "10"  # to whatever a program asks for: a number of epochs, or just the return key
SLOW_LIBRARIES = ("sklearn", "scipy", "pandas", "sympy", "torch", "tensorflow", "keras", "PIL")
START, TICK = 1_700_000_000.0, 1e-3  # s of the clock that programs see, and of one look at it


def prepare(path: Path) -> None:
    """Make this process the same in every run, and replace what would need a person."""
    seed()
    for name in ("float16", "float32", "half", "single"):
        setattr(np, name, np.float64)  # differences need all digits
    np.empty, np.empty_like = np.zeros, np.zeros_like  # what memory contains differs in every run
    provide_usual_names()
    _replace_clocks()
    builtins.input = answer
    sys.stdin, sys.argv[:] = io.StringIO(), [str(path)]
    sys.stdout = sys.stderr = Discarded()
    sys.meta_path.insert(0, AlwaysStubbed())
    builtins.get_ipython = Stub  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    builtins.display = do_nothing  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def import_libraries(source: str) -> None:
    """Import the libraries that a program imports, so that its runs do not do it again and again.

    Only those that are known to be slow and to do nothing else when they are imported.
    """
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in SLOW_LIBRARIES:
                with suppress(Exception):  # it is raised again when the program imports it
                    import_module(name)


def seed() -> None:
    """Seed all random number generators, and those that are created without a seed."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 (the generator that programs share)
    changed: Any = np.random
    changed.RandomState = _seeded_state()
    changed.default_rng = _with_seed(np.random.default_rng)
    changed.seed, random.seed = _with_seed(np.random.seed), _with_seed(random.seed)

    class Random(random.Random):
        def __init__(self, x: Any = None) -> None:
            super().__init__(SEED if x is None else x)

    random.Random = Random  # type: ignore[misc]


def _with_seed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose seed is fixed if it is not given."""

    def seeded(seed: Any = None, *more: Any) -> Any:
        return function(SEED if seed is None else seed, *more)

    return seeded


def _seeded_state() -> type[np.random.RandomState]:
    """Return the class RandomState with a fixed seed, to which NumPy's own generator belongs."""
    state = np.random.RandomState

    class Kind(type):
        """Lets a generator that NumPy itself has made count as one, too."""

        def __instancecheck__(cls, instance: object) -> bool:
            return type.__instancecheck__(state, instance)

    class RandomState(state, metaclass=Kind):
        def __init__(self, seed: Any = None) -> None:
            super().__init__(SEED if seed is None else seed)

    return RandomState


def _replace_clocks() -> None:
    ticks = itertools.count()

    def now() -> float:
        return START + TICK * next(ticks)

    for name in ("time", "perf_counter", "monotonic", "process_time", "clock"):
        setattr(time, name, now)
    time.sleep = do_nothing


class Discarded(io.TextIOBase):
    """A stream that discards what is written to it."""

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        return len(text)


class AlwaysStubbed(StubFinder):
    """Replaces plotting libraries even where they are installed, and progress bars."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the specification of a stub, or None for a module that is not replaced."""
        library = fullname.partition(".")[0]
        if library == "tqdm":
            return ModuleSpec(fullname, ProgressBars(), is_package=True)
        if library in (*PLOTTING, "IPython", "ipywidgets", "google"):
            return ModuleSpec(fullname, self, is_package=True)
        return None


class ProgressBars(Loader):
    """The module tqdm, whose bars show nothing."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module with the names that programs use."""
        module: Any = ModuleType(spec.name)
        module.tqdm = module.tqdm_notebook = module.trange = Bar
        module.trange = counted_bar
        module.notebook = module.auto = module
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: there is nothing to run."""


class Bar:
    """A progress bar that only passes on what it is given."""

    def __init__(self, iterable: Iterable[Any] = (), *arguments: Any, **options: Any) -> None:
        self.iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.iterable)

    def __getattr__(self, name: str) -> Any:
        return do_nothing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None: ...


def counted_bar(*arguments: int, **options: object) -> Bar:
    """Take the place of ``tqdm.trange``."""
    return Bar(range(*arguments))


def answer(prompt: object = "", /) -> str:
    """Take the place of `input`: whatever a program asks for, it is a number."""
    return ANSWER


def do_nothing(*arguments: object, **options: object) -> None:
    """Take the place of a function that only shows something."""


def own_modules(folder: Path) -> set[str]:
    """Return the names of the modules in a program's folder."""
    files = {p.stem for p in folder.glob("*.py")}
    return files | {p.name for p in folder.iterdir() if (p / "__init__.py").is_file()}


class OwnFinder(MetaPathFinder):
    """Finds the modules next to a program, and those of its packages, and has them rewritten.

    Parameters
    ----------
    folder : Path
    loader : Loader
        Rewrites and runs a module.
    packages : dict of str to Path, default {}
        The folders of the packages that the program belongs to, by their dotted names.
    """

    def __init__(self, folder: Path, loader: Loader) -> None:
        self.folder, self.names, self.loader = folder, own_modules(folder), loader
        self.packages: dict[str, Path] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: Any = None
    ) -> ModuleSpec | None:
        """Return the specification of a module in the program's folder, or None."""
        at = self._place(fullname)
        if at is None:
            return None
        for file, package in ((at / "__init__.py", True), (at.with_suffix(".py"), False)):
            if file.is_file():
                spec = ModuleSpec(fullname, self.loader, origin=str(file), is_package=package)
                spec.has_location = True
                if package:
                    spec.submodule_search_locations = [str(at)]
                return spec
        return None

    def _place(self, fullname: str) -> Path | None:
        """Return where a module would be, without its ending, or None if not in the folder."""
        for name, folder in reversed(self.packages.items()):
            if fullname.startswith(f"{name}."):
                return folder.joinpath(*fullname.removeprefix(f"{name}.").split("."))
        parts = fullname.split(".")
        if parts[0] in self.names:
            return self.folder.joinpath(*parts)
        own = parts[0] == self.folder.name and len(parts) > 1
        return self.folder.joinpath(*parts[1:]) if own else None
