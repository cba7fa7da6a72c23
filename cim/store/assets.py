"""Writing devices: codes given out, records put, aliases kept, bindings changed; in the transaction of the caller."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreConflict
from cim.model.access import Grade
from cim.model.device_codes import next_device_code
from cim.model.device_codes_gb28181 import SCHEME as GB28181
from cim.model.device_codes_gb28181 import GbCode, next_gb_code
from cim.model.device_codes_other import Alias
from cim.model.devices import Device
from cim.store.asset_bindings import GIVEN, PLACED_FROM
from cim.store.asset_places import follow_places, new_location, places_of
from cim.store.sensing_tables import thing, thing_location
from cim.store.tables import asset, asset_alias, region

NO_COUNTY = "000000"
_DEEPEST = 16
"""Devices that may hang on each other in a row."""
_KEPT = tuple(
    name
    for name in Device.__dataclass_fields__
    if name not in ("code", "lon", "lat", "aliases", "properties", "parent")
)
_GIVEN = "unnest(cast(:codes AS text[]), cast(:parents AS text[])) AS g (code, parent)"
_MISSING_PARENTS = sa.text(
    f"SELECT g.parent FROM {_GIVEN} WHERE NOT EXISTS (SELECT FROM cim.asset a WHERE a.code = g.parent) LIMIT 1"
)
_HANG = sa.text(
    f"UPDATE cim.asset a SET parent = g.parent FROM {_GIVEN}"
    " WHERE a.code = g.code AND a.parent IS DISTINCT FROM g.parent"
)
_CIRCLES = sa.text("""
WITH RECURSIVE above AS (
    SELECT code AS start, parent, 1 AS depth FROM cim.asset WHERE code = ANY (cast(:codes AS text[]))
    UNION ALL
    SELECT above.start, a.parent, depth + 1 FROM above JOIN cim.asset a ON a.code = above.parent WHERE depth <= :deepest
)
SELECT start FROM above WHERE depth > :deepest LIMIT 1
""")
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('cim:device-codes', 0))")


class Numbering:
    """Gives out codes of devices, one after the other; other transactions wait until this one has ended."""

    def __init__(self, county: str, highest: dict[str, str]) -> None:
        self._county = county
        self._highest = highest

    @classmethod
    async def begun(cls, connection: AsyncConnection) -> "Numbering":
        """Numbering in the one county there is, after the codes that are given."""
        await connection.execute(_LOCK)
        counties = list(await connection.scalars(sa.select(region.c.code).where(region.c.level == "county").limit(2)))
        county = counties[0][:6] if len(counties) == 1 else NO_COUNTY
        letters = sa.func.substr(asset.c.code, sa.literal_column("7"), sa.literal_column("2"))
        rows = await connection.execute(
            sa.select(letters, sa.func.max(asset.c.code))
            .where(asset.c.code.regexp_match(f"^{county}[A-Z]{{2}}[0-9]{{6}}[0-9A-Z]$"))
            .group_by(letters)
        )
        return cls(county, {row[0]: row[1] for row in rows})

    def next(self, letters: str) -> str:
        """The next code for letters of a kind; BadRequest when all are given."""
        code = next_device_code(self._county, letters, [self._highest[letters]] if letters in self._highest else [])
        self._highest[letters] = code
        return code


async def next_free_gb_code(
    connection: AsyncConnection, centre: str, industry: str, type_: str, network: str, edition: str
) -> GbCode:
    """The first code of GB/T 28181 with these parts that no device has."""
    a = asset_alias.c
    prefix = centre + industry + type_ + network
    used = await connection.scalars(sa.select(a.code).where(a.scheme == GB28181, a.code.startswith(prefix)))
    return next_gb_code(centre, industry, type_, network, used, edition)


async def assets_named(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, set[str]]:
    """The devices that have each of some codes, as their own or as an alias of any scheme."""
    wanted = sorted(set(codes))
    among = sa.func.any(sa.literal(wanted, ARRAY(sa.Text)))
    a = asset_alias.c
    rows = await connection.execute(
        sa.select(asset.c.code.label("given"), asset.c.code)
        .where(asset.c.code == among)
        .union_all(sa.select(a.code.label("given"), a.asset).where(a.code == among))
    )
    found: dict[str, set[str]] = {}
    for given, code in rows:
        found.setdefault(given, set()).add(code)
    return found


async def kinds_of(connection: AsyncConnection, codes: Iterable[str]) -> dict[str, str]:
    """The kinds of devices, by code."""
    among = asset.c.code == sa.func.any(sa.literal(sorted(set(codes)), ARRAY(sa.Text)))
    return {row.code: row.kind for row in await connection.execute(sa.select(asset.c.code, asset.c.kind).where(among))}


async def put_devices(connection: AsyncConnection, devices: Sequence[Device]) -> dict[str, str]:
    """Write devices; of one that is known, what is given changes and the rest stays.

    Returns by code what became of each: ``added``, ``changed`` or ``unchanged``. StoreConflict names an alias that
    another device has, BadRequest a parent that is not there or a device that would hang on itself.
    """
    values = [_values(one) for one in devices]
    before = await _states(connection, [one.code for one in devices])
    places = await places_of(connection, list(before))
    if values:
        given = insert(asset)
        await connection.execute(
            given.on_conflict_do_update(index_elements=["code"], set_=_merged(given.excluded)), values
        )
    await _set_parents(connection, devices)
    await _set_grades(connection, devices)
    await follow_places(connection, places)
    changed = await _put_aliases(connection, devices)
    after = await _states(connection, [one.code for one in devices])
    return {
        code: "added"
        if code not in before
        else "unchanged"
        if before[code] == held and code not in changed
        else "changed"
        for code, held in after.items()
    }


async def change_device(connection: AsyncConnection, code: str, values: Mapping[str, Any]) -> None:
    """Set columns of a device to what is given, also to nothing; ``geom`` is EWKT."""
    places = await places_of(connection, [code])
    await connection.execute(sa.update(asset).where(asset.c.code == code).values(**values))
    await follow_places(connection, places)


async def check_parent(connection: AsyncConnection, code: str, parent: str) -> None:
    """BadRequest where the parent is not there, or where the device would hang on itself."""
    held: str | None = parent
    for _ in range(_DEEPEST):
        if held == code:
            raise BadRequest(f"{code} would hang on itself", where="parent", remedy="choose another parent")
        row = (await connection.execute(sa.select(asset.c.parent).where(asset.c.code == held))).first()
        if row is None:
            raise BadRequest(f"there is no device {held}", where="parent", remedy="import the parent first")
        held = row.parent
        if held is None:
            return
    raise BadRequest("devices hang on each other too deeply", where="parent", remedy="choose another parent")


async def ensure_thing(connection: AsyncConnection, code: str) -> int:
    """The Thing of a device, with its Location; made where there is none."""
    held = await connection.scalar(sa.select(thing.c.id).where(thing.c.asset == code))
    if held is not None:
        return int(held)
    named = sa.select(asset.c.name, sa.literal("device " + code), asset.c.code).where(asset.c.code == code)
    made = sa.insert(thing).from_select(["name", "description", "asset"], named).returning(thing.c.id)
    number = int((await connection.scalars(made)).one())
    where = await new_location(connection, code)
    if where is not None:
        await connection.execute(sa.insert(thing_location).values(thing=number, location=where))
    return number


def point_ewkt(lon: float, lat: float) -> str:
    """A position in degrees as the columns take it."""
    return f"SRID=4490;POINT({lon!r} {lat!r})"


def _values(device: Device) -> dict[str, Any]:
    values = {name: getattr(device, name) for name in _KEPT}
    values["grade"] = str(device.grade or Grade.INTERNAL)
    values["code"] = device.code
    values["properties"] = dict(device.properties)
    values["geom"] = None if device.lon is None or device.lat is None else point_ewkt(device.lon, device.lat)
    return values


def _merged(new: Any) -> dict[str, Any]:
    """What columns of a known device become: what is given, else what was; a surveyed place outlasts a derived one."""
    surveyed = sa.func.coalesce(asset.c.properties[PLACED_FROM].astext, GIVEN) == GIVEN
    stays = sa.and_(new.properties[PLACED_FROM].astext != GIVEN, asset.c.geom.is_not(None), surveyed)
    kept: dict[str, Any] = {
        name: sa.func.coalesce(new[name], asset.c[name]) for name in (*_KEPT, "geom") if name != "grade"
    }
    for name in ("kind", "name"):
        kept[name] = sa.func.coalesce(sa.func.nullif(new[name], ""), asset.c[name])
    for name in ("geom", "region_code"):
        kept[name] = sa.case((stays, asset.c[name]), else_=kept[name])
    merged = asset.c.properties.op("||")
    kept["properties"] = sa.case((stays, merged(new.properties.op("-")(PLACED_FROM))), else_=merged(new.properties))
    return kept


async def _states(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, bytes]:
    """The content of devices as hashes, to tell what changed."""
    whole = sa.cast(sa.literal_column("asset"), sa.Text)
    rows = await connection.execute(
        sa.select(asset.c.code, sa.func.sha256(sa.func.convert_to(whole, "UTF8")))
        .select_from(asset)
        .where(asset.c.code == sa.func.any(sa.literal(list(codes), ARRAY(sa.Text))))
    )
    return {row[0]: bytes(row[1]) for row in rows}


async def _set_parents(connection: AsyncConnection, devices: Sequence[Device]) -> None:
    """Hang devices on their parents; BadRequest names a parent that is not there, or a device that hangs on itself."""
    hung = {one.code: one.parent for one in devices if one.parent is not None}
    if not hung:
        return
    given = {"codes": list(hung), "parents": list(hung.values())}
    missing = (await connection.execute(_MISSING_PARENTS, given)).first()
    if missing is not None:
        raise BadRequest(f"there is no device {missing.parent}", where="parent", remedy="import the parent first")
    await connection.execute(_HANG, given)
    circle = (await connection.execute(_CIRCLES, {"codes": list(hung), "deepest": _DEEPEST})).first()
    if circle is not None:
        raise BadRequest(f"{circle.start} would hang on itself", where="parent", remedy="choose another parent")


async def _set_grades(connection: AsyncConnection, devices: Sequence[Device]) -> None:
    by_grade: dict[Grade, list[str]] = {}
    for device in devices:
        if device.grade is not None:
            by_grade.setdefault(device.grade, []).append(device.code)
    for grade, codes in by_grade.items():
        among = asset.c.code == sa.func.any(sa.literal(codes, ARRAY(sa.Text)))
        await connection.execute(sa.update(asset).where(among, asset.c.grade != str(grade)).values(grade=str(grade)))


async def _put_aliases(connection: AsyncConnection, devices: Sequence[Device]) -> set[str]:
    """Keep the aliases of devices; returns the devices that got a new one."""
    owners: dict[tuple[str, str], tuple[str, Alias]] = {
        (alias.scheme, alias.code): (device.code, alias) for device in devices for alias in device.aliases
    }
    if not owners:
        return set()
    a = asset_alias.c
    rows = [
        {"scheme": scheme, "code": code, "edition": alias.edition, "asset": device}
        for (scheme, code), (device, alias) in owners.items()
    ]
    put = insert(asset_alias).on_conflict_do_nothing(index_elements=["scheme", "code"]).returning(a.asset)
    new = set(await connection.scalars(put, rows))
    codes = sa.literal([code for _, code in owners], ARRAY(sa.Text))
    for held in await connection.execute(sa.select(a.scheme, a.code, a.asset).where(a.code == sa.func.any(codes))):
        wanted = owners.get((held.scheme, held.code))
        if wanted is not None and wanted[0] != held.asset:
            raise StoreConflict(
                f"the {held.scheme} code {held.code} is that of device {held.asset}",
                where=wanted[0],
                remedy="correct the list, or remove the code from that device",
            )
    return new
