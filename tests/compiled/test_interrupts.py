"""Ctrl-C while Numba is imported or compiles: it arrives later, and the process stays usable."""

import os
import signal
from collections.abc import Callable
from threading import Thread

import pytest

from chainrule.compiled.cache import object_cache
from chainrule.compiled.cache.import_lock import uninterrupted


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_an_interrupt_comes_after_the_block():
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 (the order is tested)
        with uninterrupted():
            interrupt()
            done.append("block")
        done.append("never")
    assert done == ["block"]
    with pytest.raises(KeyboardInterrupt):
        interrupt()  # as before


def test_an_interrupt_comes_after_the_outer_block():
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt), uninterrupted():  # noqa: PT012 (the order is tested)
        with uninterrupted():
            interrupt()
        done.append("outer")
    assert done == ["outer"]


def test_without_an_interrupt_nothing_happens():
    handler = signal.getsignal(signal.SIGINT)
    with uninterrupted():
        pass
    assert signal.getsignal(signal.SIGINT) is handler


def test_other_threads_have_no_handlers_to_change():
    outcomes: list[str] = []

    def block() -> None:
        with uninterrupted():
            outcomes.append("done")

    thread = Thread(target=block)
    thread.start()
    thread.join()
    assert outcomes == ["done"]


@pytest.mark.parametrize("stage", ["build", "load"])
def test_a_function_is_compiled_whole(monkeypatch: pytest.MonkeyPatch, stage: str):
    done: list[str] = []

    def step(name: str) -> Callable[..., str]:
        def act(*_: object) -> str:
            if name == stage:
                interrupt()
            done.append(name)
            return name

        return act

    monkeypatch.setattr(object_cache, "announce", lambda: None)
    monkeypatch.setattr(object_cache, "load", step("load"))
    with pytest.raises(KeyboardInterrupt):
        object_cache.compiled("name", None, step("build"))  # pyright: ignore[reportArgumentType]
    assert done == ["build", "load"]
