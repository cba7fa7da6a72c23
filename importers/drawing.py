"""The entities of a drawing as rows of points, lines, areas and texts; what cannot be kept is counted by type."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import ezdxf.path
import pyarrow as pa
import shapely
from ezdxf import recover
from ezdxf.document import Drawing
from ezdxf.entities.dxfentity import DXFEntity
from ezdxf.entities.dxfgfx import DXFGraphic
from ezdxf.entities.insert import Insert
from ezdxf.filemanagement import readfile
from ezdxf.lldxf.const import DXFError

from cim.errors import ImportRefused
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem
from importers.vector_source import described_fields

LIMIT_BYTES = 200 * 1024 * 1024
FLATTENING_M = 0.01
BLOCK_DEPTH = 8
POLYGON = int(shapely.GeometryType.POLYGON)
CASS_APPLICATION, TEXT_CODE = "SOUTH", 1000
KINDS = {"points": "Point", "lines": "LineString", "areas": "Polygon", "texts": "Point"}
FIELDS: dict[str, pa.DataType] = {
    "layer": pa.string(),
    "entity": pa.string(),
    "handle": pa.string(),
    "color": pa.int32(),
    "block": pa.string(),
    "text": pa.string(),
    "text_height": pa.float64(),
    "rotation": pa.float64(),
    "elevation": pa.float64(),
    "cass_code": pa.string(),
    "xdata": pa.string(),
}
Row = dict[str, Any]


@dataclass(slots=True)
class _Drawing:
    """What a drawing holds, by kind, and what could not be kept, by type."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    left_out: Counter[str] = field(default_factory=Counter)
    repaired: int = 0


def inspect_drawing(path: Path, options: ReadOptions) -> list[LayerInspection]:
    """The kinds a drawing has, each as a layer."""
    drawing, encoding = _read(path, options)
    layers = [_layer(path, kind, rows, encoding) for kind, rows in drawing.rows.items() if rows]
    if not layers:
        raise ImportRefused("nothing-to-load", "the drawing is empty", where=path.name, remedy="export the model space")
    problems = []
    if drawing.left_out:
        listed = ", ".join(f"{name} {count}" for name, count in drawing.left_out.most_common(8))
        problems.append(Problem("entities-left-out", drawing.left_out.total(), f"not kept: {listed}"))
    if drawing.repaired:
        problems.append(Problem("drawing-repaired", drawing.repaired, "faults of the file were put right to read it"))
    first = layers[0]
    return [replace(first, problems=(*first.problems, *problems)), *layers[1:]]


def read_drawing(path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    """Entities of one kind in drawing order."""
    rows = _read(path, options)[0].rows[layer.name.rpartition("_")[2]]
    for start in range(0, len(rows), BATCH_ROWS):
        yield _batch(rows[start : start + BATCH_ROWS])


def _layer(path: Path, kind: str, rows: list[Row], encoding: str) -> LayerInspection:
    fields, problems = described_fields(_batch(rows[:1000]))
    west, south, east, north = (float(side) for side in shapely.total_bounds([row[GEOMETRY_COLUMN] for row in rows]))
    return LayerInspection(
        name=f"{path.stem}_{kind}",
        geometry_type=KINDS[kind],  # type: ignore[arg-type]  # one of the literals above
        geometry_types=(KINDS[kind],),
        feature_count=len(rows),
        srid=None,
        crs_wkt=None,
        crs_evidence="a DXF declares none",
        encoding=encoding,
        bbox=(west, south, east, north),
        fields=fields,
        problems=tuple(problems),
    )


def _batch(rows: list[Row]) -> pa.RecordBatch:
    columns = [pa.array([row.get(name) for row in rows], kind) for name, kind in FIELDS.items()]
    columns.append(pa.array([shapely.to_wkb(row[GEOMETRY_COLUMN]) for row in rows], pa.binary()))
    return pa.RecordBatch.from_arrays(columns, names=[*FIELDS, GEOMETRY_COLUMN])


def _read(path: Path, options: ReadOptions) -> tuple[_Drawing, str]:
    if path.stat().st_size > LIMIT_BYTES:
        raise ImportRefused(
            "too-large", "a drawing is held whole and read up to 200 MB", where=path.name, remedy="export it in parts"
        )
    try:
        document, repaired = _opened(path, options)
        found = _Drawing(repaired=repaired)
        for entity in document.modelspace():
            _take(entity, found, depth=0)
    except (DXFError, OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise ImportRefused(
            "unreadable",
            f"the drawing is damaged: {str(error)[:120]}",
            where=path.name,
            remedy="save it again, for example as DXF 2018",
        ) from error
    given = "given by --encoding" if options.encoding else "code page of the drawing"
    return found, f"{document.encoding} ({given})"


def _opened(path: Path, options: ReadOptions) -> tuple[Drawing, int]:
    try:
        return readfile(path, encoding=options.encoding), 0
    except DXFError:
        document, auditor = recover.readfile(path)
        return document, len(auditor.fixes) + len(auditor.errors)


def _take(entity: DXFEntity, found: _Drawing, depth: int) -> None:
    kind = entity.dxftype()
    if isinstance(entity, Insert):
        _take_block(entity, found, depth)
    elif kind in {"POINT", "TEXT", "MTEXT", "ATTRIB", "ATTDEF"}:
        _take_point(entity, found)
    elif kind in _LINEAR or kind == "HATCH":
        _take_path(entity, found)
    else:
        found.left_out[kind] += 1


def _take_block(entity: Insert, found: _Drawing, depth: int) -> None:
    place = entity.dxf.insert
    row = _row(entity, block=entity.dxf.name, rotation=entity.dxf.rotation, elevation=place.z or None)
    found.rows["points"].append({**row, GEOMETRY_COLUMN: shapely.Point(place.x, place.y)})
    for attribute in entity.attribs:
        _take(attribute, found, depth)
    if depth >= BLOCK_DEPTH:
        found.left_out["blocks nested deeper"] += 1
        return
    for part in entity.virtual_entities():
        if part.dxftype() in _LINEAR or isinstance(part, Insert):
            _take(part, found, depth + 1)


def _take_point(entity: DXFEntity, found: _Drawing) -> None:
    kind = entity.dxftype()
    place = entity.dxf.location if kind == "POINT" else entity.dxf.insert
    row: Row = _row(entity, elevation=place.z or None)
    if kind != "POINT":
        plain = entity.plain_text() if hasattr(entity, "plain_text") else entity.dxf.text
        height = entity.dxf.get("char_height") if kind == "MTEXT" else entity.dxf.get("height")
        row |= {"text": plain, "text_height": height, "rotation": entity.dxf.get("rotation", 0.0)}
    shape = shapely.Point(place.x, place.y)
    found.rows["points" if kind == "POINT" else "texts"].append({**row, GEOMETRY_COLUMN: shape})


def _take_path(entity: DXFEntity, found: _Drawing) -> None:
    kind = entity.dxftype()
    outlines = _hatch_rings(entity) if kind == "HATCH" else _rings_of(entity)
    if not outlines:
        found.left_out[f"{kind} without length"] += 1
        return
    row = _row(entity, elevation=_elevation(entity))
    closed = kind == "HATCH" or _is_closed(entity)
    if closed and all(len(ring) >= 4 for ring in outlines):
        shape = shapely.Polygon(outlines[0]) if len(outlines) == 1 else _with_holes(outlines)
        if shapely.get_type_id(shape) == POLYGON and not shapely.is_empty(shape):
            found.rows["areas"].append({**row, GEOMETRY_COLUMN: shape})
            return
    for ring in outlines:
        found.rows["lines"].append({**row, GEOMETRY_COLUMN: shapely.LineString(ring)})


def _rings_of(entity: DXFEntity) -> list[list[tuple[float, float]]]:
    flat = [(p.x, p.y) for p in ezdxf.path.make_path(entity).flattening(FLATTENING_M)]
    line = [point for number, point in enumerate(flat) if number == 0 or point != flat[number - 1]]
    if _is_closed(entity) and len(line) > 2 and line[0] != line[-1]:
        line.append(line[0])
    return [line] if len(line) > 1 else []


def _hatch_rings(entity: DXFEntity) -> list[list[tuple[float, float]]]:
    rings = []
    for outline in ezdxf.path.from_hatch(entity):  # type: ignore[arg-type]  # a hatch by its type
        ring = [(p.x, p.y) for p in outline.flattening(FLATTENING_M)]
        if len(ring) > 2:
            rings.append(ring if ring[0] == ring[-1] else [*ring, ring[0]])
    return rings


def _with_holes(rings: list[list[tuple[float, float]]]) -> shapely.Geometry:
    """The even-odd area of a hatch's rings: its outline without the islands in it."""
    shape: shapely.Geometry = shapely.Polygon(rings[0])
    for ring in rings[1:]:
        shape = shapely.symmetric_difference(shape, shapely.Polygon(ring))
    return shape


def _is_closed(entity: DXFEntity) -> bool:
    kind = entity.dxftype()
    if kind in {"CIRCLE", "SOLID", "TRACE", "3DFACE"}:
        return True
    if kind == "LWPOLYLINE":
        return bool(getattr(entity, "closed", False))
    if kind == "POLYLINE":
        return bool(getattr(entity, "is_closed", False))
    return False


def _elevation(entity: DXFEntity) -> float | None:
    if entity.dxftype() == "LWPOLYLINE":
        return float(entity.dxf.get("elevation", 0.0)) or None
    if entity.dxftype() == "POLYLINE":
        points = list(getattr(entity, "points", list)())
        return float(points[0].z) or None if points else None
    return None


def _row(entity: DXFEntity, **more: Any) -> Row:
    graphic = entity if isinstance(entity, DXFGraphic) else None
    row: Row = {
        "layer": graphic.dxf.get("layer", "0") if graphic else "0",
        "entity": entity.dxftype(),
        "handle": entity.dxf.get("handle"),
        "color": graphic.dxf.get("color") if graphic else None,
    }
    return {**row, **_extended(entity), **more}


def _extended(entity: DXFEntity) -> Row:
    """The feature code of CASS, and the extended data of other applications as JSON."""
    if entity.xdata is None:
        return {}
    found: Row = {}
    others: dict[str, list[str]] = {}
    for application, tags in entity.xdata.data.items():
        values = [str(tag.value) for tag in tags if tag.code != 1001]
        texts = [str(tag.value) for tag in tags if tag.code == TEXT_CODE]
        if application.upper() == CASS_APPLICATION and texts:
            found["cass_code"] = texts[0]
        else:
            others[application] = values
    if others:
        found["xdata"] = json.dumps(others, ensure_ascii=False)
    return found


_LINEAR = frozenset({"LINE", "LWPOLYLINE", "POLYLINE", "ARC", "CIRCLE", "ELLIPSE", "SPLINE", "HELIX", "SOLID", "TRACE"})
