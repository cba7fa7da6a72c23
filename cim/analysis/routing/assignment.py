"""Who goes where: the transportation problem of people and places with room, solved to its optimum by HiGHS."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack

from cim.errors import CimError
from cim.model.road_network import Floats, Ints

NEAREST_FIRST = 8
"""How many of the nearest destinations each origin is offered at first; more where the prices say that they help."""
MOST_ROUNDS = 40
TOLERANCE = 1e-7


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Persons from origins to destinations, three arrays of equal length, and those of each origin who stay."""

    origin: Ints
    destination: Ints
    persons: Ints
    unserved: Ints


def assign(cost: Floats, people: Ints, room: Ints) -> Assignment:
    """Move as many as can be moved, with the least sum of persons times cost.

    ``cost`` is origins by destinations, infinite where there is no way. Each origin begins with its nearest
    destinations; pairs whose reduced cost is negative are added until none is left, so the optimum is that of all
    pairs. Vertices of a transportation problem are whole numbers.
    """
    reachable = np.isfinite(cost) & (room > 0)[None, :]
    if not reachable.any() or not people.any():
        empty = np.zeros(0, dtype=np.int64)
        return Assignment(empty, empty, empty, people.copy())
    scale = max(1.0, float(cost[reachable].max()))
    priced = np.where(reachable, cost / scale, np.inf)
    stay = float(min(cost.shape) + 2)
    offered = _nearest(priced) & reachable
    for _ in range(MOST_ROUNDS):
        origin, destination = np.nonzero(offered)
        flow, kept, left_dual, room_dual = _solved(priced[offered], origin, destination, people, room, stay)
        reduced = priced - left_dual[:, None] - room_dual[None, :]
        better = reachable & ~offered & (reduced < -TOLERANCE)
        if not better.any():
            whole = np.rint(flow).astype(np.int64)
            used = whole > 0
            return Assignment(origin[used], destination[used], whole[used], np.rint(kept).astype(np.int64))
        offered |= better
    raise CimError("the plan did not settle", where="evacuation", remedy="choose a smaller area")


def _nearest(priced: Floats) -> NDArray[np.bool_]:
    found = np.zeros(priced.shape, dtype=bool)
    count = min(NEAREST_FIRST, priced.shape[1])
    np.put_along_axis(found, np.argpartition(priced, count - 1, axis=1)[:, :count], True, axis=1)
    return found


def _solved(
    cost: Floats, origin: Ints, destination: Ints, people: Ints, room: Ints, stay: float
) -> tuple[Floats, Floats, Floats, Floats]:
    """Flows, those who stay, and the prices of an origin's people and of a destination's room."""
    pairs, ones = np.arange(len(cost)), np.ones(len(cost))
    leave = csr_array((ones, (origin, pairs)), shape=(len(people), len(cost)))
    arrive = csr_array((ones, (destination, pairs)), shape=(len(room), len(cost)))
    found = linprog(
        np.concatenate([cost, np.full(len(people), stay)]),
        A_eq=hstack([leave, eye_array(len(people))]),
        b_eq=people,
        A_ub=hstack([arrive, csr_array((len(room), len(people)))]),
        b_ub=room,
        method="highs-ds",
    )
    if found.x is None:
        raise CimError(f"the solver found no plan: {found.message}", where="evacuation", remedy="choose a smaller area")
    return found.x[: len(cost)], found.x[len(cost) :], found.eqlin.marginals, found.ineqlin.marginals
