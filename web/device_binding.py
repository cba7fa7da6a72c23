"""Changing what a device is bound to: asked of the policy, checked against models and buildings, written down."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from cim.errors import BadRequest, NotFound
from cim.filters.literals import text_literal
from cim.model.access import Grade, Operation
from cim.model.device_kinds import placement_named
from cim.model.devices import BINDING, Device, DeviceEntry
from cim.policy.policy import read_context, require
from cim.store import audits
from cim.store.asset_bindings import GIVEN, PLACED_FROM, bound_devices
from cim.store.assets import change_device, check_parent, point_ewkt
from cim.store.devices import page_of_devices
from web.devices import may_see
from web.parameters import parse_position
from web.state import Caller

_Text = Annotated[str | None, Field(max_length=200)]


class BindingPatch(BaseModel):
    """What changes of a device (JSON merge patch): null takes away, what is left out stays.

    ``lon`` and ``lat`` come together; null for both derives the position from the binding again.
    """

    model_config = ConfigDict(extra="forbid")
    building_code: _Text = None
    model: _Text = None
    storey: _Text = None
    storey_number: int | None = Field(None, ge=-1000, le=1000)
    space: _Text = None
    element: _Text = None
    parent: _Text = None
    placement: _Text = None
    owner: _Text = None
    height_m: float | None = Field(None, allow_inf_nan=False, ge=-1000, le=10_000)
    online_after_s: int | None = Field(None, ge=1, le=31_536_000)
    lon: float | None = None
    lat: float | None = None


async def patched(who: Caller, entry: DeviceEntry, given: BindingPatch) -> None:
    """Write the change in one transaction with its trace; BadRequest says which binding does not hold."""
    require(who.principal, Operation.IMPORT, Grade(entry.grade))
    changes = given.model_dump(exclude_unset=True)
    if not changes:
        raise BadRequest("nothing is changed", where="body", remedy="give building_code, model, storey, element, ...")
    for value in changes.values():
        if isinstance(value, str):
            text_literal(value)
    if changes.get("placement"):
        changes["placement"] = placement_named(changes["placement"])
    await _check_rights(who, entry, changes)
    values = await _bound_values(who, entry, changes)
    async with who.state.database.writing(who.request_id) as connection:
        if changes.get("parent"):
            await check_parent(connection, entry.code, changes["parent"])
        await change_device(connection, entry.code, values)
        await audits.record(
            connection,
            actor=who.principal.name,
            role=who.principal.role,
            action="bind",
            subject=entry.code,
            request_id=who.request_id,
            detail=changes,
        )


async def _check_rights(who: Caller, entry: DeviceEntry, changes: dict[str, Any]) -> None:
    """A device is bound only to what the caller may see; what he may not see looks as if it were not there."""
    if changes.get("model"):
        who.model(changes["model"])
    if changes.get("parent"):
        query = may_see(who)
        async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
            found = await page_of_devices(connection, replace(query, codes=(changes["parent"],)))
        if not found:
            raise NotFound(
                f"there is no device {changes['parent'][:60]!r} that you may see",
                where="parent",
                remedy="GET /devices lists them",
            )
    if changes.get("building_code") and not may_see(who).buildings:
        raise NotFound("there are no buildings that you may see", where="building_code", remedy="log in to see more")
    if ("lon" in changes) != ("lat" in changes) or (changes.get("lon") is None) != (changes.get("lat") is None):
        raise BadRequest("a position has two numbers", where="lon, lat", remedy="give both, or null for both")
    if changes.get("lon") is not None:
        parse_position(changes["lon"], changes["lat"])


async def _bound_values(who: Caller, entry: DeviceEntry, changes: dict[str, Any]) -> dict[str, Any]:
    """The columns that change, with what follows from the binding."""
    held = {name: getattr(entry, name) for name in BINDING}
    if "model" in changes and changes["model"] != entry.model:
        held |= dict.fromkeys(("storey", "storey_number", "space", "element"))
    wanted = {**held, **{name: value for name, value in changes.items() if name in BINDING}}
    given_place = entry.properties.get(PLACED_FROM, GIVEN) == GIVEN and entry.geometry is not None
    moves = "lon" in changes or not given_place
    device = Device(
        entry.code,
        entry.kind,
        entry.name,
        parent=changes.get("parent", entry.parent),
        lon=changes.get("lon"),
        lat=changes.get("lat"),
        **wanted,
    )
    async with who.state.database.writing(who.request_id) as connection:
        bound = await bound_devices(connection, [device])
    if bound.faults:
        raise BadRequest(bound.faults[0], where="binding", remedy="see /models/{model}/elements and /buildings/{code}")
    (found,) = bound.devices
    plain = ("parent", "placement", "owner", "height_m", "online_after_s")
    values: dict[str, Any] = {name: changes[name] for name in plain if name in changes}
    for name in BINDING:  # what the caller may not see of the binding stays, unless the model is another
        if "model" in changes or getattr(found, name) != getattr(entry, name):
            values[name] = getattr(found, name)
    if moves and found.lon is not None and found.lat is not None:
        values |= {"geom": point_ewkt(found.lon, found.lat), "region_code": found.region_code}
        values["properties"] = {**entry.properties, PLACED_FROM: found.properties[PLACED_FROM]}
    return values
