"""Cameras as documents: the record with its sector, what it sees, the nearest ones."""

import asyncio
from typing import Any

from cim.analysis.visibility.around import surroundings_of
from cim.analysis.visibility.coverage_tables import TARGET_NAMES, geojson
from cim.analysis.visibility.nearest import around_point
from cim.analysis.visibility.records import CAMERAS, camera_of
from cim.analysis.visibility.view import METHOD, TARGETS_M, Part, Target, View, require_seeable, seeable, view_of
from cim.errors import NotFound
from cim.filters.literals import text_literal
from cim.filters.scope import FieldScope
from cim.filters.simple import equals
from cim.model.cameras import Camera
from cim.policy.policy import read_context
from cim.store.features import Feature, FeatureQuery, page_of_features
from web.analysing import context_of
from web.feature_entry import feature_entry
from web.state import Caller

TIMEOUT_MS = 8_000
CODE = "gb_code"
DRAWN_M2 = 1.0
"""Smaller hidden parts are counted, not drawn."""
PART_NAMES = {"seen": "可见", "terrain": "被地形遮挡", "building": "被建筑遮挡", "built": "建筑占地"}


async def found_camera(who: Caller, code: str) -> tuple[Feature, Camera]:
    """A camera by its code; NotFound where there is none that the caller may see."""
    decision = who.decide(CAMERAS)
    text_literal(code)
    condition = equals(CODE, code, FieldScope(decision.collection.schema, decision.field_names)).condition
    query = FeatureQuery(decision.collection, decision.field_names, decision.regions, limit=1, where=(condition,))
    async with who.state.database.reading(read_context(who.principal, who.request_id, TIMEOUT_MS)) as connection:
        features = await page_of_features(connection, query)
    if not features or features[0].geometry is None:
        raise NotFound(
            f"there is no camera {code[:60]!r} that you may see",
            where=CODE,
            remedy="GET /cameras lists those around a place",
        )
    lon, lat = features[0].geometry["coordinates"][:2]
    return features[0], camera_of(features[0].properties, lon, lat, features[0].fid)


async def camera_document(who: Caller, code: str) -> dict[str, Any]:
    """The record of a camera with its sector, and with all it can be turned to where that is more."""
    feature, camera = await found_camera(who, code)
    sector, reach = camera.sector(), camera.sector(turned=True)
    return {
        **feature_entry(who.decide(CAMERAS), who.state.catalog.layers.get(CAMERAS), feature),
        "gb_code": camera.code,
        "online": camera.online,
        "sector": None if sector.is_empty else geojson(sector),
        "reach": None if reach.is_empty or reach.equals(sector) else geojson(reach),
        "unknown": seeable(camera),
        "links": links(who, camera.code, feature.fid),
    }


def links(who: Caller, code: str, fid: int) -> list[dict[str, str]]:
    """Where a camera's record, view, stream and feature are."""
    here = f"{who.base}/cameras/{code}"
    return [
        {"rel": "self", "type": "application/json", "href": here},
        {"rel": "view", "type": "application/geo+json", "href": f"{here}/view"},
        {"rel": "play", "type": "application/json", "href": f"{here}/play"},
        {"rel": "item", "type": "application/geo+json", "href": f"{who.base}/collections/{CAMERAS}/items/{fid}"},
    ]


async def view_document(who: Caller, code: str, target: Target, turned: bool) -> dict[str, Any]:
    """What a camera sees as a FeatureCollection: its parts, with why they are hidden, and the sums of their areas."""
    _, camera = await found_camera(who, code)
    require_seeable(camera)
    async with who.state.analyses:
        found = await surroundings_of(context_of(who, {}), [camera], turned=turned)
        view = await asyncio.to_thread(view_of, camera, found.around[0], TARGETS_M[target], turned=turned)
    return {
        "type": "FeatureCollection",
        "gb_code": camera.code,
        "target": {"id": target, "name": TARGET_NAMES[target], "height_m": TARGETS_M[target]},
        "turned": turned,
        "summary": _sums(view),
        "notes": [METHOD, *found.notes],
        "sources": [source.document() for source in found.sources],
        "features": [_feature(part) for part in view.parts if part.kind == "seen" or part.area_m2 >= DRAWN_M2],
    }


def _sums(view: View) -> dict[str, float]:
    return {
        "sector_m2": round(view.area_m2(), 2),
        "seen_m2": round(view.area_m2("seen"), 2),
        "hidden_by_terrain_m2": round(view.area_m2("terrain"), 2),
        "hidden_by_buildings_m2": round(view.area_m2("building"), 2),
        "built_m2": round(view.area_m2("built"), 2),
        "cell_m": round(view.cell_m, 2),
    }


def _feature(part: Part) -> dict[str, Any]:
    facts = {"kind": part.kind, "title": PART_NAMES[part.kind], "area_m2": round(part.area_m2, 2)}
    if part.fid is not None:
        facts |= {"building_fid": part.fid, "building": part.name}
    return {"type": "Feature", "geometry": geojson(part.shape), "properties": facts}


async def nearest_document(who: Caller, lon: float, lat: float, most: int, target: Target) -> dict[str, Any]:
    """The cameras around a place, nearest first, with whether each sees it."""
    who.decide(CAMERAS)
    async with who.state.analyses:
        found = await around_point(context_of(who, {}), lon, lat, most, target)
    return {
        "place": [lon, lat],
        "target": {"id": target, "name": TARGET_NAMES[target], "height_m": TARGETS_M[target]},
        "cameras": [
            {
                **one.document(),
                "fid": one.camera.fid,
                "lon": round(one.camera.lon, 7),
                "lat": round(one.camera.lat, 7),
                "links": links(who, one.camera.code, one.camera.fid),
            }
            for one in found.lookings
        ],
        "notes": [METHOD, *found.notes],
        "sources": [source.document() for source in found.sources],
    }
