"""In which region a place lies, for what carries a region of its own."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.city import RegionLevel
from cim.store.tables import region

_LEVELS = (RegionLevel.VILLAGE, RegionLevel.TOWN, RegionLevel.COUNTY)


@dataclass(frozen=True, slots=True)
class RegionAt:
    """The smallest region at a place with the names of all; the county; whether its boundary is known at all.

    Where it is known and ``code`` is None, the place lies outside of it.
    """

    code: str | None
    names: tuple[str, ...]
    county: str | None
    known: bool

    @property
    def outside(self) -> bool:
        """Whether the place lies outside the county, as far as its boundary is known."""
        return self.known and self.code is None


async def region_at(connection: AsyncConnection, lon: float, lat: float) -> RegionAt:
    """The region of a place in degrees of CGCS2000."""
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(lon, lat), 4490)
    covers = sa.func.ST_Covers(region.c.geom, point)
    query = sa.select(region.c.code, region.c.level, region.c.name).where(region.c.level.in_(_LEVELS), covers)
    found = {row.level: row for row in await connection.execute(query)}
    smallest = next((found[level] for level in _LEVELS if level in found), None)
    names = tuple(found[level].name for level in reversed(_LEVELS) if level in found)
    counties = sa.select(region.c.code).where(region.c.level == RegionLevel.COUNTY).order_by(region.c.code)
    known = list(await connection.scalars(counties))
    county = found[RegionLevel.COUNTY].code if RegionLevel.COUNTY in found else next(iter(known), None)
    return RegionAt(smallest.code if smallest else None, names, county, bool(known))
