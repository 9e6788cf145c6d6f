"""The public names are sorted, documented, in the API reference, and loaded only when used."""

import inspect
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import chainrule
import chainrule.compiled
import chainrule.data
import chainrule.distributed
import chainrule.engine
import chainrule.exchange
import chainrule.health
import chainrule.models
import chainrule.testing

REPOSITORY = Path(__file__).parents[2]
SCRIPT = str(Path(sysconfig.get_path("scripts"), "chainrule"))
# Names that other packages of chainrule use.
NOT_LISTED = (
    *("LOADERS", "check_foreign", "explain_foreign", "explain_prediction", "exporter"),
    *("NEED_NETWORK", "importer"),
    *("plot_bytes", "with_columns", "written"),
)
PUBLIC: dict[str, Any] = (
    {
        f"{module.__name__}.{name}": getattr(module, name)
        for module in (chainrule, chainrule.data, chainrule.engine, chainrule.health)
        for name in module.__all__
    }
    | {
        "chainrule.compiled.describe": chainrule.compiled.describe,
    }
    | {
        f"chainrule.distributed.{name}": getattr(chainrule.distributed, name)
        for name in ("MPI", "Gloo", "SingleProcess", "DataParallel")
    }
    | {
        f"chainrule.models.{name}": getattr(chainrule.models, name)
        for name in chainrule.models.__all__
        if name not in (*chainrule.__all__, *NOT_LISTED)
    }
    | {
        f"chainrule.exchange.{name}": getattr(chainrule.exchange, name)
        for name in chainrule.exchange.__all__
        if name not in (*chainrule.__all__, *NOT_LISTED)
    }
    | {
        f"chainrule.testing.{name}": getattr(chainrule.testing, name)
        for name in chainrule.testing.__all__
    }
)
CALLABLES = [name for name, thing in PUBLIC.items() if callable(thing)]
CLASSES = [name for name in CALLABLES if inspect.isclass(PUBLIC[name])]
ERRORS = [name for name in CLASSES if issubclass(PUBLIC[name], Exception)]

# numpydoc's checks that apply here: a docstring with a summary, no undocumented or unknown
# parameters, and sections for what is returned or yielded. Descriptions are optional.
NEEDED = {"GL08", "SS01", "SS03", "PR02", "PR03", "RT01", "YD01"}


def loaded(*command: str) -> set[str]:
    """Return the top-level packages that a Python command imports."""
    python = [sys.executable, "-X", "importtime"]
    done = subprocess.run([*python, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command} failed:\n{done.stderr[-2000:]}")
    return set(re.findall(r"\| +(\w+)\S*$", done.stderr, flags=re.MULTILINE))


def test_all_is_sorted_and_matches_dir():
    assert chainrule.__all__ == sorted(chainrule.__all__)
    assert dir(chainrule) == chainrule.__all__
    for module in (chainrule.data, chainrule.engine, chainrule.health):
        assert module.__all__ == sorted(module.__all__)


def test_the_reference_lists_every_public_name_once():
    assert sorted(referenced()) == sorted(PUBLIC)


def referenced() -> Iterator[str]:
    """Yield the names in the tables of the API reference."""
    module = ""
    for line in (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line):
            yield f"{module}.{line.strip()}"


@pytest.mark.parametrize("name", CALLABLES)
def test_public_names_are_documented(name: str):
    faults = validate(name)["errors"]
    assert [fault for fault in faults if fault[0] in NEEDED] == []


@pytest.mark.parametrize("name", sorted(set(CALLABLES) - set(ERRORS)))
def test_parameters_are_documented(name: str):
    """As parameters or attributes, of the class itself or of one that it is derived from."""
    thing = PUBLIC[name]
    classes = inspect.getmro(thing)[:-1] if inspect.isclass(thing) else [thing]
    documented = {parameter for one in classes for parameter in documented_names(one)}
    assert set(inspect.signature(thing).parameters) - documented == set()


def documented_names(thing: object) -> Iterator[str]:
    """Yield the parameters and attributes in the docstring of a function or a class itself."""
    docstring = NumpyDocString(inspect.cleandoc(vars(thing).get("__doc__") or thing.__doc__ or ""))
    for section in docstring["Parameters"] + docstring["Attributes"]:
        yield from (name.strip(" *") for name in section.name.split(","))


@pytest.mark.parametrize("name", CLASSES)
def test_public_methods_are_documented(name: str):
    """Static methods are left out: they are formulas, which the class's docstring explains."""
    members = vars(PUBLIC[name]).items()
    methods = {key: m for key, m in members if inspect.isfunction(m) and not key.startswith("_")}
    assert [key for key, method in methods.items() if not inspect.getdoc(method)] == []


def test_the_version_has_one_source():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert chainrule.__version__ == project["version"]
    assert f"\nversion: {chainrule.__version__}\n" in citation


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        chainrule.no_such_name  # noqa: B018  the look-up is the test


def test_import_loads_nothing_heavy():
    heavy = {"numpy", "numba", "scipy", "sklearn", "typer", "rich"}
    assert loaded("-c", "import chainrule") & (heavy | {"chainrule"}) == {"chainrule"}


def test_help_loads_no_numpy():
    heavy = {"numpy", "numba", "scipy", "sklearn"}
    assert loaded(SCRIPT, "--help") & (heavy | {"chainrule"}) == {"chainrule"}
