"""The formats a layer can leave the house in, and what each cannot carry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from cim.errors import BadRequest
from cim.model.collection import Field, FieldType
from importers.arrow_types import ARROW_TYPES

DBF_NAME_BYTES = 10
REDLINE = "redline"
XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class ExportFormat:
    """A GDAL driver with its options. ``types`` replace those that the format has not; ``one_srid`` is its only CRS."""

    name: str
    driver: str
    suffixes: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)
    types: dict[FieldType, pa.DataType] = field(default_factory=dict)
    one_srid: int | None = None


FORMATS = {
    known.name: known
    for known in (
        ExportFormat("gpkg", "GPKG", (".gpkg",)),
        ExportFormat("geojson", "GeoJSON", (".geojson", ".json"), {"RFC7946": "YES"}, one_srid=4490),
        ExportFormat("geojsonl", "GeoJSONSeq", (".geojsonl", ".ndjson"), {"RS": "NO"}, one_srid=4490),
        ExportFormat("fgb", "FlatGeobuf", (".fgb",)),
        ExportFormat(
            "shp",
            "ESRI Shapefile",
            (".shp", ".zip"),
            types={"boolean": pa.int32(), "timestamp": pa.string()},
        ),
        ExportFormat("csv", "CSV", (".csv",), {"GEOMETRY": "AS_WKT", "WRITE_BOM": "YES"}),
        ExportFormat(XLSX, "", (".xlsx",)),
        ExportFormat(REDLINE, "", (".txt",)),
    )
}


def export_format(name: str | None, path: Path) -> ExportFormat:
    """The format by name, else by the suffix of the file to write; BadRequest lists those there are."""
    if name is not None and name in FORMATS:
        return FORMATS[name]
    found = [known for known in FORMATS.values() if path.suffix.lower() in known.suffixes]
    if name is not None or not found:
        raise BadRequest(
            f"no format is called {name!r}" if name is not None else f"the suffix {path.suffix!r} tells no format",
            where="--format",
            remedy=f"one of {', '.join(FORMATS)}",
        )
    return found[0]


def column_names(chosen: ExportFormat, fields: Sequence[Field], encoding: str) -> dict[str, str]:
    """What each field is called in the file: as it is, or cut to the ten bytes a Shapefile has for a name."""
    if chosen.name != "shp":
        return {known.name: known.name for known in fields}
    taken: dict[str, str] = {}
    for known in fields:
        taken[known.name] = _free_name(known.name, set(map(str.casefold, taken.values())), encoding)
    return taken


def _free_name(name: str, taken: set[str], encoding: str) -> str:
    candidate, number = _cut(name, DBF_NAME_BYTES, encoding), 1
    while candidate.casefold() in taken:
        mark = f"_{number}"
        candidate, number = _cut(name, DBF_NAME_BYTES - len(mark), encoding) + mark, number + 1
    return candidate


def _cut(name: str, size: int, encoding: str) -> str:
    return name.encode(encoding, "replace")[:size].decode(encoding, "ignore")


def value_writer(chosen: ExportFormat, kind: FieldType) -> tuple[pa.DataType, Callable[[object], object]]:
    """The Arrow type a field has in the file, and how a value becomes one of it."""
    wanted = chosen.types.get(kind, ARROW_TYPES[kind])
    if kind == "timestamp" and wanted == pa.string():
        return wanted, _iso_text
    if kind == "boolean" and wanted == pa.int32():
        return wanted, _as_number
    return wanted, _as_is


def _iso_text(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _as_number(value: object) -> object:
    return None if value is None else int(bool(value))


def _as_is(value: object) -> object:
    return value
