"""Warnings in force over the zones."""

import numpy as np
import shapely
from shapely.geometry import shape

from cim.analysis.incident_picture.reader import Reader
from cim.model.warning_course import HeldWarning, WarningState
from cim.store.warnings import WarningQuery, warnings

MOST_WARNINGS = 200


async def warnings_over(reader: Reader) -> list[tuple[HeldWarning, int]]:
    """The real warnings in force whose area meets a zone, with the innermost band met, innermost first.

    Exercises and tests are left out, as are warnings that name no area.
    """
    zones = reader.zones.lonlat
    west, south, east, north = (float(side) for side in shapely.total_bounds(zones))
    query = WarningQuery(
        states=(WarningState.ACTIVE,), bbox=(west, south, east, north), drill=False, limit=MOST_WARNINGS, shapes=True
    )
    found = []
    for one in await warnings(reader.connection, query):
        if one.geometry is None:
            continue
        met = np.flatnonzero(shapely.intersects(zones, shape(one.geometry)))
        if len(met):
            found.append((one, int(met[0])))
    return sorted(found, key=lambda pair: pair[1])
