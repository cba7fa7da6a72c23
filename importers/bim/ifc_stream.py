"""A building model as a stream of records: head, defects, meshes and elements, and at last what holds them.

Elements come from worker processes as they are done. What has no shape of its own - project, storeys, systems - comes
at the end, its heights from what it contains.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from cim.model.bim import Defect, Placement
from importers.bim.ifc_elements import ElementReader
from importers.bim.ifc_facts import Heights, about, facts_of, fault_in, heights_in, with_outcome
from importers.bim.ifc_frame import FRAME_ROLES, Model, head_of, open_model
from importers.bim.ifc_identity import HASH_BYTES, curved, element_hash, model_salt, shape_keys, source_hashes
from importers.bim.ifc_jobs import Needs, jobs_of
from importers.bim.ifc_placement import placed
from importers.bim.ifc_plain_sets import PlainSets
from importers.bim.ifc_pool import read_jobs, worker_count
from importers.bim.ifc_tree import STEPS_LIMIT, Thing
from importers.bim.ifc_worker import Work
from importers.bim.records import Row, row_of
from importers.importer import ReadOptions

Extents = dict[int, tuple[float, float]]


def model_rows(
    path: Path,
    options: ReadOptions,
    known: Mapping[str, bytes],
    placement: Placement | None = None,
    workers: int | None = None,
) -> Iterator[Row]:
    """The rows of ``importers.bim.records`` of a file.

    ``known`` are source hashes by GlobalId; what has the same is named and not sent. ``placement`` overrides what the
    file says. ImportRefused where the file cannot be read or placed.
    """
    model = open_model(path)
    where = placement or placed(model.file, model.units, options, model.reach_m).required
    yield from _Stream(model, where, known).rows(workers or worker_count())


class _Stream:
    """One reading of one model."""

    def __init__(self, model: Model, placement: Placement, known: Mapping[str, bytes]) -> None:
        self._model = model
        self._placement = placement
        self._known = known
        self._salt = model_salt(placement)
        self._bases = source_hashes(model.index, model.hashes, model.tree)
        self._keys = shape_keys(model.index, model.hashes, model.tree)
        self._extents: Extents = {}
        self._kept: list[Thing] = []

    def rows(self, workers: int) -> Iterator[Row]:
        """All rows in their order."""
        model = self._model
        things = list(model.tree.things.values())
        counts = Counter(thing.ifc_class for thing in things)
        yield row_of(head_of(model, self._placement, counts, model.path.stem))
        yield from (row_of(defect) for defect in model.tree.defects)
        at_end = [thing for thing in things if self._is_frame(thing)]
        elements = [thing for thing in things if not self._is_frame(thing)]
        hashes = {thing.place: self._hash(thing) for thing in elements}
        changed = [thing for thing in elements if not self._is_known(thing, hashes[thing.place])]
        for thing in self._kept:
            yield row_of(thing.global_id)
            fault = fault_in(self._known[thing.global_id])
            if fault:
                yield row_of(Defect(thing.global_id, thing.ifc_class, "geometry-failed", fault))
        yield from self._read(changed, hashes, workers)
        for thing in at_end:
            yield self._frame_row(thing)

    def _is_frame(self, thing: Thing) -> bool:
        return thing.role in FRAME_ROLES and not self._keys[thing.place].any()

    def _hash(self, thing: Thing) -> bytes:
        return element_hash(self._bases[thing.place], self._salt, about(facts_of(self._model, thing)))

    def _is_known(self, thing: Thing, source: bytes) -> bool:
        known = self._known.get(thing.global_id, b"")
        if known[:HASH_BYTES] != source:
            return False
        self._kept.append(thing)
        self._grow(thing, heights_in(known))
        return True

    def _read(self, things: list[Thing], hashes: Mapping[int, bytes], workers: int) -> Iterator[Row]:
        model = self._model
        sent: set[bytes] = set()
        shared = Work(
            model, Needs(model.index, PlainSets(model.index, model.units)), hashes, self._placement, model.scratch.path
        )
        jobs = jobs_of(things, self._keys, curved(model.index, model.tree), workers) if things else []
        for row, mesh, met in read_jobs(shared, jobs, workers):
            if met is not None:
                self._grow(model.tree.things[met[0]], met[1])
            if mesh is not None:
                if mesh in sent:
                    continue
                sent.add(mesh)
            yield row

    def _grow(self, thing: Thing, heights: Heights) -> None:
        """Count the heights of an object for all it is in."""
        if heights is None:
            return
        place = thing.container if thing.container is not None else thing.parent
        for _ in range(STEPS_LIMIT):
            if place is None or place not in self._model.tree.things:
                return
            low, high = self._extents.get(place, heights)
            self._extents[place] = min(low, heights[0]), max(high, heights[1])
            above = self._model.tree.things[place]
            place = above.container if above.container is not None else above.parent

    def _frame_row(self, thing: Thing) -> Row:
        facts = facts_of(self._model, thing)
        heights = self._extents.get(thing.place) if thing.role != "group" else None
        source = element_hash(self._bases[thing.place], self._salt, (*about(facts), heights))
        known = self._known.get(thing.global_id, b"")
        if known[:HASH_BYTES] == source:
            return row_of(thing.global_id)
        try:
            element = ElementReader(self._model.units).element(self._model.entity(thing), facts)
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            message = f"the object cannot be read: {str(error)[:120]}"
            return row_of(Defect(thing.global_id, thing.ifc_class, "unreadable", message, rejected=True))
        low, high = heights or (None, None)
        return row_of(replace(element, z_min_m=low, z_max_m=high, source_hash=with_outcome(source, heights)))
