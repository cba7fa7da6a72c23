"""The rows of one layer of a VCT file: each object with its attributes, and the attributes that have no object."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import shapely

from cim.model.collection import FieldType
from importers.geometry_kinds import kinds_of
from importers.importer import BATCH_ROWS, GEOMETRY_COLUMN
from importers.inspection import SourceField
from importers.vct_head import VctField
from importers.vct_index import VctIndex, VctLayer
from importers.vct_objects import ObjectReader, VctObject, complete
from importers.vct_text import VctLines

CODE_FIELD = "YSDM"
TEXT_FIELD, ANGLE_FIELD = "annotation_text", "annotation_angle"
SAMPLE_ROWS, SAMPLES = 1_000, 3
_DATE = re.compile(r"(\d{4})([-/.]?)(\d{1,2})\2(\d{1,2})(?:[ T]*(\d{1,2}:\d{2}:\d{2}(?:\.\d{1,6})?))?")

Values = list[str | None]


@dataclass(slots=True)
class Seen:
    """What the rows of a layer hold: how many, which kinds of geometry, and what could not be read.

    ``problems`` counts rows by code, ``first`` says where each code was met first.
    """

    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    sides: list[float] = field(default_factory=list)
    fields: tuple[SourceField, ...] = ()
    problems: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def note(self, code: str, where: str) -> None:
        """Count a problem of one row."""
        self.problems[code] += 1
        self.first.setdefault(code, where)


def layer_fields(index: VctIndex, layer: VctLayer) -> tuple[VctField, ...]:
    """The fields of a layer: those of its table, the feature code where the table lacks it, an annotation's own."""
    fields = list(index.head.tables.get(layer.table, ()))
    names = {item.name.casefold() for item in fields}
    if layer.kind and CODE_FIELD.casefold() not in names:
        fields.append(VctField(CODE_FIELD, "text"))
    if layer.kind == "Annotation":
        extra = ((TEXT_FIELD, "text"), (ANGLE_FIELD, "double"))
        fields += [VctField(name, kind) for name, kind in extra if name not in names]  # type: ignore[arg-type]  # a type each
    return tuple(fields)


class LayerRows:
    """Makes the rows of a layer, and tells in ``seen`` what they were; values are text for the mapping to type."""

    def __init__(self, lines: VctLines, index: VctIndex, layer: VctLayer) -> None:
        self.seen = Seen()
        self._lines = lines
        self._lines.separator = index.head.separator
        self._index = index
        self._layer = layer
        self._fields = layer_fields(index, layer)
        self._own = len(index.head.tables.get(layer.table, ()))
        self._code = next(
            (n for n, item in enumerate(self._fields) if item.name.casefold() == CODE_FIELD.casefold()), None
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Objects in file order, then attributes without an object, which have a null geometry."""
        rows: list[Values] = []
        shapes: list[shapely.Geometry | None] = []
        for values, shape in self._rows():
            rows.append(values)
            shapes.append(shape)
            if len(rows) == BATCH_ROWS:
                yield self._batch(rows, shapes)
                rows, shapes = [], []
        if rows:
            yield self._batch(rows, shapes)

    def _rows(self) -> Iterator[tuple[Values, shapely.Geometry | None]]:
        if not self._layer.kind:
            for line, number in self._attribute_lines():
                yield self._values(line, number) or [None] * len(self._fields), None
            return
        attributes, loose = self._attributes()
        reader = ObjectReader(self._lines, self._index.head.axes)
        for place in self._layer.places():
            self._lines.go(place)
            found = reader.next(self._layer.kind)
            if found is not None:
                yield self._object(found, attributes)
        loose += attributes.values()
        for line, number in sorted(loose, key=lambda row: row[1]) if self._layer.takes_loose_rows else ():
            self.seen.note("attributes-without-object", f"line {number}")
            yield self._values(line, number) or [None] * len(self._fields), None

    def _object(
        self, found: VctObject, attributes: dict[int, tuple[bytes, int]]
    ) -> tuple[Values, shapely.Geometry | None]:
        turned = self._index.lines.turned
        complete(found, self._index.lines, area=self._layer.kind == "Polygon")
        where = f"line {found.place.line + 1}, object {found.id}"
        if self._index.lines.turned > turned:
            self.seen.note("ring-signs", where)
        if found.heights:
            self.seen.note("z-dropped", where)
        line = attributes.pop(found.id, None)
        values: Values | None = [None] * len(self._fields)
        if line is not None:
            values = self._values(*line)
        elif self._own:
            self.seen.note("attributes-missing", where)
        if values is None:
            return [None] * len(self._fields), None
        self._add_own(found, values)
        if found.fault:
            self.seen.note("geometry-broken", f"{where}: {found.fault}")
        return values, found.shape

    def _add_own(self, found: VctObject, values: Values) -> None:
        """The feature code where the attributes have none, and an annotation's text and angle."""
        if self._code is not None and values[self._code] is None:
            values[self._code] = found.code
        for number, item in enumerate(self._fields[self._own :], self._own):
            if item.name == TEXT_FIELD:
                values[number] = self._decoded(found.raw_text) or None
            elif item.name == ANGLE_FIELD and found.angle is not None:
                values[number] = repr(found.angle)

    def _attributes(self) -> tuple[dict[int, tuple[bytes, int]], list[tuple[bytes, int]]]:
        """Rows of the table by object id, and rows that no object can have: repeated ones and those without an id."""
        by_id: dict[int, tuple[bytes, int]] = {}
        loose: list[tuple[bytes, int]] = []
        siblings = [other for other in self._index.layers if other.table == self._layer.table]
        others = {number for other in siblings if other is not self._layer for number in other.ids}
        for line, number in self._attribute_lines():
            try:
                row_id = int(line.partition(self._lines.separator)[0])
            except ValueError:
                loose.append((line, number))
                continue
            if row_id in by_id:
                loose.append((line, number))
            elif row_id not in others:
                by_id[row_id] = (line, number)
        return by_id, loose

    def _attribute_lines(self) -> Iterator[tuple[bytes, int]]:
        for place, rows in self._index.tables.get(self._layer.table, ()):
            self._lines.go(place)
            for _ in range(rows):
                yield self._lines.take("a table"), self._lines.number

    def _values(self, line: bytes, number: int) -> Values | None:
        """The values of a row, or None where they are not as many as fields or not in the encoding.

        An id stands before the values, or is the first of them.
        """
        text = self._decoded(line)
        parts = [] if text is None else text.split(self._index.head.separator.decode())
        if len(parts) == self._own + 1:
            parts = parts[1:]
        if text is None or len(parts) != self._own:
            self.seen.note("attributes-misfit", f"line {number}")
            return None
        values = [_clean(part, item.type) for part, item in zip(parts, self._fields, strict=False)]
        return values + [None] * (len(self._fields) - self._own)

    def _decoded(self, text: bytes) -> str | None:
        try:
            return text.decode(self._index.encoding)
        except UnicodeDecodeError:
            return None

    def _batch(self, rows: list[Values], shapes: list[shapely.Geometry | None]) -> pa.RecordBatch:
        columns = [pa.array([row[n] for row in rows], pa.string()) for n in range(len(self._fields))]
        names = [item.name for item in self._fields]
        if not self.seen.rows:
            self.seen.fields = tuple(
                _described(item, column.slice(0, SAMPLE_ROWS))
                for item, column in zip(self._fields, columns, strict=True)
            )
        self.seen.rows += len(rows)
        if self._layer.kind:
            geometry = np.array(shapes, dtype=object)
            columns.append(pa.array(shapely.to_wkb(geometry), pa.binary()))
            names.append(GEOMETRY_COLUMN)
            self.seen.kinds.update(kinds_of(columns[-1])[0])
            self._bounds(shapely.total_bounds(geometry).tolist())
        return pa.RecordBatch.from_arrays(columns, names=names)

    def _bounds(self, sides: list[float]) -> None:
        if not np.isfinite(sides).all():
            return
        old = self.seen.sides or sides
        least = [min(one, other) for one, other in zip(old[:2], sides[:2], strict=True)]
        self.seen.sides = least + [max(one, other) for one, other in zip(old[2:], sides[2:], strict=True)]


def _described(item: VctField, column: pa.Array) -> SourceField:
    samples = tuple(value[:60] for value in column.drop_null()[:SAMPLES].to_pylist())
    return SourceField(item.name, item.type, samples, column.null_count)


def _clean(text: str, kind: FieldType) -> str | None:
    """A value as the mapping reads it: dates as ISO 8601, times in Beijing's zone, nothing for an empty one."""
    value = text.strip()
    if kind in {"date", "timestamp"} and (found := _DATE.fullmatch(value)):
        year, _, month, day, time = found.groups()
        date = f"{year}-{int(month):02}-{int(day):02}"
        value = date if kind == "date" else f"{date}T{(time or '00:00:00').zfill(8)}+08:00"
    return value or None
