"""A folder of checkpoints: the last ones of a training run, each in a file of its own."""

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.descriptions import Converted, Count, Description
from chainrule.errors import DamagedFileError, FileError, InputError, system_reason
from chainrule.files.atomic import TEMPORARY, delete
from chainrule.files.container import errors_about, write_container
from chainrule.files.descriptions import Types, engine_types
from chainrule.files.json_text import Json
from chainrule.files.kinds import VERSIONS, Content, describe, read, upgraded
from chainrule.files.networks import TrainedNetwork, network_of, trained_network
from chainrule.files.values import Functions, Writer
from chainrule.training import Run

NAME = re.compile(r"epoch-(\d{8,})\.safetensors")
UNFINISHED = re.compile(NAME.pattern + r"\.[0-9a-f]{8}" + re.escape(TEMPORARY))


def _folder(path: str | os.PathLike[str]) -> str:
    """Return the path of a folder as text, or raise InputError."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InputError(f"Checkpoints: folder={path!r}; give the path of a folder")
    return os.fspath(path)


@dataclass(frozen=True)
class Checkpoints(Description):
    """Checkpoints of a training run in a folder, from which it continues after it was killed.

    In ``callbacks`` of an estimator, `fit` writes them, and continues from the newest one if the
    folder has some. A checkpoint is complete or not there, whenever the process is killed, and the
    continued run has the same results, bit for bit, as one that was not interrupted.

    Parameters
    ----------
    folder : str or path
        It is created if necessary, and belongs to one run.
    every : int, default 1
        Epochs between two checkpoints; there is one at the end, too.
    keep : int, default 3
        The number of checkpoints that are kept; older ones are deleted.

    Examples
    --------
    >>> from chainrule import Checkpoints, MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
    >>> settings = {"max_iter": 20, "n_iter_no_change": 100, "random_state": 0}
    >>> model = MLPRegressor(callbacks=[Checkpoints("run", every=5)], **settings)
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     fitted = model.fit(X, y)
    >>> [path.name for path in Checkpoints("run").paths()][0]
    'epoch-00000020.safetensors'
    """

    folder: Converted[str | os.PathLike[str], str] = Converted(_folder)
    every: Count = 1
    keep: Count = 3

    def path(self, epoch: int) -> Path:
        """Return the path of the checkpoint after an epoch."""
        return Path(self.folder, f"epoch-{epoch:08d}.safetensors")

    def paths(self) -> list[Path]:
        """Return the paths of all checkpoints in the folder, the newest first."""
        try:
            found = [path for path in Path(self.folder).iterdir() if NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._error(error, "read the checkpoints in") from None
        return sorted(found, key=epoch_of, reverse=True)

    def save(self, run: Run) -> None:
        """Write a checkpoint of a run of `chainrule.train`, if it is time for one.

        Parameters
        ----------
        run : Run
            Between two records, or at its end.

        Raises
        ------
        FileError
            If the operating system cannot write it; older checkpoints are then unchanged.
        """
        if run.state.epoch % self.every == 0 or run.reason is not None:
            values = trained_network(run)._asdict()
            self.write(run.state.epoch, "network", values, {}, engine_types())

    def load(self, functions: Functions | None = None) -> TrainedNetwork | None:
        """Return the network of the newest checkpoint of `save`, or None if there is none.

        Parameters
        ----------
        functions : mapping of str to callable, optional
            The functions that the network has been made with, by the names in the file.

        Returns
        -------
        TrainedNetwork or None

        Raises
        ------
        InputError
            If all checkpoints are damaged, or are of an estimator, which goes on by itself.
        """
        newest = self.newest()
        if newest is None:
            return None
        path, content = newest
        model = model_in(content, path)
        if model.kind != "network":
            raise InputError(f"{path} is a checkpoint of an {model.kind}; use chainrule.load")
        return network_of(model, path, functions)

    # ---- for those who write and read them ----

    def write(
        self, epoch: int, kind: str, model: Mapping[str, Any], fit: Mapping[str, Any], types: Types
    ) -> None:
        """Write the checkpoint after an epoch, and delete those that are older than the last ones.

        Parameters
        ----------
        epoch : int
        kind : str
            The kind of the model, as in a file of its own.
        model, fit : mapping of str to object
            The model, and what else is needed to continue.
        types : mapping of str to type
        """
        writer = Writer()
        body = {
            "kind": "checkpoint",
            "version": VERSIONS["checkpoint"],
            "model": describe(kind, model, types, writer),
            "fit": {name: writer.json(value, f"fit.{name}") for name, value in fit.items()},
        }
        self._make_folder()
        write_container(self.path(epoch), body, writer.arrays)
        older = [path for path in self.paths() if epoch_of(path) <= epoch]
        for path in older[self.keep :]:
            self._delete(path)

    def newest(self) -> tuple[Path, Content] | None:
        """Return the newest checkpoint that is not damaged, or None if there are none.

        Raises
        ------
        DamagedFileError
            If all checkpoints are damaged.
        """
        faults: list[DamagedFileError] = []
        for path in self.paths():
            try:
                content = read(path)
            except DamagedFileError as error:
                faults.append(error)
                continue
            for fault in faults:
                warnings.warn(f"{fault}; the one before it is used", RuntimeWarning, stacklevel=2)
            return path, content
        if faults:
            raise faults[0]
        return None

    def delete_unfinished(self) -> None:
        """Delete what processes that were killed while they wrote a checkpoint have left."""
        folder = Path(self.folder)
        if folder.is_dir():
            for path in folder.iterdir():
                if UNFINISHED.fullmatch(path.name):
                    self._delete(path)

    def _make_folder(self) -> None:
        try:
            Path(self.folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._error(error, "create the folder") from None

    def _delete(self, path: Path) -> None:
        try:
            delete(path)
        except OSError as error:
            raise self._error(error, "delete old checkpoints in") from None

    def _error(self, error: OSError, what: str) -> FileError:
        text = f"cannot {what} {self.folder}: {system_reason(error)}; choose another folder"
        return FileError(error.errno, text)


def epoch_of(path: Path) -> int:
    """Return the number of the epoch in the name of a checkpoint."""
    found = NAME.fullmatch(path.name)
    return int(found[1]) if found else 0


def model_in(content: Content, path: str | os.PathLike[str]) -> Content:
    """Return the model in the content of a checkpoint, as if it were in a file of its own."""
    with errors_about(path):
        if content.kind != "checkpoint":
            raise InputError(f"it is a file of a {content.kind}, not a checkpoint")
        fields = content.body
        if fields.keys() != {"model", "fit"} or not isinstance(fields["fit"], dict):
            raise DamagedFileError("a checkpoint has the fields model and fit")
        kind, body = upgraded(fields["model"])
        if kind == "checkpoint":
            raise DamagedFileError("it is a checkpoint of a checkpoint")
        used = array_names(body)
        return Content(kind, body, {k: v for k, v in content.arrays.items() if k in used})


def array_names(content: Json) -> set[str]:
    """Return the names of all arrays that JSON refers to."""
    names: set[str] = set()
    rest = [content]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            for key in ("array", "floats", "times", "random state"):
                if isinstance(one.get(key), str):
                    names.add(one[key])
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
    return names
