"""Tables on the command line: training, predictions and scores of several processes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from chainrule import data
from chainrule.cli import divided_rows, main
from chainrule.cli.team import Team
from chainrule.data import Table
from chainrule.distributed import SingleProcess
from chainrule.models import TableModel, load
from tests.distributed.running import mpiexec
from tests.distributed.threads import ThreadRank, on_threads

OPTIONS = ("--hidden", "4", "--epochs", "3", "--buffer-rows", "100", "--quiet")
FILE_ROWS = (60, 61, 62, 63)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of Parquet files."""
    made = tmp_path_factory.mktemp("tables") / "rows"
    made.mkdir()
    rng = np.random.default_rng(0)
    for n in FILE_ROWS:
        x, city = rng.normal(size=n), rng.choice(["Oslo", "Rome"], n)
        label = np.where((x > 0) ^ (city == "Rome"), "yes", "no")
        table = pa.table({"x": x, "city": city, "y": label})
        pq.write_table(table, made / f"{n}.parquet", row_group_size=25)
    return made


@pytest.fixture(scope="module")
def model(folder: Path) -> Path:
    """Return a model that one process has trained on the folder."""
    path = folder.parent / "model.safetensors"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("chainrule.distributed.connect", SingleProcess)
        given = ("train", str(folder), "--target", "y", *OPTIONS, "--distributed")
        assert main([*given, "-o", str(path)]) == 0
    return path


def table_model(path: Path) -> TableModel:
    """Return the model in a file."""
    found = load(path)
    assert isinstance(found, TableModel)
    return found


def test_ranks_train_on_a_folder_to_the_bytes_of_one(folder: Path, model: Path, tmp_path: Path):
    path = tmp_path / "model.safetensors"
    given = ("train", str(folder), "--target", "y", *OPTIONS, "--distributed", "-o", str(path))
    done = mpiexec(2, "-m", "chainrule", *given)
    assert done.returncode == 0, done.stderr
    one, other = table_model(model), table_model(path)
    assert one.history == other.history
    arrays = ([w.tobytes() for w in each.estimator.coefs_] for each in (one, other))
    assert next(arrays) == next(arrays)


def test_any_number_of_ranks_predicts_the_same_rows(
    folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(divided_rows, "ROWS", 30)
    trained = table_model(model)

    def answers(source: Any, team: Team) -> dict[str, Any]:
        def of_block(table: Table) -> bytes:
            return divided_rows.arrays_as_bytes(trained.answers(table))

        parts = divided_rows.collected(source, team, of_block)
        found = divided_rows.arrays_of_bytes(parts) if parts else {}
        return {name: array.tobytes() for name, array in found.items()}

    expected = answers(data.read(str(folder)), Team(None))
    assert len(expected) == 3
    for size in (1, 2, 5):
        found = on_threads(size, lambda one: answers(data.open_stream(folder), Team(one)))
        assert found == [expected, *[{}] * (size - 1)]


def test_consecutive_rows_of_a_stream(folder: Path):
    stream = data.open_stream(folder)
    whole = stream.head(stream.rows).data
    for first, end in ((0, 30), (59, 61), (100, 246), (240, 246)):
        parts = [part.data for part in stream.between(first, end, 50)]
        assert pa.concat_tables(parts).to_pydict() == whole.slice(first, end - first).to_pydict()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_predict_and_evaluate_divide_their_rows(
    ending: str,
    folder: Path,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(divided_rows, "ROWS", 64)
    alone, divided = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    given = str(model), str(folder)
    assert main(["predict", *given, "-o", str(alone)]) == 0
    assert main(["evaluate", *given, "--json"]) == 0
    scores = capsys.readouterr().out
    monkeypatch.setattr("chainrule.distributed.connect", SingleProcess)
    assert main(["predict", *given, "--distributed", "-o", str(divided)]) == 0
    assert main(["evaluate", *given, "--json", "--distributed"]) == 0
    assert alone.read_bytes() == divided.read_bytes()
    assert capsys.readouterr().out == scores
    assert json.loads(scores)["rows"] == sum(FILE_ROWS)


def test_an_error_of_one_rank_reaches_its_caller(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(divided_rows, "ROWS", 100)

    def program(rank: ThreadRank) -> None:
        def of_block(table: Table) -> bytes:
            if rank.rank:
                raise ValueError("this block fails")
            return b"made"

        divided_rows.collected(data.open_stream(folder), Team(rank), of_block)

    with pytest.raises(ValueError, match="this block fails"):
        on_threads(2, program)


def test_options_of_streams(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = ("-o", str(tmp_path / "m.safetensors"))
    assert main(["train", "iris", "--buffer-rows", "10", *output]) == 3
    assert "--buffer-rows has no effect on a table in memory" in capsys.readouterr().err
    given = ("train", str(folder), "--target", "y", *output)
    assert main([*given, "--no-stream", "--buffer-rows", "9"]) == 2
    assert "--buffer-rows: has no effect on a table in memory" in capsys.readouterr().err
    assert main([*given, "--optimizer", "lbfgs", "--quiet"]) == 3
    assert "needs all data at once" in capsys.readouterr().err
