"""Records of a model on their way from the reading child to staging, checked and accounted for."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import ImportRefused
from cim.model.bim import Defect, Element, Mesh, ModelHead
from cim.model.imports import Finding, RejectedRow
from cim.store.bim_staging import element_row, stage_elements, stage_kept, stage_meshes
from importers.ahead import Ahead
from importers.bim.records import Record

BATCH_RECORDS, BATCH_BYTES = 1_000, 16 << 20
Row = tuple[object, ...]


@dataclass(slots=True)
class Delivery:
    """What has come of a model so far. ``known`` is the source hash of what is there by GlobalId."""

    model: str
    known: Mapping[str, bytes]
    meshes: set[bytes]
    head: ModelHead | None = None
    read: int = 0
    loaded: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _found: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The defects of what was loaded all the same, one finding a code."""
        return tuple(Finding(code, "warn", count, text) for code, (count, text) in sorted(self._found.items()))

    def note(self, code: str, message: str) -> None:
        """Count a defect; of each code the first message is kept."""
        count, first = self._found.get(code, (0, message))
        self._found[code] = (count + 1, first)

    def met(self, global_id: str, ifc_class: str) -> bool:
        """Count an element that came; False, and rejected, where its GlobalId came before."""
        self.read += 1
        if global_id in self._seen:
            self.reject(global_id, ifc_class, "its GlobalId was met before in the file")
            return False
        self._seen.add(global_id)
        return True

    def reject(self, global_id: str, ifc_class: str, reason: str) -> None:
        """Leave out the element met last."""
        self.rejected.append(RejectedRow(self.read, f"{global_id} {ifc_class}: {reason}"))


async def take_delivery(
    connection: AsyncConnection, delivery: Delivery, records: Iterator[Record], moved: Callable[[int], None]
) -> None:
    """Stage all records; ``moved`` is told how many elements were met, and may raise to end it."""
    with Ahead(_batches(records)) as ahead:
        batches = iter(ahead)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            await _stage(connection, delivery, batch)
            moved(delivery.read)
    if delivery.head is None:
        raise ImportRefused("reader-failed", "the reader said nothing of the model", remedy="check the file")


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        if isinstance(record, Mesh):
            size += record.positions.nbytes + record.triangles.nbytes
        if len(batch) >= BATCH_RECORDS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


async def _stage(connection: AsyncConnection, delivery: Delivery, batch: list[Record]) -> None:
    meshes: list[Mesh] = []
    rows: list[Row] = []
    kept: list[str] = []
    for record in batch:
        if isinstance(record, ModelHead):
            delivery.head = record
        elif isinstance(record, Mesh):
            if record.hash not in delivery.meshes:
                delivery.meshes.add(record.hash)
                meshes.append(record)
        elif isinstance(record, Element):
            row = _element(delivery, record)
            if row is not None:
                rows.append(row)
        elif isinstance(record, Defect):
            _defect(delivery, record)
        elif _kept(delivery, record):
            kept.append(record)
    delivery.loaded += len(rows) + len(kept)
    await stage_meshes(connection, delivery.model, meshes)
    await stage_elements(connection, _placed(delivery, rows))
    await stage_kept(connection, kept)


def _element(delivery: Delivery, element: Element) -> Row | None:
    """The row of an element; None where it was rejected."""
    if not delivery.met(element.global_id, element.ifc_class):
        return None
    try:
        row = element_row(element)
    except ValueError as error:
        delivery.reject(element.global_id, element.ifc_class, str(error))
        return None
    if element.mesh is not None and element.mesh not in delivery.meshes:
        raise ImportRefused("reader-failed", f"the mesh of {element.global_id} did not come", remedy="report this")
    return row


def _defect(delivery: Delivery, defect: Defect) -> None:
    if defect.rejected:
        delivery.read += 1
        delivery.reject(defect.global_id, defect.ifc_class, defect.message)
    else:
        delivery.note(defect.code, f"{defect.global_id} {defect.ifc_class}: {defect.message}")


def _kept(delivery: Delivery, global_id: str) -> bool:
    if global_id not in delivery.known:
        raise ImportRefused("reader-failed", f"{global_id} was to be kept, but is not there", remedy="report this")
    return delivery.met(global_id, "")


def _placed(delivery: Delivery, rows: list[Row]) -> list[Row]:
    """Rows whose outline, their last value, is a shape on earth, or none."""
    shapes = shapely.from_wkb(np.array([row[-1] for row in rows], dtype=object), on_invalid="ignore")
    bounds = shapely.bounds(shapes)
    on_earth = (np.abs(bounds[:, ::2]) <= 180).all(axis=1) & (np.abs(bounds[:, 1::2]) <= 85).all(axis=1)
    for index in np.flatnonzero(~on_earth):
        if rows[index][-1] is not None:
            delivery.note("outline", f"{rows[index][0]}: its outline is no shape on earth and was left out")
            rows[index] = (*rows[index][:-1], None)
    return rows
