"""Tile bytes kept in files, so that a server that starts again has them; bounded, and never trusted blindly.

A file carries its key, the change number its content is of, and a digest over all of it: a torn, foreign or altered
file is no tile. Files are complete before they have their name. Reading and writing happen in one thread of its own;
tiles are written once no new ones come, so that a burst of them need not share its processors with the disk.
"""

import asyncio
import contextlib
import hashlib
import os
import shutil
import struct
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from tiles.cache import TileKey

Result = TypeVar("Result")
_Write = tuple[TileKey, bytes, int]
_MAGIC = b"CIMTILE1"
_HEAD = struct.Struct("<8s16sQH")
"""Magic, digest of what follows it, change number, length of the key."""
QUIET_S = 0.25
WRITTEN_WITHIN_S = 3.0
"""Tiles are written when none came for ``QUIET_S``, and at the latest after this."""
BEHIND_BYTES = 64 * 1024 * 1024
"""What waits to be written; a tile beyond it is left out, for a cache may forget."""
_ROOM = 0.9


class DiskTiles:
    """Tiles below one folder, shared by the processes of a server.

    Parameters
    ----------
    folder: made when it is not there; nothing else may be kept in it.
    max_bytes: bound on all files together; the oldest go first. It may be exceeded by a twentieth for a while.

    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._root = folder
        self._folder: Path | None = None
        self._max_bytes = max_bytes
        self._thread: Executor | None = None
        self._behind: list[_Write] = []
        self._behind_bytes = 0
        self._newest_s = self._oldest_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._written = 0

    async def start(self, database_id: str) -> None:
        """Use the tiles of one database; those of others are removed. Without it, nothing is kept."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="disk-tiles")
        await self._in_thread(self._prepare, database_id)

    async def stop(self) -> None:
        """Finish what is to be written."""
        if self._thread is not None:
            self._write_behind()
            await asyncio.to_thread(self._thread.shutdown)
            self._thread = None

    async def get(self, key: TileKey) -> tuple[bytes, int] | None:
        """The bytes kept under a key and the change number they are of; None when there are none.

        That nothing is kept, the usual case for a tile not seen before, costs no change of threads.
        """
        path = self._path(key)
        if self._thread is None or path is None or not os.access(path, os.R_OK):
            return None
        return await self._in_thread(_read, path, _text(key))

    def put(self, key: TileKey, data: bytes, seq: int) -> None:
        """Have a tile written soon; left out when too much waits already."""
        if self._thread is None or self._behind_bytes + len(data) > BEHIND_BYTES:
            return
        self._newest_s = time.monotonic()
        if not self._behind:
            self._oldest_s = self._newest_s
        self._behind.append((key, data, seq))
        self._behind_bytes += len(data)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(QUIET_S, self._look)

    def _look(self) -> None:
        """Write what waits when no tile came lately, else look again."""
        now = time.monotonic()
        if now - self._newest_s < QUIET_S and now - self._oldest_s < WRITTEN_WITHIN_S:
            self._timer = asyncio.get_running_loop().call_later(QUIET_S, self._look)
        else:
            self._write_behind()

    def _write_behind(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        writes, self._behind = self._behind, []
        if writes:
            size = sum(len(data) for _, data, _ in writes)
            written = asyncio.get_running_loop().run_in_executor(self._thread, self._write_all, writes)
            written.add_done_callback(lambda _: self._let_go(size))

    def _let_go(self, size: int) -> None:
        """Make room for what comes, once so many bytes are written: a slow disk never has more than the bound."""
        self._behind_bytes -= size

    async def _in_thread(self, work: Callable[..., Result], *arguments: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _prepare(self, database_id: str) -> None:
        name = hashlib.blake2b(database_id.encode(), digest_size=8).hexdigest()
        with contextlib.suppress(OSError):
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._root / name).mkdir(mode=0o700, exist_ok=True)
            for other in self._root.iterdir():
                if other.name != name:
                    shutil.rmtree(other, ignore_errors=True)
            self._folder = self._root / name
            self._make_room()

    def _path(self, key: TileKey) -> str | None:
        if self._folder is None:
            return None
        name = hashlib.blake2b(_text(key), digest_size=16).hexdigest()
        return f"{self._folder}/{name[:2]}/{name[2:]}"

    def _write_all(self, writes: "list[_Write]") -> None:
        for key, data, seq in writes:
            path = self._path(key)
            if path is None:
                return
            content = _packed(data, seq, _text(key))
            if _put_in_place(path, content):
                self._written += len(content)
            if self._written > self._max_bytes / 20:
                self._make_room()

    def _make_room(self) -> None:
        self._written = 0
        files = []
        for path in self._folder.glob("*/*") if self._folder else ():
            with contextlib.suppress(OSError):
                status = path.stat()
                files.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self._max_bytes:
            return
        for _, size, path in sorted(files):
            path.unlink(missing_ok=True)
            total -= size
            if total <= self._max_bytes * _ROOM:
                return


def _read(path: str, text: bytes) -> tuple[bytes, int] | None:
    try:
        return _unpacked(Path(path).read_bytes(), text)
    except OSError:
        return None


def _put_in_place(path: str, content: bytes) -> bool:
    """Write a file that is whole when it has its name; a full or failing disk costs speed, not tiles."""
    partial = Path(f"{path}.{os.getpid()}.new")
    try:
        partial.parent.mkdir(mode=0o700, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        return False
    return True


def _text(key: TileKey) -> bytes:
    return "/".join(map(str, key)).encode()


def _packed(data: bytes, seq: int, text: bytes) -> bytes:
    rest = struct.pack("<QH", seq, len(text)) + text + data
    return _MAGIC + hashlib.blake2b(rest, digest_size=16).digest() + rest


def _unpacked(content: bytes, text: bytes) -> tuple[bytes, int] | None:
    if len(content) < _HEAD.size:
        return None
    magic, digest, seq, length = _HEAD.unpack_from(content)
    rest = content[24:]
    begin = _HEAD.size + length
    if magic != _MAGIC or content[_HEAD.size : begin] != text:
        return None
    if hashlib.blake2b(rest, digest_size=16).digest() != digest:
        return None
    return content[begin:], seq
