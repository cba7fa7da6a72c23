"""From a source's fields to a layer's: by name and alias, typed, with a reason for every row that does not fit."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cim.errors import ImportRefused
from cim.model.collection import CollectionSchema, Field, FieldType
from cim.model.imports import Finding
from cim.store.collection_tables import SYSTEM_COLUMNS
from importers.arrow_types import ARROW_TYPES
from importers.inspection import LayerInspection, SourceField
from layers.definition import LayerDefinition

_WORDS: dict[FieldType, str] = {
    "text": "text",
    "integer": "a whole number",
    "bigint": "a whole number",
    "double": "a number",
    "boolean": "true or false",
    "date": "a date",
    "timestamp": "a time",
}


@dataclass(frozen=True, slots=True)
class MappedField:
    """A column of the layer and the source field that fills it (None: nothing does)."""

    field: Field
    source: str | None
    required: bool = False


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How one delivery fills one layer."""

    fields: tuple[MappedField, ...]
    key: str | None
    findings: tuple[Finding, ...]

    def columns(self, batch: pa.RecordBatch) -> tuple[list[pa.Array], dict[int, str]]:
        """Typed columns in layer order, and a reason by row index for the rows that cannot be typed."""
        wrong: dict[int, str] = {}
        columns = []
        for mapped in self.fields:
            if mapped.source is None:
                columns.append(pa.nulls(batch.num_rows, ARROW_TYPES[mapped.field.type]))
                continue
            column = typed(batch.column(mapped.source), mapped.field, wrong)
            if mapped.required and column.null_count:
                for index in pc.indices_nonzero(column.is_null()).to_pylist():
                    wrong.setdefault(index, f"{mapped.field.name} is empty, but the layer needs it")
            columns.append(column)
        return columns, wrong


def map_fields(
    layer: LayerInspection,
    definition: LayerDefinition | None,
    known: CollectionSchema | None,
    chosen: Mapping[str, str] | None = None,
) -> FieldMapping:
    """Match a source layer's fields with the definition's, or with the layer as it is, or take them as they come.

    ``chosen`` says which source field fills which of the layer and goes before names and aliases.

    Source fields that match nothing are kept under their own name. Raises ImportRefused when a required field or the
    key has no source.
    """
    chosen = {source.casefold(): name for source, name in (chosen or {}).items()}
    wanted = _wanted(definition, known)
    taken: set[str] = set()
    mapped, findings = [], []
    for field, names, required in wanted:
        preferred = [source for source, name in chosen.items() if name == field.name]
        source = _find(layer.fields, (*preferred, *names), taken)
        if source is not None:
            taken.add(source)
        mapped.append(MappedField(field, source, required))
    key = definition.key if definition else known.key if known else None
    _refuse_missing(layer, mapped, key)
    missing = [m.field.name for m in mapped if m.source is None]
    if missing:
        findings.append(
            Finding("field-missing", "warn", len(missing), f"not in the file, left empty: {', '.join(missing)}")
        )
    extra = [left for left in layer.fields if left.name not in taken]
    used = {m.field.name for m in mapped}
    for left in extra:
        name = column_name(chosen.get(left.name.casefold(), left.name), used)
        used.add(name)
        mapped.append(MappedField(Field(name, left.type), left.name))
    if extra and wanted:
        listed = ", ".join(left.name for left in extra)
        findings.append(
            Finding("field-unknown", "information", len(extra), f"not in the layer's definition, kept: {listed}")
        )
    return FieldMapping(tuple(mapped), key, tuple(findings))


def _wanted(
    definition: LayerDefinition | None, known: CollectionSchema | None
) -> list[tuple[Field, tuple[str, ...], bool]]:
    if definition:
        return [
            (Field(f.name, f.type, f.grade), (f.name, *f.aliases), f.required or f.name == definition.key)
            for f in definition.fields
        ]
    return [(field, (field.name,), False) for field in known.fields] if known else []


def _find(fields: Iterable[SourceField], names: tuple[str, ...], taken: set[str]) -> str | None:
    by_fold = {field.name.casefold(): field.name for field in fields if field.name not in taken}
    return next((by_fold[name.casefold()] for name in names if name.casefold() in by_fold), None)


def _refuse_missing(layer: LayerInspection, mapped: Iterable[MappedField], key: str | None) -> None:
    lacking = [m.field.name for m in mapped if m.source is None and (m.required or m.field.name == key)]
    if lacking:
        have = ", ".join(field.name for field in layer.fields) or "none"
        raise ImportRefused(
            "field-missing",
            f"the layer needs the field {', '.join(lacking)}; the file has {have}",
            where=layer.name,
            remedy="rename the field in the file, or add its name as an alias in the layer's definition",
        )


def column_name(name: str, used: set[str]) -> str:
    """A source field's name as a column: lower case, letters of any script, digits and _; never one already used."""
    plain = re.sub(r"\W+", "_", name.strip()).strip("_").lower() or "field"
    if plain[0].isdigit():
        plain = f"f_{plain}"
    while len(plain.encode()) > 55:
        plain = plain[:-1]
    found, number = plain, 1
    while found in used or found in SYSTEM_COLUMNS:
        number += 1
        found = f"{plain}_{number}"
    return found


def typed(column: pa.Array, field: Field, wrong: dict[int, str]) -> pa.Array:
    """A column in the field's type; rows whose value does not fit become null and get a reason in ``wrong``."""
    goal = ARROW_TYPES[field.type]
    if pa.types.is_floating(column.type) and pa.types.is_integer(goal):
        column = pc.if_else(pc.is_finite(column), column, None)
    if pa.types.is_string(goal) and pa.types.is_floating(column.type):
        column = _whole_numbers_as_text(column)
    if pa.types.is_string(column.type) and not pa.types.is_string(goal):
        column = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.equal(column, ""), None, column)
    try:
        result = column.cast(goal) if column.type != goal else column
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a value that does not fit; no cast between the types
        result = _one_by_one(column, field, goal, wrong)
    if pa.types.is_string(goal):
        _refuse_nul(result, field, wrong)
    return result


def _whole_numbers_as_text(column: pa.Array) -> pa.Array:
    """A code that a table kept as 510182.0 is the text 510182."""
    values = [None if v is None else str(int(v)) if float(v).is_integer() else repr(v) for v in column.to_pylist()]
    return pa.array(values, pa.string())


def _one_by_one(column: pa.Array, field: Field, goal: pa.DataType, wrong: dict[int, str]) -> pa.Array:
    values: list[Any] = []
    for index, scalar in enumerate(column):
        try:
            values.append(scalar.cast(goal).as_py() if scalar.is_valid else None)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # as for the whole column
            values.append(None)
            text = str(scalar.as_py())[:40]
            if text.strip():
                wrong.setdefault(index, f"{field.name} is {text!r}, which is not {_WORDS[field.type]}")
    return pa.array(values, goal)


def _refuse_nul(column: pa.Array, field: Field, wrong: dict[int, str]) -> None:
    found = pc.match_substring(column, "\x00")
    if pc.any(found).as_py():
        for index in pc.indices_nonzero(found).to_pylist():
            wrong.setdefault(index, f"{field.name} holds a NUL character, which a database text cannot")
