"""Reading an IFC file in this process, its records collected by kind."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.model.bim import Defect, Element, Mesh, ModelHead, Placement
from importers.bim.ifc_stream import model_rows
from importers.bim.records import batches, decoded
from importers.importer import ReadOptions


@dataclass
class Read:
    head: ModelHead
    elements: dict[str, Element]
    meshes: dict[bytes, Mesh]
    defects: list[Defect]
    kept: set[str]

    def named(self, name: str) -> Element:
        return next(element for element in self.elements.values() if element.name == name)

    @property
    def hashes(self) -> dict[str, bytes]:
        return {name: element.source_hash for name, element in self.elements.items()}


def collected(records: Iterator[Any]) -> Read:
    read = Read(next(records), {}, {}, [], set())
    for record in records:
        if isinstance(record, Element):
            assert record.mesh is None or record.mesh in read.meshes, "a mesh comes before what has it"
            read.elements[record.global_id] = record
        elif isinstance(record, Mesh):
            assert record.hash not in read.meshes, "a mesh comes once"
            read.meshes[record.hash] = record
        elif isinstance(record, Defect):
            read.defects.append(record)
        else:
            read.kept.add(record)
    return read


def read_here(path: Path, known: Mapping[str, bytes] | None = None, placement: Placement | None = None) -> Read:
    return collected(decoded(batches(model_rows(path, ReadOptions(), known or {}, placement, workers=2))))
