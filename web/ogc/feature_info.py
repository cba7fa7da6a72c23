"""What is at a pixel: the answer to GetFeatureInfo of WMS and WMTS."""

import html
import json
import math
from collections.abc import Sequence
from typing import Any

from fastapi import Response

from cim.policy.policy import Decision, read_context
from cim.store.features import Feature, FeatureQuery, features_at
from tiles.picture_window import MERCATOR_WORLD_M, STYLE_TILE_PIXELS, Window, transformer
from web.ogc.faults import OgcFault
from web.ogc.map_layers import definition_of, title_of
from web.state import Caller

FORMATS = ("application/json", "text/plain", "text/html")
PIXELS = 6
MAX_RADIUS_M = 2_000.0
TIMEOUT_MS = 5_000
Found = Sequence[tuple[Decision, Feature]]


async def feature_info(
    who: Caller,
    decisions: Sequence[Decision],
    window: Window,
    pixel: tuple[int, int],
    kind: str,
    count: int,
    versions: Sequence[int | None] = (),
) -> Response:
    """Up to ``count`` features a layer within six pixels of a pixel, in one of ``FORMATS``.

    ``versions`` are the older versions to look at, one for each layer; empty: the current ones.
    """
    east, north = window.place(pixel[0] + 0.5, pixel[1] + 0.5)
    lon, lat = transformer(window.srid, 4490).transform(east, north)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise OgcFault("InvalidPoint", "the pixel does not lie on earth", where="I, J", remedy="check the box")
    radius_m = MERCATOR_WORLD_M / STYLE_TILE_PIXELS / 2**window.zoom * PIXELS * math.cos(math.radians(lat))
    found: list[tuple[Decision, Feature]] = []
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        for decision, version in zip(decisions, versions or [None] * len(decisions), strict=True):
            query = FeatureQuery(
                decision.collection, decision.field_names, decision.regions, limit=count, version=version
            )
            near = await features_at(connection, query, lon, lat, min(radius_m, MAX_RADIUS_M))
            found += [(decision, feature) for feature in near]
    writer = {"text/plain": _as_text, "text/html": _as_page}.get(kind, _as_json)
    return Response(writer(who, found), media_type=kind, headers={"cache-control": "private, no-cache"})


def _as_json(who: Caller, found: Found) -> str:
    features = [
        {
            "type": "Feature",
            "id": f"{decision.collection.id}.{feature.fid}",
            "geometry": feature.geometry,
            "properties": _plain(feature.properties),
            "layer": decision.collection.id,
            "layer_title": title_of(who, decision),
        }
        for decision, feature in found
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)


def _as_text(who: Caller, found: Found) -> str:
    lines = []
    for decision, feature in found:
        lines.append(f"{title_of(who, decision)} {decision.collection.id}.{feature.fid}")
        lines += [f"  {name} = {value}" for name, value in _titled(who, decision, feature)]
    return "\n".join(lines) + "\n" if lines else "nothing found 无\n"


def _as_page(who: Caller, found: Found) -> str:
    tables = []
    for decision, feature in found:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(value))}</td></tr>"
            for name, value in _titled(who, decision, feature)
        )
        tables.append(f"<table><caption>{html.escape(title_of(who, decision))}</caption>{rows}</table>")
    body = "".join(tables) or "<p>无 nothing found</p>"
    return f'<!doctype html><html lang="zh"><meta charset="utf-8"><title>一张图</title>{body}</html>'


def _titled(who: Caller, decision: Decision, feature: Feature) -> list[tuple[str, Any]]:
    definition = definition_of(who, decision)
    titles = {field.name: field.title.zh for field in definition.fields} if definition else {}
    return [(titles.get(n, n), v) for n, v in _plain(feature.properties).items() if v is not None]


def _plain(properties: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in properties.items()}
