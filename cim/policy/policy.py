"""The policy: default deny, decided from rows of rights and the grade of what is asked for.

Every output asks ``decide`` (or ``readable``) before it queries, puts the decision's predicates and fields into the
query, and its ``policy_class`` into the cache key. Row-level security in the database repeats the row part.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from cim.errors import NotAllowed, NotFound, NotIdentified
from cim.model.access import Grade, Operation, Principal, ReadContext, Right
from cim.model.collection import Collection, Field


@dataclass(frozen=True, slots=True)
class Decision:
    """What a principal sees of one collection.

    ``regions`` are the codes whose features are visible, ``None`` for everywhere. ``fields`` are the visible
    fields in schema order. ``policy_class`` is equal for two callers exactly when they see the same thing.
    """

    collection: Collection
    fields: tuple[Field, ...]
    regions: tuple[str, ...] | None
    policy_class: str

    @property
    def field_names(self) -> tuple[str, ...]:
        """Names of the visible fields."""
        return tuple(field.name for field in self.fields)


def may(principal: Principal, operation: Operation, grade: Grade | None = None) -> bool:
    """Whether the principal has the operation for a grade, or for any grade when none is given."""
    return any(operation in right.operations and (grade is None or right.grade is grade) for right in principal.rights)


def require(principal: Principal, operation: Operation, grade: Grade | None = None) -> None:
    """Raise NotIdentified (anonymous) or NotAllowed unless ``may`` holds."""
    if may(principal, operation, grade):
        return
    what = f"the role {principal.role} may not {operation}" + (f" {grade} data" if grade else "")
    if principal.role == "anonymous":
        raise NotIdentified(what, remedy="log in, or send an API key as Authorization: Bearer KEY")
    raise NotAllowed(what, remedy="ask an administrator for a role with this right")


def decide(principal: Principal, collection: Collection | None, layer: str = "") -> Decision:
    """What the principal may read of a collection.

    Raises NotFound both when there is no such collection and when the principal may not know of it, so that the
    two cannot be told apart.
    """
    decision = _decide(principal, collection) if collection else None
    if decision is None:
        raise NotFound(
            f"there is no layer {layer or (collection.id if collection else '')!r} that you may see",
            where="layer",
            remedy="GET /collections lists the layers you may see; log in to see more",
        )
    return decision


def readable(principal: Principal, collections: Iterable[Collection]) -> list[Decision]:
    """Decisions for those collections that have a version and are open to the principal."""
    decisions = (_decide(principal, collection) for collection in collections)
    return [decision for decision in decisions if decision is not None]


def decide_model(principal: Principal, model: Collection | None, name: str = "") -> Decision:
    """What the principal may read of a building model: all of it, as a right in some regions only opens no model.

    Raises NotFound as ``decide`` does.
    """
    decisions = readable_models(principal, [model] if model else [])
    if not decisions:
        raise NotFound(
            f"there is no model {(name or (model.id if model else ''))[:60]!r} that you may see",
            where="model",
            remedy="GET /models lists the models you may see; log in to see more",
        )
    return decisions[0]


def readable_models(principal: Principal, models: Iterable[Collection]) -> list[Decision]:
    """Decisions for those building models that have a version and are open to the principal everywhere."""
    return [decision for decision in readable(principal, models) if decision.regions is None]


def _decide(principal: Principal, collection: Collection) -> Decision | None:
    rights = [r for r in principal.rights if r.grade is collection.grade and Operation.READ in r.operations]
    if not rights or collection.version == 0:
        return None
    open_grades = {r.grade for r in principal.rights if Operation.READ in r.operations}
    hidden = frozenset.intersection(*(right.hidden_fields for right in rights))
    fields = tuple(
        field
        for field in collection.schema.fields
        if field.name not in hidden and (field.grade is None or field.grade in open_grades)
    )
    regions = _regions(rights)
    seen = "|".join([",".join(field.name for field in fields), "*" if regions is None else ",".join(regions)])
    return Decision(collection, fields, regions, hashlib.sha256(seen.encode()).hexdigest()[:12])


def _regions(rights: Iterable[Right]) -> tuple[str, ...] | None:
    codes = {right.region_code for right in rights}
    return None if None in codes else tuple(sorted(code for code in codes if code is not None))


def read_context(principal: Principal, request_id: str = "", timeout_ms: int = 15_000) -> ReadContext:
    """What to tell the database about the principal, for row-level security."""
    openings = []
    for grade in Grade:
        rights = [r for r in principal.rights if r.grade is grade and Operation.READ in r.operations]
        if rights:
            openings.append((grade, _regions(rights)))
    return ReadContext(tuple(openings), request_id, timeout_ms)


GRADE_FOR_ROLE = {"anonymous": Grade.PUBLIC, "viewer": Grade.INTERNAL, "technician": Grade.RESTRICTED}
"""The grade a layer gets when it is published to a role (``cim publish LAYER --to ROLE``)."""
