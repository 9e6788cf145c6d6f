"""Computes the next item of an iteration in a thread, while the last one is used."""

from collections.abc import Iterable, Iterator
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")


class End(NamedTuple):
    """The end of an iteration.

    Attributes
    ----------
    error : BaseException or None
        What ended it before its time.
    """

    error: BaseException | None = None


def in_background(items: Iterable[Item], ahead: int = 1) -> Iterator[Item]:
    """Yield items, of which up to `ahead` + 1 are computed in a thread before they are needed.

    Raises
    ------
    Exception
        Any that the iteration raises, in its place.
    """
    queue: Queue[Any] = Queue(ahead)
    stop = Event()
    thread = Thread(target=_produce, args=(items, queue, stop), daemon=True)
    thread.start()
    try:
        while not isinstance(item := queue.get(), End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stop.set()
        _drain(queue)  # after which the thread can put its last item, and sees that it has to stop
        thread.join()


def _produce(items: Iterable[Any], queue: "Queue[Any]", stop: Event) -> None:
    """Put items into a queue until there are no more, or they are no longer needed."""
    try:
        for item in items:
            if stop.is_set():
                return
            queue.put(item)
    except BaseException as error:  # noqa: BLE001 (it is raised where the items are used)
        queue.put(End(error))
    else:
        queue.put(End())


def _drain(queue: "Queue[Any]") -> None:
    """Empty a queue."""
    try:
        while True:
            queue.get_nowait()
    except Empty:
        return
