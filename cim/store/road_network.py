"""Shortest paths by pgRouting over edges that the caller hands in.

The edges travel with the question, as arrays inside its text: they come from rows that the caller may read, without
closed roads and cut where journeys begin, so that no two questions have the same. Of the database pgRouting reads
nothing else. Costs are seconds; a negative cost means that the edge cannot be used in that direction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BIGINTS = ARRAY(sa.BigInteger)


@dataclass(frozen=True, slots=True, eq=False)
class CostedEdges:
    """Edges of a graph, each called by its place: from node to node, seconds along and against."""

    source: Ints
    target: Ints
    cost_s: Floats
    reverse_cost_s: Floats

    def reversed(self) -> "CostedEdges":
        """The same with every journey the other way round."""
        return CostedEdges(self.target, self.source, self.cost_s, self.reverse_cost_s)

    @property
    def sql(self) -> str:
        """The edges as pgRouting reads them: numbers only, whatever the arrays hold."""
        columns = {
            "source": ("bigint", self.source.tolist()),
            "target": ("bigint", self.target.tolist()),
            "cost": ("float8", self.cost_s.round(3).tolist()),
            "reverse_cost": ("float8", self.reverse_cost_s.round(3).tolist()),
        }
        read = (f"('{{{repr(values)[1:-1]}}}'::{kind}[])[i] AS {name}" for name, (kind, values) in columns.items())
        return f"SELECT i - 1 AS id, {', '.join(read)} FROM generate_series(1, {len(self.source)}) AS i"


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """The quickest way between two nodes: the edges in order, the node each is entered at, and seconds altogether."""

    start: int
    end: int
    nodes: Ints
    edges: Ints
    cost_s: float


async def has_pgrouting(connection: AsyncConnection) -> bool:
    """Whether the database has the extension that all of this needs."""
    return bool(await connection.scalar(sa.text("SELECT count(*) FROM pg_extension WHERE extname = 'pgrouting'")))


async def costs_between(
    connection: AsyncConnection, edges: CostedEdges, starts: Sequence[int], ends: Sequence[int]
) -> dict[tuple[int, int], float]:
    """Seconds from each start to each end that can be reached; from a node to itself 0."""
    same = {(node, node): 0.0 for node in set(starts) & set(ends)}
    if not len(edges.source) or not starts or not ends:
        return same
    rows = await connection.execute(
        _BETWEEN, {"edges": edges.sql, "starts": sorted(set(starts)), "ends": sorted(set(ends))}
    )
    return same | {(int(row[0]), int(row[1])): float(row[2]) for row in rows}


async def paths_between(
    connection: AsyncConnection, edges: CostedEdges, pairs: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], Path]:
    """The quickest path of each pair that has one; from a node to itself a path of no edges."""
    none = np.zeros(0, dtype=np.int64)
    found = {(start, end): Path(start, end, none, none, 0.0) for start, end in pairs if start == end}
    wanted = [(start, end) for start, end in dict.fromkeys(pairs) if start != end]
    if not len(edges.source) or not wanted:
        return found
    starts, ends = (",".join(str(int(pair[side])) for pair in wanted) for side in (0, 1))
    combinations = f"SELECT * FROM unnest('{{{starts}}}'::bigint[], '{{{ends}}}'::bigint[]) AS c(source, target)"
    rows = (await connection.execute(_PATHS, {"edges": edges.sql, "pairs": combinations})).all()
    if not rows:
        return found
    table = np.array([tuple(row) for row in rows], dtype=np.float64)
    for part in np.split(table, np.flatnonzero(np.any(np.diff(table[:, :2], axis=0) != 0, axis=1)) + 1):
        start, end = int(part[0, 0]), int(part[0, 1])
        steps = part[:-1, 2:4].astype(np.int64)
        found[start, end] = Path(start, end, steps[:, 0], steps[:, 1], float(part[-1, 4]))
    return found


async def reached_within(
    connection: AsyncConnection, edges: CostedEdges, start: int, within_s: float
) -> tuple[Ints, Floats]:
    """The nodes that are reached from a node within some seconds, and the seconds to each."""
    if not len(edges.source):
        return np.array([start], dtype=np.int64), np.zeros(1)
    rows = (
        await connection.execute(_REACHED, {"edges": edges.sql, "start": int(start), "within": float(within_s)})
    ).all()
    table: Any = np.array([tuple(row) for row in rows], dtype=np.float64).reshape(-1, 2)
    return table[:, 0].astype(np.int64), table[:, 1]


_BETWEEN = sa.text(
    "SELECT start_vid, end_vid, agg_cost FROM pgr_dijkstraCost(CAST(:edges AS text), :starts, :ends, true)"
).bindparams(sa.bindparam("starts", type_=_BIGINTS), sa.bindparam("ends", type_=_BIGINTS))
_PATHS = sa.text(
    "SELECT start_vid, end_vid, node, edge, agg_cost"
    " FROM pgr_dijkstra(CAST(:edges AS text), CAST(:pairs AS text), true) ORDER BY start_vid, end_vid, path_seq"
)
_REACHED = sa.text(
    "SELECT node, agg_cost FROM pgr_drivingDistance(CAST(:edges AS text), CAST(:start AS bigint), :within, true)"
)
