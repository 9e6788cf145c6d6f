"""The data sets: five that scikit-learn brings, MNIST, and two out of packages of Debian.

What has to be fetched is kept in the user's cache folder, never in the project.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn import datasets

from benchmarks import mnist
from benchmarks.workloads import Array

LETTERS = "r-cran-mlbench", "usr/lib/R/site-library/mlbench/data/LetterRecognition.rda"
HOUSES = "libfann-doc", "usr/share/doc/libfann-dev/examples/datasets"


class Data(NamedTuple):
    """Samples and targets, and what they are for.

    Attributes
    ----------
    X, y : array
    classes : bool
        Whether y is classes.
    settings : dict
        The estimators' parameters for this data set, besides the seed.
    """

    X: Array
    y: Array
    classes: bool
    settings: dict[str, Any]


def bundled(load: Callable[..., Any], *, classes: bool = True, **settings: Any) -> Data:
    """Return one of scikit-learn's own sets."""
    X, y = load(return_X_y=True)
    return Data(X, y, classes, settings)


def pictures() -> Data:
    """Return MNIST, all 70,000."""
    if why := mnist.missing():
        raise OSError(why)
    X, y, X_test, y_test = mnist.load()
    return Data(np.concatenate([X, X_test]), np.concatenate([y, y_test]), True, {"max_iter": 10})  # noqa: FBT003


def letters() -> Data:
    """Return Letter Recognition: 20,000 letters, 16 measures of each."""
    import rdata  # pyright: ignore[reportMissingImports]  (only where this is run)

    table = next(iter(rdata.read_rda(fetched(*LETTERS), default_encoding="ascii").values()))
    y = np.asarray(table["lettr"].astype(str))
    X = table.drop(columns="lettr").to_numpy(float)
    return Data(X, y, True, {"max_iter": 60})  # noqa: FBT003


def houses() -> Data:
    """Return census-house: the prices of houses in 22,784 regions, by 2 measures.

    Of the 16 in the package 14 are 0 throughout; those left span six powers of ten.
    """
    package, place = HOUSES
    parts = [pairs(fetched(package, f"{place}/census-house.{part}")) for part in ("train", "test")]
    X, y = (np.concatenate(two) for two in zip(*parts, strict=True))
    X = np.log(X[:, X.any(axis=0)] + 1e-6)  # the file has six decimals
    return Data(X, y[:, 0], False, {"max_iter": 60})  # noqa: FBT003


def pairs(path: Path) -> tuple[Array, Array]:
    """Return inputs and outputs from a file of FANN's: a line of sizes, then lines by turns."""
    (count, inputs, outputs), *rows = [line.split() for line in path.read_text().splitlines()]
    X, y = np.array(rows[::2], float), np.array(rows[1::2], float)
    if X.shape != (int(count), int(inputs)) or y.shape != (int(count), int(outputs)):
        raise ValueError(
            f"{path.name} has the shapes {X.shape} and {y.shape}, not those in its first line"
        )
    return X, y


@cache
def fetched(package: str, file: str) -> Path:
    """Return a file out of a package of Debian; OSError where there is none."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(root) / "chainrule-benchmarks" / Path(file).name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as place:
            for command in (["apt-get", "download", package], ["sh", "-c", "dpkg -x *.deb ."]):
                done = subprocess.run(  # noqa: S603
                    command, cwd=place, check=False, timeout=300, capture_output=True, text=True
                )
                if done.returncode:
                    raise OSError(f"{package} could not be fetched ({done.stderr.strip()})")
            partial = kept.with_suffix(f".{os.getpid()}")
            shutil.copyfile(Path(place) / file, partial)  # the cache may be on another disk
            partial.replace(kept)
    return kept


FEW: dict[str, Any] = {"max_iter": 300}

SETS: dict[str, Callable[[], Data]] = {
    "iris": lambda: bundled(datasets.load_iris, **FEW),
    "wine": lambda: bundled(datasets.load_wine, **FEW),
    "breast cancer": lambda: bundled(datasets.load_breast_cancer, **FEW),
    "diabetes": lambda: bundled(datasets.load_diabetes, classes=False, max_iter=100),
    "digits": lambda: bundled(datasets.load_digits, **FEW),
    "Letter Recognition": letters,
    "census-house": houses,
    "MNIST": pictures,
}
