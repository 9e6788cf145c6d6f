"""What a rank has printed is read before it ends the job."""

import os
from threading import Timer

import pytest

from chainrule.distributed import waiting
from chainrule.distributed.waiting import wait_until_read


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pipes of Windows cannot be asked")
def test_a_message_in_a_pipe_is_waited_for():
    reading, writing = os.pipe()
    os.write(writing, b"a message")
    got: list[bytes] = []
    reader = Timer(0.2, lambda: got.append(os.read(reading, 100)))
    reader.start()
    wait_until_read(writing, 60)
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):  # nothing is left to be read
        os.read(reading, 100)
    reader.join()
    assert got == [b"a message"]
    os.close(reading)
    os.close(writing)


def test_what_is_closed_or_a_file_is_not_waited_for(tmp_path, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(waiting, "wait_for", lambda _, seconds: waited.append(seconds))
    with (tmp_path / "file").open("wb") as file:
        file.write(b"a message")
        file.flush()
        wait_until_read(file.fileno(), 60)
    wait_until_read(10_000, 60)
    assert not waited
