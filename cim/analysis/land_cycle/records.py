"""Finding the records: by codes, on and on through the codes they name, and by space."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context, Features
from cim.analysis.land_cycle.businesses import BUSINESSES, PARCEL_LENGTH, Business, CodeKind
from cim.analysis.overlay import Shapes, overlay
from cim.analysis.reaching import taken
from cim.errors import BadRequest

SRID = 4490
MOST_ROUNDS = 4
MOST_CODES = 200
Codes = dict[CodeKind, set[str]]


@dataclass(slots=True)
class Records:
    """The records of one business that belong to the case, and which of them codes led to."""

    business: Business
    found: Features
    by_code: set[str] = field(default_factory=set)


async def by_codes(connection: AsyncConnection, context: Context, asked: Codes) -> dict[str, set[str]]:
    """Keys of the records that codes lead to, by business: those named, and those that these name in turn."""
    known: Codes = {kind: set(values) for kind, values in asked.items()}
    keys: dict[str, set[str]] = {business.id: set() for business in BUSINESSES}
    tried: set[tuple[str, str, str]] = set()
    for _ in range(MOST_ROUNDS):
        before = sum(len(values) for values in known.values())
        for business in BUSINESSES:
            found = await _naming(connection, context, business, known, tried)
            if found is not None:
                keys[business.id].update(found.keys)
                _learn(known, business, found)
        if sum(len(values) for values in known.values()) == before:
            break
    return keys


async def _naming(
    connection: AsyncConnection, context: Context, business: Business, known: Codes, tried: set[tuple[str, str, str]]
) -> Features | None:
    """The records of one business that name a code not looked up before."""
    decision = context.decision(business.layer)
    if decision is None:
        return None
    parts = []
    for name, kind in business.codes.items():
        new = sorted(code for code in known.get(kind, ()) if (business.id, name, code) not in tried)
        tried.update((business.id, name, code) for code in new)
        if new and name in decision.field_names:
            parts.append(f"{name} IN ({', '.join(_quoted(code) for code in new)})")
    if not parts:
        return None
    return await _read(connection, context, business, " OR ".join(parts))


async def _read(connection: AsyncConnection, context: Context, business: Business, where: str) -> Features:
    nowhere = np.zeros(0, dtype=object)
    everywhere = [(70.0, 0.0, 140.0, 56.0)]
    return await context.features(
        connection, business.layer, business.fields, nowhere, SRID, where=where, boxes=everywhere
    )


def _quoted(code: str) -> str:
    return "'" + code.replace("'", "''") + "'"


def _learn(known: Codes, business: Business, found: Features) -> None:
    for name, kind in business.codes.items():
        for value in found.columns[name]:
            if value:
                known.setdefault(kind, set()).add(str(value))
    for unit in known.get("unit_no", ()):
        if len(unit) > PARCEL_LENGTH:
            known.setdefault("parcel_code", set()).add(unit[:PARCEL_LENGTH])
    if sum(len(values) for values in known.values()) > MOST_CODES:
        raise BadRequest(
            f"the records name more than {MOST_CODES} codes",
            where="inputs",
            remedy="ask for a parcel or a supervision number instead of a batch",
        )


async def gather(
    connection: AsyncConnection, context: Context, asked: Codes, area: Shapes | None, sliver_m2: float
) -> tuple[shapely.Geometry | None, dict[str, Records]]:
    """The subject's shape (None: nothing was found) and all records on it or named by its codes."""
    keys = await by_codes(connection, context, asked) if asked else {each.id: set() for each in BUSINESSES}
    seeds = {each.id: await _of_keys(connection, context, each, keys[each.id]) for each in BUSINESSES}
    shapes = list(area) if area is not None else [shape for each in seeds.values() for shape in each.shapes]
    if not shapes:
        return None, {each.id: Records(each, seeds[each.id]) for each in BUSINESSES}
    subject = shapely.union_all(np.array(shapes, dtype=object))
    out = {}
    for each in BUSINESSES:
        near = await _on(connection, context, each, subject, sliver_m2)
        out[each.id] = Records(each, _joined(seeds[each.id], near), keys[each.id])
    return subject, out


async def _of_keys(connection: AsyncConnection, context: Context, business: Business, keys: Iterable[str]) -> Features:
    listed = ", ".join(_quoted(key) for key in sorted(keys))
    where = f"{business.number} IN ({listed})" if listed else f"{business.number} IS NULL"
    found = await _read(connection, context, business, where)
    return found if listed else taken(found, np.zeros(0, dtype=np.int64))


async def _on(
    connection: AsyncConnection, context: Context, business: Business, subject: shapely.Geometry, sliver_m2: float
) -> Features:
    areas = np.array([subject], dtype=object)
    found = await context.features(connection, business.layer, business.fields, areas, SRID)
    pieces = overlay(areas, found.shapes, SRID)
    return taken(found, np.unique(pieces.feature[pieces.areas_m2 > sliver_m2]))


def _joined(first: Features, second: Features) -> Features:
    """The features of both, each once."""
    there = set(first.keys)
    more = taken(second, np.array([k for k, key in enumerate(second.keys) if key not in there], dtype=np.int64))
    columns: Mapping[str, list[object]] = {
        name: [*values, *more.columns[name]] for name, values in first.columns.items()
    }
    keys: Sequence[str] = [*first.keys, *more.keys]
    return Features(
        first.edition,
        np.concatenate([first.fids, more.fids]),
        keys,
        columns,
        np.concatenate([first.shapes, more.shapes]),
    )
