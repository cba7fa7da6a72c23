"""Finding the objects that have a code, in whatever scheme."""

import re
from typing import Any
from urllib.parse import quote

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.filters.literals import text_literal
from cim.model.cameras import Camera
from cim.model.device_codes_gb28181 import SCHEME as GB28181
from cim.store.bim_conditions import equal_to
from cim.store.bim_elements import ElementQuery, page_of_elements
from cim.store.devices import aliases_of
from cim.store.things import things_named
from web.buildings import building_document
from web.cameras import found_camera
from web.device_answers import alias_document
from web.devices import may_see
from web.state import Caller
from web.things import devices_of_code

MOST = 10
_GLOBAL_ID = re.compile(r"[0-9A-Za-z_$]{22}")
_THING = re.compile(r"Things\((\d{1,9})\)")
JSON = "application/json"
Object = dict[str, Any]


async def objects_of_code(connection: AsyncConnection, who: Caller, code: str) -> list[Object]:
    """Every object the caller may see that has a code; NotFound where there is none."""
    text_literal(code)
    found = [
        *await _devices(connection, who, code),
        *await _cameras(who, code),
        *await _buildings(connection, who, code),
        *await _elements(connection, who, code),
        *await _things(connection, who, code),
    ]
    if not found:
        raise NotFound(
            f"nothing that you may see has the code {code[:60]!r}",
            where="code",
            remedy="check it, or log in to see more",
        )
    return found


async def _devices(connection: AsyncConnection, who: Caller, code: str) -> list[Object]:
    entries = await devices_of_code(connection, may_see(who), code)
    aliases = await aliases_of(connection, [entry.code for entry in entries])
    found = []
    for entry in entries:
        links = [_link("device", f"{who.base}/devices/{entry.code}")]
        video = [one["code"] for one in aliases.get(entry.code, []) if one["scheme"] == GB28181]
        seen = [each for each in video if await _camera_of(who, each) is not None]
        links += [_link("camera", f"{who.base}/cameras/{each}") for each in seen]
        if entry.thing is not None:
            links.append(_link("thing", f"{who.base}/sensorthings/v1.1/Things({entry.thing})"))
        if entry.building_code is not None:
            links.append(_link("building", f"{who.base}/buildings/{quote(entry.building_code, safe='')}"))
        if entry.model is not None and entry.element is not None:
            address = f"{who.base}/models/{entry.model}/elements/{quote(entry.element, safe='')}"
            links.append(_link("element", address))
        held = [alias_document(one) for one in aliases.get(entry.code, [])]
        by = next((one["scheme"] for one in held if one["code"] == code and entry.code != code), "cim")
        about = {"primary_code": entry.code, "name": entry.name, "kind": entry.kind, "aliases": held}
        found.append({"type": "device", "scheme": by, **about, "links": links})
    return found


async def _cameras(who: Caller, code: str) -> list[Object]:
    camera = await _camera_of(who, code)
    if camera is None:
        return []
    links = [_link("camera", f"{who.base}/cameras/{camera.code}")]
    return [{"type": "camera", "scheme": GB28181, "primary_code": camera.code, "name": camera.name, "links": links}]


async def _camera_of(who: Caller, code: str) -> Camera | None:
    """The camera of a code among those of the layer of cameras, where the caller may see it."""
    try:
        return (await found_camera(who, code))[1]
    except (NotFound, BadRequest):  # no such camera, no such layer, or its codes are hidden
        return None


async def _buildings(connection: AsyncConnection, who: Caller, code: str) -> list[Object]:
    try:
        document = await building_document(connection, who, code, 1)
    except NotFound:
        return []
    links = [_link("building", f"{who.base}/buildings/{quote(code, safe='')}")]
    links += [_link("model", f"{who.base}/models/{model['id']}") for model in document["models"]]
    name = (document["building"] or {}).get("title")
    return [{"type": "building", "scheme": "building-code", "primary_code": code, "name": name, "links": links}]


async def _elements(connection: AsyncConnection, who: Caller, code: str) -> list[Object]:
    models = tuple(decision.collection.id for decision in who.models())
    if not models or not _GLOBAL_ID.fullmatch(code):
        return []
    rows = await page_of_elements(connection, ElementQuery(models, None, (equal_to("global_id", code),), MOST))
    return [
        {
            "type": "element",
            "scheme": "ifc-globalid",
            "primary_code": code,
            "name": row["long_name"] or row["name"],
            "class": row["class"],
            "model": row["model"],
            "links": [_link("element", f"{who.base}/models/{row['model']}/elements/{quote(code, safe='')}")],
        }
        for row in rows
    ]


async def _things(connection: AsyncConnection, who: Caller, code: str) -> list[Object]:
    """Things without a device, by ``properties.code`` or as ``Things(12)``; those of devices come with these."""
    numbered = _THING.fullmatch(code)
    rows = await things_named(connection, code, int(numbered[1]) if numbered else None, MOST)
    return [
        {
            "type": "thing",
            "scheme": "sensorthings",
            "primary_code": f"Things({row['id']})",
            "name": row["name"],
            "links": [
                _link("thing", f"{who.base}/sensorthings/v1.1/Things({row['id']})"),
                *([_link("device", f"{who.base}/devices/{row['asset']}")] if row["asset"] else []),
            ],
        }
        for row in rows
    ]


def _link(rel: str, href: str) -> dict[str, str]:
    return {"rel": rel, "href": href, "type": JSON}
