"""AutoCAD DWG, through a converter found on the machine; without one it is refused with the converter's name."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cim.errors import ImportRefused
from importers.dxf import Dxf
from importers.importer import ReadOptions
from importers.inspection import LayerInspection

MAGIC = b"AC10"
CONVERTER = "dwg2dxf"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
LIMIT_S = 120


class Dwg:
    """Converts a DWG to DXF beside it and reads that; the converter runs within the reading child's limits."""

    name = "DWG"

    def __init__(self) -> None:
        self._dxf = Dxf()

    def recognises(self, head: bytes, path: Path) -> bool:
        """The version mark every DWG begins with."""
        return head.startswith(MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layers of the converted drawing."""
        return self._dxf.inspect(_converted(path), options)

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Entities of the converted drawing."""
        return self._dxf.read(_converted(path), layer, options)


def _converted(path: Path) -> Path:
    target = path.with_suffix(".dxf")
    if target.exists():
        return target
    program = shutil.which(CONVERTER, path=SEARCH_PATH)
    if program is None:
        raise ImportRefused(
            "no-converter",
            "a DWG is read through a converter, and none is on this machine",
            where=path.name,
            remedy=f"install {CONVERTER} (LibreDWG) in /usr/local/bin, or deliver DXF",
        )
    try:
        done = subprocess.run(
            [program, "-y", "-o", str(target), str(path)], capture_output=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(path, f"it took longer than {LIMIT_S} s") from None
    if not target.exists() or target.stat().st_size == 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _failed(path, said[-1][:160] if said else f"it ended with status {done.returncode}")
    return target


def _failed(path: Path, what: str) -> ImportRefused:
    return ImportRefused("converter-failed", f"{CONVERTER} failed: {what}", where=path.name, remedy="deliver DXF")
