"""The packages that a learner's file belongs to, so that its relative imports work."""

import ast
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

INIT = "__init__.py"


def packages_of(file: Path, text: str) -> dict[str, Path]:
    """Return the folders of the packages that a file needs, by dotted names, outermost first.

    A folder is a package if it has an ``__init__.py``, or if the file's relative imports lead into
    it: many people leave that file out. None is needed if the file imports nothing from them.

    Parameters
    ----------
    file : Path
    text : str
        Its source, valid Python.
    """
    above = [file.parent, *file.parent.parents]
    declared = next((i for i, folder in enumerate(above) if not (folder / INIT).is_file()), 0)
    imports = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Import | ast.ImportFrom)]
    levels = max((n.level for n in imports if isinstance(n, ast.ImportFrom)), default=0)
    folders = above[: max(declared, levels)][::-1]
    names = [re.sub(r"\W", "_", folder.name) for folder in folders]
    is_taken = bool(names) and (names[0] in sys.modules or find_spec(names[0]) is not None)
    if not levels and (is_taken or not _are_imported(names[:1], imports)):
        return {}
    names[:1] = [f"{names[0]}_"] if is_taken else names[:1]
    return {".".join(names[: i + 1]): folder for i, folder in enumerate(folders)}


def _are_imported(names: Sequence[str], imports: Iterable[ast.Import | ast.ImportFrom]) -> bool:
    """Return whether one of some packages is imported by its name."""
    wanted = (
        [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        for node in imports
    )
    return any(text.partition(".")[0] in names for each in wanted for text in each)


def enter_packages(packages: Mapping[str, Path], file: Path) -> str:
    """Make packages known to Python; return the name of the innermost, or an empty text.

    An ``__init__.py`` that mentions the file is not run: it would run the file a first time.

    Parameters
    ----------
    packages : mapping of str to Path
        From `packages_of`.
    file : Path
    """
    for name, folder in packages.items():
        init = folder / INIT
        spec = spec_from_file_location(name, init, submodule_search_locations=[str(folder)])
        made = module_from_spec(spec) if spec else ModuleType(name)
        made.__path__ = [str(folder)]
        sys.modules[name] = made
        if spec and spec.loader and init.is_file() and not _mentions(init, file.stem):
            with suppress(Exception):  # a package that fails to load may still have what is needed
                spec.loader.exec_module(made)
    return list(packages)[-1] if packages else ""


def _mentions(init: Path, stem: str) -> bool:
    text = init.read_text(encoding="utf-8", errors="replace")
    return re.search(rf"\b{re.escape(stem)}\b", text) is not None
