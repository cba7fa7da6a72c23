"""Placing a model by points known in both: in the model and on the map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cim.errors import BadRequest
from cim.model.bim import Placement

LEAST_POINTS = 2
SPREAD_M = 0.01
"""Points of a model closer together than this say nothing of its direction."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A placement and what remains at each point in metres: easting, northing and height, computed less given."""

    placement: Placement
    residuals_m: NDArray[np.float64]

    @property
    def rms_plan_m(self) -> float:
        """The root mean square of the remains in the plan."""
        return float(np.sqrt((self.residuals_m[:, :2] ** 2).sum(axis=1).mean()))

    @property
    def rms_height_m(self) -> float:
        """The root mean square of the remains of heights."""
        return float(np.sqrt((self.residuals_m[:, 2] ** 2).mean()))


def fit_placement(
    model_m: NDArray[np.float64],
    map_m: NDArray[np.float64],
    *,
    srid: int | None,
    wkt: str | None = None,
    height_datum: str | None = None,
    free_scale: bool = False,
) -> Fit:
    """The placement that takes points of a model nearest to their places on the map, by least squares.

    ``model_m`` and ``map_m`` have shape (n, 3) in metres: x, y, z and easting, northing, height. Direction and position
    are fitted, the scale only where it is free; heights by their mean difference. Two points are the least; only from
    three on do the residuals check anything. BadRequest where the points cannot fix a direction.
    """
    _check(model_m, map_m)
    model_mean, map_mean = model_m.mean(axis=0), map_m.mean(axis=0)
    model = _as_complex(model_m - model_mean)
    target = _as_complex(map_m - map_mean)
    turn = np.vdot(model, target)
    spread = float(np.vdot(model, model).real)
    if abs(turn) == 0.0 or np.abs(target).max() < SPREAD_M:
        raise BadRequest("the places on the map fix no direction", where="control points", remedy=_REMEDY)
    scale = abs(turn) / spread if free_scale else 1.0
    direction = turn / abs(turn)
    origin = complex(map_mean[0], map_mean[1]) - scale * direction * complex(model_mean[0], model_mean[1])
    placement = Placement(
        srid=srid,
        wkt=wkt,
        east_m=float(origin.real),
        north_m=float(origin.imag),
        height_m=float(map_mean[2] - model_mean[2]),
        abscissa=float(direction.real),
        ordinate=float(direction.imag),
        scale=float(scale),
        height_datum=height_datum,
        evidence="control-points",
        notes=(f"placed by {len(model_m)} control points",),
    )
    return Fit(placement, placement.to_map(model_m) - map_m)


_REMEDY = "give at least two points some metres apart, better three, with different places on the map"


def _check(model_m: NDArray[np.float64], map_m: NDArray[np.float64]) -> None:
    if model_m.shape != map_m.shape or model_m.ndim != 2 or model_m.shape[1] != 3:
        raise BadRequest("each point needs three numbers in the model and three on the map", where="control points")
    if len(model_m) < LEAST_POINTS:
        raise BadRequest(f"{len(model_m)} points are too few", where="control points", remedy=_REMEDY)
    if not (np.isfinite(model_m).all() and np.isfinite(map_m).all()):
        raise BadRequest("a coordinate is no number", where="control points")
    if np.abs(_as_complex(model_m - model_m.mean(axis=0))).max() < SPREAD_M:
        raise BadRequest("the points of the model lie on one place", where="control points", remedy=_REMEDY)


def _as_complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return points[:, 0] + 1j * points[:, 1]
