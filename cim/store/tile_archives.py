"""Sets of tiles in one file each, by the 3D Tiles archive format (3tz): a zip of stored files that ends with an index.

The index holds the MD5 of every file's name and where the file begins, in order, so that a file is found without
reading the zip's own directory, however many files there are.
"""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from cim.errors import StoreError

INDEX = "@3dtilesIndex1@"
HEADER_BYTES = 30
LOCAL_MAGIC = b"PK\x03\x04"
MADE_AT = (1980, 1, 1, 0, 0, 0)
CHUNK_BYTES = 1 << 20
ENTRY = np.dtype([("low", "<u8"), ("high", "<u8"), ("offset", "<u8")])
_TAIL = "index {offset} {count}"
_TAIL_BYTES = 64


def write_archive(target: Path, names: Iterable[str], opened: Callable[[str], IO[bytes]]) -> None:
    """Write files into an archive in the order of their names; the same files make the same bytes."""
    entries = []
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name in sorted(names):
            info = zipfile.ZipInfo(name, MADE_AT)
            with opened(name) as source, archive.open(info, "w", force_zip64=False) as copy:
                while chunk := source.read(CHUNK_BYTES):
                    copy.write(chunk)
            entries.append((*_hash(name), info.header_offset))
        index = np.sort(np.array(entries, ENTRY), order=["low", "high"])
        place = zipfile.ZipInfo(INDEX, MADE_AT)
        archive.writestr(place, index.tobytes())
        archive.comment = _TAIL.format(offset=place.header_offset, count=len(index)).encode()


def named_after(names: Iterable[str], opened: Callable[[str], IO[bytes]], form: str) -> str:
    """A name made of the names and bytes of files, and of the ``form`` they are kept in."""
    digest = hashlib.sha256(f"{form}\n".encode())
    for name in sorted(names):
        digest.update(f"{name}\n".encode())
        with opened(name) as source:
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class TileArchive:
    """An archive whose index is at hand; files are read from the disk."""

    path: Path
    index: NDArray[np.void]

    @classmethod
    def opened(cls, path: Path) -> "TileArchive":
        """Read the index of an archive that ``write_archive`` wrote; StoreError where it is missing or damaged."""
        try:
            with path.open("rb") as file:
                file.seek(-min(_TAIL_BYTES, path.stat().st_size), os.SEEK_END)
                offset, count = (int(word) for word in file.read().rpartition(b"index ")[2].split())
                begin, size = _local(file, offset, INDEX)
                file.seek(begin)
                data = file.read(size)
        except (OSError, ValueError) as error:
            raise _damaged() from error
        if len(data) != count * ENTRY.itemsize:
            raise _damaged()
        return cls(path, np.frombuffer(data, ENTRY))

    def read(self, name: str) -> bytes | None:
        """The bytes of a file; None where the archive has no such file. StoreError where it is damaged."""
        low, high = _hash(name)
        first = int(np.searchsorted(self.index["low"], np.uint64(low)))
        for entry in self.index[first:]:
            if int(entry["low"]) != low:
                return None
            if int(entry["high"]) == high:
                return self._read(name, int(entry["offset"]))
        return None

    def _read(self, name: str, offset: int) -> bytes:
        try:
            with self.path.open("rb") as file:
                begin, size = _local(file, offset, name)
                file.seek(begin)
                data = file.read(size)
        except (OSError, ValueError) as error:
            raise _damaged() from error
        if len(data) != size:
            raise _damaged()
        return data


def _local(file: IO[bytes], offset: int, name: str) -> tuple[int, int]:
    """Where the bytes of a stored file begin, and how many they are; ValueError where another file is there."""
    file.seek(offset)
    head = file.read(HEADER_BYTES)
    if len(head) < HEADER_BYTES or not head.startswith(LOCAL_MAGIC):
        raise ValueError("no file begins here")
    name_bytes, extra_bytes = (int.from_bytes(head[at : at + 2], "little") for at in (26, 28))
    if file.read(name_bytes) != name.encode():
        raise ValueError("another file begins here")
    return offset + HEADER_BYTES + name_bytes + extra_bytes, int.from_bytes(head[22:26], "little")


def _hash(name: str) -> tuple[int, int]:
    digest = hashlib.md5(name.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")


def _damaged() -> StoreError:
    return StoreError(
        "a set of tiles of this layer cannot be read: its file is missing or damaged",
        where="layer",
        remedy="tell the server's operator; importing the set again repairs it",
    )
