"""Cameras from the records of the layer ``cameras``."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.context import Context, Shapes
from cim.model.analysis import SourceEdition
from cim.model.cameras import Camera, fov_of, pan_of
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
