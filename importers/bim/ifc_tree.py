"""The tree of a model: its objects, what each is in, and the storey, building and space reached from it."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from cim.model.bim import Defect, ElementKind, ParentRelation
from importers.bim.ifc_relations import pairs_of
from importers.bim.ifc_schema import Role, class_parts
from importers.bim.step_hash import Hashes
from importers.bim.step_index import StepIndex

STEPS_LIMIT = 64
"""Steps up the tree after which a circle is taken to be met."""
_KINDS: Mapping[Role, ElementKind] = {"space": "space", "group": "group", "element": "element"}
_GLOBAL_ID = re.compile(rb"[A-Za-z0-9_]+\s*\(\s*'([^']{0,64})'")


@dataclass(slots=True)
class Thing:
    """An object of the model as the index knows it. ``parent`` and the like are places of things."""

    place: int
    global_id: str
    ifc_class: str
    role: Role
    parent: int | None = None
    relation: ParentRelation | None = None
    container: int | None = None
    groups: list[int] = field(default_factory=list)

    @property
    def kind(self) -> ElementKind:
        """What it is among elements."""
        return _KINDS.get(self.role, "spatial")


@dataclass(frozen=True, slots=True)
class Tree:
    """All objects by place, in the order of the file, and what was wrong with identities.

    ``hosts`` are what openings are in, ``parts`` the parts of things that are put together.
    """

    things: Mapping[int, Thing]
    types: Mapping[int, str]
    hosts: Mapping[int, int]
    parts: Mapping[int, list[int]]
    defects: tuple[Defect, ...]

    def above(self, thing: Thing, role: Role) -> Thing | None:
        """The nearest object of a role it is in: through what contains it, what it fills, is part of or nested in."""
        seen: Thing | None = thing
        for _ in range(STEPS_LIMIT):
            seen = self._up(seen) if seen is not None else None
            if seen is None or seen.role == role:
                return seen
        return None

    def _up(self, thing: Thing) -> Thing | None:
        place = thing.container if thing.container is not None else thing.parent
        return self.things.get(place) if place is not None else None


def tree_of(index: StepIndex, hashes: Hashes) -> Tree:
    """Read the objects and their relations from the index."""
    parts = class_parts(index.schema, index.names)
    roles = [part.role if (part := parts.get(name)) else None for name in index.names]
    kinds = index.kinds.tolist()
    things: dict[int, Thing] = {}
    types: dict[int, str] = {}
    openings: set[int] = set()
    for place, kind in enumerate(kinds):
        role = roles[kind]
        if role is None:
            continue
        if role == "opening":
            openings.add(place)
        elif role == "type":
            types[place] = parts[index.names[kind]].ifc_class
        else:
            things[place] = Thing(place, _global_id(index, place), parts[index.names[kind]].ifc_class, role)
    hosts = _hosts(index)
    _relate(index, things, hosts)
    parts_of: defaultdict[int, list[int]] = defaultdict(list)
    for thing in things.values():
        if thing.relation == "aggregates" and thing.parent is not None:
            parts_of[thing.parent].append(thing.place)
    return Tree(things, types, hosts, dict(parts_of), tuple(_settled(things, hashes)))


def _global_id(index: StepIndex, place: int) -> str:
    start = int(index.starts[place])
    found = _GLOBAL_ID.match(index.data, start, start + 256)
    return found[1].decode("ascii", "replace").strip() if found else ""


def _hosts(index: StepIndex) -> dict[int, int]:
    pairs = pairs_of(index, "IFCRELVOIDSELEMENT")
    return dict(zip(pairs.related.tolist(), pairs.relating.tolist(), strict=True))


def _relate(index: StepIndex, things: Mapping[int, Thing], hosts: Mapping[int, int]) -> None:
    """Note parents in order of weight: part of, nested in, filling, contained in, in a group."""
    relations: tuple[tuple[ParentRelation, str], ...] = (
        ("aggregates", "IFCRELAGGREGATES"),
        ("nests", "IFCRELNESTS"),
        ("fills", "IFCRELFILLSELEMENT"),
        ("contains", "IFCRELCONTAINEDINSPATIALSTRUCTURE"),
        ("groups", "IFCRELASSIGNSTOGROUP"),
        ("groups", "IFCRELASSIGNSTOGROUPBYFACTOR"),
    )
    for relation, name in relations:
        pairs = pairs_of(index, name)
        for one, many in zip(pairs.relating.tolist(), pairs.related.tolist(), strict=True):
            thing, above = things.get(many), hosts.get(one, one)
            if thing is None or above not in things or above == many:
                continue
            _note(thing, relation, above)


def _note(thing: Thing, relation: ParentRelation, above: int) -> None:
    if relation == "contains" and thing.container is None:
        thing.container = above
    if relation == "groups":
        thing.groups.append(above)
        if thing.role != "group":
            return
    if thing.parent is None:
        thing.parent, thing.relation = above, relation


def _settled(things: Mapping[int, Thing], hashes: Hashes) -> list[Defect]:
    """Give every object an identity of its own, and say where the file does not.

    The first of several with one GlobalId keeps it, later ones get ``~2``, ``~3``; one without gets ``~`` and the hash
    of its content.
    """
    met: defaultdict[str, int] = defaultdict(int)
    defects = []
    for thing in things.values():
        given = thing.global_id
        if not given:
            given = thing.global_id = f"~{int(hashes[thing.place, 0]):016x}"
            message = "the object has no GlobalId; it gets one made of its content"
            defects.append(Defect(given, thing.ifc_class, "no-global-id", message))
        met[given] += 1
        if met[given] > 1:
            thing.global_id = f"{given}~{met[given]}"
            message = f"the GlobalId {given} is used {met[given]} times or more; this one is kept as {thing.global_id}"
            defects.append(Defect(thing.global_id, thing.ifc_class, "duplicate-global-id", message))
    return defects
