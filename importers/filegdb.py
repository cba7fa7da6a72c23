"""Esri file geodatabase: a folder named .gdb. Coded values get their meaning in a field beside them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from defusedxml import ElementTree

from importers.importer import ReadOptions
from importers.inspection import LayerInspection, SourceField
from importers.vector_source import inspect_layers, read_layer

MEANING_SUFFIX = "_meaning"
Domains = Mapping[str, Mapping[str, str]]
"""By field name, the meaning of each code as text."""


class FileGdb:
    """Reads all feature classes and tables of a file geodatabase."""

    name = "OpenFileGDB"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A folder with the geodatabase's master table."""
        return path.is_dir() and (path / "a00000001.gdbtable").is_file()

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """All layers, their fields followed by the meanings of coded ones."""
        layers = inspect_layers(path, evidence="declared in the geodatabase", encoding="UTF-8 (by the format)")
        coded = _domains_by_layer(path)
        return [_with_meanings(layer, coded.get(layer.name, {})) for layer in layers]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Rows in storage order."""
        domains = _domains_by_layer(path).get(layer.name, {})
        for batch in read_layer(path, layer.name):
            yield _decoded(batch, domains)


def _with_meanings(layer: LayerInspection, domains: Domains) -> LayerInspection:
    coded = [field for field in layer.fields if field.name in domains]
    meanings = [
        SourceField(
            field.name + MEANING_SUFFIX,
            "text",
            tuple(domains[field.name].get(sample, "") for sample in field.samples),
            field.nulls,
        )
        for field in coded
    ]
    return replace(layer, fields=(*layer.fields, *meanings))


def _decoded(batch: pa.RecordBatch, domains: Domains) -> pa.RecordBatch:
    columns, names = list(batch.columns), list(batch.schema.names)
    for name, meanings in domains.items():
        if name in batch.schema.names:
            codes = batch.column(name).to_pylist()
            columns.append(pa.array([None if c is None else meanings.get(_code(c)) for c in codes], pa.string()))
            names.append(name + MEANING_SUFFIX)
    return pa.RecordBatch.from_arrays(columns, names=names)


def _code(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _domains_by_layer(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    """Coded-value domains by layer and field, from the geodatabase's own catalogue."""
    try:
        _, _, _, fields = pyogrio.raw.read(
            path, layer="GDB_Items", columns=["Name", "Definition"], LIST_ALL_TABLES="YES", read_geometry=False
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FieldError, ValueError):
        return {}
    definitions = [_parsed(text) for text in fields[-1] if isinstance(text, str) and text.startswith("<")]
    roots = [root for root in definitions if root is not None]
    domains = {name: codes for root in roots for name, codes in _domain(root)}
    return {name: coded for root in roots for name, coded in _coded_fields(root, domains)}


def _parsed(text: str) -> Any:
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


def _domain(root: Any) -> Iterator[tuple[str, dict[str, str]]]:
    name = root.findtext("DomainName")
    if name and "CodedValueDomain" in root.tag:
        yield name, {item.findtext("Code", ""): item.findtext("Name", "") for item in root.iter("CodedValue")}


def _coded_fields(root: Any, domains: Mapping[str, dict[str, str]]) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    layer = root.findtext("Name")
    fields = [*root.iter("GPFieldInfoEx"), *root.iter("Field")]
    coded = {
        field.findtext("Name", ""): domains[domain]
        for field in fields
        if (domain := field.findtext("DomainName") or field.findtext("Domain/DomainName")) in domains
    }
    if layer and coded:
        yield layer, coded
