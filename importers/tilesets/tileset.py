"""Sets of 3D Tiles, in a folder, a zip or a 3tz archive: a layer with one feature for the set."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from cim.errors import ImportRefused
from cim.model.collection import BoundingBox, FieldType
from cim.model.tilesets import placed
from cim.store.tile_archives import named_after, write_archive
from importers.archive import ZIP_MAGIC
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.tilesets.files import ROOT, TilesetFiles, files_of, root_of
from importers.tilesets.placing import Standing, standing_of
from importers.tilesets.walking import Walked, walk
from importers.wire import KEPT_FOLDER

FORM = "3tz-1"
Place = tuple[float, float, float, float]
LARGEST_FILE = 2 * 1024**3
GEOGRAPHIC = 4490
FIELDS: dict[str, pa.DataType] = {
    "name": pa.string(),
    "file": pa.string(),
    "bytes": pa.int64(),
    "files": pa.int64(),
    "tiles": pa.int64(),
    "contents": pa.string(),
    "tiles_version": pa.string(),
    "generator": pa.string(),
    "error_m": pa.float64(),
    "height_datum": pa.string(),
    "z_min_m": pa.float64(),
    "z_max_m": pa.float64(),
    "place_lon": pa.float64(),
    "place_lat": pa.float64(),
    "place_height_m": pa.float64(),
    "place_heading_deg": pa.float64(),
}
"""What is kept of a set beside its outline; ``contents`` counts them by kind: ``b3dm: 59``."""
_OURS: dict[pa.DataType, FieldType] = {pa.string(): "text", pa.int64(): "bigint", pa.float64(): "double"}


@dataclass(frozen=True, slots=True)
class Looked:
    """A set that was walked through, and how it stands; ``outline`` is None where it has no place on the Earth."""

    walked: Walked
    standing: Standing
    outline: shapely.MultiPolygon | None
    heights: tuple[float, float] | None


class Tileset:
    """Reads one set; its layer has one feature."""

    name = "3D Tiles"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A folder or archive with tileset.json outermost, or that document itself."""
        if path.is_dir():
            return (path / ROOT).is_file()
        return path.name == ROOT or (head.startswith(ZIP_MAGIC) and root_of(path) is not None)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of one set; every document and content is looked at."""
        if path.name == ROOT and path.is_file():
            raise ImportRefused(
                "tileset-alone",
                "this is the document of a set of 3D Tiles without the files it names",
                where=path.name,
                remedy="name the folder it lies in, or a zip of it",
            )
        return [_inspection(_name(path), _looked(path, *_chosen(options)))]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[pa.RecordBatch]:
        """The row of the set, which is left as an archive in the working folder; its outline is WKB in EPSG:4490."""
        looked = _looked(path, *_chosen(options))
        if looked.outline is None or looked.walked.faults:
            raise ImportRefused("no-place", "the set cannot be placed on the map", where=path.name)
        kept = Path.cwd() / KEPT_FOLDER
        kept.mkdir(exist_ok=True)
        names = looked.walked.files.kept
        with files_of(path) as files:
            target = kept / f"{named_after(names, files.open, FORM)}.3tz"
            if not target.exists():
                write_archive(target, names, files.open)
        row = _row(_name(path), looked) | {"file": target.name, "bytes": target.stat().st_size}
        columns = [pa.array([row[name]], kind) for name, kind in FIELDS.items()]
        shapes = pa.array([shapely.to_wkb(looked.outline)], pa.binary())
        yield pa.RecordBatch.from_arrays([*columns, shapes], names=[*FIELDS, GEOMETRY_COLUMN])


@functools.lru_cache(maxsize=1)
def _looked(path: Path, height_datum: str | None, place: Place | None) -> Looked:
    """A set looked at once for its inspection and its reading, which follow each other in one process."""
    with files_of(path) as files:
        return look(files, ReadOptions(height_datum=height_datum, place=place))


def _chosen(options: ReadOptions) -> tuple[str | None, Place | None]:
    """The options that matter to a set; lists of numbers that came as JSON are made what they were."""
    if options.place is None:
        return options.height_datum, None
    lon, lat, height_m, heading_deg = options.place
    return options.height_datum, (lon, lat, height_m, heading_deg)


def look(files: TilesetFiles, options: ReadOptions) -> Looked:
    """Walk through a set and find where it stands."""
    matrix = placed(options.place, options.place[2]) if options.place else None
    walked = walk(files, matrix)
    large = [name for name in walked.files.kept if walked.files.sizes[name] > LARGEST_FILE]
    for name in large:
        walked.faults.add("tileset-content", name, "it is larger than 2 GB")
    standing = standing_of(walked, options)
    if walked.faults or any(problem.refuses for problem in standing.problems):
        return Looked(walked, standing, None, None)
    return Looked(walked, standing, walked.outlining.outline(), walked.outlining.height_range())


def _inspection(name: str, looked: Looked) -> LayerInspection:
    row = _row(name, looked)
    problems = (*looked.walked.faults.problems(), *looked.standing.problems)
    if looked.outline is None and not any(problem.refuses for problem in problems):
        problems = (*problems, Problem("tileset-place", 1, "no tile of the set lies on the ground", refuses=True))
    return LayerInspection(
        name=name,
        geometry_type="MultiPolygon",
        geometry_types=("MultiPolygon",),
        feature_count=1,
        srid=GEOGRAPHIC,
        crs_wkt=None,
        crs_evidence="given as --place" if looked.standing.stand.place else "geocentric, as 3D Tiles are",
        encoding="none",
        bbox=_box(looked.outline),
        fields=tuple(_field(name, kind, row) for name, kind in FIELDS.items()),
        problems=tuple(sorted(problems, key=lambda problem: not problem.refuses)),
        kind="tileset",
        height_datum=looked.standing.stand.height_datum,
    )


def _box(outline: shapely.MultiPolygon | None) -> BoundingBox | None:
    if outline is None:
        return None
    west, south, east, north = outline.bounds
    return (west, south, east, north)


def _row(name: str, looked: Looked) -> dict[str, Any]:
    walked, stand = looked.walked, looked.standing.stand
    low, high = looked.heights or (None, None)
    lon, lat, height_m, heading_deg = stand.place or (None, None, None, None)
    return {
        "name": name,
        "file": None,
        "bytes": None,
        "files": len(walked.files.kept),
        "tiles": walked.tiles,
        "contents": ", ".join(f"{kind}: {count}" for kind, count in sorted(walked.files.kinds.items())),
        "tiles_version": walked.version,
        "generator": walked.generator or None,
        "error_m": walked.error_m,
        "height_datum": stand.height_datum,
        "z_min_m": None if low is None else round(low, 3),
        "z_max_m": None if high is None else round(high, 3),
        "place_lon": lon,
        "place_lat": lat,
        "place_height_m": height_m,
        "place_heading_deg": heading_deg,
    }


def _field(name: str, kind: pa.DataType, row: dict[str, Any]) -> SourceField:
    known = () if row[name] is None else (str(row[name]),)
    return SourceField(name, _OURS[kind], known, 1 - len(known))


def _name(path: Path) -> str:
    return path.name if path.is_dir() else path.stem
