"""What lies inside the area of a warning, as far as the caller may see it; what cannot be seen is stated."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.building_uses import HOMES
from cim.model.warning_calls import DUTY_OF
from cim.model.warning_course import Contact
from cim.policy.policy import Decision
from cim.store.selection import Selection
from cim.store.warning_contacts import CONTACTS, contacts_of
from cim.store.warning_reach import Met, devices_met, features_met

BUILDINGS, USE = "buildings", "use"


@dataclass(frozen=True, slots=True)
class Group:
    """Objects of one kind: their layer, the fields that are listed, the fields that are summed."""

    name: str
    layer: str
    fields: tuple[str, ...] = ("name",)
    sums: tuple[str, ...] = ()
    listed: bool = True


GROUPS = (
    Group("people", "population", (), ("persons", "day_persons", "mobility", "households"), listed=False),
    Group("schools", "schools", ("name", "level", "students"), ("students",)),
    Group("hospitals", "hospitals", ("name", "level", "beds"), ("beds",)),
    Group("firms", "organisations", ("name", "industry", "employees"), ("employees",)),
    Group("hazards", "hazards", ("name", "grade", "substance", "quantity_t", "enterprise")),
    Group("geohazards", "geohazards", ("name", "kind", "danger", "threatened"), ("threatened",)),
    Group("flash_flood_zones", "flash_flood_zones", ("name", "level", "return_years", "people"), ("people",)),
    Group("cameras", "cameras", ("name", "kind", "status")),
    Group("villages", "admin_village", ("name", "kind", "town_code")),
)
METHOD = "people: all persons of the buildings whose point lies inside; others: features that meet the area"


async def affected(
    connection: AsyncConnection, decisions: dict[str, Decision], area: bytes, limit: int
) -> dict[str, Any]:
    """Groups with counts, sums and the first ``limit`` objects each; ``missing`` says what cannot be told, and why."""
    groups: dict[str, Any] = {}
    missing: list[dict[str, str]] = []
    for group in GROUPS:
        decision = decisions.get(group.layer)
        if decision is None:
            groups[group.name] = None
            missing.append(_missing(group.name, group.layer, "the layer is not there, or not for you to see"))
            continue
        groups[group.name] = await _group(connection, group, decision, area, limit, missing)
    await _tell_unrecorded(connection, decisions, area, groups, missing)
    groups["devices"] = _told("devices", None, await devices_met(connection, area, limit), ())
    await _add_contacts(connection, decisions, groups, missing)
    return {"method": METHOD, "groups": groups, "missing": missing, "limit": limit}


def selection_of(decision: Decision) -> Selection:
    """All that the caller may see of a layer."""
    return Selection(decision.collection, decision.field_names, decision.regions)


async def _group(
    connection: AsyncConnection,
    group: Group,
    decision: Decision,
    area: bytes,
    limit: int,
    missing: list[dict[str, str]],
) -> dict[str, Any]:
    wanted = dict.fromkeys((*group.fields, *group.sums))
    names = tuple(name for name in wanted if name in decision.field_names)
    hidden = [name for name in group.sums if name not in names]
    missing += [_missing(group.name, group.layer, f"the field {name} is not there, or not for you") for name in hidden]
    selection = Selection(decision.collection, names, decision.regions)
    sums = tuple(name for name in group.sums if name in names)
    met = await features_met(connection, selection, area, sums=sums, limit=limit if group.listed else 0)
    told = _told(group.layer, decision.collection.version, met, tuple(hidden))
    return told if group.listed else {name: value for name, value in told.items() if name != "items"}


async def _tell_unrecorded(
    connection: AsyncConnection,
    decisions: dict[str, Decision],
    area: bytes,
    groups: dict[str, Any],
    missing: list[dict[str, str]],
) -> None:
    """Where homes lie inside but no record of people does, how many live there is not known, which is not nobody."""
    people, houses = groups["people"], decisions.get(BUILDINGS)
    if people is None or people["count"] or houses is None or USE not in houses.field_names:
        return
    homes = sa.column(USE).in_(HOMES)
    met = await features_met(connection, Selection(houses.collection, (), houses.regions, (homes,)), area, limit=0)
    if met.count:
        people["sums"] = dict.fromkeys(people["sums"])
        reason = f"{met.count} homes lie inside, and no record of people does"
        missing.append(_missing("people", "population", reason))


def _told(layer: str, version: int | None, met: Met, hidden: tuple[str, ...]) -> dict[str, Any]:
    sums: dict[str, float | None] = {name: _plain(value) for name, value in met.sums.items()}
    sums |= dict.fromkeys(hidden)
    return {"layer": layer, "version": version, "count": met.count, "sums": sums, "items": met.rows}


async def _add_contacts(
    connection: AsyncConnection, decisions: dict[str, Decision], groups: dict[str, Any], missing: list[dict[str, str]]
) -> None:
    """Put the contact persons beside the villages that are listed."""
    if groups["villages"] is None:
        return
    directory = decisions.get(CONTACTS)
    if directory is None:
        missing.append(_missing("contacts", CONTACTS, "the layer is not there, or not for you to see"))
        return
    villages = groups["villages"]["items"]
    found: dict[str, list[Contact]] = {}
    for one in await contacts_of(connection, selection_of(directory), [row["key"] for row in villages]):
        if one.duty == DUTY_OF["admin_village"]:
            found.setdefault(one.subject, []).append(one)
    for row in villages:
        row["contacts"] = [{"name": one.name, "phone": one.phone} for one in found.get(row["key"], [])]


def _missing(group: str, layer: str, reason: str) -> dict[str, str]:
    return {"group": group, "layer": layer, "reason": reason}


def _plain(value: float) -> float:
    return int(value) if value == int(value) else value
