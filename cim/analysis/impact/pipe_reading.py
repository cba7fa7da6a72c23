"""The network of a broken pipe, read from the layers ``pipelines`` and ``valves``."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from pydantic import Field

from cim.analysis.analysis import Parameters
from cim.analysis.context import Context, Features
from cim.analysis.impact.grids import plane_points
from cim.analysis.impact.pipe_network import Spot, Valve
from cim.analysis.impact.shapes import Point
from cim.analysis.place import place_field, place_of
from cim.analysis.reaching import EVERYWHERE
from cim.analysis.terrain.cells import metric_srid
from cim.errors import BadRequest, NotFound

PIPES, VALVES = "pipelines", "valves"
FIELDS = ("pipe_id", "class", "diam_mm", "material", "pressure")
VALVE_FIELDS = ("valve_id", "class", "kind", "pipe_id", "state")
NEAR_M, ON_PIPE_M = 100.0, 3.0


class BreakParameters(Parameters):
    """Which pipe broke, by its id or by the place."""

    pipe: str | None = Field(None, title="管线编号 Pipe id", max_length=60)
    place: Any = place_field(default=None)
    pipe_class: str | None = Field(
        None, title="管线类别 Class", max_length=20, description="water, gas …；按地点查找时"
    )
    snap_m: float = Field(0.5, title="端点容差 Ends within (m)", ge=0.01, le=5)
    served_m: float = Field(50.0, title="服务距离 Served within (m)", ge=1, le=500)


@dataclass(frozen=True, slots=True)
class Network:
    """All pipes of the broken one's class on a plane, with the valves and sources on them."""

    srid: int
    pipes: Features
    valves: list[Valve]
    sources: list[Spot]
    valve_layer: Features
    broken: Spot


async def network_of(asked: BreakParameters, context: Context) -> Network:
    """The network of the broken pipe; BadRequest or NotFound where there is none."""
    context.collection(PIPES)
    place = None if asked.pipe is not None else place_of(asked.place)
    srid = metric_srid(place[0]) if place else metric_srid(104.0)
    none = np.zeros(0, dtype=object)
    async with context.reading() as connection:
        kind = await _class_of(asked, context, connection, place, srid)
        where = f"class = '{_quoted(kind)}'"
        pipes = await context.features(connection, PIPES, FIELDS, none, srid, where=where, boxes=EVERYWHERE)
        valves = await context.features(connection, VALVES, VALVE_FIELDS, none, srid, boxes=EVERYWHERE)
    broken = _broken(asked, pipes, place, srid)
    found, sources = _on_pipes(pipes, valves, kind)
    return Network(srid, pipes, found, sources, valves, broken)


async def _class_of(asked: BreakParameters, context: Context, connection: Any, place: Point | None, srid: int) -> str:
    """The class of the broken pipe; NotFound or BadRequest where there is no such pipe."""
    none = np.zeros(0, dtype=object)
    if place is None:
        where = f"pipe_id = '{_quoted(asked.pipe or '')}'"
        found = await context.features(connection, PIPES, FIELDS, none, srid, where=where, boxes=EVERYWHERE)
        if not found.keys:
            raise NotFound(
                f"there is no pipe {str(asked.pipe)[:40]!r} that you may see",
                where="pipe",
                remedy=f"GET /collections/{PIPES}/items lists them, or give the place of the break",
            )
        return str(found.columns["class"][0])
    here = np.array([shapely.Point(*plane_points(np.array([place]), srid)[0])], dtype=object)
    found = await context.features(connection, PIPES, FIELDS, here, srid, within_m=NEAR_M)
    wanted = [k for k, kind in enumerate(found.columns["class"]) if asked.pipe_class in (None, kind)]
    away = shapely.distance(found.shapes[wanted], here[0]) if wanted else np.array([np.inf])
    if not away.min() <= NEAR_M:
        kind = f" of class {asked.pipe_class}" if asked.pipe_class else ""
        raise BadRequest(
            f"no pipe{kind} lies within {NEAR_M:g} m of the place", where="place", remedy="move the place, or give pipe"
        )
    return str(found.columns["class"][wanted[int(np.argmin(away))]])


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _broken(asked: BreakParameters, pipes: Features, place: Point | None, srid: int) -> Spot:
    """Where the pipe broke: the nearest spot to the place, or the middle of the named pipe."""
    if place is None:
        number = [str(code) for code in pipes.columns["pipe_id"]].index(str(asked.pipe))
        return Spot(number, float(shapely.length(pipes.shapes[number])) / 2)
    here = shapely.Point(*plane_points(np.array([place]), srid)[0])
    number = int(np.argmin(shapely.distance(pipes.shapes, here)))
    return Spot(number, float(shapely.line_locate_point(pipes.shapes[number], here)))


def _on_pipes(pipes: Features, valves: Features, kind: str) -> tuple[list[Valve], list[Spot]]:
    """Valves and sources of a class on its pipes: the named pipe, or the nearest within three metres."""
    numbers = {str(code): number for number, code in enumerate(pipes.columns["pipe_id"])}
    tree = shapely.STRtree(pipes.shapes)
    found: list[Valve] = []
    sources: list[Spot] = []
    for row, shape in enumerate(valves.shapes):
        record = {name: valves.columns[name][row] for name in VALVE_FIELDS}
        if record["class"] not in (None, kind):
            continue
        number = numbers.get(str(record["pipe_id"]))
        if number is None:
            near = tree.query_nearest(shape, max_distance=ON_PIPE_M)
            if not len(near):
                continue
            number = int(near[0])
        spot = Spot(number, float(shapely.line_locate_point(pipes.shapes[number], shapely.centroid(shape))))
        if record["kind"] == "source":
            sources.append(spot)
        else:
            found.append(Valve(str(record["valve_id"]), spot, record["state"] == "closed"))
    return found, sources
