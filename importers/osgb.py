"""Oblique photogrammetry models in OSGB: a folder of tiles with its metadata.xml, or one .osgb, as footprints.

OSGB is OpenSceneGraph's own binary; it is read through ``osgconv`` where that is installed. A layer has one row for
each tile: the box around its coarsest level, its heights and its levels. The meshes belong to the 3D part.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from defusedxml import DefusedXmlException, ElementTree

from cim.errors import ImportRefused
from cim.model.reference_systems import declared_crs
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem
from importers.osgb_folder import DATA, METADATA, SUFFIX, is_top, tile_files, tile_folders
from importers.vector_source import described_fields

MAGICS = (bytes.fromhex("a10e916c4545fb1a"), bytes.fromhex("6c910ea11afb4545"))
"""OpenSceneGraph's two header numbers, 0x6C910EA1 and 0x1AFB4545, in the byte order of either kind of machine."""
ROOT = "ModelMetadata"
METADATA_LIMIT_BYTES = 1024 * 1024
CONVERTER, PACKAGE = "osgconv", "openscenegraph"
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
LIMIT_S = 120
MESH_LIMIT_BYTES = 1024**3
_LEVEL = re.compile(r"_L(\d+)_")
_ENU = re.compile(r"\s*ENU:\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)\s*", re.IGNORECASE)
_EPSG = re.compile(r"\s*EPSG:(\d+)", re.IGNORECASE)
_FIELDS: dict[str, pa.DataType] = {
    "tile": pa.string(),
    "levels": pa.int32(),
    "files": pa.int32(),
    "bytes": pa.int64(),
    "min_height_m": pa.float64(),
    "max_height_m": pa.float64(),
}
Origin = tuple[float, float, float]


class Osgb:
    """Reads the tiles of a model as footprints; without ``osgconv`` it tells what is there and refuses the rest."""

    name = "OSGB"

    def recognises(self, head: bytes, path: Path) -> bool:
        """OpenSceneGraph's header numbers, or a folder with a metadata.xml of a model."""
        return head.startswith(MAGICS) or is_model(path)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer: reference system and origin as declared, tiles and their size counted, nothing converted."""
        model = _model(path)
        fields, _ = described_fields(_batch(model.tiles, [None] * len(model.tiles)))
        srid, wkt = declared_crs(_system(model.srs))
        return [
            LayerInspection(
                name=path.stem,
                geometry_type="Polygon",
                geometry_types=("Polygon",),
                feature_count=len(model.tiles),
                srid=srid,
                crs_wkt=wkt,
                crs_evidence=_evidence(model, known=srid is not None or wkt is not None),
                encoding="names of the tiles' folders",
                bbox=None,
                fields=fields,
                problems=tuple(_problems(model)),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Tiles in the order of their names; one that cannot be converted has no geometry.

        ImportRefused where there is no converter, or where it fails for every tile.
        """
        model = _model(path)
        program = _converter()
        if program is None:
            raise ImportRefused(
                "no-converter",
                f"OSGB is read through {CONVERTER}, which is not on this machine",
                where=path.name,
                remedy=f"install the Debian package {PACKAGE}, or deliver footprints and heights as GeoPackage",
            )
        readable = False
        for start in range(0, len(model.tiles), BATCH_ROWS):
            tiles = model.tiles[start : start + BATCH_ROWS]
            boxes, said = _boxes(program, tiles, model.origin)
            readable = readable or any(box is not None for box in boxes)
            if not readable and start + len(tiles) == len(model.tiles):
                raise ImportRefused(
                    "converter-failed", f"{CONVERTER} failed: {said}", where=path.name, remedy="export the model again"
                )
            yield _batch(tiles, boxes)


@dataclass(frozen=True, slots=True)
class _Tile:
    """One tile: its coarsest file, and the number of levels, files and bytes of all its files."""

    name: str
    top: Path
    levels: int
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class _Model:
    """A model: its tiles, the system as written, and the origin that its vertices are counted from, in that system."""

    tiles: Sequence[_Tile]
    srs: str | None
    origin: Origin


_Box = tuple[Origin, Origin]
"""Least and greatest easting, northing and height."""


def is_model(path: Path) -> bool:
    """Whether a path is the folder of a model: its metadata.xml says so."""
    file = path / METADATA
    try:
        if not file.is_file() or file.stat().st_size > METADATA_LIMIT_BYTES:
            return False
        return bool(_metadata(path).tag == ROOT)
    except (ElementTree.ParseError, DefusedXmlException, OSError, ValueError, LookupError):
        return False


def _metadata(path: Path) -> Any:
    """The root element of a model's metadata; a document type, which could name other files, is an error."""
    return ElementTree.fromstring((path / METADATA).read_bytes(), forbid_dtd=True)


def _model(path: Path) -> _Model:
    if path.is_file():
        return _Model([_Tile(path.stem, path, 1, 1, path.stat().st_size)], None, (0.0, 0.0, 0.0))
    root = _metadata(path)
    tiles = [tile for folder in tile_folders(path) if (tile := _tile(folder)) is not None]
    if not tiles:
        raise ImportRefused(
            "nothing-to-load",
            f"the model has no tiles: no {DATA}/NAME/NAME{SUFFIX} beside its {METADATA}",
            where=path.name,
            remedy="deliver the whole folder as the modelling program exported it",
        )
    return _Model(tiles, (root.findtext("SRS") or "").strip() or None, _origin(root.findtext("SRSOrigin"), path))


def _tile(folder: Path) -> _Tile | None:
    files = tile_files(folder)
    top = next((file for file in files if is_top(file)), None)
    if top is None:
        return None
    levels = {found[1] for file in files if (found := _LEVEL.search(file.name))}
    return _Tile(folder.name, top, 1 + len(levels), len(files), sum(file.stat().st_size for file in files))


def _origin(text: str | None, path: Path) -> Origin:
    if not text or not text.strip():
        return 0.0, 0.0, 0.0
    try:
        x, y, z, *_ = (float(number) for number in [*text.split(","), *("0" * (2 - text.count(",")))])
    except ValueError:
        x = y = z = float("nan")
    if not np.isfinite((x, y, z)).all():
        raise ImportRefused(
            "unreadable",
            f"SRSOrigin is {text.strip()[:60]!r}, not easting, northing and height",
            where=f"{path.name}/{METADATA}",
            remedy="have the metadata corrected by the model's maker",
        )
    return x, y, z


def _system(srs: str | None) -> str | None:
    """The horizontal part of a model's system in a form that is known; None for anything else.

    ENU:latitude,longitude is the plane that touches WGS 84 there, which the orthographic projection is.
    """
    if srs is None:
        return None
    if plane := _ENU.fullmatch(srs):
        return f"+proj=ortho +lat_0={plane[1]} +lon_0={plane[2]} +datum=WGS84 +units=m +no_defs +type=crs"
    code = _EPSG.match(srs)
    return f"EPSG:{code[1]}" if code else srs


def _evidence(model: _Model, *, known: bool) -> str:
    if model.srs is None:
        return "none declared"
    origin = ", ".join(f"{number:.15g}" for number in model.origin)
    reading = "" if known else ", which is not a known system"
    return f"{METADATA}: SRS {model.srs[:80]}{reading}; SRSOrigin {origin}"


def _problems(model: _Model) -> Iterator[Problem]:
    count, files = len(model.tiles), sum(tile.files for tile in model.tiles)
    size = sum(tile.size for tile in model.tiles)
    yield Problem("tiles-found", count, f"{count} tiles in {files} files of {size / 1e6:.1f} MB")
    yield Problem("footprints-only", count, "each tile becomes a box with its heights; the mesh itself is not imported")
    if _converter() is None:
        text = f"{CONVERTER} is not on this machine; install the Debian package {PACKAGE}"
        yield Problem("no-converter", count, text, refuses=True)


def _converter() -> str | None:
    return shutil.which(CONVERTER, path=SEARCH_PATH)


def _boxes(program: str, tiles: Sequence[_Tile], origin: Origin) -> tuple[list[_Box | None], str]:
    """The box of each tile in the model's system, None where it cannot be converted, and why the last could not."""
    boxes: list[_Box | None] = []
    why = ""
    for tile in tiles:
        with tempfile.TemporaryDirectory(prefix="cim-osgb-") as folder:
            said = _convert(program, tile.top, Path(folder) / "tile.obj")
            box = _box_of(Path(folder) / "tile.obj", origin) if said is None else None
        boxes.append(box)
        if box is None:
            why = f"{tile.name}: {said or 'the mesh has no vertices'}"
    return boxes, why


def _convert(program: str, source: Path, target: Path) -> str | None:
    """Write a tile as OBJ; what went wrong, or None."""
    try:
        done = subprocess.run([program, str(source), str(target)], capture_output=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it took longer than {LIMIT_S} s"
    if target.is_file() and 0 < target.stat().st_size <= MESH_LIMIT_BYTES:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines()
    return said[-1][:160] if said else f"it ended with status {done.returncode}"


def _box_of(mesh: Path, origin: Origin) -> _Box | None:
    """The box around the vertices of an OBJ, whose axes are east, north and up; None without usable ones."""
    least, greatest = np.full(3, np.inf), np.full(3, -np.inf)
    try:
        with mesh.open("rb") as lines:
            for line in lines:
                if line.startswith(b"v "):
                    vertex = np.array(line.split()[1:4], dtype=np.float64)
                    np.minimum(least, vertex, out=least)
                    np.maximum(greatest, vertex, out=greatest)
    except ValueError:
        return None
    if not (np.isfinite(least).all() and np.isfinite(greatest).all()):
        return None
    west, south, low = (float(side) for side in least + origin)
    east, north, high = (float(side) for side in greatest + origin)
    return (west, south, low), (east, north, high)


def _batch(tiles: Sequence[_Tile], boxes: Sequence[_Box | None]) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {
        "tile": [tile.name for tile in tiles],
        "levels": [tile.levels for tile in tiles],
        "files": [tile.files for tile in tiles],
        "bytes": [tile.size for tile in tiles],
        "min_height_m": [box and box[0][2] for box in boxes],
        "max_height_m": [box and box[1][2] for box in boxes],
    }
    arrays = [pa.array(columns[name], kind) for name, kind in _FIELDS.items()]
    shapes = [box and shapely.to_wkb(shapely.box(*box[0][:2], *box[1][:2])) for box in boxes]
    return pa.RecordBatch.from_arrays([*arrays, pa.array(shapes, pa.binary())], names=[*_FIELDS, GEOMETRY_COLUMN])
