"""How the objects of a model are shared out to worker processes: those of one shape together, in parts of the file."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from importers.bim.ifc_plain_sets import PlainSet, PlainSets
from importers.bim.ifc_relations import pairs_of
from importers.bim.ifc_tree import Thing
from importers.bim.step_hash import Hashes
from importers.bim.step_index import Places, StepIndex

OBJECTS_LIMIT, OBJECTS_LEAST = 400, 24
PARTS_A_WORKER = 6
FAST, SURE, LOST = range(3)
"""How the shape of a group is made: by one kernel, else the other; by the sure one only; not at all."""
_RELATIONS = (
    "IFCRELDEFINESBYTYPE",
    "IFCRELASSOCIATESMATERIAL",
    "IFCRELASSOCIATESCLASSIFICATION",
)


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one shape, by place; without a shape where ``shaped`` is false. ``round`` wants the sure kernel."""

    places: tuple[int, ...]
    shaped: bool
    round: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """Groups for one worker at one time; ``ways`` are those of groups that are not made the fast way."""

    groups: tuple[Group, ...]
    ways: dict[int, int] = field(default_factory=dict)

    def rest(self, done: int, culprit: int | None) -> "Job":
        """What is left after a worker ended: after the groups done, the culprit made a surer way."""
        ways = dict(self.ways)
        if culprit is not None:
            ways[culprit] = min(ways.get(culprit, FAST) + 1, LOST)
        kept = {number - done: way for number, way in ways.items() if number >= done}
        return replace(self, groups=self.groups[done:], ways=kept)


def jobs_of(things: Sequence[Thing], keys: Hashes, rounds: NDArray[np.bool_], workers: int) -> list[Job]:
    """Groups in jobs of a size that keeps all workers busy to the end."""
    groups = list(_groups(things, keys, rounds))
    size = min(max(len(things) // (workers * PARTS_A_WORKER), OBJECTS_LEAST), OBJECTS_LIMIT)
    jobs: list[Job] = []
    waiting: list[Group] = []
    count = 0
    for group in groups:
        waiting.append(group)
        count += len(group.places)
        if count >= size:
            jobs.append(Job(tuple(waiting)))
            waiting, count = [], 0
    return [*jobs, Job(tuple(waiting))] if waiting else jobs


def _groups(things: Iterable[Thing], keys: Hashes, rounds: NDArray[np.bool_]) -> Iterable[Group]:
    together: dict[bytes, list[int]] = {}
    for thing in things:
        key = keys[thing.place].tobytes() if keys[thing.place].any() else b""
        together.setdefault(key, []).append(thing.place)
    for key, places in together.items():
        for start in range(0, len(places), OBJECTS_LIMIT):
            yield Group(tuple(places[start : start + OBJECTS_LIMIT]), bool(key), bool(rounds[places[0]]))


class Needs:
    """What objects need of the file beside what they refer to: sets, types, materials, classifications, openings.

    Sets that can be read from their text (``plain``) are not among it.
    """

    def __init__(self, index: StepIndex, plain: PlainSets) -> None:
        self._plain = plain
        sets = pairs_of(index, "IFCRELDEFINESBYPROPERTIES")
        order = np.argsort(sets.related, kind="stable")
        self._with_sets = sets.related[order]
        self._set_statements, self._sets = sets.statements[order], sets.relating[order]
        pairs = pairs_of(index, *_RELATIONS)
        order = np.argsort(pairs.related, kind="stable")
        self._related = pairs.related[order]
        self._statements, self._relating = pairs.statements[order], pairs.relating[order]
        voids = pairs_of(index, "IFCRELVOIDSELEMENT")
        self._voids: dict[int, list[tuple[int, int]]] = {}
        for statement, host, opening in zip(
            voids.statements.tolist(), voids.relating.tolist(), voids.related.tolist(), strict=True
        ):
            self._voids.setdefault(host, []).append((statement, opening))
        wholes = pairs_of(index, "IFCRELAGGREGATES")
        self._wholes = dict(
            zip(
                wholes.related.tolist(),
                zip(wholes.statements.tolist(), wholes.relating.tolist(), strict=True),
                strict=True,
            )
        )

    def of(self, places: Sequence[int]) -> tuple[list[int], list[int]]:
        """The places to write whole, and the relations to cut, for some objects."""
        wanted = np.array(places, np.int64)
        statements, relating = self._given(wanted)
        set_statements, sets = self._other_sets(wanted)
        more_statements, more_relating = self._given(np.unique(relating))
        whole = [*places, *relating.tolist(), *more_relating.tolist(), *sets]
        cut = [*statements.tolist(), *more_statements.tolist(), *set_statements]
        for place in places:
            self._add_openings(place, whole, cut)
        return whole, list(dict.fromkeys(cut))

    def plain_sets(self, place: int) -> list[PlainSet]:
        """The sets of an object that are not in its part of the file."""
        return [found for _, one in self._sets_of(place) if (found := self._plain.read(one)) is not None]

    def _other_sets(self, places: Places) -> tuple[list[int], list[int]]:
        """The relations and sets of objects that the part must hold."""
        pairs = [pair for place in places.tolist() for pair in self._sets_of(place)]
        others = [(statement, one) for statement, one in pairs if self._plain.read(one) is None]
        return [statement for statement, _ in others], [one for _, one in others]

    def _sets_of(self, place: int) -> list[tuple[int, int]]:
        low, high = np.searchsorted(self._with_sets, (place, place + 1)).tolist()
        return list(zip(self._set_statements[low:high].tolist(), self._sets[low:high].tolist(), strict=True))

    def _given(self, places: Places) -> tuple[Places, Places]:
        places = np.unique(places)
        low = np.searchsorted(self._related, places, "left")
        counts = np.searchsorted(self._related, places, "right") - low
        at = np.repeat(low, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.unique(self._statements[at]), np.unique(self._relating[at])

    def _add_openings(self, place: int, whole: list[int], cut: list[int]) -> None:
        """The openings of an object and, where it is part of a whole, those of that."""
        for statement, opening in self._voids.get(place, ()):
            whole += (statement, opening)
        aggregate = self._wholes.get(place)
        if aggregate is not None and aggregate[1] in self._voids:
            cut.append(aggregate[0])
            whole.append(aggregate[1])
            for statement, opening in self._voids[aggregate[1]]:
                whole += (statement, opening)
