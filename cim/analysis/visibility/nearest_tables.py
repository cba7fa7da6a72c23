"""The answers of nearest cameras: around a place, and along a route."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.analysis.terrain.profile import Stations
from cim.analysis.visibility.coverage_tables import STATEMENT, TARGET_NAMES
from cim.analysis.visibility.places import STATE_NAMES, Placed
from cim.analysis.visibility.plane import Floats
from cim.analysis.visibility.view import METHOD, TARGETS_M, seeable
from cim.model.analysis import Answer, Column, Place, SourceEdition, Table, Title
from cim.model.cameras import Camera


@dataclass(frozen=True, slots=True)
class Looking:
    """A camera with how places stand to it (``states``, None where that is not known); facts of the first place."""

    camera: Camera
    distance_m: float
    bearing_deg: float
    states: Sequence[Placed] | None = None

    @property
    def sees_any(self) -> bool:
        """Whether it sees any of the places."""
        return any(state.seen for state in self.states or ())

    @property
    def first(self) -> str:
        """How the first place stands to it."""
        return self.states[0].state if self.states else "unknown"

    def document(self) -> dict[str, Any]:
        """The camera and how the first place stands to it, as JSON."""
        state = self.states[0] if self.states else None
        return {
            "gb_code": self.camera.code,
            "name": self.camera.name,
            "kind": self.camera.kind,
            "status": self.camera.status or None,
            "online": self.camera.online,
            "distance_m": round(self.distance_m, 2),
            "bearing_deg": round(self.bearing_deg, 1),
            "in_view": None if state is None else state.seen,
            "state": self.first,
            "state_name": STATE_NAMES[self.first],
            "hidden_by": None if state is None or state.fid is None else {"fid": state.fid, "name": state.name},
            "reason": seeable(self.camera),
        }


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a route, in metres from its start, and the stations it takes in."""

    from_m: float
    to_m: float
    first: int
    last: int


def point_answer(
    place: tuple[float, float],
    lookings: Sequence[Looking],
    target: str,
    sources: Sequence[SourceEdition],
    notes: Sequence[str],
) -> Answer:
    """The cameras around a place, nearest first."""
    seeing = [one for one in lookings if one.first == "seen"]
    remarks = [f"{TARGET_NAMES[target]}（高 {TARGETS_M[target]:g} 米）", METHOD, *notes]
    documents = [one.document() for one in lookings]
    points = [
        Place(
            {"type": "Point", "coordinates": [round(one.camera.lon, 7), round(one.camera.lat, 7)]},
            {"kind": "in-view" if one.first == "seen" else "not-in-view", **told},
        )
        for one, told in zip(lookings, documents, strict=True)
    ]
    columns = (
        Column("gb_code", Title("国标编码", "GB/T 28181 code")),
        Column("name", Title("名称", "Name")),
        Column("distance_m", Title("距离", "Distance"), "number", "m", 1),
        Column("bearing_deg", Title("相机看向该处的方位", "Bearing from the camera"), "number", "°", 1),
        Column("state", Title("是否可见", "In view")),
        Column("status", Title("状态", "Status")),
        Column("remark", Title("说明", "Remark")),
    )
    rows = [
        (
            told["gb_code"],
            told["name"],
            told["distance_m"],
            told["bearing_deg"],
            told["state_name"],
            one.camera.status_name,
            told["reason"] or (told["hidden_by"] or {}).get("name", ""),
        )
        for one, told in zip(lookings, documents, strict=True)
    ]
    summary = {
        "cameras": len(lookings),
        "in_view": len(seeing),
        "in_view_online": sum(one.camera.online for one in seeing),
        "target": target,
        "notes": remarks,
    }
    table = Table("cameras", Title("周边相机", "Cameras around"), columns, rows, "；".join(remarks))
    return Answer(
        summary=summary,
        tables=[table],
        places=[Place({"type": "Point", "coordinates": list(place)}, {"kind": "place"}), *points],
        sources=sources,
        statement=STATEMENT,
    )


def route_answer(
    stations: Stations,
    lookings: Sequence[Looking],
    target: str,
    sources: Sequence[SourceEdition],
    notes: Sequence[str],
) -> Answer:
    """The stretches of a route that cameras see, in the order of the route, and those that none that is on sees."""
    bounds_m = _bounds_m(stations.distance_m)
    rows: list[tuple[Any, ...]] = []
    places: list[Place] = []
    watched = np.zeros(len(stations.lon), dtype=bool)
    for one in lookings:
        seen = np.array([state.seen for state in one.states or ()], dtype=bool)
        if not seen.any():
            continue
        watched |= seen & one.camera.online
        for stretch in stretches(seen, bounds_m):
            rows.append(_row(one.camera, one.states or (), stretch))
            kind = "watched" if one.camera.online else "watched-offline"
            places.append(
                _place(stations, stretch, {"kind": kind, "gb_code": one.camera.code, "name": one.camera.name})
            )
    rows.sort(key=lambda row: (row[0], row[1]))
    gaps = list(stretches(~watched, bounds_m))
    places += [_place(stations, gap, {"kind": "unwatched"}) for gap in gaps]
    length_m, unwatched_m = float(stations.distance_m[-1]), sum(gap.to_m - gap.from_m for gap in gaps)
    unknown = sum(one.states is None for one in lookings)
    remarks = [f"{TARGET_NAMES[target]}（高 {TARGETS_M[target]:g} 米）", METHOD, *notes]
    remarks.append(f"沿线每 {float(np.median(np.diff(stations.distance_m))):.1f} 米判断一次")
    if unknown:
        remarks.append(f"{unknown} 台相机资料不全，未计入")
    summary = {
        "length_m": round(length_m, 2),
        "watched_m": round(length_m - unwatched_m, 2),
        "unwatched_m": round(unwatched_m, 2),
        "watched_share": round(1 - unwatched_m / length_m, 4),
        "cameras": len({row[2] for row in rows}),
        "cameras_online": sum(one.camera.online for one in lookings if one.sees_any),
        "stretches": len(rows),
        "gaps": len(gaps),
        "target": target,
        "notes": remarks,
    }
    return Answer(
        summary=summary,
        tables=[_route_table(rows, "；".join(remarks)), _gap_table(gaps)],
        places=places,
        sources=sources,
        statement=STATEMENT,
    )


def _bounds_m(distance_m: Floats) -> Floats:
    """Where the share of each station ends: half way to its neighbours."""
    return np.concatenate([[distance_m[0]], (distance_m[1:] + distance_m[:-1]) / 2, [distance_m[-1]]])


def stretches(seen: NDArray[np.bool_], bounds_m: Floats) -> Iterator[Stretch]:
    """The runs of stations that are seen, each with half the way to its neighbours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8)))
    for first, end in edges.reshape(-1, 2).tolist():
        yield Stretch(float(bounds_m[first]), float(bounds_m[end]), first, end - 1)


def _row(camera: Camera, states: Sequence[Placed], stretch: Stretch) -> tuple[Any, ...]:
    inside = states[stretch.first : stretch.last + 1]
    nearest = min(inside, key=lambda state: state.distance_m)
    return (
        round(stretch.from_m, 1),
        round(stretch.to_m, 1),
        camera.code,
        camera.name,
        round(nearest.distance_m, 1),
        round(inside[0].bearing_deg, 1),
        round(inside[-1].bearing_deg, 1),
        camera.status_name,
    )


def _place(stations: Stations, stretch: Stretch, told: dict[str, Any]) -> Place:
    inside = slice(stretch.first, stretch.last + 1)
    line = np.column_stack([stations.lon[inside], stations.lat[inside]]).round(7).tolist()
    facts = {**told, "from_m": round(stretch.from_m, 1), "to_m": round(stretch.to_m, 1)}
    if len(line) == 1:
        return Place({"type": "Point", "coordinates": line[0]}, facts)
    return Place({"type": "LineString", "coordinates": line}, facts)


def _route_table(rows: Sequence[tuple[Any, ...]], note: str) -> Table:
    columns = (
        Column("from_m", Title("自起点", "From"), "number", "m", 1),
        Column("to_m", Title("至", "To"), "number", "m", 1),
        Column("gb_code", Title("国标编码", "GB/T 28181 code")),
        Column("name", Title("名称", "Name")),
        Column("nearest_m", Title("最近距离", "Nearest"), "number", "m", 1),
        Column("bearing_first_deg", Title("起点方位", "Bearing at first"), "number", "°", 1),
        Column("bearing_last_deg", Title("终点方位", "Bearing at last"), "number", "°", 1),
        Column("status", Title("状态", "Status")),
    )
    return Table("stretches", Title("沿线可视路段", "Stretches in view"), columns, rows, note)


def _gap_table(gaps: Sequence[Stretch]) -> Table:
    columns = (
        Column("from_m", Title("自起点", "From"), "number", "m", 1),
        Column("to_m", Title("至", "To"), "number", "m", 1),
        Column("length_m", Title("长度", "Length"), "number", "m", 1),
    )
    rows = [(round(gap.from_m, 1), round(gap.to_m, 1), round(gap.to_m - gap.from_m, 1)) for gap in gaps]
    return Table("gaps", Title("无在线相机可视的路段", "Stretches that no camera sees"), columns, rows)
