"""``python -m benchmarks.cold_start``: the first calls in a new environment, which has no cache.

The wheel is built and installed into an environment of its own, which borrows the other packages of
this one. Each number is the least of several processes, since other work on the machine only adds
to it. Each process has an empty cache folder and is timed after the imports. ``--write`` writes the
table to docs/benchmarks.md.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchmarks import regions, tables

REPOSITORY = Path(__file__).parents[1]
REGION = "bench-cold"
REPEATS = 5
HEAD = "first call, beyond imports", "chainrule", "without the wheel's kernels", "scikit-learn"

# Programs that print seconds; `library` is imported under its name.
CLASSIFIER = """
import time, warnings
import numpy as np, scipy
from sklearn.datasets import load_{data}
from sklearn.exceptions import ConvergenceWarning
from {library} import MLPClassifier
warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_{data}(return_X_y=True)
{before}
began = time.perf_counter()
MLPClassifier(random_state=0{options}).fit({x}, y)
print(time.perf_counter() - began)
"""
FIRST_FIT = "MLPClassifier(random_state=0).fit(X, y)"
HALF_ADDER = """
import time
import numpy as np, scipy
from chainrule import problem, train
half_adder = problem("half-adder")
net, x, t, rule = half_adder.network, half_adder.x, half_adder.t, half_adder.optimizer
began = time.perf_counter()
train(net, x, t, rule, epochs=20_000, seed=0).finish()
print(time.perf_counter() - began)
"""
LIBRARIES = {"chainrule": "chainrule", "scikit-learn": "sklearn.neural_network"}
USUAL = {"data": "iris", "before": "", "options": "", "x": "X"}
FITS: dict[str, dict[str, str]] = {
    "`MLPClassifier().fit`, iris": {},
    "`MLPClassifier().fit`, digits": {"data": "digits"},
    "iris in float32, after float64 in the same process": {
        "before": FIRST_FIT,
        "x": "X.astype(np.float32)",
    },
    "iris with another rule and activation, after the first fit": {
        "before": FIRST_FIT,
        "options": ", solver='sgd', activation='tanh'",
    },
}
ADDER = "half adder, 20,000 epochs of full batches"


def main() -> None:
    """Print the table, and write it if requested."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write it to docs/benchmarks.md")
    with tempfile.TemporaryDirectory() as folder:
        write = parser.parse_args().write
        text = report(Path(folder))
    print(text)
    if write:
        regions.write(regions.PAGE, REGION, text)


def report(folder: Path) -> str:
    """Return the table, and the size of the wheel."""
    wheel = build(folder)
    ways = {"installed": installed(wheel, folder / "environment"), "in the tree": sys.executable}
    rows = [row(name, {**USUAL, **given}, ways) for name, given in FITS.items()]
    size = wheel.stat().st_size / 1e6
    return (
        f"{tables.markdown(HEAD, [*rows, adder_row(ways)])}\n\n"
        f"The wheel with the kernels for this machine has {size:.1f} MB."
    )


def row(name: str, given: Mapping[str, str], ways: Mapping[str, str]) -> tuple[str, ...]:
    """Return a row of the table: an estimator's fit."""
    ours, theirs = (CLASSIFIER.format(library=library, **given) for library in LIBRARIES.values())
    times = [least(ways["installed"], ours), least(ways["in the tree"], ours, 1)]
    return table_row(name, *times, least(sys.executable, theirs))


def adder_row(ways: Mapping[str, str]) -> tuple[str, ...]:
    """Return the row of the half adder, which scikit-learn's estimators cannot express."""
    times = least(ways["installed"], HALF_ADDER), least(ways["in the tree"], HALF_ADDER, 1)
    return table_row(ADDER, *times)


def table_row(name: str, *seconds: float) -> tuple[str, ...]:
    """Return a row; a missing number is a dash."""
    cells = [f"{value:.2f} s" for value in seconds]
    return name, *cells, *["–"] * (len(HEAD) - 1 - len(cells))


def least(python: str, program: str, repeats: int = REPEATS) -> float:
    """Return the least of the seconds that a program prints, each time with an empty cache."""
    return min(seconds_of(python, program) for _ in range(repeats))


def seconds_of(python: str, program: str) -> float:
    """Return the seconds that a program prints in a new process with an empty cache."""
    with tempfile.TemporaryDirectory() as empty:
        done = run(python, "-P", "-c", program, CHAINRULE_CACHE_DIR=empty)
    return float(done)


def build(folder: Path) -> Path:
    """Return a wheel of this tree, with the kernels for this machine."""
    run(sys.executable, "-m", "build", "-n", "--wheel", "--outdir", folder, REPOSITORY)
    return next(folder.glob("*.whl"))


def installed(wheel: Path, folder: Path) -> str:
    """Return the interpreter of a new environment with the wheel, which borrows other packages."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", wheel)
    variables = {"base": str(folder), "platbase": str(folder)}
    borrowed = Path(sysconfig.get_path("purelib", vars=variables), "borrowed.pth")
    borrowed.write_text(sysconfig.get_path("purelib"))
    return str(python)


def run(*command: str | Path, **environment: str) -> str:
    """Return the output of a command that must succeed."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(  # noqa: S603 (our own commands)
        command, env={**env, **environment}, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
