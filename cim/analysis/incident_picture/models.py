"""Building models whose footprint lies in the zones: their storeys with elements and spaces."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from cim.analysis.incident_picture.reader import Reader
from cim.store.bim_elements import storeys_of
from cim.store.bim_models import ModelRow, models_by_id
from cim.store.bim_spaces import spaces_by_storey

MOST_MODELS = 20
"""Of so many models, the nearest, the storeys are told."""


@dataclass(frozen=True, slots=True)
class ModelInside:
    """A model with its band, its distance, and its storeys; ``storeys`` None where only the model is told."""

    row: ModelRow
    band: int
    distance_m: float
    storeys: Sequence[dict[str, Any]] | None
    spaces: dict[str, int]


async def models_inside(reader: Reader) -> list[ModelInside]:
    """The models in the zones that the caller may read, the nearest first."""
    decisions = reader.context.models
    if not decisions:
        return []
    versions = {name: decision.collection.version for name, decision in decisions.items()}
    rows = [row for row in await models_by_id(reader.connection, versions) if row.footprint]
    if not rows:
        return []
    prints = np.array([shapely.from_geojson(row.footprint) for row in rows], dtype=object)
    shapes = reader.zones.on_plane(prints)
    meets = np.array([shapely.intersects(zone, shapes) for zone in reader.zones.shapes])
    middle = shapely.Point(0, 0) if reader.zones.radii_m else reader.zones.shapes[0]
    distance_m = shapely.distance(middle, shapes)
    found: list[ModelInside] = []
    for index in np.argsort(distance_m, kind="stable").tolist():
        if meets[:, index].any():
            told = await _storeys(reader, rows[index]) if len(found) < MOST_MODELS else (None, {})
            found.append(ModelInside(rows[index], int(meets[:, index].argmax()), float(distance_m[index]), *told))
    return found


async def _storeys(reader: Reader, row: ModelRow) -> tuple[Sequence[dict[str, Any]] | None, dict[str, int]]:
    storeys = await storeys_of(reader.connection, row.id, None)
    return storeys, await spaces_by_storey(reader.connection, row.id, None)
