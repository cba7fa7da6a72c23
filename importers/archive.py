"""Zip archives of anything else that can be read: each file inside is read by its own importer.

Unpacking happens in the reading child, inside its job folder, within limits on number and size; names that would lead
elsewhere are left out and said so. Names without the UTF-8 mark are GBK where they are valid as that.
"""

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from cim.errors import ImportRefused
from importers.importer import HEAD_BYTES, Importer, ReadOptions
from importers.inspection import LayerInspection, Problem
from importers.osgb import is_model
from importers.osgb_folder import METADATA

ZIP_MAGIC = b"PK\x03\x04"
ENTRIES_LIMIT = 10_000
UNPACKED_LIMIT_BYTES = 3 * 1024**3
RATIO_LIMIT = 200
RATIO_FREE_BYTES = 64 * 1024**2
_UTF8_NAME = 0x800
_SYMLINK = 0o120000
_PARTS = frozenset({".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx", ".xml", ".qmd", ".qpj"})


class Archive:
    """Reads a zip by unpacking it and asking the other importers; a layer remembers the file it came from."""

    name = "ZIP"

    def __init__(self, others: Sequence[Importer]) -> None:
        self._others = others

    def recognises(self, head: bytes, path: Path) -> bool:
        """A zip that is no format of its own."""
        return head.startswith(ZIP_MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layers of every file inside that can be read; what cannot be read is a problem of the first."""
        folder, strange = unpacked(path)
        found: list[LayerInspection] = []
        unread: list[str] = []
        for member in self._members(folder):
            name = member.relative_to(folder).as_posix()
            importer = self._importer(member)
            if importer is None:
                unread.append(name)
                continue
            try:
                found += [replace(layer, member=name) for layer in importer.inspect(member, options)]
            except ImportRefused as error:
                unread.append(f"{name} ({error.what})")
        if not found:
            listed = ", ".join(unread[:5]) or "no files"
            raise ImportRefused(
                "nothing-to-load",
                f"nothing in the archive can be read: {listed}",
                where=path.name,
                remedy="put files of one of the known formats into it",
            )
        problems = _problems(unread, strange)
        first = replace(found[0], problems=(*found[0].problems, *problems))
        return _told_apart([first, *found[1:]])

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows of one layer, by the importer of its file."""
        member, importer = self.member(path, layer)
        return importer.read(member, replace(layer, name=layer.source_name or layer.name, member=None), options)

    def member(self, path: Path, layer: LayerInspection) -> tuple[Path, Importer]:
        """The unpacked file of a layer and its importer."""
        folder, _ = unpacked(path)
        member = folder / (layer.member or "")
        importer = self._importer(member)
        if importer is None:
            raise ImportRefused("unreadable", "the file in the archive is gone", where=str(layer.member))
        return member, importer

    def _members(self, folder: Path) -> list[Path]:
        """The archive whole where it is a source as such, such as the sheets of a mosaic; else each file of it."""
        whole = self._importer(folder) is not None and len(_members(folder)) > 1
        return [folder] if whole else _members(folder)

    def _importer(self, member: Path) -> Importer | None:
        head = b""
        if member.is_file():
            with member.open("rb") as file:
                head = file.read(HEAD_BYTES)
        return next((importer for importer in self._others if importer.recognises(head, member)), None)


def _told_apart(layers: Sequence[LayerInspection]) -> list[LayerInspection]:
    """Layers of equal names in different files get the file's path before theirs."""
    names = [layer.name for layer in layers]
    out = []
    for layer in layers:
        member = PurePosixPath(layer.member or "")
        parts = member.with_suffix("").parts if member.name else ()
        whole = "_".join(parts if parts[-1:] == (layer.name,) else (*parts, layer.name))
        name = layer.name if names.count(layer.name) == 1 else whole
        out.append(replace(layer, name=name, source_name=layer.name))
    return out


def _problems(unread: Sequence[str], strange: int) -> list[Problem]:
    problems = []
    if unread:
        problems.append(Problem("files-left-out", len(unread), f"not read: {', '.join(unread[:10])}"))
    if strange:
        problems.append(Problem("names-left-out", strange, "entries whose names lead out of the archive, or are links"))
    return problems


def _members(folder: Path) -> list[Path]:
    """The files to look at: folders of geodatabases and models whole, parts of Shapefiles only with their .shp."""
    bases = [path for path in sorted(folder.rglob("*.gdb")) if path.is_dir()]
    bases += [path.parent for path in sorted(folder.rglob(METADATA)) if is_model(path.parent)]
    mains = {path.with_suffix("") for path in folder.rglob("*") if path.suffix.lower() == ".shp"}
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(base in path.parents for base in bases)
        and not (path.suffix.lower() in _PARTS and _main_of(path) in mains)
    ]
    return [*bases, *files]


def _main_of(path: Path) -> Path:
    plain = path.with_suffix("")
    return plain.with_suffix("") if plain.suffix.lower() == ".shp" else plain


def unpacked(path: Path, folder: Path | None = None) -> tuple[Path, int]:
    """The folder the archive is unpacked in, and the number of entries left out; unpacks on the first call.

    Without ``folder`` it lies beside the archive, which in the reading child is a copy of ours.
    """
    folder = folder or path.with_name(f"{path.name}.unpacked")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not is_clutter(entry.filename)]
            _check_size(path, entries)
            targets = [(entry, _target(folder, entry)) for entry in entries if not entry.is_dir()]
            if not folder.exists():
                folder.mkdir()
                for entry, target in targets:
                    if target is not None:
                        _unpack(archive, entry, target, path)
    # zipfile raises NotImplementedError for a packing method it lacks, RuntimeError for a password.
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError) as error:
        raise ImportRefused(
            "unreadable",
            f"the archive cannot be unpacked: {str(error)[:120]}",
            where=path.name,
            remedy="pack it again, without password",
        ) from error
    return folder, sum(target is None for _, target in targets)


def _check_size(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    total = sum(entry.file_size for entry in entries)
    packed = max(path.stat().st_size, 1)
    if (
        len(entries) > ENTRIES_LIMIT
        or total > UNPACKED_LIMIT_BYTES
        or (total > RATIO_FREE_BYTES and total / packed > RATIO_LIMIT)
    ):
        raise ImportRefused(
            "too-large",
            f"the archive would unpack to {len(entries)} files of {total / 1e6:.0f} MB",
            where=path.name,
            remedy=f"archives are read up to {ENTRIES_LIMIT} files and {UNPACKED_LIMIT_BYTES // 1024**3} GB",
        )


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, path: Path) -> None:
    """Write one entry, no further than the size it announces."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("wb") as copy:
        while chunk := source.read(1 << 20):
            left -= len(chunk)
            if left < 0:
                raise ImportRefused("too-large", "an entry is larger than it announces", where=path.name)
            copy.write(chunk)


def _target(folder: Path, entry: zipfile.ZipInfo) -> Path | None:
    """Where an entry goes, or None when its name leads elsewhere or it is a link."""
    name = PurePosixPath(_readable_name(entry).replace("\\", "/"))
    outside = name.is_absolute() or ".." in name.parts or not name.parts or ":" in name.parts[0]
    link = (entry.external_attr >> 16) & 0o170000 == _SYMLINK
    return None if outside or link else folder.joinpath(*name.parts)


def _readable_name(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    raw = entry.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def is_clutter(name: str) -> bool:
    """Whether an entry is what file managers leave in archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1] in {".DS_Store", "Thumbs.db"})
