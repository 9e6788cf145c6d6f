"""The imports inside the package: their order, their direction, and no circle between files.

The order is the one in which the package is read. It is checked in the text of the files, so that
an import inside a function or under ``TYPE_CHECKING`` counts like any other.
"""

import ast
import re
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

import chainrule
from tools.import_order import ENGINE, ORDER, SHARED

SOURCE = Path(chainrule.__file__).parent

NOT_ORDERED = {"__init__.py", "__pycache__", "py.typed"}
ENGINE_MAY_IMPORT = {"numpy", *sys.stdlib_module_names}


@dataclass(frozen=True)
class Package:
    """A package on disk, and the rules for its imports.

    Parameters
    ----------
    root : Path
        The package's folder.
    order : sequence of str
        Its modules and packages, each after those it may import.
    numpy_only : collection of str
        Those that may import NumPy and the standard library, and nothing else.
    """

    root: Path
    order: Sequence[str] = ORDER
    numpy_only: Collection[str] = SHARED + ENGINE

    @cached_property
    def modules(self) -> dict[str, Path]:
        """The files by their modules' full names."""
        return {self.name_of(path): path for path in sorted(self.root.rglob("*.py"))}

    def name_of(self, path: Path) -> str:
        """Return a file's full module name."""
        parts = path.relative_to(self.root.parent).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self, path: Path) -> list[str]:
        """Return the full name of everything that a file imports."""
        here = ".".join(path.parent.relative_to(self.root.parent).parts)
        return list(imported_names(parse(path), here))


Faults = Iterator[tuple[Path, str]]


def faults(package: Package) -> list[str]:
    """Return what is wrong with the files of a package and their imports."""
    checks = (unordered_files, missing_docstrings, wrong_imports, eager_imports, circles)
    return [
        f"{path.relative_to(package.root)}: {fault}"
        for check in checks
        for path, fault in check(package)
    ]


# ---- files --------------------------------------------------------------------------------------


def unordered_files(package: Package) -> Faults:
    """Find files that the order does not list, entries without a file, and tests."""
    for path in sorted(package.root.iterdir()):
        listed = path.stem in package.order and is_module(path)
        if path.name not in NOT_ORDERED and not listed:
            yield path, "is not in the import order; add it to tools/import_order.py"
    for name in package.order:
        if not any(is_module(package.root / file) for file in (name, f"{name}.py")):
            yield package.root / name, "does not exist; remove it from tools/import_order.py"
    for path in package.modules.values():
        if re.match(r"test_|conftest", path.stem):
            yield path, "is a test; move it to tests/"


def is_module(path: Path) -> bool:
    if path.suffix == ".py":
        return path.is_file()
    return (path / "__init__.py").is_file()


def missing_docstrings(package: Package) -> Faults:
    """Find modules that do not say what they do."""
    for path in package.modules.values():
        if not ast.get_docstring(parse(path)):
            yield path, "has no docstring; say in one to three sentences what the module does"


# ---- imports ------------------------------------------------------------------------------------


def wrong_imports(package: Package) -> Faults:
    """Find imports against the order, into a package's files, or from the engine to the outside."""
    for path in package.modules.values():
        if path == package.root / "__init__.py":
            continue
        importer = path.relative_to(package.root).with_suffix("").parts[0]
        for name in package.imports(path):
            if fault := import_fault(package, importer, name.split(".")):
                yield path, f"imports {name}, {fault}"


def import_fault(package: Package, importer: str, target: list[str]) -> str | None:
    """Return what is wrong with an import in a module or package of the order, or None."""
    if target[0] != package.root.name:
        outside = importer in package.numpy_only and target[0] not in ENGINE_MAY_IMPORT
        return "but the engine may import NumPy only" if outside else None
    if len(target) == 1 or target[1] not in package.order:
        return "through the top level; import from the module that defines it"
    if target[1] == importer:
        return None
    if importer not in package.order or is_later(package.order, target[1], importer):
        return "which comes later in the import order"
    inside = ".".join(target[:3]) in package.modules and len(target) > 2
    return f"a file inside a package; import from {'.'.join(target[:2])}" if inside else None


def is_later(order: Sequence[str], name: str, other: str) -> bool:
    return order.index(name) > order.index(other)


def eager_imports(package: Package) -> Faults:
    """Find what the package's ``__init__`` imports before a name is used."""
    path = package.root / "__init__.py"
    tree = parse(path)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not any(function.name == "__getattr__" for function in functions):
        yield path, "has no __getattr__, so it cannot load names lazily"
    for statement in tree.body:
        if statement not in functions and not is_for_type_checkers(statement):
            for name in imported_names(statement, package.root.name):
                if name.split(".")[0] not in sys.stdlib_module_names:
                    yield path, f"imports {name} at once; load it in __getattr__"


def is_for_type_checkers(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)


def imported_names(tree: ast.AST, here: str) -> Iterator[str]:
    """Yield the full name of everything imported in a file of the package `here`."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module, names, level):
                up = here.split(".")[: len(here.split(".")) + 1 - level] if level else []
                start = ".".join([*up, *([module] if module else [])])
                yield from (f"{start}.{alias.name}" for alias in names)
            case ast.Call(
                ast.Name("__import__" | "import_module") | ast.Attribute(_, "import_module"),
                [name, *_],
            ):
                if isinstance(name, ast.Constant):
                    yield str(name.value)


# ---- circles ------------------------------------------------------------------------------------


def circles(package: Package) -> Faults:
    """Find files that import each other, directly or through others."""
    graph = import_graph(package)
    for group in strongly_connected(graph):
        if len(group) > 1 or group[0] in graph[group[0]]:
            first = min(group)
            steps = " -> ".join(shortest_circle(graph, first))
            yield package.modules[first], f"imports itself in a circle: {steps}"


def import_graph(package: Package) -> dict[str, set[str]]:
    """Return the modules that each module imports.

    The top-level ``__init__`` is left out: it loads names when they are used. That Python also runs
    the ``__init__`` of the importing file's own package does not count.
    """
    top = package.root.name
    return {
        name: {module_of(package, target) for target in package.imports(path)} - {None, top}
        for name, path in package.modules.items()
        if name != top
    }  # pyright: ignore[reportReturnType]


def module_of(package: Package, target: str) -> str | None:
    """Return the module that an imported name is or belongs to, or None outside the package."""
    owner = target.rpartition(".")[0]
    return next((name for name in (target, owner) if name in package.modules), None)


def strongly_connected(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that reach each other, one for each module on its own too."""
    reached = {name: reachable(graph, name) for name in graph}
    groups: list[list[str]] = []
    grouped: set[str] = set()
    for name in sorted(graph):
        if name not in grouped:
            group = sorted({name, *(n for n in reached[name] if name in reached[n])})
            grouped.update(group)
            groups.append(group)
    return groups


def reachable(graph: dict[str, set[str]], start: str) -> set[str]:
    """Return the modules that a module imports, directly or through others."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def shortest_circle(graph: dict[str, set[str]], start: str) -> list[str]:
    """Return a shortest chain of imports from a module back to itself."""
    paths = [[start]]
    while True:
        for path in paths:
            if start in graph[path[-1]]:
                return [*path, start]
        seen = {path[-1] for path in paths}
        longer = {name: [*path, name] for path in paths for name in sorted(graph[path[-1]] - seen)}
        paths = list(longer.values())


def parse(path: Path) -> ast.Module:
    return parse_text(path.read_text(encoding="utf-8"), str(path))


@cache  # every check reads every file
def parse_text(text: str, path: str) -> ast.Module:
    return ast.parse(text, path)


def test_the_package_follows_the_import_order():
    assert faults(Package(SOURCE)) == []


# ---- counter-examples: the checker finds each fault ----

DOCSTRING = '"""What the module does."""\n'
INIT = DOCSTRING + "def __getattr__(name): ...\n"
SMALL_ORDER = ("errors", "layers", "network", "explanation", "cli")
SMALL_ENGINE = ("errors", "layers", "network")


@pytest.fixture
def small(tmp_path: Path) -> Package:
    root = tmp_path / "chainrule"
    (root / "explanation").mkdir(parents=True)
    (root / "__init__.py").write_text(INIT)
    for name in ["errors", "layers", "network", "explanation/__init__", "explanation/example"]:
        (root / f"{name}.py").write_text(DOCSTRING)
    (root / "explanation" / "chain.py").write_text(DOCSTRING)
    (root / "cli.py").write_text(DOCSTRING)
    return Package(root, SMALL_ORDER, SMALL_ENGINE)


def write(package: Package, files: dict[str, str]) -> None:
    for name, text in files.items():
        (package.root / name).write_text(DOCSTRING + text)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("network.py", "import numpy as np\nfrom chainrule.layers import Dense"),
        ("network.py", "import numpy.linalg\nimport math\nfrom . import errors, layers"),
        ("explanation/__init__.py", "from .example import WorkedExample"),
        ("explanation/example.py", "from ..network import Network\nimport rich"),
        ("explanation/example.py", "from chainrule.explanation import chain"),
        ("explanation/example.py", "from chainrule.explanation.chain import factors"),
        ("cli.py", "def main():\n    from chainrule.explanation import explain"),
        (
            "__init__.py",
            INIT + "import importlib\nif TYPE_CHECKING:\n    from .layers import Dense",
        ),
    ],
)
def test_right_imports_pass(small: Package, file: str, text: str):
    write(small, {file: text})
    assert faults(small) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("layers.py", "from chainrule.network import Network", "comes later"),
        ("layers.py", "from . import network", "comes later"),
        ("layers.py", "import chainrule.network", "comes later"),
        ("layers.py", "def f():\n    from .network import Network", "comes later"),
        ("layers.py", "if TYPE_CHECKING:\n    from .network import Network", "comes later"),
        ("layers.py", "import_module('chainrule.network')", "comes later"),
        ("layers.py", "importlib.import_module('chainrule.network')", "comes later"),
        ("errors.py", "from . import layers", "comes later"),
        ("explanation/example.py", "from ..cli import main", "comes later"),
        ("network.py", "from scipy.special import erf", "NumPy only"),
        ("network.py", "from chainrule import Dense", "through the top level"),
        ("network.py", "import chainrule", "through the top level"),
        ("cli.py", "from chainrule.explanation.example import Example", "inside a package"),
        ("cli.py", "from chainrule.explanation import example", "inside a package"),
        ("helpers.py", "", "not in the import order"),
        ("explanation/test_example.py", "", "is a test"),
        ("__init__.py", INIT + "from chainrule.layers import Dense", "at once"),
        ("__init__.py", INIT + "import numpy", "at once"),
        ("__init__.py", "", "cannot load names lazily"),
    ],
)
def test_wrong_files_are_found(small: Package, file: str, text: str, fault: str):
    write(small, {file: text})
    assert [fault in found for found in faults(small)] == [True]


TO_CHAIN = "from chainrule.explanation.chain import factors"
TO_EXAMPLE = "from chainrule.explanation.example import Example"


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        ({"example": TO_CHAIN, "chain": TO_EXAMPLE}, "chain -> example -> chain"),
        (
            {"example": TO_CHAIN, "chain": f"def f():\n    {TO_EXAMPLE}"},
            "chain -> example -> chain",
        ),
        (
            {"example": TO_CHAIN, "chain": f"if TYPE_CHECKING:\n    {TO_EXAMPLE}"},
            "chain -> example -> chain",
        ),
        (
            {"example": TO_CHAIN, "chain": "import chainrule.explanation.example"},
            "chain -> example -> chain",
        ),
        (
            {"example": "from . import chain", "chain": "from . import example"},
            "chain -> example -> chain",
        ),
        (
            {"__init__": TO_EXAMPLE, "example": "from chainrule.explanation import Example"},
            "chainrule.explanation -> example -> chainrule.explanation",
        ),
        (
            {
                "example": TO_CHAIN,
                "chain": "from chainrule.explanation.work import work",
                "work": TO_EXAMPLE,
            },
            "chain -> work -> example -> chain",
        ),
        ({"chain": TO_CHAIN}, "chain -> chain"),
    ],
)
def test_circles_between_files_are_found(small: Package, files: dict[str, str], chain: str):
    write(small, {f"explanation/{name}.py": text for name, text in files.items()})
    (fault,) = faults(small)
    assert f"in a circle: {chain}" in fault.replace("chainrule.explanation.", "")


def test_two_circles_are_two_faults(small: Package):
    write(small, {"explanation/chain.py": TO_EXAMPLE, "explanation/example.py": TO_CHAIN})
    write(small, {"cli.py": "import_module('chainrule.cli')"})
    assert ["in a circle" in found for found in faults(small)] == [True, True]


def test_a_missing_docstring_is_found(small: Package):
    (small.root / "layers.py").write_text("x = 1\n")
    assert [fault.split(";")[0] for fault in faults(small)] == ["layers.py: has no docstring"]


def test_a_folder_without_an_init_is_found(small: Package):
    (small.root / "formats").mkdir()
    assert ["formats: is not in the import order" in fault for fault in faults(small)] == [True]


def test_an_entry_without_a_file_is_found(small: Package):
    package = Package(small.root, (*SMALL_ORDER, "explorer"), SMALL_ENGINE)
    assert [fault.split(";")[0] for fault in faults(package)] == ["explorer: does not exist"]
