"""The files of a set: of a folder, or of a zip or 3tz archive, read by name and never farther than they announce."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Protocol

import pyarrow as pa

from cim.errors import ImportRefused
from importers.archive import is_clutter

ROOT = "tileset.json"
MOST_FILES = 500_000
MOST_BYTES = 64 * 1024**3
MOST_PACKED_BYTES = 256 * 1024**2
"""Packed files are unpacked whole, and may be so large; stored ones are read as far as they are needed."""
RATIO = 200
ZSTANDARD = 93


class TilesetFiles(Protocol):
    """Files by name, relative to the folder of the root document, with / between folders."""

    def sizes(self) -> dict[str, int]:
        """All files and their bytes."""

    def open(self, name: str) -> IO[bytes]:
        """One file, from its beginning."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """Those of a folder; links are left out."""

    folder: Path

    def sizes(self) -> dict[str, int]:
        """All files and their bytes."""
        found = {}
        for item in sorted(self.folder.rglob("*")):
            if item.is_file() and not item.is_symlink():
                found[item.relative_to(self.folder).as_posix()] = item.stat().st_size
        return found

    def open(self, name: str) -> IO[bytes]:
        """One file, from its beginning."""
        return (self.folder / name).open("rb")


@dataclass(frozen=True, slots=True)
class ArchiveFiles:
    """Those of an archive, below the folder that holds its outermost root document."""

    archive: zipfile.ZipFile
    entries: dict[str, zipfile.ZipInfo] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        """All files and their bytes."""
        return {name: entry.file_size for name, entry in self.entries.items()}

    def open(self, name: str) -> IO[bytes]:
        """One file, from its beginning."""
        entry = self.entries[name]
        if entry.compress_type != zipfile.ZIP_STORED and entry.file_size > MOST_PACKED_BYTES:
            raise OSError(f"{name} is packed and would unpack to {entry.file_size / 1e6:.0f} MB")
        if entry.compress_type == ZSTANDARD:
            return pa.BufferReader(_zstandard(self.archive, entry))  # type: ignore[no-any-return]
        return self.archive.open(entry)


@contextmanager
def files_of(path: Path) -> Iterator[TilesetFiles]:
    """The files of a folder or archive; ImportRefused for too many, too much, or an archive that cannot be read."""
    if path.is_dir():
        yield FolderFiles(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield _members(archive, path)
    # zipfile raises NotImplementedError for a packing method it lacks, RuntimeError for a password
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError) as error:
        raise ImportRefused(
            "unreadable",
            f"the archive cannot be read: {str(error)[:120]}",
            where=path.name,
            remedy="pack it again, without password",
        ) from error


def root_of(path: Path) -> str | None:
    """The folder inside an archive that holds its outermost root document, "" for the archive itself; None for none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(entry.filename) for entry in archive.infolist() if not is_clutter(entry.filename)]
    # zipfile raises NotImplementedError for a version of the format it lacks; what it cannot list holds no set
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, EOFError):
        return None
    roots = sorted((len(name.parts), str(name.parent)) for name in names if name.name == ROOT)
    if not roots or (len(roots) > 1 and roots[0][0] == roots[1][0]):
        return None
    return "" if roots[0][1] == "." else roots[0][1]


def _members(archive: zipfile.ZipFile, path: Path) -> ArchiveFiles:
    root = root_of(path)
    entries = {}
    total = 0
    for entry in archive.infolist():
        name = PurePosixPath(entry.filename)
        inside = root is not None and (not root or name.is_relative_to(root))
        if entry.is_dir() or not inside or is_clutter(entry.filename):
            continue
        total += entry.file_size
        if entry.file_size > 1024**2 and entry.file_size > RATIO * max(entry.compress_size, 1):
            raise _too_large(path, f"{entry.filename[:80]} would unpack to {entry.file_size / 1e6:.0f} MB")
        entries[str(name.relative_to(root or "."))] = entry
    if len(entries) > MOST_FILES or total > MOST_BYTES:
        raise _too_large(path, f"it holds {len(entries)} files of {total / 1e9:.1f} GB")
    return ArchiveFiles(archive, entries)


def _too_large(path: Path, what: str) -> ImportRefused:
    return ImportRefused(
        "too-large",
        what,
        where=path.name,
        remedy=f"sets are read up to {MOST_FILES} files and {MOST_BYTES // 1024**3} GB; deliver it in parts",
    )


def _zstandard(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> pa.Buffer:
    """What 3tz archives may be packed with, and Python's zip cannot unpack."""
    file = archive.fp
    if file is None:
        raise OSError("the archive is closed")
    file.seek(entry.header_offset)
    head = file.read(30)
    file.seek(entry.header_offset + 30 + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"))
    packed = file.read(entry.compress_size)
    try:
        return pa.decompress(packed, decompressed_size=entry.file_size, codec="zstd")
    except (pa.ArrowException, OSError) as error:
        raise OSError("it cannot be unpacked") from error
