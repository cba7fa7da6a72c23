"""Point clouds (LAS, LAZ, COPC), alone or a folder of them: one layer, a feature for each file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from cim.errors import ImportRefused
from cim.model.collection import FieldType
from cim.model.reference_systems import declared_crs
from importers.clouds.header import CloudHeader, header_of
from importers.clouds.keeping import keep_cloud
from importers.clouds.places import Place, area_m2, outlined, place_of
from importers.clouds.points import Survey, reading, survey_of
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.wire import KEPT_FOLDER

MAGIC = b"LASF"
SUFFIXES = frozenset({".las", ".laz"})
BESIDE = frozenset({".prj", ".xml", ".txt", ".md", ".pdf", ".lax"})
MOST_NAMED = 3
BOX_STEPS = 2.0
"""How many steps of its coordinates a header's box may be off."""

FIELDS: dict[str, pa.DataType] = {
    "name": pa.string(),
    "file": pa.string(),
    "bytes": pa.int64(),
    "points": pa.int64(),
    "classes": pa.string(),
    "point_format": pa.int32(),
    "las_version": pa.string(),
    "crs": pa.string(),
    "height_datum": pa.string(),
    "z_min_m": pa.float64(),
    "z_max_m": pa.float64(),
    "density_per_m2": pa.float64(),
    "colours": pa.bool_(),
    "made_at": pa.string(),
}
"""What is kept of a cloud beside its outline; ``classes`` are points by class of ASPRS: ``2: 1200, 6: 80``."""
_OURS: dict[pa.DataType, FieldType] = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
}


@dataclass(frozen=True, slots=True)
class Cloud:
    """One file: its header, what its points are, and where it lies; ``outline`` is None where that is not known.

    ``problems`` are those of its place and of its coordinates.
    """

    header: CloudHeader
    survey: Survey
    place: Place
    outline: shapely.MultiPolygon | None
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The file's name, which is its key."""
        return self.header.path.name


class Las:
    """Reads one point cloud; its layer has one feature."""

    name = "LAS"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The mark of LAS."""
        return head.startswith(MAGIC)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of one cloud; the points are read once."""
        return [inspect_clouds(path.stem.removesuffix(".copc"), [cloud_of(path, options)])]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[pa.RecordBatch]:
        """The cloud, kept as LAZ."""
        yield read_cloud(cloud_of(path, options))


class CloudFolder:
    """A folder of point clouds: one layer, a feature each."""

    name = "Point cloud folder"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A folder that holds point clouds and what belongs to them, nothing else."""
        if not path.is_dir():
            return False
        rest = [item for item in path.rglob("*") if item.is_file() and item.suffix.lower() not in SUFFIXES]
        return bool(_members(path)) and all(item.suffix.lower() in BESIDE for item in rest)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of all clouds; ImportRefused names the first that cannot be read."""
        clouds = [cloud_of(member, options) for member in _members(path)]
        name = path.name.removesuffix(".unpacked").removesuffix(".zip")
        return [inspect_clouds(name, clouds)]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[pa.RecordBatch]:
        """The clouds in order of their names."""
        for member in _members(path):
            yield read_cloud(cloud_of(member, options))


def cloud_of(path: Path, options: ReadOptions) -> Cloud:
    """Header, points and place of a file; ImportRefused where it is damaged or not of a form that is read."""
    header = header_of(path)
    survey = survey_of(path)
    with reading(path) as source:
        place = place_of(header, source, survey, options)
    outline, problems = outlined(place, survey)
    return Cloud(header, survey, place, outline, (*place.problems, *problems, *_box_problems(header, survey)))


def inspect_clouds(name: str, clouds: Sequence[Cloud]) -> LayerInspection:
    """One layer for one or many clouds; the box is in longitude and latitude where the system is known."""
    first = clouds[0].place
    srid, wkt = declared_crs(first.declared)
    placed = [cloud.outline for cloud in clouds if cloud.outline is not None]
    rows = [_row(cloud) for cloud in clouds[:MOST_NAMED]]
    return LayerInspection(
        name=name,
        geometry_type="MultiPolygon",
        geometry_types=("MultiPolygon",),
        feature_count=len(clouds),
        srid=srid,
        crs_wkt=wkt,
        crs_evidence=first.evidence,
        encoding="none",
        bbox=tuple(shapely.total_bounds(placed).tolist()) if placed else None,
        fields=tuple(_field(name, kind, rows) for name, kind in FIELDS.items()),
        problems=tuple(_merged(clouds)),
        kind="pointcloud",
        height_datum=first.datum,
    )


def read_cloud(cloud: Cloud) -> pa.RecordBatch:
    """The row of a cloud, whose LAZ is left in the working folder; its outline is WKB in EPSG:4490."""
    if cloud.outline is None:
        raise ImportRefused("no-place", "the cloud has no place on the map", where=cloud.name, remedy="give --crs")
    kept = keep_cloud(cloud.header, Path.cwd() / KEPT_FOLDER)
    row = _row(cloud) | {"file": kept.name, "bytes": kept.bytes}
    columns = [pa.array([row[name]], kind) for name, kind in FIELDS.items()]
    shapes = pa.array([shapely.to_wkb(cloud.outline)], pa.binary())
    return pa.RecordBatch.from_arrays([*columns, shapes], names=[*FIELDS, GEOMETRY_COLUMN])


def _row(cloud: Cloud) -> dict[str, Any]:
    header, survey, place, outline = cloud.header, cloud.survey, cloud.place, cloud.outline
    unit = place.height_m
    return {
        "name": cloud.name,
        "file": None,
        "bytes": None,
        "points": survey.points,
        "classes": ", ".join(f"{number}: {count}" for number, count in survey.classes.items()),
        "point_format": header.point_format,
        "las_version": header.version,
        "crs": place.crs,
        "height_datum": place.datum,
        "z_min_m": None if unit is None else round(survey.low[2] * unit, 3),
        "z_max_m": None if unit is None else round(survey.high[2] * unit, 3),
        "density_per_m2": None if outline is None else round(survey.points / area_m2(outline), 3),
        "colours": survey.colours,
        "made_at": header.made_at,
    }


def _field(name: str, kind: pa.DataType, rows: Sequence[dict[str, Any]]) -> SourceField:
    known = tuple(str(row[name]) for row in rows if row[name] is not None)
    return SourceField(name, _OURS[kind], known, len(rows) - len(known))


def _merged(clouds: Sequence[Cloud]) -> list[Problem]:
    """What is wrong with the clouds, once for each kind of fault with the names of the first files that have it."""
    met: dict[str, list[tuple[str, Problem]]] = {}
    for cloud in clouds:
        for problem in cloud.problems:
            met.setdefault(problem.code, []).append((cloud.name, problem))
    merged = []
    for code, found in met.items():
        told = found[0][1].message
        if len(clouds) > 1:
            told = "; ".join(f"{name}: {problem.message}" for name, problem in found[:MOST_NAMED])
        merged.append(Problem(code, len(found), told, any(problem.refuses for _, problem in found)))
    names = [cloud.name for cloud in clouds]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        merged.append(Problem("same-names", len(repeated), f"two files are named {repeated[0]}", refuses=True))
    nowhere = [cloud.name for cloud in clouds if cloud.place.crs is None]
    if nowhere and len(nowhere) < len(clouds):
        told = f"no system is declared in {', '.join(nowhere[:MOST_NAMED])}; give --crs, or import them apart"
        merged.append(Problem("crs-missing", len(nowhere), told, refuses=True))
    systems = sorted({cloud.place.crs for cloud in clouds if cloud.place.crs})
    if len(systems) > 1:
        told = f"the clouds are in several systems, each keeps its own: {', '.join(system[:80] for system in systems)}"
        merged.append(Problem("mixed-crs", len(systems), told))
    return merged


def _box_problems(header: CloudHeader, survey: Survey) -> Iterator[Problem]:
    off = np.abs(np.array([survey.low, survey.high]) - np.array([header.low, header.high]))
    if (off > BOX_STEPS * np.array(header.scales)).any():
        yield Problem("header-box", 1, "the box in the header is not that of the points; that of the points is taken")


def _members(folder: Path) -> list[Path]:
    return [item for item in sorted(folder.rglob("*")) if item.is_file() and item.suffix.lower() in SUFFIXES]
