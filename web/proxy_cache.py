"""What nginx keeps of layers that are open no more: removed from its folder, which it takes as never kept."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

from cim.model.access import Grade
from cim.model.collection import Collection

AGAIN_AFTER_S = 10.0
"""An answer that was on its way when the layer was closed is in the folder by then."""
_HEAD_BYTES = 2_048


class ProxyCache:
    """The proxy's folder, followed by the grades of layers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: frozenset[str] = frozenset()
        self._tasks: set[asyncio.Task[None]] = set()

    def follow(self, collections: Mapping[str, Collection]) -> None:
        """Remove the tiles of layers that were public and are not any more."""
        now = frozenset(name for name, one in collections.items() if one.grade is Grade.PUBLIC)
        closed = self._open - now
        self._open = now
        if closed:
            task = asyncio.get_running_loop().create_task(self._remove_twice(closed))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Give up what is still to be done; it was done once at least."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _remove_twice(self, layers: frozenset[str]) -> None:
        await asyncio.to_thread(remove_tiles, self._folder, layers)
        await asyncio.sleep(AGAIN_AFTER_S)
        await asyncio.to_thread(remove_tiles, self._folder, layers)


def remove_tiles(folder: Path, layers: frozenset[str]) -> int:
    """Remove the files below an nginx cache folder that hold tiles of these layers; returns how many."""
    removed = 0
    for path in folder.glob("*/*/*"):
        with contextlib.suppress(OSError):
            with path.open("rb") as file:
                head = file.read(_HEAD_BYTES)
            if any(b"\nKEY: /tiles/%b/" % layer.encode() in head for layer in layers):
                path.unlink()
                removed += 1
    return removed
