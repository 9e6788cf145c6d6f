"""What is uploaded works: the wheel, and the wheel that the sdist gives, each installed and run.

Each is installed alone into a new environment. A ``.pth`` file lends it the dependencies of the
environment that the tests run in, but not chainrule itself: an editable installation is a ``.pth``
file too, and those are read in an environment's own site-packages only.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command} failed:\n{done.stdout}\n{done.stderr[-2000:]}")
    return done


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the tree, or by way of the sdist, without downloading anything."""
    folder = tmp_path_factory.mktemp("dist")
    way = ["--wheel"] if request.param == "wheel" else []
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, *way]
    run(*build, REPOSITORY, cwd=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into an environment of its own."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python"]
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    variables = {"base": str(folder), "platbase": str(folder)}
    borrowed = Path(sysconfig.get_path("purelib", vars=variables), "borrowed.pth")
    borrowed.write_text(sysconfig.get_path("purelib"))
    return folder


def test_the_wheel_holds_what_it_should(wheel: Path):
    files = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in files} == {"chainrule", "chainrule-0.1.0.dist-info"}
    assert "chainrule/py.typed" in files
    assert [name for name in files if re.fullmatch(r"chainrule/.*schema.*\.json", name)]
    assert [name for name in files if name.endswith("licenses/LICENSE")]


def test_it_is_imported_from_site_packages(environment: Path, tmp_path: Path):
    where = "import chainrule; print(chainrule.__file__)"
    done = run(environment / "bin" / "python", "-P", "-c", where, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(environment)


def test_it_explains_with_the_required_packages_only(environment: Path, tmp_path: Path):
    command = [environment / "bin" / "chainrule", "explain", "mazur", "--format", "json"]
    python = [environment / "bin" / "python", "-P", "-X", "importtime"]
    done = run(*python, *command, cwd=tmp_path)
    assert json.loads(done.stdout)
    assert not re.findall(r"\| +(?:numba|scipy|sklearn)$", done.stderr, flags=re.MULTILINE)
