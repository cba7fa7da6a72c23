"""Points from tables: which columns are the position, what type each column has, and the points themselves.

Values come as text. Chinese survey tables call the northing X and the easting Y; where the values say so, that is how
they are read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from cim.model.collection import BoundingBox, FieldType
from importers.importer import GEOMETRY_COLUMN
from importers.inspection import LayerInspection, Problem, SourceField

X_NAMES = (
    "lon",
    "lng",
    "long",
    "longitude",
    "coordinates.longitude",
    "经度",
    "x",
    "x坐标",
    "easting",
    "东坐标",
    "横坐标",
)
Y_NAMES = ("lat", "latitude", "coordinates.latitude", "纬度", "y", "y坐标", "northing", "北坐标", "纵坐标")
PLAIN_XY = {("x", "y"), ("x坐标", "y坐标")}
SURVEY_SWAPPED = "survey-axes"
NORTHING_M = (1_000_000.0, 6_500_000.0)
_PATTERNS: tuple[tuple[FieldType, str], ...] = (
    ("bigint", r"^(0|-?[1-9][0-9]{0,17})$"),
    ("double", r"^-?(0|[1-9][0-9]{0,14}|0?\.[0-9]+)(\.[0-9]*)?([eE][-+]?[0-9]+)?$"),
    ("date", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
)


@dataclass(slots=True)
class _Seen:
    """What the rows so far say of a table."""

    names: Sequence[str]
    rows: int = 0
    unplaced: int = 0
    sides: list[float] = field(default_factory=lambda: [np.inf, np.inf, -np.inf, -np.inf])
    kinds: dict[str, set[FieldType]] = field(default_factory=dict)
    samples: dict[str, list[str]] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kinds = {name: {kind for kind, _ in _PATTERNS} for name in self.names}
        self.samples = {name: [] for name in self.names}
        self.nulls = dict.fromkeys(self.names, 0)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch into account."""
        self.rows += batch.num_rows
        for name in self.names:
            column = batch.column(name)
            self.nulls[name] += column.null_count
            self.samples[name] = self.samples[name] or [str(v)[:60] for v in column.drop_null()[:3].to_pylist()]
            self.kinds[name] = {kind for kind in self.kinds[name] if _all_match(column, dict(_PATTERNS)[kind])}

    def place(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        """Take the positions of a batch into account."""
        good = np.isfinite(x) & np.isfinite(y)
        self.unplaced += int((~good).sum())
        if good.any():
            west, south, east, north = self.sides
            self.sides = [
                min(west, float(x[good].min())),
                min(south, float(y[good].min())),
                max(east, float(x[good].max())),
                max(north, float(y[good].max())),
            ]

    def fields(self) -> tuple[SourceField, ...]:
        """The fields; a column without any value is text."""
        return tuple(
            SourceField(
                name,
                next((kind for kind, _ in _PATTERNS if kind in self.kinds[name]), "text")
                if self.nulls[name] < self.rows
                else "text",
                tuple(self.samples[name]),
                self.nulls[name],
            )
            for name in self.names
        )


def inspect_table(name: str, names: Sequence[str], batches: Iterable[pa.RecordBatch], encoding: str) -> LayerInspection:
    """A table as a layer: points where two columns are a position, else rows without geometry."""
    x_name, y_name = position_columns(names)
    seen = _Seen(names)
    for batch in batches:
        seen.add(batch)
        if x_name and y_name:
            seen.place(_numbers(batch.column(x_name)), _numbers(batch.column(y_name)))
    bbox: BoundingBox | None = None
    problems = []
    if seen.unplaced:
        problems.append(Problem("no-position", seen.unplaced, "rows without a usable position are rejected"))
    if x_name and y_name and seen.sides[0] < np.inf:
        west, south, east, north = seen.sides
        if _is_survey_order(x_name, y_name, seen.sides):
            problems.append(Problem(SURVEY_SWAPPED, 1, f"{x_name} holds northings and {y_name} eastings, read so"))
            west, south, east, north = south, west, north, east
        bbox = (west, south, east, north)
    located = bool(x_name and y_name)
    return LayerInspection(
        name=name,
        geometry_type="Point" if located else "none",
        geometry_types=("Point",) if located else (),
        feature_count=seen.rows,
        srid=None,
        crs_wkt=None,
        crs_evidence="a table declares none",
        encoding=encoding,
        bbox=bbox,
        fields=seen.fields(),
        problems=tuple(problems),
    )


def located_rows(
    layer: LayerInspection, names: Sequence[str], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The rows with their values as text and their point; a row without a position has a null geometry."""
    x_name, y_name = position_columns(names)
    if any(problem.code == SURVEY_SWAPPED for problem in layer.problems):
        x_name, y_name = y_name, x_name
    wanted = [item.name for item in layer.fields]
    for batch in batches:
        columns = [batch.column(name) for name in wanted]
        if x_name and y_name:
            points = _points(_numbers(batch.column(x_name)), _numbers(batch.column(y_name)))
            yield pa.RecordBatch.from_arrays([*columns, points], names=[*wanted, GEOMETRY_COLUMN])
        else:
            yield pa.RecordBatch.from_arrays(columns, names=wanted)


def position_columns(names: Sequence[str]) -> tuple[str | None, str | None]:
    """The columns of longitude and latitude, or easting and northing, by their usual names; None where none is."""
    by_fold = {name.strip().casefold(): name for name in names}
    x = next((by_fold[name] for name in X_NAMES if name in by_fold), None)
    y = next((by_fold[name] for name in Y_NAMES if name in by_fold), None)
    return x, y


def _is_survey_order(x_name: str, y_name: str, sides: Sequence[float]) -> bool:
    """Whether X is the northing: seven digits, while Y is an easting of six, or of eight with its zone."""
    if (x_name.strip().casefold(), y_name.strip().casefold()) not in PLAIN_XY:
        return False
    west, south, east, north = sides
    plain = south > 100_000 and north < 1_000_000
    zoned = south > 13_000_000 and north < 46_000_000
    return NORTHING_M[0] < west and east < NORTHING_M[1] and (plain or zoned)


def _all_match(column: pa.Array, pattern: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, pattern), min_count=0).as_py())


def _numbers(column: pa.Array) -> NDArray[np.float64]:
    clean = pc.utf8_trim_whitespace(column)
    numeric = pc.if_else(pc.match_substring_regex(clean, dict(_PATTERNS)["double"]), clean, None)
    values: NDArray[np.float64] = pc.cast(numeric, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    return values


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> pa.Array:
    good = np.isfinite(x) & np.isfinite(y)
    shapes = np.full(len(x), None, dtype=object)
    shapes[good] = shapely.points(x[good], y[good])
    return pa.array(shapely.to_wkb(shapes), type=pa.binary())
