"""What the tree says of each object, and the hash its source has with it."""

import struct

from importers.bim.ifc_elements import Facts
from importers.bim.ifc_frame import Model
from importers.bim.ifc_identity import HASH_BYTES
from importers.bim.ifc_tree import Thing

_HEIGHTS = struct.Struct("<2d")
_NONE = float("nan")
Heights = tuple[float, float] | None


def facts_of(model: Model, thing: Thing) -> Facts:
    """Where an object is: parent, building, storey, space and groups."""
    tree = model.tree
    parent = tree.things.get(thing.parent) if thing.parent is not None else None
    container = tree.things.get(thing.container) if thing.container is not None else None
    above, relation = parent, thing.relation
    if parent is None:
        above, relation = container, "contains" if container is not None else None
    storey = thing if thing.role == "storey" else tree.above(thing, "storey")
    building = tree.above(thing, "building")
    space = tree.above(thing, "space")
    level = model.storeys.get(storey.place) if storey is not None else None
    return Facts(
        global_id=thing.global_id,
        kind=thing.kind,
        ifc_class=thing.ifc_class,
        parent=above.global_id if above is not None else None,
        parent_relation=relation,
        building=building.global_id if building is not None else None,
        storey=storey.global_id if storey is not None else None,
        storey_name=level.name if level is not None else None,
        storey_number=level.number if level is not None else None,
        elevation_m=level.elevation_m if level is not None else None,
        space=space.global_id if space is not None else None,
        systems=tuple(dict.fromkeys(tree.things[group].global_id for group in thing.groups)),
    )


def about(facts: Facts) -> tuple[object, ...]:
    """What of the tree counts for the hash of an object's source."""
    return (
        facts.global_id,
        facts.parent,
        facts.parent_relation,
        facts.building,
        facts.storey,
        facts.storey_name,
        facts.storey_number,
        facts.elevation_m,
        facts.space,
        facts.systems,
    )


def with_outcome(source: bytes, heights: Heights, fault: str | None = None) -> bytes:
    """The hash of a source followed by what came of it, heights and what its shape failed by, kept with it."""
    return source + _HEIGHTS.pack(*(heights or (_NONE, _NONE))) + (fault or "").encode("utf-8", "replace")


def heights_in(source_hash: bytes) -> Heights:
    """The heights of ``with_outcome``; None where there are none."""
    if len(source_hash) < HASH_BYTES + _HEIGHTS.size:
        return None
    low, high = _HEIGHTS.unpack_from(source_hash, HASH_BYTES)
    return (low, high) if low == low and high == high else None


def fault_in(source_hash: bytes) -> str:
    """The fault of ``with_outcome``; empty where there is none."""
    return source_hash[HASH_BYTES + _HEIGHTS.size :].decode("utf-8", "replace")
