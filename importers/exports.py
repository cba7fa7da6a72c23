"""Writing the features of a layer as a file that others can read, whole or not at all."""

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyogrio
import pyproj
import shapely

from cim.errors import BadRequest
from cim.model.collection import CollectionSchema, Field
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.exporting import FeaturePage
from importers.export_formats import REDLINE, XLSX, ExportFormat, column_names, value_writer
from importers.export_workbook import SheetText, write_sheets
from importers.redline_text import RedLineParcel, format_redline

LONLAT_SRID = 4490
SQUARE_METRES_PER_HECTARE = 10_000
FID, KEY, GEOMETRY = "cim_fid", "cim_key", "geometry"
FIELD_LIST = "字段说明.txt"
"""What a zipped Shapefile brings along: its fields, cut to ten bytes, and what they are called in full."""
_ZONE_PREFIXES = range(4513, 4534)
_ZONES = range(4534, 4555)


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to write where: the visible fields of a layer, in one CRS, in one format and encoding of texts.

    ``text`` is what people call the fields. ``with_key`` also gives the key of features that have no field for it.
    """

    schema: CollectionSchema
    fields: tuple[Field, ...]
    srid: int
    form: ExportFormat
    target: Path
    encoding: str = "UTF-8"
    text: SheetText = field(default_factory=SheetText)
    with_key: bool = True

    @property
    def has_key(self) -> bool:
        """Whether the file has a column for the key."""
        return self.with_key and self.schema.key is None


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and which fields had to be called otherwise."""

    files: tuple[Path, ...]
    features: int
    renamed: dict[str, str]


def export_srid(form: ExportFormat, schema: CollectionSchema, wanted: int | None) -> int:
    """The CRS of the file: the one asked for, the format's only one, or that of storage.

    A red-line text is in a three-degree zone of CGCS2000.
    """
    srid = wanted or form.one_srid or schema.srid
    if form.one_srid not in (None, srid):
        raise BadRequest(f"{form.name} is always in EPSG:{form.one_srid}", where="--crs", remedy="leave --crs away")
    if form.name == REDLINE and srid not in _ZONE_PREFIXES and srid not in _ZONES:
        raise BadRequest(
            f"a red-line text has metres of a three-degree zone, and EPSG:{srid} is none",
            where="--crs",
            remedy="name a zone: EPSG:4513 to 4533 with prefix, 4534 to 4554 without; 4523 or 4544 for 105 E",
        )
    return srid


def write_features(order: ExportOrder, pages: Iterator[FeaturePage], *, overwrite: bool = False) -> Exported:
    """Write all pages beside the target and then give it its name; BadRequest when there is a file and no leave."""
    target = order.target
    if target.exists() and not overwrite:
        raise BadRequest("the file is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.parent), remedy="make it first")
    with tempfile.TemporaryDirectory(prefix=".cim-export-", dir=target.parent) as name:
        work = Path(name)
        if order.form.name == REDLINE:
            count = _write_redline(order, pages, work / target.name)
            return Exported(_publish(work, target), count, {})
        if order.form.name == XLSX:
            path = work / target.name
            count = write_sheets(path, order.schema, order.fields, order.srid, order.text, pages)
            return Exported(_publish(work, target), count, {})
        names = column_names(order.form, order.fields, order.encoding)
        count = _write_gdal(order, names, pages, work)
        if target.suffix.lower() == ".zip":
            (work / FIELD_LIST).write_text(_field_list(order, names), "utf-8")
            files = _zip(work, target)
        else:
            files = _publish(work, target)
    return Exported(files, count, {old: new for old, new in names.items() if old != new})


def _write_gdal(order: ExportOrder, names: dict[str, str], pages: Iterator[FeaturePage], work: Path) -> int:
    form, located = order.form, order.schema.geometry != "none"
    suffix = ".dbf" if form.name == "shp" and not located else form.suffixes[0]
    schema = _arrow_schema(order, names)
    counted = [0]
    options = dict(form.options)
    if form.name == "csv" and not located:
        options.pop("GEOMETRY")
    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema, _batches(order, schema, pages, counted)),
        work / f"{order.target.stem}{suffix}",
        driver=form.driver,
        layer=order.target.stem if form.name in {"gpkg", "fgb"} else None,
        geometry_name=GEOMETRY if located else None,
        geometry_type=order.schema.geometry if located else None,
        crs=f"EPSG:{order.srid}" if located else None,
        encoding=order.encoding if form.name == "shp" else None,
        **options,
    )
    return counted[0]


def _arrow_schema(order: ExportOrder, names: dict[str, str]) -> pa.Schema:
    columns = [pa.field(FID, pa.int64())]
    if order.has_key:
        columns.append(pa.field(KEY, pa.string()))
    columns += [pa.field(names[f.name], value_writer(order.form, f.type)[0]) for f in order.fields]
    if order.schema.geometry != "none":
        columns.append(pa.field(GEOMETRY, pa.binary(), metadata={"ARROW:extension:name": "geoarrow.wkb"}))
    return pa.schema(columns)


def _batches(
    order: ExportOrder, schema: pa.Schema, pages: Iterator[FeaturePage], counted: list[int]
) -> Iterator[pa.RecordBatch]:
    makers = [value_writer(order.form, known.type)[1] for known in order.fields]
    for page in pages:
        counted[0] += len(page.fids)
        columns: list[Sequence[object]] = [page.fids]
        if order.has_key:
            columns.append(page.keys)
        columns += [[make(value) for value in values] for make, values in zip(makers, page.columns, strict=True)]
        if order.schema.geometry != "none":
            columns.append(page.wkb)
        arrays = [pa.array(column, known.type) for column, known in zip(columns, schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _write_redline(order: ExportOrder, pages: Iterator[FeaturePage], path: Path) -> int:
    if order.schema.geometry not in {"Polygon", "MultiPolygon"}:
        raise BadRequest("a red-line text holds areas only", where=order.schema.id, remedy="choose another format")
    names = [known.name for known in order.fields]
    to_degrees = pyproj.Transformer.from_crs(order.srid, LONLAT_SRID, always_xy=True).transform
    parcels = [parcel for page in pages for parcel in _parcels(page, names)]
    if not parcels:
        raise BadRequest("the layer has no area to write", where=order.schema.id, remedy="choose another layer")
    polygons = np.array([parcel.polygon for parcel in parcels], dtype=object)
    degrees = shapely.transform(polygons, lambda xy: np.column_stack(to_degrees(xy[:, 0], xy[:, 1])))
    areas = ellipsoidal_areas_m2(degrees)
    parcels = [
        parcel if parcel.area_ha is not None else replace(parcel, area_ha=float(area) / SQUARE_METRES_PER_HECTARE)
        for parcel, area in zip(parcels, areas, strict=True)
    ]
    path.write_text(format_redline(parcels, _zone_header(order.srid)), order.encoding)
    return len(parcels)


def _parcels(page: FeaturePage, names: Sequence[str]) -> Iterator[RedLineParcel]:
    """A parcel for each part of each feature, for a red line has no parts; the names are those it is imported under."""
    for number, shape in enumerate(page.wkb):
        told = {name: column[number] for name, column in zip(names, page.columns, strict=True)}
        parts = list(shapely.get_parts(shapely.from_wkb(shape))) if shape is not None else []
        for part_number, part in enumerate(parts, 1):
            mark = f"-{part_number}" if len(parts) > 1 else ""
            yield RedLineParcel(
                number=f"{told.get('parcel_no') or page.keys[number]}{mark}",
                name=str(told.get("name") or ""),
                polygon=part,
                area_ha=told.get("area_ha") if len(parts) == 1 else None,
                sheet=str(told.get("sheet") or ""),
                use=str(told.get("use") or ""),
                land_code=str(told.get("land_code") or ""),
            )


def _zone_header(srid: int) -> dict[str, str]:
    """The zone of the coordinates; with a prefix the first two digits of the eastings name it too."""
    zone = srid - 4513 + 25 if srid in _ZONE_PREFIXES else srid - 4534 + 25
    return {"带号": str(zone)}


def _field_list(order: ExportOrder, names: dict[str, str]) -> str:
    lines = [
        "Shapefile 的字段名最多 10 个字节，文本最多 254 个字节。 A Shapefile has ten bytes for a name, 254 for a text.",
        "文件中的字段 in the file\t字段名 field\t标题 title\t单位 unit",
    ]
    for old, new in names.items():
        told = order.text.columns.get(old)
        lines.append("\t".join([new, old, f"{told.title} {told.english}" if told else "", told.unit if told else ""]))
    return "\n".join([*lines, *(f"{item}\t{content}" for item, content in order.text.origin), ""])


def _publish(work: Path, target: Path) -> tuple[Path, ...]:
    files = [target.with_name(path.name) for path in sorted(work.iterdir())]
    for path in files:
        shutil.move(work / path.name, path)
    return tuple(files)


def _zip(work: Path, target: Path) -> tuple[Path, ...]:
    parts = sorted(work.iterdir())
    packed = work / target.name
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            archive.write(part, part.name)
    shutil.move(packed, target)
    return (target,)
