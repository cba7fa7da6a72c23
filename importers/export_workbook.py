"""Features as a workbook that people read: titles over the columns, names beside codes, and sheets that explain them.

Points have two columns of coordinates; areas and lines have their ellipsoidal size, as their shapes fit no cell.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyproj
import shapely

from cim.model.collection import CollectionSchema, Field, GeometryType
from cim.model.ellipsoid import ellipsoidal_areas_m2
from cim.store.exporting import FeaturePage
from importers.spreadsheets import Sheet, column_letter, write_workbook
from layers.catalog import Catalog

FEATURES, FIELDS, ORIGIN = "要素", "字段说明", "来源"
FID = "cim_fid"
_LONLAT = frozenset({4490, 4326})
_ELLIPSOID = pyproj.Geod(ellps="GRS80")
_NAME_WIDTH, _WIDTH, _WIDE = 12, 16, 40
_TYPES = {
    "text": "文本 text",
    "integer": "整数 integer",
    "bigint": "整数 integer",
    "double": "小数 number",
    "boolean": "是否 yes or no",
    "date": "日期 date",
    "timestamp": "时间（北京时间 UTC+8） time",
}


@dataclass(frozen=True, slots=True)
class ColumnText:
    """What people call a field: title, English title, unit, and the names of its codes."""

    title: str
    english: str = ""
    unit: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SheetText:
    """The texts of a workbook: of each field by name, and lines on where the features come from."""

    columns: Mapping[str, ColumnText] = field(default_factory=dict)
    origin: Sequence[tuple[str, object]] = ()


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    name: str
    kind: str
    text: ColumnText


def sheet_text(catalog: Catalog, schema: CollectionSchema, origin: Sequence[tuple[str, object]] = ()) -> SheetText:
    """The texts of a layer's fields, as far as it has a definition."""
    definition = catalog.layers.get(schema.id)
    columns = {}
    for known in definition.fields if definition else ():
        codes = catalog.code_names(schema.id, known.name) or {}
        names = {code: text.zh for code, text in codes.items()}
        columns[known.name] = ColumnText(known.title.zh, known.title.en, known.unit, names)
    attribution = [("署名 attribution", definition.attribution)] if definition and definition.attribution else []
    return SheetText(columns, [*origin, *attribution])


def write_sheets(
    path: Path,
    schema: CollectionSchema,
    fields: Sequence[Field],
    srid: int,
    text: SheetText,
    pages: Iterable[FeaturePage],
) -> int:
    """Write pages of features, whose geometry is in ``srid``, as a workbook; returns how many features there were."""
    counted = [0]
    columns = _columns(schema.geometry, fields, srid, text)
    rows = _rows(schema.geometry, fields, srid, text, pages, counted)
    explained = [
        (column_letter(number), one.header, one.name, one.kind, one.text.unit, one.text.english)
        for number, one in enumerate(columns, 1)
    ]
    header = ("列 column", "标题 title", "字段名 field", "类型 type", "单位 unit", "英文 English")
    widths = [_WIDTH if len(one.header) < _WIDTH else _WIDE for one in columns]
    write_workbook(
        path,
        [
            Sheet(FEATURES, [one.header for one in columns], rows, widths),
            Sheet(FIELDS, header, explained, (_NAME_WIDTH, _WIDE, _WIDE, _WIDE, _NAME_WIDTH, _WIDE)),
            Sheet(ORIGIN, ("项目 item", "内容 content"), _origin(text, counted), (_WIDE, 2 * _WIDE)),
        ],
    )
    return counted[0]


def _origin(text: SheetText, counted: Sequence[int]) -> Iterator[tuple[str, object]]:
    """Made when the features are written, so that their number is known."""
    yield from text.origin
    yield ("要素数 features", counted[0])


def _columns(geometry: GeometryType, fields: Sequence[Field], srid: int, text: SheetText) -> list[_Column]:
    found = [_Column("要素编号", FID, "整数 integer", ColumnText("要素编号", "Feature id"))]
    for known in fields:
        told = text.columns.get(known.name, ColumnText(known.name))
        title = f"{told.title}（{told.unit}）" if told.unit else told.title
        found.append(_Column(title, known.name, _TYPES[known.type], told))
        if told.names:
            found.append(_Column(f"{told.title}（名称）", known.name, "代码的名称 name of the code", told))
    found += [
        _Column(title, "", "由图形算得 from the shape", ColumnText(title, english, unit))
        for title, english, unit in _shape_columns(geometry, srid)
    ]
    headers = [one.header for one in found]
    return [
        _Column(f"{one.header} {one.name}", one.name, one.kind, one.text) if headers.count(one.header) > 1 else one
        for one in found
    ]


def _shape_columns(geometry: GeometryType, srid: int) -> list[tuple[str, str, str]]:
    if geometry.endswith("Point"):
        if srid in _LONLAT:
            return [("经度", "Longitude", "°"), ("纬度", "Latitude", "°")]
        return [("东坐标（m）", "Easting", "m"), ("北坐标（m）", "Northing", "m")]
    if geometry.endswith("Polygon"):
        return [("图形面积（m²）", "Area of the shape on the ellipsoid", "m²")]
    if geometry.endswith("LineString"):
        return [("图形长度（m）", "Length of the shape on the ellipsoid", "m")]
    return []


def _rows(
    geometry: GeometryType,
    fields: Sequence[Field],
    srid: int,
    text: SheetText,
    pages: Iterable[FeaturePage],
    counted: list[int],
) -> Iterator[Sequence[object]]:
    for page in pages:
        counted[0] += len(page.fids)
        columns: list[Sequence[object]] = [page.fids]
        for known, values in zip(fields, page.columns, strict=True):
            columns.append(values)
            told = text.columns.get(known.name)
            if told and told.names:
                columns.append([told.names.get(str(value)) for value in values])
        yield from zip(*columns, *_measured(geometry, srid, page.wkb), strict=True)


def _measured(geometry: GeometryType, srid: int, wkb: Sequence[bytes | None]) -> list[Sequence[object]]:
    if geometry == "none":
        return []
    shapes = shapely.from_wkb(np.array(wkb, dtype=object))
    if geometry.endswith("Point"):
        points = shapely.point_on_surface(shapes)
        digits = 7 if srid in _LONLAT else 3
        return [_rounded(shapely.get_x(points), digits), _rounded(shapely.get_y(points), digits)]
    if srid not in _LONLAT:
        way = pyproj.Transformer.from_crs(srid, 4490, always_xy=True).transform
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(way(xy[:, 0], xy[:, 1])))
    present = ~shapely.is_missing(shapes)
    sizes = np.full(len(shapes), np.nan)
    if geometry.endswith("Polygon"):
        sizes[present] = ellipsoidal_areas_m2(shapes[present])
    else:
        sizes[present] = [_ELLIPSOID.geometry_length(shape) for shape in shapes[present]]
    return [_rounded(sizes, 2)]


def _rounded(values: np.ndarray, digits: int) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), digits) for value in values]
