"""What the raster formats share: a layer whose features are images, each with its outline and what it is.

The outline is in longitude and latitude of CGCS2000; the image keeps its own grid and system.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from cim.errors import ImportRefused
from cim.model.collection import FieldType
from cim.model.reference_systems import declared_crs, declared_height_datum, given_crs
from importers.cog import write_cog
from importers.importer import GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.wire import KEPT_FOLDER

EDGE_POINTS = 21
RATIO_LIMIT = 2_000
FREE_BYTES = 2 * 1024**3
M_PER_DEGREE = 111_320.0
VERTICAL_NAMES = {"1985": "EPSG:5737", "1956": "EPSG:5736", "egm96": "EPSG:5773", "egm2008": "EPSG:3855"}

FIELDS: dict[str, pa.DataType] = {
    "image": pa.string(),
    "file": pa.string(),
    "bytes": pa.int64(),
    "width": pa.int32(),
    "height": pa.int32(),
    "bands": pa.int32(),
    "data_type": pa.string(),
    "colours": pa.string(),
    "nodata": pa.float64(),
    "crs": pa.string(),
    "cell_x": pa.float64(),
    "cell_y": pa.float64(),
    "minimum": pa.float64(),
    "maximum": pa.float64(),
    "height_datum": pa.string(),
    "made_at": pa.string(),
}
"""What is kept of an image; cells are in units of its system, least and greatest value are of its first band."""
_OURS: dict[pa.DataType, FieldType] = {
    pa.string(): "text",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.float64(): "double",
}


@dataclass(frozen=True, slots=True)
class Header:
    """A raster's header. ``transform`` is GDAL's; ``crs`` an authority code or WKT, None where none is declared."""

    path: Path
    width: int
    height: int
    bands: int
    data_type: str
    colours: str
    nodata: float | None
    srid: int | None
    wkt: str | None
    vertical: str | None
    transform: tuple[float, ...]
    placed: bool
    made_at: str | None

    @property
    def crs(self) -> str | None:
        """The system for people and programs."""
        return f"EPSG:{self.srid}" if self.srid else self.wkt

    @property
    def is_heights(self) -> bool:
        """Whether it looks like a model of heights: one band of numbers that are no picture and no classes."""
        return self.bands == 1 and self.data_type in {"int16", "int32", "float32", "float64"}

    def corners(self) -> list[tuple[float, float]]:
        """The outline in the raster's own system, with points along the edges."""
        steps = [number / (EDGE_POINTS - 1) for number in range(EDGE_POINTS)]
        edge = [(s * self.width, 0.0) for s in steps] + [(float(self.width), s * self.height) for s in steps[1:]]
        edge += [(s * self.width, float(self.height)) for s in reversed(steps[:-1])]
        edge += [(0.0, s * self.height) for s in reversed(steps[1:-1])]
        a, b, c, d, e, f = self.transform
        return [(a * x + b * y + c, d * x + e * y + f) for x, y in edge]


def header_of(path: Path, driver: str) -> Header:
    """Read a raster's header; ImportRefused when it is none, or would unpack to far more than it has bytes."""
    import rasterio  # noqa: PLC0415 - the reading child starts faster without it

    try:
        with rasterio.open(path, driver=driver) as dataset:
            _check_size(path, dataset)
            srid, wkt = declared_crs(dataset.crs.to_wkt() if dataset.crs else None)
            identity = dataset.transform.is_identity or dataset.transform.determinant == 0
            return Header(
                path,
                dataset.width,
                dataset.height,
                dataset.count,
                str(dataset.dtypes[0]),
                _colours([item.name for item in dataset.colorinterp]),
                dataset.nodata,
                srid,
                wkt,
                declared_height_datum(dataset.crs.to_wkt() if dataset.crs else None),
                tuple(dataset.transform)[:6],
                not identity,
                _moment(dataset.tags().get("TIFFTAG_DATETIME")),
            )
    except (rasterio.errors.RasterioError, rasterio.errors.RasterioIOError, RuntimeError) as error:
        raise ImportRefused(
            "unreadable",
            "the file is damaged or not what it seems",
            where=path.name,
            remedy="ask for the file again",
        ) from error


def inspect_images(name: str, headers: Sequence[Header], options: ReadOptions) -> LayerInspection:
    """One layer for one or many images of equal kind."""
    first = headers[0]
    systems = sorted({header.crs or "none" for header in headers})
    outlines = [_outline(header, options) for header in headers if _system(header, options) and header.placed]
    outlines = [outline for outline in outlines if np.isfinite(shapely.bounds(outline)).all()]
    bbox = tuple(shapely.total_bounds(outlines).tolist()) if outlines else None
    datum = height_datum(first, options)
    return LayerInspection(
        name=name,
        geometry_type="MultiPolygon",
        geometry_types=("MultiPolygon",),
        feature_count=len(headers),
        srid=first.srid,
        crs_wkt=first.wkt,
        crs_evidence="declared in the file" if first.crs else "none declared",
        encoding="none",
        bbox=bbox,
        fields=_fields(first, headers, options),
        problems=tuple(_problems(headers, systems, options)),
        kind="raster",
        height_datum=datum,
    )


def read_images(headers: Sequence[Header], driver: str, options: ReadOptions) -> Iterator[pa.RecordBatch]:
    """One row an image: its COG is written below the working folder, its outline is WKB in EPSG:4490."""
    for header in headers:
        declare_system(header, options)
        crs = options.crs or header.crs or ""
        facts = write_cog(header.path, driver, Path.cwd() / KEPT_FOLDER, crs)
        row = _row(header, options) | {
            "file": facts.name,
            "bytes": facts.bytes,
            "minimum": facts.minimum,
            "maximum": facts.maximum,
        }
        columns = [pa.array([row[name]], kind) for name, kind in FIELDS.items()]
        outline = pa.array([shapely.to_wkb(_outline(header, options))], pa.binary())
        yield pa.RecordBatch.from_arrays([*columns, outline], names=[*FIELDS, GEOMETRY_COLUMN])


def declare_system(header: Header, options: ReadOptions) -> None:
    """Write the system somebody gave into the copy that is about to be converted."""
    if options.crs is None:
        return
    import rasterio  # noqa: PLC0415 - see header_of
    from rasterio.crs import CRS  # noqa: PLC0415 - see header_of

    srid, wkt = given_crs(options.crs)
    crs = CRS.from_epsg(srid) if srid else CRS.from_wkt(wkt or "")
    if header.path.suffix.lower() in {".asc", ".grd", ".txt"}:
        header.path.with_suffix(".prj").write_text(crs.to_wkt(version="WKT1_ESRI"), "utf-8")
    elif header.path.suffix.lower() != ".hgt":
        with rasterio.open(header.path, "r+", driver="GTiff", IGNORE_COG_LAYOUT_BREAK="YES") as dataset:
            dataset.crs = crs


def height_datum(header: Header, options: ReadOptions) -> str | None:
    """The height system of a model of heights: given, declared, or None; pictures have none."""
    if not header.is_heights:
        return None
    if options.height_datum:
        return VERTICAL_NAMES.get(options.height_datum.lower(), options.height_datum)
    return header.vertical


def _row(header: Header, options: ReadOptions) -> dict[str, Any]:
    return {
        "image": header.path.name,
        "file": None,
        "bytes": None,
        "width": header.width,
        "height": header.height,
        "bands": header.bands,
        "data_type": header.data_type,
        "colours": header.colours,
        "nodata": header.nodata,
        "crs": options.crs or header.crs,
        "cell_x": abs(header.transform[0]) or abs(header.transform[1]),
        "cell_y": abs(header.transform[4]) or abs(header.transform[3]),
        "minimum": None,
        "maximum": None,
        "height_datum": height_datum(header, options),
        "made_at": header.made_at,
    }


def _fields(first: Header, headers: Sequence[Header], options: ReadOptions) -> tuple[SourceField, ...]:
    rows = [_row(header, options) for header in headers[:3]]
    return tuple(
        SourceField(
            name,
            _OURS[kind],
            tuple(str(row[name]) for row in rows if row[name] is not None),
            sum(row[name] is None for row in rows),
        )
        for name, kind in FIELDS.items()
    )


def _problems(headers: Sequence[Header], systems: Sequence[str], options: ReadOptions) -> Iterator[Problem]:
    unplaced = [header.path.name for header in headers if not header.placed]
    if unplaced:
        message = f"the picture has no place on the map: {', '.join(unplaced[:5])}"
        yield Problem("no-georeference", len(unplaced), message, refuses=True)
    if len(systems) > 1 and not options.crs:
        yield Problem("mixed-crs", len(systems), f"the images are in several systems, each keeps its own: {systems}")
    kinds = {(header.bands, header.data_type) for header in headers}
    if len(kinds) > 1:
        told = ", ".join(f"{bands} bands of {kind}" for bands, kind in sorted(kinds))
        yield Problem("mixed-images", len(kinds), f"the images differ: {told}; import them apart", refuses=True)
    lost = [header.path.name for header in headers if _system(header, options) and not _on_earth(header, options)]
    if lost:
        message = f"the coordinates are none of {options.crs or headers[0].crs}: {', '.join(lost[:5])}; check --crs"
        yield Problem("crs-disagrees", len(lost), message, refuses=True)
    unknown = [header for header in headers if header.is_heights and height_datum(header, options) is None]
    if unknown:
        message = "heights without a height system; give --height-datum 1985 (or egm96, ellipsoidal, local)"
        yield Problem("height-datum", len(unknown), message)


def _system(header: Header, options: ReadOptions) -> Any:
    """The raster's horizontal system as pyproj knows it; None where there is none."""
    import pyproj  # noqa: PLC0415 - see header_of

    srid, wkt = given_crs(options.crs) if options.crs else (header.srid, header.wkt)
    if srid is None and wkt is None:
        return None
    return pyproj.CRS.from_epsg(srid) if srid else pyproj.CRS.from_wkt(wkt or "")


def _outline(header: Header, options: ReadOptions) -> shapely.MultiPolygon:
    """The outline in longitude and latitude; parted where it crosses the date line."""
    import pyproj  # noqa: PLC0415 - see header_of

    way = pyproj.Transformer.from_crs(_system(header, options), 4490, always_xy=True)
    xs, ys = zip(*header.corners(), strict=True)
    lons, lats = way.transform(xs, ys)
    if max(lons) - min(lons) <= 180:
        return shapely.MultiPolygon([shapely.Polygon(zip(lons, lats, strict=True))])
    ring = shapely.Polygon([(lon % 360, lat) for lon, lat in zip(lons, lats, strict=True)])
    west = shapely.intersection(ring, shapely.box(0, -90, 180, 90))
    east = shapely.transform(shapely.intersection(ring, shapely.box(180, -90, 360, 90)), lambda xy: xy - [360, 0])
    return shapely.MultiPolygon([*shapely.get_parts(west), *shapely.get_parts(east)])


def _on_earth(header: Header, options: ReadOptions) -> bool:
    west, south, east, north = shapely.bounds(_outline(header, options))
    return bool(np.isfinite([west, south, east, north]).all() and -90 <= south <= north <= 90 and east - west <= 360)


def _check_size(path: Path, dataset: Any) -> None:
    size = dataset.width * dataset.height * dataset.count * _item_bytes(str(dataset.dtypes[0]))
    if size > FREE_BYTES and size > RATIO_LIMIT * path.stat().st_size:
        cells = f"{dataset.width} x {dataset.height} cells"
        raise ImportRefused(
            "too-large",
            f"{cells} of {path.stat().st_size / 1e6:.1f} MB would be {size / 1e9:.0f} GB",
            where=path.name,
            remedy="cut it to the area that holds values",
        )


def _item_bytes(data_type: str) -> int:
    bits = re.search(r"\d+$", data_type)
    return max(1, int(bits[0]) // 8) if bits else 8


def _colours(names: Sequence[str]) -> str:
    if names[0] == "palette":
        return "palette"
    return "rgb" if tuple(names[:3]) == ("red", "green", "blue") else "gray"


def _moment(text: str | None) -> str | None:
    """TIFF writes 2024:05:01 10:00:00."""
    match = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", (text or "").strip())
    return f"{match[1]}-{match[2]}-{match[3]}T{match[4]}" if match else None
