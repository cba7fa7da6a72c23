"""The national red-line exchange text as a format that can be imported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import shapely

from cim.errors import ImportRefused
from importers.geometry_kinds import kinds_of
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN, ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField
from importers.redline_text import ATTRIBUTES, COORDINATES, RedLine, parse_redline
from importers.text_encoding import guess
from importers.vector_source import described_fields

LIMIT_BYTES = 200 * 1024 * 1024
AREA_TOLERANCE = 0.01
_MARKS = tuple(mark.encode(encoding) for mark in (ATTRIBUTES, COORDINATES) for encoding in ("utf-8", "gbk"))
_SYSTEMS = {
    "2000": {"3": (4513, 4534), "6": (4491, 4502)},
    "西安": {"3": (2349, 2370), "6": (2327, 2338)},
    "北京": {"3": (2401, 2422), "6": (21413, 21453)},
}
"""By a word in the name of the system and the width of its zones: the EPSG codes of the first zone, with the zone
before the easting and without."""
_ZONES = {"3": range(25, 46), "6": range(13, 24)}


class RedLineText:
    """Reads parcels of a red-line text, held whole and limited to 200 MB."""

    name = "red-line TXT"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A section of the format stands near the start, in UTF-8 or GBK."""
        return any(mark in head for mark in _MARKS)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer, its system from the header, and what does not agree."""
        red_line, encoding = _read(path, options)
        batch = _batch(red_line)
        fields, _ = described_fields(batch)
        kinds, _ = kinds_of(batch.column(GEOMETRY_COLUMN))
        shapes = [parcel.polygon for parcel in red_line.parcels]
        west, south, east, north = (float(side) for side in shapely.total_bounds(shapes))
        srid, evidence = _system(red_line.header, west)
        return [
            LayerInspection(
                name=path.stem,
                geometry_type="Polygon",
                geometry_types=tuple(kinds),
                feature_count=len(shapes),
                srid=srid,
                crs_wkt=None,
                crs_evidence=evidence,
                encoding=encoding,
                bbox=(west, south, east, north),
                fields=tuple(SourceField(f.name, f.type, f.samples, f.nulls) for f in fields),
                problems=tuple(_problems(red_line)),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Parcels in file order."""
        whole = _batch(_read(path, options)[0])
        for start in range(0, whole.num_rows, BATCH_ROWS):
            yield whole.slice(start, BATCH_ROWS)


def _read(path: Path, options: ReadOptions) -> tuple[RedLine, str]:
    if path.stat().st_size > LIMIT_BYTES:
        raise ImportRefused(
            "too-large", "a red-line text is read up to 200 MB", where=path.name, remedy="deliver it in parts"
        )
    content = path.read_bytes()
    encoding, evidence = (options.encoding, "given by --encoding") if options.encoding else guess(content)
    try:
        text = content.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise ImportRefused(
            "encoding", f"the texts are not {encoding}: {error}"[:160], where=path.name, remedy="give --encoding"
        ) from error
    return parse_redline(text, path.name), f"{encoding} ({evidence})"


def _batch(red_line: RedLine) -> pa.RecordBatch:
    parcels = red_line.parcels
    columns: dict[str, pa.Array] = {
        "parcel_no": pa.array([p.number for p in parcels], pa.string()),
        "name": pa.array([p.name for p in parcels], pa.string()),
        "area_ha": pa.array([p.area_ha for p in parcels], pa.float64()),
        "point_count": pa.array([p.point_count for p in parcels], pa.int32()),
        "kind": pa.array([p.kind for p in parcels], pa.string()),
        "sheet": pa.array([p.sheet for p in parcels], pa.string()),
        "use": pa.array([p.use for p in parcels], pa.string()),
        "land_code": pa.array([p.land_code for p in parcels], pa.string()),
        GEOMETRY_COLUMN: pa.array([shapely.to_wkb(p.polygon) for p in parcels], pa.binary()),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _problems(red_line: RedLine) -> Iterator[Problem]:
    if red_line.unclosed:
        yield Problem(
            "ring-unclosed",
            red_line.unclosed,
            f"rings did not end with their first point and were closed; {red_line.first_open}",
        )
    if red_line.miscounted:
        yield Problem("points-miscounted", red_line.miscounted, "parcels have another number of corners than they say")
    off = [p for p in red_line.parcels if p.area_ha and abs(p.polygon.area / 1e4 / p.area_ha - 1) > AREA_TOLERANCE]
    if off:
        first = f"the first is {off[0].number}: {off[0].area_ha} ha declared, {off[0].polygon.area / 1e4:.4f} ha drawn"
        yield Problem("area-disagrees", len(off), f"declared areas are off by more than 1 %; {first}")


def _system(header: dict[str, str], easting: float) -> tuple[int | None, str]:
    """The EPSG code that system, width and number of the zone give; eastings tell whether they carry the zone."""
    named = header.get("坐标系", "")
    codes = next((codes for word, codes in _SYSTEMS.items() if word in named), None)
    zone, width = header.get("带号", ""), header.get("几度分带", "3")
    if codes is None or not zone.isdigit() or width not in _ZONES:
        return None, f"the header says {named or 'no system'}, zone {zone or 'none'} of {width} degrees: give --crs"
    if int(zone) not in _ZONES[width]:
        return None, f"zone {zone} of {width} degrees is none of China's: give --crs"
    zoned, plain = codes[width]
    first = plain if easting < 1e6 else zoned
    return first + int(zone) - _ZONES[width].start, f"header: {named}, zone {zone} of {width} degrees"
