"""A worker process: writes a part of the file, opens it, and makes records and meshes of its objects.

It says which group it begins before it does, so that the one that kills it is known.
"""

import ctypes
import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from cim.model.bim import Defect, Element, Placement
from cim.model.map_positions import way_to_degrees
from importers.bim.ifc_elements import ElementReader, Facts
from importers.bim.ifc_facts import Heights, facts_of, with_outcome
from importers.bim.ifc_frame import Model, opened_part
from importers.bim.ifc_jobs import FAST, LOST, Group, Job, Needs
from importers.bim.ifc_shapes import FAST_KERNEL, SURE_KERNEL, Shape, Tessellator, has_surface
from importers.bim.memory_share import limit_growth
from importers.bim.outlines import plan_outline
from importers.bim.records import Row, row_of

FLUSH_ROWS, FLUSH_BYTES = 400, 4 << 20
LEVEL = 1e-9
PR_SET_PDEATHSIG = 1
_FAULTS = (RuntimeError, ValueError, TypeError, AttributeError, OverflowError, IndexError, KeyError)
"""What ifcopenshell raises on faulty content."""
_LOST = "the shape makes the kernels crash, takes too long or too much memory; the object is kept without it"
Sent = tuple[Row, bytes | None, tuple[int, Heights] | None]
"""A row; the hash where it is a mesh; place and heights where it is an element."""


@dataclass(frozen=True, slots=True)
class Work:
    """What all workers share, inherited when they are forked."""

    model: Model
    needs: Needs
    hashes: Mapping[int, bytes]
    placement: Placement
    folder: Path


def work(shared: Work, connection: Connection, parent: int, own_bytes: int) -> None:
    """Do the jobs that come until the other side hangs up; ends where that takes more memory than ``own_bytes``."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    limit_growth(own_bytes)
    try:
        while True:
            job = connection.recv()
            _do(shared, job, connection)
            connection.send(("end", None, ()))
    except (EOFError, BrokenPipeError):
        return
    except MemoryError:
        os._exit(1)


def _do(shared: Work, job: Job, connection: Connection) -> None:
    part = shared.folder / f"part-{os.getpid()}.ifc"
    places = [place for group in job.groups for place in group.places]
    shared.model.parts.write(*shared.needs.of(places), part)
    file = opened_part(part, shared.model.path.name)
    part.unlink()
    reader = _PartReader(shared, file)
    rows: list[Sent] = []
    size = 0
    for number, group in enumerate(job.groups):
        connection.send(("begin", number, ()))
        for sent in reader.group(group, job.ways.get(number, FAST)):
            rows.append(sent)
            size += len(sent[0][1]) + len(sent[0][2] or b"")
        if len(rows) >= FLUSH_ROWS or size >= FLUSH_BYTES:
            connection.send(("rows", number, rows))
            rows, size = [], 0
    connection.send(("rows", len(job.groups) - 1, rows))


class _PartReader:
    """Reads the groups of one part."""

    def __init__(self, shared: Work, file: Any) -> None:
        self._shared = shared
        self._file = file
        self._elements = ElementReader(shared.model.units)
        self._shapes = Tessellator(file, shared.model.units)
        self._sent: set[bytes] = set()

    def group(self, group: Group, way: int) -> Iterator[Sent]:
        """The mesh of a group where it is new, its elements, and what was wrong."""
        shape, fault = self._shape(group, way) if group.shaped else (None, None)
        if shape is not None and shape.mesh.hash not in self._sent:
            self._sent.add(shape.mesh.hash)
            yield row_of(shape.mesh), shape.mesh.hash, None
        outline = plan_outline(shape.mesh.positions.astype(np.float64), shape.mesh.triangles) if shape else None
        made = [found for place in group.places if (found := self._element(place, shape, outline)) is not None]
        outlines = _on_map(made, self._shared.placement) if shape else [None] * len(made)
        for (place, element, _, _), plan in zip(made, outlines, strict=True):
            if isinstance(element, Defect):
                yield row_of(element), None, None
                continue
            heights = None if element.z_min_m is None or element.z_max_m is None else (element.z_min_m, element.z_max_m)
            source = with_outcome(self._shared.hashes[place], heights, fault)
            yield row_of(replace(element, outline=plan, source_hash=source)), None, (place, heights)
            if fault is not None:
                yield row_of(Defect(element.global_id, element.ifc_class, "geometry-failed", fault)), None, None

    def _shape(self, group: Group, way: int) -> tuple[Shape | None, str | None]:
        if way == LOST:
            return None, _LOST
        entity = self._entity(group.places[0])
        if not has_surface(entity):
            return None, None
        fault = None
        kernels = (SURE_KERNEL, FAST_KERNEL) if group.round else (FAST_KERNEL, SURE_KERNEL)
        for kernel in kernels if way == FAST else (SURE_KERNEL,):
            try:
                shape = self._shapes.shape(entity, kernel)
            except _FAULTS as error:
                if "bad_alloc" in str(error):
                    raise MemoryError from error
                fault = f"the shape cannot be made: {str(error)[:120] or type(error).__name__}"
                continue
            if shape is not None:
                return shape, None
        return None, fault

    def _entity(self, place: int) -> Any:
        return self._file.by_id(int(self._shared.model.index.ids[place]))

    def _element(self, place: int, shape: Shape | None, outline: BaseGeometry | None) -> "_Made | None":
        """An element, its matrix and outline in its frame or the model's; a defect where it cannot be read."""
        thing = self._shared.model.tree.things[place]
        facts = facts_of(self._shared.model, thing)
        try:
            entity = self._entity(place)
            element = self._elements.element(entity, facts, self._shared.needs.plain_sets(place))
            if shape is None:
                return place, element, None, None
            return (place, *self._placed(entity, element, shape, outline))
        except _FAULTS as error:
            return place, _rejected(facts, error), None, None

    def _placed(
        self, entity: Any, element: Element, shape: Shape, outline: BaseGeometry | None
    ) -> tuple[Element, NDArray[np.float64], BaseGeometry | None]:
        matrix = self._shapes.matrix(entity)
        matrix[:3, 3] += matrix[:3, :3] @ shape.origin_m
        if not np.isfinite(matrix).all():
            raise ValueError("the placement is no number")
        positions = shape.mesh.positions
        level = float(np.abs([*matrix[2, :2], *matrix[:2, 2]]).max()) < LEVEL
        if level:
            ends = positions[:, 2].min(), positions[:, 2].max()
            z = sorted(float(end) * float(matrix[2, 2]) + float(matrix[2, 3]) for end in ends)
        else:
            points = positions.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
            z = [float(points[:, 2].min()), float(points[:, 2].max())]
            outline = plan_outline(points - matrix[:3, 3], shape.mesh.triangles)
        height_m = self._shared.placement.height_m
        turn = matrix[:2, :2] if level else np.eye(2)
        placed = replace(
            element,
            z_min_m=z[0] + height_m,
            z_max_m=z[-1] + height_m,
            mesh=shape.mesh.hash,
            matrix=tuple(float(value) for value in matrix[:3].reshape(-1)),
        )
        return placed, np.column_stack([turn, matrix[:2, 3]]), outline


_Made = tuple[int, Element | Defect, NDArray[np.float64] | None, BaseGeometry | None]


def _rejected(facts: Facts, error: Exception) -> Defect:
    message = f"the object cannot be read: {str(error)[:120] or type(error).__name__}"
    return Defect(facts.global_id, facts.ifc_class, "unreadable", message, rejected=True)


def _on_map(made: list[_Made], placement: Placement) -> list[bytes | None]:
    """Outlines as WKB in degrees, all in one step; None where there is none."""
    chosen = [number for number, (_, _, frame, outline) in enumerate(made) if frame is not None and outline is not None]
    found: list[bytes | None] = [None] * len(made)
    if not chosen:
        return found
    shapes = np.array([made[number][3] for number in chosen], dtype=object)
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    frames = np.array([made[number][2] for number in chosen])[owners]
    plan = np.einsum("nij,nj->ni", frames[:, :, :2], points) + frames[:, :, 2]
    on_map = placement.to_map(np.column_stack([plan, np.zeros(len(plan))]))[:, :2]
    degrees = way_to_degrees(placement.srid, placement.wkt)(on_map)
    on_earth = (np.isfinite(degrees) & (np.abs(degrees) <= (180, 90))).all(axis=1)
    lost = frozenset(owners[~on_earth].tolist())
    for place, (number, shape) in enumerate(zip(chosen, shapely.set_coordinates(shapes, degrees), strict=True)):
        if place not in lost:
            found[number] = shapely.to_wkb(shape)
    return found
