"""What stations measured over a span of time, one mean value each, with where they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

_MEANS = sa.text("""
SELECT coalesce(a.code, 'Things(' || t.id || ')') AS code, coalesce(a.name, t.name) AS name,
    ST_X(place.middle) AS lon, ST_Y(place.middle) AS lat, coalesce(d.unit->>'symbol', d.unit->>'name', '') AS unit,
    v.mean AS value, v.count
FROM sensing.datastream d JOIN sensing.thing t ON t.id = d.thing LEFT JOIN cim.asset a ON a.code = t.asset
CROSS JOIN LATERAL (SELECT ST_Centroid(coalesce(a.geom, (SELECT l.geom FROM sensing.thing_location tl
    JOIN sensing.location l ON l.id = tl.location
    WHERE tl.thing = t.id AND l.geom IS NOT NULL LIMIT 1))) AS middle) place
CROSS JOIN LATERAL (SELECT avg(o.value) AS mean, count(*)::integer AS count FROM sensing.observation o
    WHERE o.datastream_id = d.id AND o.phenomenon_time > :since AND o.phenomenon_time <= :until
    AND o.quality = 'N' AND o.value IS NOT NULL) v
WHERE d.observed_property = ANY (cast(:properties AS integer[])) AND v.count > 0 AND place.middle IS NOT NULL
ORDER BY 1, d.id
""")


@dataclass(frozen=True, slots=True)
class StationMean:
    """The mean of the normal values of a station's datastream; ``count`` of them. Degrees of CGCS2000."""

    code: str
    name: str
    lon: float
    lat: float
    unit: str
    value: float
    count: int


async def station_means(
    connection: AsyncConnection, properties: Sequence[int], since: datetime, until: datetime
) -> list[StationMean]:
    """Means over ``(since, until]`` of what is kept raw, of the datastreams the caller may see."""
    rows = await connection.execute(_MEANS, {"properties": list(properties), "since": since, "until": until})
    return [StationMean(**row) for row in rows.mappings()]
