"""JSON lines of observations: one on each line, as SensorThings writes them or with station, property, time, value."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from cim.errors import ImportRefused
from importers.importer import BATCH_ROWS, ReadOptions
from importers.inspection import LayerInspection, SourceField
from importers.sensing.columns import OBSERVATIONS

COLUMNS = ("datastream", "station", "property", "time", "value", "unit", "quality", "fault")
LONGEST_LINE = 1_000_000
_SAMPLES = 3
_TIMES, _VALUES = ("phenomenonTime", "time"), ("result", "value")
_STATIONS, _PROPERTIES = ("station", "device", "code"), ("property", "parameter", "indicator")


class ObservationLines:
    """Reads observations one line at a time; what is wrong with a line becomes the reason of its row."""

    name = "Observation lines"

    def recognises(self, head: bytes, path: Path) -> bool:
        """An object with a time and a result on the first line."""
        if not head.lstrip().startswith(b"{"):
            return False
        with path.open("rb") as file:
            first = _object(file.readline(LONGEST_LINE))
        return first is not None and any(n in first for n in _TIMES) and any(n in first for n in _VALUES)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one table, with the columns an observation has."""
        samples: dict[str, list[str]] = {name: [] for name in COLUMNS}
        rows = 0
        for batch in _batches(path):
            rows += batch.num_rows
            for name in COLUMNS:
                samples[name] = samples[name] or [
                    str(v)[:60] for v in batch.column(name).drop_null()[:_SAMPLES].to_pylist()
                ]
        return [
            LayerInspection(
                name=OBSERVATIONS,
                geometry_type="none",
                geometry_types=(),
                feature_count=rows,
                srid=None,
                crs_wkt=None,
                crs_evidence="observations have none",
                encoding="UTF-8 (by the standard)",
                bbox=None,
                fields=tuple(SourceField(name, "text", tuple(samples[name])) for name in COLUMNS),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Lines in file order, values as text."""
        yield from _batches(path)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    rows: list[Mapping[str, str | None]] = []
    with path.open("rb") as file:
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                raise ImportRefused("line-too-long", "a line is longer than 1 MB", where=path.name, remedy="split it")
            if line.strip():
                rows.append(_row(line))
            if len(rows) == BATCH_ROWS:
                yield _batch(rows)
                rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[Mapping[str, str | None]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([row.get(name) for row in rows], pa.string()) for name in COLUMNS], names=list(COLUMNS)
    )


def _row(line: bytes) -> Mapping[str, str | None]:
    found = _object(line)
    if found is None:
        return {"fault": "the line is no JSON object"}
    stream = found.get("Datastream")
    number = stream.get("@iot.id") if isinstance(stream, dict) else found.get("datastream")
    time = _first(found, _TIMES)
    unit = found.get("unit")
    return {
        "datastream": _text(number),
        "station": _text(_first(found, _STATIONS)),
        "property": _text(_first(found, _PROPERTIES)),
        "time": str(time).partition("/")[0] if time is not None else None,
        "value": _text(_first(found, _VALUES)),
        "unit": _text(unit.get("symbol") if isinstance(unit, dict) else unit),
        "quality": _text(found.get("quality")),
    }


def _first(found: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
