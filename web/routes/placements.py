"""Where a building model lies on the map, found by points that are known in both."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from cim.errors import BadRequest
from cim.model.access import Operation
from cim.model.map_positions import system_of
from cim.model.reference_systems import given_crs
from cim.policy.policy import require
from importers.bim.control_points import Fit, fit_placement
from importers.bim.height_datums import height_datum_of
from web.state import Caller, caller

router = APIRouter(tags=["models"])
Metres = Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)]
Point = tuple[Metres, Metres, Metres]


class ControlPoint(BaseModel, extra="forbid"):
    """A point in the model (x, y, z) and on the map (easting, northing, height), all in metres."""

    model: Point
    map: Point


class ControlPoints(BaseModel, extra="forbid"):
    """At least two points known in both; from three on what remains at them checks something."""

    crs: str = Field(min_length=1, max_length=2_000, description="the projected system of eastings and northings")
    points: list[ControlPoint] = Field(min_length=2, max_length=100)
    free_scale: bool = Field(default=False, description="fit the scale too")
    height_datum: str | None = Field(default=None, max_length=40, description="1985, egm96, ellipsoidal, local")


@router.post("/models/placements", summary="Place a model by control points")
async def fit(body: ControlPoints, who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
    """The placement that fits best, and what remains at each point in metres: computed less given.

    Nothing is kept: the placement is given with the import (``placement`` of ``POST /imports/uploads/{id}/start``).
    """
    require(who.principal, Operation.IMPORT)
    srid = _projected(body.crs)
    model = np.array([point.model for point in body.points])
    on_map = np.array([point.map for point in body.points])
    datum = height_datum_of(body.height_datum, "", None)
    found = await asyncio.to_thread(
        fit_placement, model, on_map, srid=srid, height_datum=datum, free_scale=body.free_scale
    )
    return _document(found)


def _projected(crs: str) -> int:
    srid, wkt = given_crs(crs)
    if srid is None or not system_of(srid, wkt).is_projected:
        raise BadRequest(
            f"{crs[:60]} is no projected system with an EPSG code", where="crs", remedy="for example EPSG:4544"
        )
    return srid


def _document(found: Fit) -> dict[str, Any]:
    names = ("srid", "east_m", "north_m", "height_m", "abscissa", "ordinate", "scale", "height_datum")
    placement = asdict(found.placement)
    return {
        "placement": {name: placement[name] for name in names},
        "residuals_m": [[round(float(value), 4) for value in row] for row in found.residuals_m],
        "rms_plan_m": round(found.rms_plan_m, 4),
        "rms_height_m": round(found.rms_height_m, 4),
    }
