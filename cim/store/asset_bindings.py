"""What devices are bound to, checked against buildings and models; what follows from it: storey, position, region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.devices import Device
from cim.store import bim_tables as b
from cim.store.bim_buildings import BUILDINGS, CODE
from cim.store.collection_tables import is_current, lonlat
from cim.store.collections import find_collection
from cim.store.selection import known_table
from cim.store.tables import asset

Place = tuple[float, float]
PLACED_FROM = "position_from"
"""The property that says what a position was derived from, or that it was given."""
GIVEN = "given"


@dataclass(slots=True)
class Bound:
    """Devices with what follows from their bindings; ``faults`` say by place which binding does not hold."""

    devices: list[Device]
    faults: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Known:
    elements: dict[tuple[str, str], Any]
    models: dict[str, Any]
    buildings: dict[str, Place] | None
    parents: dict[str, Place]
    storeys: dict[tuple[str, int], list[str]]


async def bound_devices(
    connection: AsyncConnection, devices: Sequence[Device], places: Mapping[str, Place] | None = None
) -> Bound:
    """Check what devices are bound to and fill in what follows from it.

    An element tells its storey and space, a storey its number and the other way round, a model its building. Where no
    position is given it is that of the element, else of the space, the building, the model's footprint, the parent;
    ``position_from`` among the properties says which. ``places`` are those of parents that are about to be written.
    The region is that of the smallest area that holds the position.
    """
    known = await _look_up(connection, devices)
    known.parents.update(places or {})
    bound = Bound([])
    for place, device in enumerate(devices):
        found, fault = _bind(device, known)
        bound.devices.append(found)
        if fault:
            bound.faults[place] = fault
    regions = await regions_at(connection, [(one.lon, one.lat) for one in bound.devices])
    bound.devices = [
        one if one.region_code or region is None else replace(one, region_code=region)
        for one, region in zip(bound.devices, regions, strict=True)
    ]
    return bound


async def regions_at(
    connection: AsyncConnection, places: Sequence[tuple[float | None, float | None]]
) -> list[str | None]:
    """The code of the smallest region that holds each place; None where there is none or no place."""
    rows = await connection.execute(
        sa.text("""
        SELECT g.place, (SELECT r.code FROM cim.region r WHERE r.level IN ('county', 'town', 'village')
            AND ST_Covers(r.geom, ST_SetSRID(ST_MakePoint(g.lon, g.lat), 4490)) ORDER BY length(r.code) DESC LIMIT 1)
        FROM unnest(cast(:lon AS float8[]), cast(:lat AS float8[])) WITH ORDINALITY AS g (lon, lat, place)
        ORDER BY g.place
        """),
        {"lon": [lon for lon, _ in places], "lat": [lat for _, lat in places]},
    )
    return [row[1] for row in rows]


def _bind(device: Device, known: _Known) -> tuple[Device, str]:
    fault = _fault_of_model(device, known) or _fault_of_building(device, known)
    if fault:
        return device, fault
    within = [name for name in ("storey", "space", "element") if getattr(device, name)]
    device, fault = _on_numbered_storey(device, known)
    for name in within:
        if not fault:
            device, fault = _on_part(device, name, known)
    if fault:
        return device, fault
    if device.model is not None and device.building_code is None:
        device = replace(device, building_code=known.models[device.model].building_code)
    return _placed(device, known), ""


def _fault_of_model(device: Device, known: _Known) -> str:
    if device.model is not None:
        return "" if device.model in known.models else f"there is no model {device.model}"
    part = next((name for name in ("storey", "space", "element") if getattr(device, name)), None)
    return f"a {part} is given, but no model that it is in" if part else ""


def _on_part(device: Device, name: str, known: _Known) -> tuple[Device, str]:
    row = known.elements.get((str(device.model), getattr(device, name)))
    if row is None:
        return device, f"model {device.model} has no {name} {getattr(device, name)}"
    fault = _fault_of_part(device, name, row)
    return (device, fault) if fault else (_with_part(device, name, row), "")


def _on_numbered_storey(device: Device, known: _Known) -> tuple[Device, str]:
    """A device of which a model and the number of a storey are told, on that storey; its number must be there."""
    if device.model not in known.models or device.storey_number is None or _parts(device):
        return device, ""
    found = known.storeys.get((str(device.model), device.storey_number), [])
    if not found:
        return device, f"model {device.model} has no storey {device.storey_number}"
    return (replace(device, storey=found[0]) if len(found) == 1 else device), ""


def _fault_of_building(device: Device, known: _Known) -> str:
    if device.building_code is None:
        return ""
    if known.buildings is not None and device.building_code not in known.buildings:
        return f"there is no building {device.building_code}"
    held = known.models[device.model].building_code if device.model else None
    if held is not None and held != device.building_code:
        return f"model {device.model} is of building {held}, not of {device.building_code}"
    return ""


def _fault_of_part(device: Device, name: str, row: Any) -> str:
    if name == "storey" and row.ifc_class != "IfcBuildingStorey":
        return f"{row.global_id} is an {row.ifc_class}, no storey"
    if name == "space" and row.kind != "space":
        return f"{row.global_id} is an {row.ifc_class}, no space"
    if name != "storey" and device.storey and row.storey and row.storey != device.storey:
        return f"{name} {row.global_id} is on storey {row.storey}, not on {device.storey}"
    if device.storey_number is not None and row.storey_number not in (None, device.storey_number):
        return f"{name} {row.global_id} is on storey {row.storey_number}, not on {device.storey_number}"
    return ""


def _with_part(device: Device, name: str, row: Any) -> Device:
    """A device with what one part of a model says of the others."""
    return replace(
        device,
        storey=device.storey or (row.global_id if name == "storey" else row.storey),
        storey_number=device.storey_number if device.storey_number is not None else row.storey_number,
        space=device.space or (row.space if name == "element" else None),
    )


def _placed(device: Device, known: _Known) -> Device:
    if device.lon is not None:
        return replace(device, properties={**device.properties, PLACED_FROM: GIVEN})
    model = str(device.model)
    element, space = (known.elements.get((model, str(part))) for part in (device.element, device.space))
    candidates: tuple[tuple[str, Place | None], ...] = (
        ("element", _middle(element)),
        ("space", _middle(space)),
        ("building", (known.buildings or {}).get(str(device.building_code))),
        ("model", _middle(known.models.get(model))),
        ("parent", known.parents.get(str(device.parent))),
    )
    for name, place in candidates:
        if place is not None:
            return replace(device, lon=place[0], lat=place[1], properties={**device.properties, PLACED_FROM: name})
    return device


def _middle(row: Any) -> Place | None:
    return None if row is None or row.lon is None else (row.lon, row.lat)


async def _look_up(connection: AsyncConnection, devices: Sequence[Device]) -> _Known:
    parts = sorted({(one.model, part) for one in devices if one.model for part in _parts(one)})
    models = sorted({one.model for one in devices if one.model})
    held = await _models(connection, models) if models else {}
    codes = {one.building_code for one in devices} | {row.building_code for row in held.values()}
    return _Known(
        elements=await _elements(connection, parts) if parts else {},
        models=held,
        buildings=await _buildings(connection, sorted(code for code in codes if code)),
        parents=await _parents(connection, sorted({one.parent for one in devices if one.parent})),
        storeys=await _storeys(connection, models) if models else {},
    )


def _parts(device: Device) -> list[str]:
    return [part for part in (device.storey, device.space, device.element) if part]


def _texts(values: Sequence[str]) -> sa.ColumnElement[Any]:
    return sa.func.any(sa.literal(list(values), ARRAY(sa.Text)))


def _point(shape: Any) -> list[sa.ColumnElement[Any]]:
    inner = sa.func.ST_PointOnSurface(shape)
    return [sa.func.ST_X(inner).label("lon"), sa.func.ST_Y(inner).label("lat")]


async def _elements(connection: AsyncConnection, parts: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    e = b.element.c
    names = (sa.literal([part[k] for part in parts], ARRAY(sa.Text)) for k in (0, 1))
    wanted = sa.func.unnest(*names).table_valued("model", "global_id").render_derived("wanted")
    rows = await connection.execute(
        sa.select(e.model, e.global_id, e.kind, e.ifc_class, e.storey, e.storey_number, e.space, *_point(e.outline))
        .select_from(b.element.join(wanted, sa.and_(e.model == wanted.c.model, e.global_id == wanted.c.global_id)))
        .where(b.in_version(None))
    )
    return {(row.model, row.global_id): row for row in rows}


async def _storeys(connection: AsyncConnection, models: Sequence[str]) -> dict[tuple[str, int], list[str]]:
    """The GlobalIds of storeys by model and number, of which there may be several."""
    e = b.element.c
    rows = await connection.execute(
        sa.select(e.model, e.storey_number, e.global_id)
        .where(e.model == _texts(models), e.ifc_class == "IfcBuildingStorey", e.storey_number.is_not(None))
        .where(b.in_version(None))
        .order_by(e.global_id)
    )
    found: dict[tuple[str, int], list[str]] = {}
    for row in rows:
        found.setdefault((row.model, row.storey_number), []).append(row.global_id)
    return found


async def _models(connection: AsyncConnection, models: Sequence[str]) -> dict[str, Any]:
    m = b.model.c
    rows = await connection.execute(
        sa.select(m.id, m.building_code, *_point(m.footprint)).where(m.id == _texts(models))
    )
    return {row.id: row for row in rows}


async def _buildings(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, Place] | None:
    """Where buildings are, by code; None where there is no layer of buildings to look them up in."""
    layer = await find_collection(connection, BUILDINGS)
    if layer is None or layer.version == 0 or CODE not in layer.schema.field_names or layer.schema.geometry == "none":
        return None
    table = known_table(layer.schema)
    rows = await connection.execute(
        sa.select(table.c[CODE].label("code"), *_point(lonlat(table))).where(
            is_current(table), table.c[CODE] == _texts(codes)
        )
    )
    return {row.code: (row.lon, row.lat) for row in rows}


async def _parents(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, Place]:
    rows = await connection.execute(
        sa.select(asset.c.code, *_point(asset.c.geom)).where(asset.c.code == _texts(codes), asset.c.geom.is_not(None))
    )
    return {row.code: (row.lon, row.lat) for row in rows}
