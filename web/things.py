"""The device that a code stands for, whichever of its codes it is."""

from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.filters.literals import text_literal
from cim.model.device_codes import normal_code
from cim.model.devices import DeviceEntry
from cim.store.assets import assets_named
from cim.store.devices import DeviceQuery, page_of_devices


async def devices_of_code(connection: AsyncConnection, query: DeviceQuery, code: str) -> list[DeviceEntry]:
    """The devices the caller may see that have a code, as their own or as an alias."""
    text_literal(code)
    named = await assets_named(connection, {code, normal_code(code)})
    found = tuple(sorted({each for codes in named.values() for each in codes}))
    return await page_of_devices(connection, replace(query, codes=found, limit=10)) if found else []


async def the_device(connection: AsyncConnection, query: DeviceQuery, code: str) -> DeviceEntry:
    """The one device of a code; NotFound alike where there is none and where the caller may not see it."""
    found = await devices_of_code(connection, query, code)
    own = [entry for entry in found if entry.code in {code, normal_code(code)}]
    if len(own) == 1 or len(found) == 1:
        return (own or found)[0]
    if found:
        raise BadRequest(
            f"{code[:60]!r} is the code of {len(found)} devices in different schemes",
            where="code",
            remedy=f"use one of {', '.join(entry.code for entry in found)}",
        )
    raise NotFound(f"there is no device {code[:60]!r} that you may see", where="code", remedy="GET /devices lists them")
