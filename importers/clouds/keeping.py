"""The form point clouds are kept in: LAZ. What comes packed, COPC too, is kept as it is; LAS is packed without loss."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from importers.clouds.header import CloudHeader
from importers.clouds.points import chunks, reading

FORM = "laz-1"
"""Part of each file's name, so that another way of packing makes another file."""
DATE_AT, DATE_BYTES = 90, 4


@dataclass(frozen=True, slots=True)
class KeptCloud:
    """A file to be kept: its name, made of the content it came with, and its size."""

    name: str
    bytes: int


def keep_cloud(header: CloudHeader, folder: Path) -> KeptCloud:
    """Leave a cloud in a folder as LAZ, under a name made of its content; the memory needed is that of a piece.

    ImportRefused when its points cannot be read. The header of what is packed has the box its points have.
    """
    folder.mkdir(exist_ok=True)
    target = folder / f"{_digest(header.path)}{'.copc' if header.copc else ''}.laz"
    if not target.exists():
        if header.packed:
            _put(header.path, target)
        else:
            _pack(header, target)
    return KeptCloud(target.name, target.stat().st_size)


def _pack(header: CloudHeader, target: Path) -> None:
    import laspy  # noqa: PLC0415 - the reading child starts faster without it

    with reading(header.path) as source, target.open("w+b") as packed:
        writer = laspy.LasWriter(packed, source.header, do_compress=True, closefd=False)
        for chunk in chunks(source, header):
            writer.write_points(chunk)
        if source.header.evlrs:
            writer.write_evlrs(source.header.evlrs)
        writer.close()
        with header.path.open("rb") as original:
            original.seek(DATE_AT)
            packed.seek(DATE_AT)
            packed.write(original.read(DATE_BYTES))  # laspy puts today where there is no date


def _digest(source: Path) -> str:
    digest = hashlib.sha256(f"{FORM}\n".encode())
    with source.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()[:40]


def _put(source: Path, target: Path) -> None:
    """The same bytes under another name; a copy where a second name is not allowed, as for files of other accounts."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
