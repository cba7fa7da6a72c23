"""The rows of a table as texts by column, with their place in degrees where they have one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely

from cim.errors import ImportRefused
from cim.model.redline import LONLAT_SRID
from cim.model.reference_systems import given_crs, way_to_storage
from importers.coordinate_problems import coordinate_problems
from importers.geometry_kinds import family_of
from importers.importer import GEOMETRY_COLUMN
from importers.sensing.run import SensingJob
from importers.shapes import Target
from importers.wire import DERIVED_COLUMNS, REJECTED_COLUMN, ROW_COLUMN

_OURS = frozenset({GEOMETRY_COLUMN, ROW_COLUMN, REJECTED_COLUMN, *DERIVED_COLUMNS.values(), "__repaired"})


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row: its number in the file, its texts by column, its place; ``fault`` says why its shape cannot be used."""

    number: int
    texts: Mapping[str, str]
    place: tuple[float, float] | None
    fault: str | None


def target_of(job: SensingJob, *, located: bool) -> tuple[Target, int]:
    """How the rows are read, and the system their shapes come in; ImportRefused where none is declared."""
    inspection, options = job.inspection, job.request.options
    if not located or inspection.geometry_type == "none":
        return Target("none", None, None, None), LONLAT_SRID
    srid, wkt = given_crs(options.crs) if options.crs else (inspection.srid, inspection.crs_wkt)
    if srid is None and wkt is None:
        raise ImportRefused(
            "crs-missing",
            "the file does not say which coordinate system it is in",
            where=inspection.name,
            remedy="give it with --crs, for example --crs EPSG:4490",
        )
    for problem in coordinate_problems(srid, inspection.bbox):
        if problem.refuses:
            raise ImportRefused(problem.code, problem.message, where=inspection.name, remedy="check --crs")
        job.account.find(problem.code, problem.message)
    stored = way_to_storage(srid, wkt).srid
    return Target(inspection.geometry_type, srid, wkt, family_of(inspection.geometry_type)), stored


def table_batches(job: SensingJob, *, located: bool) -> Iterator[list[TableRow]]:
    """The rows of the table, batch by batch."""
    target, stored = target_of(job, located=located)
    for batch in job.source.batches(job.inspection, target):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names if name not in _OURS}
        faults = batch.column(REJECTED_COLUMN).to_pylist()
        numbers = batch.column(ROW_COLUMN).to_pylist()
        places = _places(batch, target, stored)
        yield [
            TableRow(
                numbers[place],
                {name: _text(values[place]) for name, values in columns.items() if values[place] is not None},
                places[place],
                faults[place],
            )
            for place in range(batch.num_rows)
        ]


def _places(batch: Any, target: Target, stored: int) -> list[tuple[float, float] | None]:
    if target.geometry == "none":
        return [None] * batch.num_rows
    column = GEOMETRY_COLUMN if stored == LONLAT_SRID else DERIVED_COLUMNS[LONLAT_SRID]
    shapes = shapely.from_wkb(batch.column(column).to_numpy(zero_copy_only=False))
    return [None if s is None or s.is_empty else _middle(s) for s in shapes]


def _middle(shape: Any) -> tuple[float, float]:
    point = shapely.point_on_surface(shape)
    return float(point.x), float(point.y)


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
