"""Cameras from the records of the layer ``cameras``."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.boxes import METRES_PER_DEGREE
from cim.analysis.context import Context, Shapes
from cim.model.analysis import SourceEdition
from cim.model.cameras import GEOD, Camera, Floats, fov_of, pan_of
from cim.model.redline import LONLAT_SRID

CAMERAS = "cameras"
FIELDS = ("gb_code", "name", "kind", "bearing", "fov", "range_m", "height_m", "status")


def camera_of(record: Mapping[str, Any], lon: float, lat: float, fid: int = 0) -> Camera:
    """A camera from the visible fields of its record."""
    kind = record.get("kind")
    return Camera(
        code=str(record.get("gb_code") or ""),
        lon=lon,
        lat=lat,
        bearing_deg=_number(record.get("bearing")),
        fov_deg=fov_of(kind, _number(record.get("fov"))),
        range_m=_number(record.get("range_m")),
        height_m=_number(record.get("height_m")),
        pan_deg=pan_of(kind),
        name=str(record.get("name") or ""),
        kind=str(kind or ""),
        status=str(record.get("status") or ""),
        fid=fid,
    )


def distances_m(cameras: Sequence[Camera], lon: float, lat: float) -> Floats:
    """How far cameras are from a place."""
    places = np.array([(camera.lon, camera.lat) for camera in cameras]).reshape(-1, 2)
    here = np.full(len(places), lon), np.full(len(places), lat)
    return np.asarray(GEOD.inv(*here, places[:, 0], places[:, 1])[2], dtype=np.float64)


def reaching(cameras: Sequence[Camera], shape: shapely.Geometry, *, turned: bool) -> list[Camera]:
    """Those cameras whose sectors meet a shape in longitude and latitude.

    Sectors are drawn of those only that are not further from it than they look, by degrees that are at least as long.
    """
    places = np.array([(camera.lon, camera.lat) for camera in cameras]).reshape(-1, 2)
    range_m = np.array([camera.range_m or 0.0 for camera in cameras])
    degree_m = METRES_PER_DEGREE * np.cos(np.radians(np.abs(places[:, 1]) + 1.0))
    near = shapely.distance(shape, shapely.points(places)) * degree_m <= range_m
    some = [camera for camera, meant in zip(cameras, near, strict=True) if meant]
    sectors = np.array([camera.sector(turned=turned) for camera in some], dtype=object)
    return [camera for camera, met in zip(some, shapely.intersects(shape, sectors), strict=True) if met]


def limits_told(context: Context) -> list[str]:
    """A remark where the caller sees the cameras of some regions only."""
    decision = context.decision(CAMERAS)
    return ["只计您有权查看的区域内的相机"] if decision is not None and decision.regions is not None else []


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


async def cameras_near(
    context: Context, connection: AsyncConnection, areas: Shapes, within_m: float
) -> tuple[list[Camera], SourceEdition]:
    """The cameras in boxes around areas in longitude and latitude, and the edition they are of.

    BadRequest where the caller may not see cameras.
    """
    context.collection(CAMERAS)
    found = await context.features(connection, CAMERAS, FIELDS, areas, LONLAT_SRID, within_m=within_m)
    rows = [dict(zip(FIELDS, row, strict=True)) for row in zip(*(found.columns[name] for name in FIELDS), strict=True)]
    places = shapely.get_coordinates(shapely.centroid(np.asarray(found.shapes, dtype=object)))
    cameras = [
        camera_of(row, float(lon), float(lat), int(fid))
        for row, (lon, lat), fid in zip(rows, places, found.fids.tolist(), strict=True)
    ]
    return cameras, found.edition
