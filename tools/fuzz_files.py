"""Loads damaged and manipulated model files and checkpoints: each gives a clear error or a model.

    python -m tools.fuzz_files --mutants 100000

A mutant is a valid file that was changed at one of five levels: bytes, the header of the arrays,
the text of the description, its values, or the arrays. Changes of the header and the text leave all
lengths valid, and those of values and arrays the checksum, too. The report says which check has
refused how many, and the largest time and memory.
"""

import argparse
import contextlib
import json
import random
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import chainrule
from chainrule import (
    ChainruleError,
    Checkpoints,
    MLPClassifier,
    MLPRegressor,
    StepDecay,
    TrainedNetwork,
)
from chainrule.files.container import KEY, LENGTH, packed, read_container

Array: TypeAlias = NDArray[Any]
Content: TypeAlias = dict[str, Any]
Arrays: TypeAlias = dict[str, Array]

SECONDS, MEGABYTES = 1.0, 200.0  # the limits for loading one mutant
STAGES = {
    "container": "container (sizes, header, checksum)",
    "json_text": "JSON",
    "kinds": "kind, version, parts",
    "values": "values",
    "descriptions": "types of fields",
    "checkpoints": "parts of a checkpoint",
    "networks": "network and state fit",
    "saving": "estimator's parts fit",
    "hyperparameters": "ranges of parameters",
}  # of the check that refuses a mutant, by module
RANGES = "ranges of layers, losses, …"
FIT = "checkpoint of a fit"
LOADED = "a valid model"


# ---- valid files --------------------------------------------------------------------------------


def valid_files(folder: Path) -> dict[str, bytes]:
    """Return valid files by name: estimators of several kinds, a network, checkpoints of both."""
    X, words = data_of_fit()
    number = X @ [1.0, -2.0, 0.5]
    fits: dict[str, tuple[Any, Any]] = {
        "words": (classifier(early_stopping=True, dropout=0.2, warm_start=True), words),
        "dates": (classifier(solver="sgd"), np.array("2026-01-01", "M8[D]") + (number > 0)),
        "columns": (classifier(), np.column_stack([words, number > 0]).astype(object)),
        "numbers": (regressor(solver="lbfgs", warm_start=True), number),
        "many": (regressor(solver=chainrule.AdamW(StepDecay(0.1))), X),
        "health": (regressor(verbose="health", layer_norm=True), number),
    }
    files: dict[str, bytes] = {}
    for name, (model, y) in fits.items():
        with quiet():
            model.fit(X, y).save(folder / name)
        files[name] = (folder / name).read_bytes()
    checkpoints = Checkpoints(folder / "fit")
    with quiet():
        classifier(callbacks=[checkpoints]).fit(X, words)
    files[FIT] = checkpoints.paths()[0].read_bytes()
    return files | network_files(folder, X, number)


def data_of_fit() -> tuple[Array, Array]:
    """Return samples and labels."""
    X = np.random.default_rng(1).normal(size=(40, 3))
    return X, np.array(["no", "maybe", "yes"])[np.digitize(X @ [1.0, -2.0, 0.5], [-1, 1])]


def network_files(folder: Path, X: Array, y: Array) -> dict[str, bytes]:
    """Return a file of a network, and a checkpoint of its run."""
    network = chainrule.mlp(3, 4, 1, activation="elu", loss="huber", layer_norm=True)
    stop = chainrule.EarlyStopping(5)
    run = chainrule.train(
        network, X, y, "momentum", epochs=3, early_stopping=stop, engine="reference"
    )
    run.finish()
    chainrule.save(run, folder / "network")
    checkpoints = Checkpoints(folder / "run")
    checkpoints.save(run)
    return {
        "network": (folder / "network").read_bytes(),
        "checkpoint of a run": checkpoints.paths()[0].read_bytes(),
    }


def classifier(**choices: Any) -> MLPClassifier:
    """Return a small classifier of the reference engine, for which nothing is compiled."""
    return MLPClassifier((4,), max_iter=3, random_state=0, engine="reference", **choices)


def regressor(**choices: Any) -> MLPRegressor:
    """Return a small regressor of the reference engine."""
    return MLPRegressor(
        hidden_layer_sizes=(4,), max_iter=3, random_state=0, engine="reference", **choices
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Show no warnings and print nothing."""
    with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(StringIO()):
        yield


# ---- mutants ------------------------------------------------------------------------------------

ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 7, 2**31, 2**63, 2**64, -(2**63), 10**30),
    *(0.0, -0.0, 0.5, 1.5, -1e-300, 1e308, 5e-324),
    *(
        "",
        "x",
        "relu",
        "Adam",
        "estimator",
        "network",
        "\x1b[31m",
        "\ud800",
        "a" * 5000,
        "__class__",
    ),
    *([], [0], {}, [[]], {"tuple": []}, {"named": {}}, {"dict": []}, {"float": "inf"}),
    *(
        {"float": "nan"},
        {"function": "print"},
        {"array": "nothing"},
        {"number": "int8", "value": 300},
    ),
    *({"type": "Network"}, {"type": "SGD", "learning_rate": 0.1, "clip": None}),
    *({"objects": [None], "shape": [1]}, {"texts": ["b", "a"], "dtype": "<U1", "shape": [2]}),
    {"texts": ["a"], "dtype": "<U99999999", "shape": [1]},
    {"type": "Dropout", "rate": 2.0},
]


def nodes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value in JSON."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in entries:
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from nodes(one, (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    """Return what is at a place."""
    for key in path:
        value = value[key]
    return value


def change_value(rng: random.Random, content: Content) -> None:
    """Change one value, key or entry of a description."""
    places = list(nodes(content))
    path = rng.choice(places)
    parent, key = at(content, path[:-1]), path[-1]
    match rng.randrange(7):
        case 0:
            parent[key] = near(rng, parent[key])
        case 1:
            del parent[key]
        case 2:  # a part of the file at another place
            parent[key] = json.loads(json.dumps(at(content, rng.choice(places))))
        case 3 if isinstance(parent, dict):
            parent[rng.choice(["", "x", "type", "array", "units", "version", "predict"])] = (
                rng.choice(ODD)
            )
        case 3 | 4 if isinstance(parent, list):
            parent.insert(key, json.loads(json.dumps(rng.choice(parent))))
        case 5 if isinstance(parent, dict):  # another name
            parent[rng.choice(["_" + str(key), str(key)[:-1], "tuple", "named"])] = parent.pop(key)
        case _:
            parent[key] = json.loads(json.dumps(rng.choice(ODD)))


def near(rng: random.Random, value: Any) -> Any:
    """Return a value of the same type near another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice([value + 1, value - 1, -value, value * 2, value * 1000, value / 2])
    if isinstance(value, str):
        return rng.choice([value.upper(), value + "x", value[1:], value[::-1]])
    if isinstance(value, list):
        return rng.choice([value[::-1], value * 2, value[1:], [value]])
    return rng.choice(ODD)


def change_array(rng: random.Random, arrays: Arrays) -> None:
    """Change the size, type or numbers of an array, or add, remove or rename one."""
    name = rng.choice(list(arrays))
    array = arrays[name]
    match rng.randrange(8):
        case 0:
            arrays[name] = array[: rng.randrange(len(array) + 1)]
        case 1:
            arrays[name] = np.concatenate([array, array])
        case 2:
            arrays[name] = array[None]
        case 3:
            kinds = ["f2", "f4", "f8", "i1", "i8", "u4", "?"]
            with np.errstate(all="ignore"):
                arrays[name] = array.astype(rng.choice(kinds))
        case 4 if array.size:
            changed = array.copy().reshape(-1)
            with np.errstate(all="ignore"):
                odd = [np.nan, np.inf, -1e308, 0, 1e30] if array.dtype.kind == "f" else [0, 100]
                changed[rng.randrange(len(changed))] = rng.choice(odd)
            arrays[name] = changed.reshape(array.shape)
        case 5:
            del arrays[name]
        case 6:
            arrays["another"] = array
        case _:
            arrays[name] = arrays[rng.choice(list(arrays))]


def change_bytes(rng: random.Random, data: bytes) -> bytes:
    """Change bytes, anywhere or in the header, without regard to lengths and checksum."""
    changed = bytearray(data)
    place = rng.randrange(len(data) if rng.random() < 0.5 else min(len(data), 4000))
    match rng.randrange(6):
        case 0:
            changed[place] ^= 1 << rng.randrange(8)
        case 1:
            del changed[place:]
        case 2:
            del changed[place : place + rng.randrange(1, 50)]
        case 3:
            changed[place:place] = rng.randbytes(rng.randrange(1, 50))
        case 4:
            changed[:LENGTH] = rng.choice([0, 1, 2**24, 2**32, 2**63, len(data)]).to_bytes(
                8, "little"
            )
        case _:
            end = place + rng.randrange(1, 200)
            changed[place:end] = bytes(end - place)
    return bytes(changed)


def change_header(rng: random.Random, data: bytes) -> bytes:
    """Change what the header says of the arrays, and give it its right length."""
    length = int.from_bytes(data[:LENGTH], "little")
    header, rest = json.loads(data[LENGTH : LENGTH + length]), data[LENGTH + length :]
    name = rng.choice([name for name in header if name != "__metadata__"])
    entry, other = header[name], header[rng.choice(list(header))]
    match rng.randrange(6):
        case 0:
            entry["shape"] = rng.choice([[], [0], [-1], [2**62, 8], [2**32], [1] * 100, "x", [1.5]])
        case 1:
            entry["dtype"] = rng.choice(
                ["F64", "F32", "BF16", "F8_E4M3", "C64", "I8", "BOOL", "", 1]
            )
        case 2:
            start, end = entry["data_offsets"]
            pairs = [
                [start, end + 8],
                [start + 8, end],
                [end, start],
                [0, 2**63],
                [-8, 0],
                [0],
                None,
            ]
            entry["data_offsets"] = rng.choice(pairs)
        case 3:
            header[name] = other
        case 4:
            header["__metadata__"] = rng.choice([None, {}, {"format": "pt"}, {KEY: 1}, {KEY: "{}"}])
        case _:
            del header[name]
    return with_header(json.dumps(header), rest)


def with_header(text: str, rest: bytes) -> bytes:
    """Return a file with this text as header."""
    encoded = text.encode()
    return len(encoded).to_bytes(LENGTH, "little") + encoded + rest


def change_text(rng: random.Random, data: bytes) -> bytes:
    """Change the text of the description: duplicate keys, NaN, depth; with right lengths."""
    length = int.from_bytes(data[:LENGTH], "little")
    header, rest = json.loads(data[LENGTH : LENGTH + length]), data[LENGTH + length :]
    text: str = header["__metadata__"][KEY]
    place = rng.choice([i for i, c in enumerate(text) if c == ":"]) + 1
    end = min((i for c in ",}" if (i := text.find(c, place)) > 0), default=place)
    odd = ["NaN", "Infinity", "1e999", "[" * 900 + "]" * 900, "[" * 10**5, '"\\ud800"', "1" * 5000]
    match rng.randrange(4):
        case 0:
            text = text[:place] + rng.choice(odd) + text[end:]
        case 1:
            text = text[:place] + '{"a":1,"a":2}' + text[end:]
        case 2:
            text = text[: rng.randrange(len(text))]
        case _:
            text = text[:place] + rng.choice(odd) + text[place:]
    header["__metadata__"][KEY] = text
    return with_header(json.dumps(header), rest)


def deep(content: Content, path: tuple[Any, ...]) -> None:
    """Nest a value of the description deeply."""
    value = at(content, path)
    for _ in range(300):
        value = {"tuple": [value]}
    at(content, path[:-1])[path[-1]] = value


def mutant(rng: random.Random, data: bytes, parsed: tuple[Content, Arrays]) -> tuple[str, bytes]:
    """Return a changed file, and the level of the change."""
    level = rng.choices(["bytes", "header", "text", "values", "arrays"], [2, 1, 1, 4, 2])[0]
    if level in ("bytes", "header", "text"):
        change = {"bytes": change_bytes, "header": change_header, "text": change_text}[level]
        return level, change(rng, data)
    content, arrays = json.loads(json.dumps(parsed[0])), dict(parsed[1])
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if level == "values" and content:
            change_value(rng, content)
        elif level == "arrays" and arrays:
            change_array(rng, arrays)
    if rng.random() < 0.01:
        deep(content, rng.choice(list(nodes(content))) if content else ())
    return level, packed(content, arrays)


# ---- the verdict on a mutant --------------------------------------------------------------------


@dataclass
class Report:
    """What became of the mutants.

    Parameters
    ----------
    outcomes : Counter
        By level of the change and stage.
    faults : list of str
        Mutants that broke a promise.
    seconds, megabytes : float
        The largest ones.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    seconds: float = 0.0
    megabytes: float = 0.0

    def __str__(self) -> str:
        levels = ["bytes", "header", "text", "values", "arrays"]
        stages = [*STAGES.values(), RANGES, LOADED]
        lines = [f"{'refused by':38}" + "".join(f"{level:>9}" for level in levels)]
        for stage in stages:
            counts = [self.outcomes[level, stage] for level in levels]
            if any(counts):
                lines.append(f"{stage:38}" + "".join(f"{count:9,}" for count in counts))
        lines.append(f"{sum(self.outcomes.values()):,} mutants, {len(self.faults)} faults")
        lines.append(f"at most {self.seconds:.3f} s (limit {SECONDS:g} s) of one core each")
        lines.append(f"at most {self.megabytes:.1f} MB (limit {MEGABYTES:g} MB) more memory in all")
        return "\n".join([*lines, *self.faults[:20]])


def stage_of(error: BaseException) -> str:
    """Return the stage whose check has raised an error."""
    errors = [error]
    while errors[-1].__context__ is not None:  # the error that it was made from
        errors.append(errors[-1].__context__)
    frames = [frame for one in errors for frame in traceback.extract_tb(one.__traceback__)]
    for module in (Path(frame.filename).stem for frame in reversed(frames)):
        if module in STAGES:
            return STAGES[module]
        if module in ("layers", "losses", "activations", "optimizers", "initializers", "network"):
            return RANGES
    return RANGES


def judge(path: Path, report: Report, level: str, name: str) -> None:
    """Load a mutant, and note what became of it."""
    began = time.process_time()
    try:
        with quiet():
            model = chainrule.load(path)
    except ChainruleError as error:
        stage = stage_of(error)
        if str(path) not in str(error) or len(str(error)) > 2000:
            report.faults.append(f"{name}, {level}: an unclear message: {error!r:.300}")
    except BaseException as error:  # noqa: BLE001 (any other error is a fault)
        stage = "fault"
        report.faults.append(f"{name}, {level}: {last_line(error)}")
    else:
        stage = LOADED
        with quiet():
            report.faults += [f"{name}, {level}: {fault}" for fault in faults_of(model, path)]
    report.seconds = max(report.seconds, time.process_time() - began)
    report.outcomes[level, stage] += 1
    if name == FIT:
        report.faults += [f"{name}, {level}: {fault}" for fault in faults_of_fit(path)]


def last_line(error: BaseException) -> str:
    """Return an error and its place in one line."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{error!r:.200} at {Path(frame.filename).name}:{frame.lineno}"


def faults_of(model: Any, path: Path) -> Iterator[str]:
    """Yield what is wrong with a model that was loaded: it predicts, prints and is saved again."""
    again = path.with_suffix(".again")
    try:
        repr(model)
        chainrule.save(model, again)
        if not same(model, chainrule.load(again)):
            yield "saved again, it is another model"
        with np.errstate(all="ignore"):
            predictions(model)
    except ChainruleError as error:
        yield f"loaded, but {error!r:.300}"
    except Exception as error:  # noqa: BLE001 (any other error is a fault)
        yield f"loaded, but {last_line(error)}"


def faults_of_fit(path: Path) -> Iterator[str]:
    """Yield what is wrong if a fit finds a mutant as its newest checkpoint."""
    checkpoints = Checkpoints(path.parent / "continued")
    checkpoints.path(3).parent.mkdir(exist_ok=True)
    checkpoints.path(3).write_bytes(path.read_bytes())
    try:
        with quiet(), np.errstate(all="ignore"):
            classifier(callbacks=[checkpoints]).set_params(max_iter=5).fit(*data_of_fit())
    except ChainruleError:
        pass
    except Exception as error:  # noqa: BLE001 (any other error is a fault)
        yield f"continued, but {last_line(error)}"


def predictions(model: Any) -> Any:
    """Return what a model predicts for zeros; None if it is not fitted."""
    if isinstance(model, TrainedNetwork):
        return model.predict(np.zeros((2, model.network.inputs)))
    if not hasattr(model, "network_"):
        return None
    x = np.zeros((2, model.n_features_in_))
    with np.errstate(all="ignore"):
        return model.predict(x)


def same(one: Any, other: Any) -> bool:
    """Return whether two models are saved as the same bytes."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("one", "other")]
        for model, path in zip((one, other), paths, strict=True):
            chainrule.save(model, path)
        return paths[0].read_bytes() == paths[1].read_bytes()


def fuzz(mutants: int, seed: int, folder: Path) -> Report:
    """Return the report on this many mutants."""
    files = valid_files(folder)
    parsed = {}
    for name, data in files.items():
        (folder / "valid").write_bytes(data)
        parsed[name] = read_container(folder / "valid")
        chainrule.load(folder / "valid")  # whatever is loaded on first use is loaded now
    rng, report = random.Random(seed), Report()  # noqa: S311 (no secrets)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = folder / "mutant.safetensors"
    for _ in range(mutants):
        name = rng.choice(list(files))
        level, data = mutant(rng, files[name], parsed[name])
        path.write_bytes(data)
        judge(path, report, level, name)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report.megabytes = (after - before) / 1024
    if report.seconds > SECONDS or report.megabytes > MEGABYTES:
        report.faults.append("a limit was exceeded")
    return report


def main() -> int:
    """Print the report; return 1 if there are faults."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = fuzz(options.mutants, options.seed, Path(folder))
    print(report)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
