"""The public face: sorted, documented, and light to import.

What a name does is tested in the room that it lives in.
"""

import inspect
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from numpydoc.validate import validate

import chainrule

SCRIPT = str(Path(sysconfig.get_path("scripts"), "chainrule"))
CALLABLES = [name for name in chainrule.__all__ if callable(getattr(chainrule, name))]

# numpydoc's checks: a docstring, its summary, parameters, returns and yields.
NEEDED = {"GL08", "SS01", "SS03", "PR01", "PR02", "PR03", "PR07", "RT01", "RT03", "YD01"}


def loaded(*command: str) -> set[str]:
    """Return the top-level packages that a Python command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"\| +(\w+)\S*$", done.stderr, flags=re.MULTILINE))


def test_all_is_sorted_and_says_what_there_is():
    assert chainrule.__all__ == sorted(chainrule.__all__)
    assert dir(chainrule) == chainrule.__all__


@pytest.mark.parametrize("name", CALLABLES)
def test_public_names_are_documented(name: str):
    faults = validate(f"chainrule.{name}")["errors"]
    assert [fault for fault in faults if fault[0] in NEEDED] == []


@pytest.mark.parametrize("name", [n for n in CALLABLES if inspect.isclass(getattr(chainrule, n))])
def test_public_methods_are_documented(name: str):
    members = vars(getattr(chainrule, name)).items()
    methods = {key: m for key, m in members if inspect.isroutine(m) and not key.startswith("_")}
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
