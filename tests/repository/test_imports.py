"""The order of the house: a file imports only what stands above it.

The order is the one in which the engine is read. It is checked in the text of the files, so that an
import inside a function or under ``TYPE_CHECKING`` counts like any other.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import chainrule
from tools.import_order import ENGINE, ORDER, SHARED

SOURCE = Path(chainrule.__file__).parent

BESIDE = {"__init__.py", "__pycache__", "py.typed"}
ENGINE_MAY_IMPORT = {"numpy", *sys.stdlib_module_names}


def faults(root: Path) -> list[str]:
    """Return what is wrong with the house whose package stands at `root`."""
    return [
        f"{path.relative_to(root)}: {fault}"
        for check in (strange_files, short_docstrings, wrong_imports, eager_imports)
        for path, fault in check(root)
    ]


Faults = Iterator[tuple[Path, str]]


def strange_files(root: Path) -> Faults:
    """Find files that no room is known for, and tests."""
    for path in root.iterdir():
        if path.name not in BESIDE and not (path.stem in ORDER and is_module(path)):
            yield path, "is not in the house"
    for path in root.rglob("*.py"):
        if re.match(r"test_|conftest", path.stem):
            yield path, "belongs to the tests"


def is_module(path: Path) -> bool:
    return path.suffix == ".py" or (path / "__init__.py").exists()


def short_docstrings(root: Path) -> Faults:
    """Find files that do not open with two sentences."""
    for path in root.rglob("*.py"):
        docstring = ast.get_docstring(parse(path)) or ""
        if len(re.findall(r"[.!?](?:\s|$)", docstring)) < 2:
            yield path, "does not open with two sentences: what it is, and what it is not"


def wrong_imports(root: Path) -> Faults:
    """Find imports that point upward, through a wall, or from the engine to the outside."""
    for path in root.rglob("*.py"):
        if path == root / "__init__.py":
            continue
        place = path.relative_to(root).with_suffix("").parts
        for name in imports(parse(path), package(root, path)):
            if fault := import_fault(root, place[0], name.split(".")):
                yield path, f"imports {name}, {fault}"


def import_fault(root: Path, room: str, target: list[str]) -> str | None:
    """Say what is wrong with an import in a room, or None."""
    if target[0] != root.name:
        outside = room in SHARED + ENGINE and target[0] not in ENGINE_MAY_IMPORT
        return "but the engine needs only NumPy" if outside else None
    if len(target) == 1 or target[1] not in ORDER:
        return "the public face; name the file that it lives in"
    if target[1] == room:
        return None
    if room not in ORDER or ORDER.index(target[1]) > ORDER.index(room):
        return "which stands below it"
    inside = len(target) > 2 and exists(root.joinpath(*target[1:3]))
    return "through the wall; a room has one door, its __init__" if inside else None


def eager_imports(root: Path) -> Faults:
    """Find what the package's face loads before it is asked for."""
    tree = parse(root / "__init__.py")
    if not any(
        isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body
    ):
        yield root / "__init__.py", "has no __getattr__, so it cannot be lazy"
    for statement in tree.body:
        if not isinstance(statement, ast.FunctionDef) and not for_checkers_only(statement):
            for name in imports(statement, root.name):
                if name.split(".")[0] not in sys.stdlib_module_names:
                    yield root / "__init__.py", f"imports {name} at once"


def for_checkers_only(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.unparse(statement.test)


def imports(tree: ast.AST, here: str) -> Iterator[str]:
    """Yield the full name of all that is imported in a file of the package `here`."""
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


def package(root: Path, path: Path) -> str:
    """Return the name of the package that a file's relative imports start from."""
    return ".".join(path.parent.relative_to(root.parent).parts)


def exists(module: Path) -> bool:
    return module.is_dir() or module.with_suffix(".py").exists()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_the_house_is_in_order():
    assert faults(SOURCE) == []


# ---- the checker finds what it is for ----

DOCSTRING = '"""What it is. What it is not."""\n'
FACE = DOCSTRING + "def __getattr__(name): ...\n"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    root = tmp_path / "chainrule"
    (root / "explanation").mkdir(parents=True)
    (root / "__init__.py").write_text(FACE)
    for name in ["errors", "layers", "network", "explanation/__init__", "explanation/document"]:
        (root / f"{name}.py").write_text(DOCSTRING)
    return root


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("network.py", "import numpy as np\nfrom chainrule.layers import Dense"),
        ("network.py", "import numpy.linalg\nimport math\nfrom . import errors, layers"),
        ("explanation/__init__.py", "from .document import Document"),
        ("explanation/document.py", "from ..network import Network\nimport rich"),
        ("cli.py", "def main():\n    from chainrule.explanation import explain"),
        (
            "__init__.py",
            FACE + "import importlib\nif TYPE_CHECKING:\n    from .layers import Dense",
        ),
    ],
)
def test_right_imports_pass(house: Path, file: str, text: str):
    (house / file).write_text(DOCSTRING + text)
    assert faults(house) == []


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("layers.py", "from chainrule.network import Network", "stands below"),
        ("layers.py", "from . import network", "stands below"),
        ("layers.py", "import chainrule.network", "stands below"),
        ("layers.py", "def f():\n    from .network import Network", "stands below"),
        ("layers.py", "if TYPE_CHECKING:\n    from .network import Network", "stands below"),
        ("layers.py", "import_module('chainrule.network')", "stands below"),
        ("layers.py", "importlib.import_module('chainrule.network')", "stands below"),
        ("errors.py", "from . import layers", "stands below"),
        ("explanation/document.py", "from ..cli import main", "stands below"),
        ("network.py", "from scipy.special import erf", "only NumPy"),
        ("network.py", "from chainrule import Dense", "public face"),
        ("network.py", "import chainrule", "public face"),
        ("cli.py", "from chainrule.explanation.document import Document", "one door"),
        ("cli.py", "from chainrule.explanation import document", "one door"),
        ("helpers.py", "", "not in the house"),
        ("explanation/test_document.py", "", "belongs to the tests"),
        ("__init__.py", FACE + "from chainrule.layers import Dense", "at once"),
        ("__init__.py", FACE + "import numpy", "at once"),
        ("__init__.py", "", "cannot be lazy"),
    ],
)
def test_wrong_files_are_found(house: Path, file: str, text: str, fault: str):
    (house / file).write_text(DOCSTRING + text)
    assert [fault in found for found in faults(house)] == [True]


def test_a_missing_second_sentence_is_found(house: Path):
    (house / "layers.py").write_text('"""The layers."""\n')
    assert faults(house) == [
        "layers.py: does not open with two sentences: what it is, and what it is not"
    ]


def test_a_folder_without_a_door_is_found(house: Path):
    (house / "formats").mkdir()
    assert faults(house) == ["formats: is not in the house"]
