"""What the reading child sends of a model: one Arrow stream of parts.

The columns are ``part`` (text), ``record`` (JSON, large text) and ``body`` (large binary):

========  =============================================  ==================
part      record                                         body
========  =============================================  ==================
head      ``ModelHead``; the first row                   none
mesh      its hash, counts and materials                 ``Mesh.to_bytes``
element   ``Element`` without its outline                the outline, WKB
kept      GlobalId of an element that is as it was       none
defect    ``Defect``                                     none
========  =============================================  ==================

A mesh comes before the first element that has it, once. A ``kept`` row stands for an element whose source hash the
request named already: nothing of it is sent again.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import pyarrow as pa

from cim.model.bim import Classification, Defect, Element, Material, Mesh, ModelHead, Placement, mesh_from

SCHEMA = pa.schema([("part", pa.string()), ("record", pa.large_string()), ("body", pa.large_binary())])
BATCH_BYTES = 8 << 20

Record = ModelHead | Mesh | Element | Defect | str
"""A part of a model; a text is the GlobalId of an element that is as it was."""
Row = tuple[str, str, bytes | None]


def encoded(records: Iterable[Record]) -> Iterator[pa.RecordBatch]:
    """Records as batches of some megabytes, in their order."""
    return batches(row_of(record) for record in records)


def batches(encoded_rows: Iterable[Row]) -> Iterator[pa.RecordBatch]:
    """Rows of ``row_of`` as batches of some megabytes, in their order."""
    rows: list[Row] = []
    size = 0
    for row in encoded_rows:
        rows.append(row)
        size += len(row[1]) + len(row[2] or b"")
        if size > BATCH_BYTES:
            yield _batch(rows)
            rows, size = [], 0
    if rows:
        yield _batch(rows)


def decoded(batches: Iterable[pa.RecordBatch]) -> Iterator[Record]:
    """The records again; ValueError or KeyError where a row is none."""
    for batch in batches:
        parts, records, bodies = (batch.column(name) for name in SCHEMA.names)
        for part, record, body in zip(parts.to_pylist(), records.to_pylist(), bodies.to_pylist(), strict=True):
            yield _record(part, record, body)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, SCHEMA.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def row_of(record: Record) -> Row:
    """A record as part, JSON text and body."""
    if isinstance(record, str):
        return "kept", json.dumps(record), None
    if isinstance(record, Mesh):
        return "mesh", json.dumps(_mesh_document(record), ensure_ascii=False), record.to_bytes()
    if isinstance(record, Element):
        return "element", json.dumps(_element_document(record), ensure_ascii=False), record.outline
    part = "head" if isinstance(record, ModelHead) else "defect"
    return part, json.dumps(asdict(record), ensure_ascii=False), None


def _record(part: str, text: str, body: bytes | None) -> Record:
    document = json.loads(text)
    if part == "kept":
        return str(document)
    if part == "mesh":
        return _mesh(document, body or b"")
    if part == "element":
        return _element(document, body)
    if part == "defect":
        return Defect(**document)
    placement = document["placement"]
    return ModelHead(**{**document, "placement": Placement(**{**placement, "notes": tuple(placement["notes"])})})


def _mesh_document(mesh: Mesh) -> dict[str, Any]:
    return {
        "hash": mesh.hash.hex(),
        "vertices": len(mesh.positions),
        "triangles": len(mesh.triangles),
        "materials": [asdict(material) for material in mesh.materials],
    }


def _mesh(document: dict[str, Any], body: bytes) -> Mesh:
    materials = tuple(Material(m["name"], tuple(m["colour"])) for m in document["materials"])
    return mesh_from(bytes.fromhex(document["hash"]), body, document["vertices"], document["triangles"], materials)


def _element_document(element: Element) -> dict[str, Any]:
    names = Element.__dataclass_fields__
    document = {name: getattr(element, name) for name in names if name != "outline"}
    return {
        **document,
        "classifications": [asdict(item) for item in element.classifications],
        "mesh": element.mesh.hex() if element.mesh else None,
        "source_hash": element.source_hash.hex(),
    }


def _element(document: dict[str, Any], outline: bytes | None) -> Element:
    lists = ("systems", "materials", "inherited")
    return Element(
        **{
            **document,
            **{name: tuple(document[name]) for name in lists},
            "classifications": tuple(Classification(**item) for item in document["classifications"]),
            "matrix": tuple(document["matrix"]) if document["matrix"] else None,
            "mesh": bytes.fromhex(document["mesh"]) if document["mesh"] else None,
            "source_hash": bytes.fromhex(document["source_hash"]),
            "outline": outline,
        }
    )
