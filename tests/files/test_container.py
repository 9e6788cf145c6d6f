"""The container: arrays in every layout come back, and every damaged file gives a clear error."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray

import chainrule
from chainrule import FileError, InputError
from chainrule.errors import DamagedFileError, ForeignFileError
from chainrule.files.container import LENGTH, packed, read_container, write_container

Array: TypeAlias = NDArray[Any]

MATRIX = np.arange(24.0).reshape(4, 6)
LAYOUTS: dict[str, Array] = {
    "contiguous": MATRIX,
    "Fortran order": np.asfortranarray(MATRIX),
    "transposed": MATRIX.T,
    "every second column": MATRIX[:, ::2],
    "reversed": MATRIX[::-1, ::-1],
    "broadcast": np.broadcast_to(np.arange(3.0), (2, 3)),
    "three axes": np.moveaxis(np.arange(24).reshape(2, 3, 4), 0, 2),
    "one number": np.array(2.5),
    "empty": np.empty((0, 3)),
    "big-endian": MATRIX.astype(">f8"),
    "read-only": np.frombuffer(b"abcd", np.uint8),
    **{f"type {name}": np.arange(5).astype(name) for name in ("?", "f2", "f4", "i1", "i2", "i4")},
    **{f"type {name}": np.arange(5).astype(name) for name in ("i8", "u1", "u2", "u4", "u8")},
}
CONTENT = {"kind": "network", "text": 'é"\\\n\x1b', "number": 0.1, "list": [1, None, True]}


@pytest.mark.parametrize("name", LAYOUTS)
def test_arrays_of_every_layout_come_back(name: str, tmp_path: Path):
    array = LAYOUTS[name]
    write_container(tmp_path / "file", CONTENT, {"a": array, "other": MATRIX})
    content, arrays = read_container(tmp_path / "file")
    assert content == CONTENT
    assert arrays["a"].dtype == array.dtype.newbyteorder("=")
    assert arrays["a"].shape == array.shape
    assert np.array_equal(arrays["a"], array)
    assert arrays["a"].flags.writeable


def test_safetensors_alone_scrambles_what_is_not_contiguous():
    """The reason why arrays are made contiguous; if this fails, a new release has repaired it."""
    transposed = MATRIX.T
    stored = safetensors.numpy.load(safetensors.numpy.save({"a": transposed}))["a"]
    assert stored.shape == transposed.shape
    assert not np.array_equal(stored, transposed)


def test_other_programs_read_the_arrays(tmp_path: Path):
    write_container(tmp_path / "file", CONTENT, {"a": MATRIX.T})
    found = safetensors.numpy.load_file(tmp_path / "file")
    assert np.array_equal(found["a"], MATRIX.T)


def test_equal_contents_give_equal_bytes():
    arrays = {"b": MATRIX, "a": MATRIX[0]}
    assert packed(CONTENT, arrays) == packed(CONTENT, dict(reversed(arrays.items())))
    assert packed(CONTENT, arrays) != packed(CONTENT, {**arrays, "a": MATRIX[1]})


@pytest.mark.parametrize("dtype", ["c16", "O", "U3", "M8[D]", np.longdouble])
def test_arrays_of_other_types_are_refused(dtype: Any):
    with pytest.raises(InputError, match=r"a has the type .*, which a file cannot hold"):
        packed({}, {"a": np.zeros(2, dtype)})


def test_a_description_that_is_too_long_is_refused():
    with pytest.raises(InputError, match=r"the description has 9,0.* characters, more than"):
        packed({"names": "x" * 9_000_000}, {})


# ---- damaged files ------------------------------------------------------------------------------


def changed_header(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return a file whose header was changed, with its right length."""
    length = int.from_bytes(data[:LENGTH], "little")
    header = json.loads(data[LENGTH : LENGTH + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(LENGTH, "little") + text + data[LENGTH + length :]


def with_text(data: bytes, old: str, new: str) -> bytes:
    """Return a file in which a part of the description was replaced."""

    def change(header: dict[str, Any]) -> None:
        assert old in header["__metadata__"]["chainrule"]
        text = header["__metadata__"]["chainrule"].replace(old, new)
        header["__metadata__"]["chainrule"] = text

    return changed_header(data, change)


def array_entry(**changes: Any) -> Callable[[bytes], bytes]:
    """Return a function that changes what the header says of array a."""
    return lambda data: changed_header(data, lambda header: header["a"].update(changes))


VALID = packed({"kind": "network", "x": 1.5}, {"a": MATRIX, "b": MATRIX[0]})
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "it has 0 bytes"),
    "shorter than its length": (lambda data: data[:5], "it has 5 bytes"),
    "only a length": (lambda data: data[:LENGTH], "it has 8 bytes"),
    "text": (lambda _: b"x,y\n1,2\n3,4\n5,6\n", "its header would have"),
    "zeros": (lambda data: bytes(len(data)), "its JSON is invalid"),
    "huge header": (lambda data: (2**63 - 1).to_bytes(8, "little") + data[8:], "header would have"),
    "header not text": (lambda data: data[:8] + b"\xff" + data[9:], "its header is not text"),
    "cut in the header": (lambda data: data[:200], "its header would have"),
    "cut in the arrays": (lambda data: data[:-1], "its arrays have 240 bytes, but 239 follow"),
    "longer": (lambda data: data + b"\0", "its arrays have 240 bytes, but 241 follow"),
    "one bit": (lambda data: data[:-1] + bytes([data[-1] ^ 1]), "its checksum is wrong"),
    "another number": (lambda data: with_text(data, "1.5", "1.25"), "its checksum is wrong"),
    "NaN": (lambda data: with_text(data, "1.5", "NaN"), "NaN is not JSON"),
    "infinite": (lambda data: with_text(data, "1.5", "1e999"), "1e999 is too large for a float"),
    "deep": (lambda data: with_text(data, "1.5", "[" * 10**5), "its JSON is nested too deeply"),
    "a key twice": (lambda data: with_text(data, '"x":1.5', '"x":1,"x":2'), "key 'x' occurs twice"),
    "huge shape": (array_entry(shape=[2**40, 2**40]), "do not fit its header"),
    "other shape": (array_entry(shape=[5, 6]), "do not fit its header"),
    "other type": (array_entry(dtype="F32"), "do not fit its header"),
    "type of PyTorch": (array_entry(dtype="BF16", shape=[4, 24]), "'a' is of type BF16"),
    "huge place": (
        array_entry(data_offsets=[0, 2**62]),
        "its arrays have 4,611,686,018,427,387,904",
    ),
    "negative place": (array_entry(data_offsets=[-8, 184]), "the place of array 'a' is invalid"),
    "no place": (
        lambda data: changed_header(data, lambda h: h["a"].pop("data_offsets")),
        "place of",
    ),
    "no metadata": (lambda data: changed_header(data, lambda h: h.pop("__metadata__")), "PyTorch"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_gives_a_clear_error(name: str, tmp_path: Path):
    damage, message = DAMAGE[name]
    path = tmp_path / "model.safetensors"
    path.write_bytes(damage(VALID))
    with pytest.raises(DamagedFileError) as caught:
        read_container(path)
    text = str(caught.value)
    assert text.startswith(f"cannot read {path}: ")
    assert message in text
    foreign = isinstance(caught.value, ForeignFileError)
    assert foreign != text.endswith("use a copy of it, or an older checkpoint")


def test_a_file_cut_anywhere_is_refused(tmp_path: Path):
    path = tmp_path / "model.safetensors"
    for size in range(len(VALID)):
        path.write_bytes(VALID[:size])
        with pytest.raises(DamagedFileError):
            read_container(path)


def test_a_file_of_pytorch_is_recognized(tmp_path: Path):
    torch = pytest.importorskip("torch")
    save = pytest.importorskip("safetensors.torch").save_file
    path = tmp_path / "net.safetensors"
    save(torch.nn.Linear(2, 3).state_dict(), path, metadata={"format": "pt"})
    with pytest.raises(
        ForeignFileError, match=r"such as PyTorch's \(with the arrays bias, weight\)"
    ):
        chainrule.load(path)


# ---- what is not a file -------------------------------------------------------------------------


def test_a_path_without_a_file(tmp_path: Path):
    with pytest.raises(FileError, match=r"cannot read .*nothing: the file or its folder does not"):
        chainrule.load(tmp_path / "nothing")


def test_a_folder(tmp_path: Path):
    with pytest.raises(FileError, match="it is a folder; check the path"):
        chainrule.load(tmp_path)
    with pytest.raises(FileError, match=r"cannot write .*: it is a folder; nothing was changed"):
        write_container(tmp_path, {}, {})


def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is a device or a pipe, not a file"):
        chainrule.load(tmp_path / "pipe")
    with pytest.raises(FileError, match="it is a device or a pipe, not a file"):
        write_container(tmp_path / "pipe", {}, {})


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Raised by the test, since root may read everything."""

    def refuse(*arguments: Any) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "model").write_bytes(VALID)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(FileError, match=r"cannot read .*model: permission denied; check the path"):
        read_container(tmp_path / "model")


def test_the_file_has_the_permissions_of_any_new_file(tmp_path: Path):
    write_container(tmp_path / "model", {}, {})
    (tmp_path / "other").touch()
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("model", "other")]
    assert modes[0] == modes[1]


def test_without_safetensors_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chainrule.files.container.find_spec", lambda _: None)
    with pytest.raises(chainrule.MissingPackageError, match=r"pip install 'chainrule\[files\]'"):
        write_container(tmp_path / "model", {}, {})
