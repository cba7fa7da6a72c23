"""People in areas, from the layer ``population``: those registered at the points that lie in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from cim.analysis.context import Context
from cim.analysis.impact.shapes import stated
from cim.analysis.overlay import Shapes
from cim.analysis.reaching import partial
from cim.model.analysis import Finding, SourceEdition
from cim.model.redline import LONLAT_SRID

POPULATION = "population"
FIELDS = ("persons", "day_persons", "mobility")
METHOD = "人口按建筑汇总点落入范围计整栋，边界上的建筑不拆分；误差约为边界建筑的人数"


@dataclass(frozen=True, slots=True)
class People:
    """Persons registered, by day, and in need of help, for each area; None where the layer cannot be read.

    ``partly``: the caller sees some regions only, so that there may be more.
    """

    edition: SourceEdition
    persons: list[int] | None
    day_persons: list[int] | None
    mobility: list[int] | None
    partly: bool


async def people_in(context: Context, areas: Shapes) -> People:
    """The people in areas in longitude and latitude, counted for each of them."""
    async with context.reading() as connection:
        found = await context.features(connection, POPULATION, FIELDS, areas, LONLAT_SRID)
    if not found.present:
        return People(found.edition, None, None, None, partly=False)
    places = np.asarray(shapely.centroid(found.shapes), dtype=object)
    area, at = shapely.STRtree(places).query(areas, predicate="intersects") if len(places) else ([], [])
    persons, day, mobility = (
        _summed(found.columns[name], np.asarray(area), np.asarray(at), len(areas)) for name in FIELDS
    )
    return People(found.edition, persons, day, mobility, partly=partial(context, POPULATION))


def uncovered(people: People, registered: Sequence[int]) -> list[Finding]:
    """What to say where nobody was counted although people at risk are registered for the same areas."""
    pairs = zip(people.persons or (), registered, strict=False)
    risk = [told for counted, told in pairs if counted == 0 and told > 0]
    if not risk:
        return []
    text = f"{len(risk)} 处登记受威胁 {sum(risk)} 人，人口图层在那里却没有记录：可能未覆盖该处，不可当作无人"
    return [stated("no-people", "人口图层可能未覆盖", "People may not be covered", text, missing=True)]


def _summed(
    values: list[int | None],
    area: np.ndarray[tuple[int], np.dtype[np.int64]],
    at: np.ndarray[tuple[int], np.dtype[np.int64]],
    count: int,
) -> list[int] | None:
    if values and all(value is None for value in values):
        return None
    numbers = np.array([value or 0 for value in values], dtype=np.float64)
    sums = np.bincount(area.astype(np.int64), numbers[at.astype(np.int64)], count) if len(area) else np.zeros(count)
    return [int(total) for total in sums]
