"""The public face: sorted, documented, and light to import.

What a name does is tested in the room that it lives in.
"""

import inspect
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import chainrule
import chainrule.health

SCRIPT = str(Path(sysconfig.get_path("scripts"), "chainrule"))
PUBLIC: dict[str, Any] = {
    f"{module.__name__}.{name}": getattr(module, name)
    for module in (chainrule, chainrule.health)
    for name in module.__all__
}
CALLABLES = [name for name, thing in PUBLIC.items() if callable(thing)]
CLASSES = [name for name in CALLABLES if inspect.isclass(PUBLIC[name])]
ERRORS = [name for name in CLASSES if issubclass(PUBLIC[name], Exception)]

# numpydoc's checks: a docstring, its summary, no strange parameters, returns and yields. A name
# that says all needs no description.
NEEDED = {"GL08", "SS01", "SS03", "PR02", "PR03", "RT01", "YD01"}


def loaded(*command: str) -> set[str]:
    """Return the top-level packages that a Python command imports."""
    python = [sys.executable, "-X", "importtime"]
    done = subprocess.run([*python, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command} failed:\n{done.stderr[-2000:]}")
    return set(re.findall(r"\| +(\w+)\S*$", done.stderr, flags=re.MULTILINE))


def test_all_is_sorted_and_says_what_there_is():
    assert chainrule.__all__ == sorted(chainrule.__all__)
    assert dir(chainrule) == chainrule.__all__
    assert chainrule.health.__all__ == sorted(chainrule.health.__all__)


def test_the_reference_has_every_module_of_public_names():
    page = Path(__file__).parents[2].joinpath("docs", "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   (chainrule[\w.]*)$", page, flags=re.MULTILINE)
    assert listed == list(dict.fromkeys(name.rpartition(".")[0] for name in PUBLIC))


@pytest.mark.parametrize("name", CALLABLES)
def test_public_names_are_documented(name: str):
    faults = validate(name)["errors"]
    assert [fault for fault in faults if fault[0] in NEEDED] == []


@pytest.mark.parametrize("name", sorted(set(CALLABLES) - set(ERRORS)))
def test_parameters_are_documented(name: str):
    """As a parameter, or as an attribute of a record that others make."""
    thing = PUBLIC[name]
    docstring = NumpyDocString(inspect.getdoc(thing) or "")
    sections = docstring["Parameters"] + docstring["Attributes"]
    documented = {n.strip(" *") for section in sections for n in section.name.split(",")}
    assert set(inspect.signature(thing).parameters) - documented == set()


@pytest.mark.parametrize("name", CLASSES)
def test_public_methods_are_documented(name: str):
    """Plain methods, that is: a formula given as a static method is its class's own subject."""
    members = vars(PUBLIC[name]).items()
    methods = {key: m for key, m in members if inspect.isfunction(m) and not key.startswith("_")}
    assert [key for key, method in methods.items() if not inspect.getdoc(method)] == []


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        chainrule.no_such_name  # noqa: B018  the look-up is the test


def test_import_loads_nothing_heavy():
    heavy = {"numpy", "numba", "scipy", "sklearn", "typer", "rich"}
    assert loaded("-c", "import chainrule") & (heavy | {"chainrule"}) == {"chainrule"}


def test_help_loads_no_numpy():
    heavy = {"numpy", "numba", "scipy", "sklearn"}
    assert loaded(SCRIPT, "--help") & (heavy | {"chainrule"}) == {"chainrule"}
