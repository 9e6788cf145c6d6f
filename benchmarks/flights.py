"""Three million flights: fetched from the npm registry once, kept in the user's cache folder.

The file is checked against its SHA-256. From its dates, columns of numbers and categories are made,
as someone would who asks which flights are late.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq

PACKAGE = "vega-datasets@3.2.1"
FILE = "package/data/flights-3m.parquet"
SHA256 = "dbeb920c90f59b6ccaff823dcc3d08f25a97fa1ce128d93f40be4e931f5900b0"
LATE = 15  # minutes
pc: Any = pyarrow.compute  # its functions are made when it is imported


def folder() -> Path:
    """Return where the files are kept."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "chainrule-benchmarks" / "flights"


def flights() -> Path:
    """Return the path of the table, which is fetched and made if necessary.

    Its columns: month, weekday, hour, minute, distance, origin, destination, late.
    """
    path = folder() / "flights.parquet"
    if not path.exists():
        folder().mkdir(parents=True, exist_ok=True)
        raw = folder() / "flights-3m.parquet"
        if not raw.exists():
            keep(raw, fetch())
        make(raw, path)
    return path


def fetch() -> bytes:
    """Return the file of the package."""
    with tempfile.TemporaryDirectory() as place:
        command = ["npm", "pack", "--silent", PACKAGE]
        subprocess.run(command, cwd=place, check=True, timeout=300, capture_output=True)  # noqa: S603
        (archive,) = Path(place).glob("*.tgz")
        with tarfile.open(archive) as package:
            found = package.extractfile(FILE)
            return found.read() if found else b""


def keep(path: Path, content: bytes) -> None:
    """Write the file if it is the right one."""
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{FILE} of {PACKAGE} is not the published file")
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(content)
    partial.replace(path)


def make(raw: Path, path: Path) -> None:
    """Write the table, one row group after the other."""
    source, partial = pq.ParquetFile(raw), path.with_suffix(f".{os.getpid()}")
    writer = None
    for group in range(source.num_row_groups):
        table = columns(source.read_row_group(group))
        writer = writer or pq.ParquetWriter(partial, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    partial.replace(path)


def columns(table: Any) -> Any:
    """Return the columns of the table that is learned from."""
    date = table.column("date")
    return pa.table(
        {
            "month": pc.month(date),
            "weekday": pc.day_of_week(date),
            "hour": pc.hour(date),
            "minute": pc.minute(date),
            "distance": table.column("distance"),
            "origin": table.column("origin").cast(pa.string()),
            "destination": table.column("destination").cast(pa.string()),
            "late": pc.greater(table.column("delay"), LATE),
        }
    )
