"""Working ahead: the next items are made in a thread while the last one is being used."""

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

Item = TypeVar("Item")
_PATIENCE_S = 0.1


class _End:
    """The end of the items, with the error that ended them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Ahead(Generic[Item]):
    """Iterates over ``items`` in order, at most ``depth`` of them made before they are asked for.

    Use as a context: leaving it stops the thread after the item being made. An error of ``items`` is raised where the
    item would have been.
    """

    def __init__(self, items: Iterator[Item], depth: int = 2) -> None:
        self._items = items
        self._queue: Queue[Item | _End] = Queue(depth)
        self._stopped = Event()
        self._thread = Thread(target=self._make, name="importers.ahead", daemon=True)

    def __enter__(self) -> "Ahead[Item]":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    def _make(self) -> None:
        end = _End()
        try:
            for item in self._items:
                if not self._offered(item):
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where the item would have been
            end = _End(error)
        self._offered(end)

    def _offered(self, item: Item | _End) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=_PATIENCE_S)
            except Full:
                continue
            return True
        return False
