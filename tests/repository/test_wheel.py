"""The wheel, and the wheel built from the sdist, can be installed and run.

Each is installed into a new environment of its own. A ``.pth`` file gives that environment the
dependencies of the one that the tests run in, but not chainrule itself: an editable installation is
a ``.pth`` file too, and Python reads those only in an environment's own site-packages.
"""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("numba")

from chainrule.compiled.cache import object_cache, prebuilt, targets
from tools import build_backend

REPOSITORY = Path(__file__).parents[2]


HERE = targets.of_this_machine()


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | environment
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{command} failed:\n{done.stdout}\n{done.stderr[-2000:]}")
    return done


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def wheel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the tree, or by way of the sdist, without downloading anything.

    Kernels come from the tests' cache, as far as they are in it; the other wheel has none.
    """
    folder = tmp_path_factory.mktemp("dist")
    way = ["--wheel"] if request.param == "wheel" else ["--config-setting", "kernels=none"]
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


def test_a_build_has_every_package_whose_version_kernels_depend_on():
    """In an environment of its own, without which an isolated build would have no kernels."""
    required = {re.split("[<>=]", one)[0] for one in build_backend.NUMBA}
    assert set(object_cache.PACKAGES) <= required | {"llvmlite"}  # which Numba requires


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path):
    files = zipfile.ZipFile(wheel).namelist()
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    folders = {"chainrule", f"chainrule-{version}.dist-info"}
    assert {name.split("/")[0] for name in files} == folders
    assert "chainrule/py.typed" in files
    assert [name for name in files if re.fullmatch(r"chainrule/.*schema.*\.json", name)]
    page = "chainrule/explorer/page/"
    there = {path.name for path in (REPOSITORY / "src" / page).iterdir()}
    assert {name.removeprefix(page) for name in files if name.startswith(page)} == there
    assert {"main.mjs", "page.css"} <= there
    assert [name for name in files if name.endswith("licenses/LICENSE")]


@pytest.fixture(scope="module")
def kernels(wheel: Path) -> list[str]:
    """Return the names of the archives of kernels in the wheel."""
    names = map(Path, zipfile.ZipFile(wheel).namelist())
    return [path.stem for path in names if path.suffix == prebuilt.SUFFIX]


def test_the_wheel_has_the_kernels_for_this_machine_unless_declined(kernels, request):
    declined = "sdist" in request.node.name
    assert kernels == ([HERE.name] if HERE and not declined else [])


# Trains with everything that is registered, and writes 1 if Numba was imported or code was stored.
EVERYTHING = """
import os, sys
import numpy as np
from chainrule import ACTIVATIONS, LOSSES, OPTIMIZERS
from chainrule import Adam, ClipNorm, Optimizer, Penalty, mlp, train

def run(dtype, activation="tanh", loss="squared-error", rule="sgd", width=3, rows=4, **more):
    x = np.linspace(-1, 1, 3 * rows, dtype=dtype).reshape(rows, 3)
    net = mlp(3, width, 2, activation=activation, loss=loss, **more)
    t = np.tile(np.array([[0, 1], [1, 0]], dtype), (rows // 2, 1))
    run = train(net, x, t, rule, epochs=1, seed=0, engine="compiled")
    run.finish()
    run.predict(x)

for dtype in np.float32, np.float64:
    for name in ACTIVATIONS:
        run(dtype, activation=name)
    for name in LOSSES:
        run(dtype, loss=name)
    for name, rule in OPTIMIZERS.items():
        if isinstance(rule, Optimizer):
            run(dtype, rule=name)
    penalty, rule = Penalty(alpha=0.1), Adam(clip=ClipNorm(1))
    run(dtype, width=100, dropout=0.1, layer_norm=True, penalty=penalty, rule=rule)
print(int("numba" in sys.modules or os.path.exists(os.environ["CHAINRULE_CACHE_DIR"])))
"""


def test_an_installed_wheel_compiles_nothing_of_what_is_registered(
    environment: Path, kernels: list[str], tmp_path: Path
):
    if not kernels:
        return  # the other wheel, or a machine below every level
    command = [environment / "bin" / "python", "-P", "-c", EVERYTHING]
    done = run(*command, cwd=tmp_path, CHAINRULE_CACHE_DIR=str(tmp_path / "empty"))
    assert done.stdout.strip() == "0"


def test_it_is_imported_from_site_packages(environment: Path, tmp_path: Path):
    where = "import chainrule; print(chainrule.__file__)"
    done = run(environment / "bin" / "python", "-P", "-c", where, cwd=tmp_path)
    assert Path(done.stdout.strip()).is_relative_to(environment)


def test_the_version_is_the_wheels(wheel: Path, environment: Path, tmp_path: Path):
    version = "import chainrule; print(chainrule.__version__)"
    done = run(environment / "bin" / "python", "-P", "-c", version, cwd=tmp_path)
    assert wheel.name.startswith(f"chainrule-{done.stdout.strip()}-")


def test_it_explains_with_the_required_packages_only(environment: Path, tmp_path: Path):
    command = [environment / "bin" / "chainrule", "explain", "mazur", "--format", "json"]
    python = [environment / "bin" / "python", "-P", "-X", "importtime"]
    done = run(*python, *command, cwd=tmp_path)
    assert json.loads(done.stdout)
    assert not re.findall(r"\| +(?:numba|scipy|sklearn)$", done.stderr, flags=re.MULTILINE)
