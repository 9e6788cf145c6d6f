"""Files of packages: their relative imports work, whether they are traced or called."""

import json
from pathlib import Path

import pytest

from chainrule import check
from chainrule.submission.process.packages import packages_of

SLOPES = "def slope(a):\n    return a * (1 - a)\n"
TRAINS = """import numpy as np
{}
rng = np.random.RandomState(1)
x, t = rng.randn(5, 2), rng.rand(5, 1)
W, b = rng.randn(2, 1), np.zeros(1)
for epoch in range(3):
    a = 1 / (1 + np.exp(-(x @ W + b)))
    delta = (a - t) * slope(a)
    W -= 0.5 * x.T @ delta
    b -= 0.5 * delta.sum(axis=0)
"""
CALLED = """{}
def gradients(weights, biases, x, t):
    import numpy as np
    a = 1 / (1 + np.exp(-(x @ weights[0].T + biases[0])))
    delta = (a - t) * slope(a)
    return [delta.T @ x], [delta.sum(axis=0)]
"""


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


PROGRAMS = {"traced": TRAINS, "called": CALLED}
IMPORTS = {
    "no __init__": ("own/net.py", "from .slopes import slope", {"own/slopes.py": SLOPES}),
    "absolute": (
        "own/net.py",
        "from own.slopes import slope",
        {"own/slopes.py": SLOPES, "own/__init__.py": "from .net import *\n"},
    ),
    "two levels": (
        "own/models/net.py",
        "from ..tools.slopes import slope",
        {"own/tools/slopes.py": SLOPES, "own/__init__.py": "1 / 0\n"},
    ),
    "in __init__": ("own/net.py", "from . import slope", {"own/__init__.py": SLOPES}),
}


@pytest.mark.every_value(imports=IMPORTS, program=PROGRAMS)
def test_imports_of_packages(tmp_path: Path, imports: str, program: str):
    file, line, others = IMPORTS[imports]
    write(tmp_path, {file: PROGRAMS[program].format(line), **others})
    assert check(tmp_path / file).verdict == "right"


def test_folders_that_the_file_does_not_need_are_not_packages(tmp_path: Path):
    write(tmp_path, {"numpy/__init__.py": "", "numpy/net.py": ""})
    file = tmp_path / "numpy" / "net.py"
    assert packages_of(file, "import numpy as np\nimport os.path\n") == {}
    assert packages_of(file, "from .x import y\n") == {"numpy_": file.parent}


WRONG = SLOPES.replace("a * (1 - a)", "a")


def test_a_fault_in_another_module_is_shown_with_its_lines(tmp_path: Path):
    write(tmp_path, {"net.py": TRAINS.format("from slopes import slope"), "slopes.py": WRONG})
    fault = check(tmp_path / "net.py").faults[0]
    shown = [line.text for line in fault.lines if line.faulty]
    places = {"slopes.py, line 2": WRONG, "line 8": TRAINS}
    assert fault.where in places
    assert shown[0].strip() in places[fault.where]


def test_a_fault_in_a_notebook_is_shown_with_the_numbers_of_its_cell(tmp_path: Path):
    text = TRAINS.format(WRONG)
    parts = text.split("for epoch")
    cells = [parts[0], f"# the loop\nfor epoch{parts[1]}"]
    made = [{"cell_type": "code", "source": cell} for cell in cells]
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps({"cells": made, "nbformat": 4}))
    fault = check(file).faults[0]
    assert fault.where == "code cell 2, line 4"
    assert [line.number for line in fault.lines] == [2, 3, 4, 5, 6]
    assert [line.text.strip() for line in fault.lines if line.faulty] == [
        "delta = (a - t) * slope(a)"
    ]
