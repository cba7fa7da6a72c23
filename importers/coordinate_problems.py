"""What the coordinates of a source say against the reference system that is declared for them."""

from cim.model.collection import BoundingBox
from cim.model.reference_systems import CGCS2000, GEOGRAPHIC, WGS84, ZONED_3_DEGREE, ZONED_6_DEGREE
from importers.inspection import Problem

CHINA: BoundingBox = (73.0, 3.0, 136.0, 54.0)


def coordinate_problems(srid: int | None, bbox: BoundingBox | None) -> list[Problem]:
    """What the coordinates say against the declared system."""
    if srid is None or bbox is None:
        return []
    if srid in ZONED_3_DEGREE:
        return _zone_problems(bbox, srid - 4488)
    if srid in ZONED_6_DEGREE:
        return _zone_problems(bbox, srid - 4478)
    if srid in CGCS2000 and srid != GEOGRAPHIC:
        return _plain_easting_problems(bbox)
    if srid in {GEOGRAPHIC, WGS84}:
        return _degree_problems(bbox)
    return []


def _zone_problems(bbox: BoundingBox, zone: int) -> list[Problem]:
    zones = {int(bbox[0] // 1e6), int(bbox[2] // 1e6)}
    if zones == {zone}:
        return []
    text = f"the system is of zone {zone}, but eastings run from {bbox[0]:.0f} to {bbox[2]:.0f}"
    return [Problem("zone-disagrees", 1, f"{text}; give the true system with --crs", refuses=True)]


def _plain_easting_problems(bbox: BoundingBox) -> list[Problem]:
    if bbox[2] < 1e6:
        return []
    zone = int(bbox[0] // 1e6)
    text = f"eastings begin with zone {zone}, but the declared system has none"
    return [Problem("zone-disagrees", 1, f"{text}; give --crs EPSG:{4488 + zone}", refuses=True)]


def _degree_problems(bbox: BoundingBox) -> list[Problem]:
    west, south, east, north = bbox
    if max(abs(west), abs(east)) > 180.001 or max(abs(south), abs(north)) > 90.001:
        swapped = CHINA[1] <= west and east <= CHINA[3] and CHINA[0] <= south and north <= CHINA[2]
        if swapped:
            return [
                Problem("axes-swapped", 1, "latitude stands before longitude; have the axes put right", refuses=True)
            ]
        text = f"the declared system is in degrees, but coordinates run to {max(east, north):.0f}; give --crs"
        return [Problem("not-degrees", 1, text, refuses=True)]
    if east < CHINA[0] or west > CHINA[2] or north < CHINA[1] or south > CHINA[3]:
        return [Problem("outside-china", 1, "the data lie outside China")]
    return []
