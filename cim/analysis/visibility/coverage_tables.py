"""The answer of the coverage by cameras: figures, tables and places."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import shapely

from cim.analysis.visibility.covered import Covered, Piece, drawn
from cim.analysis.visibility.view import METHOD, TARGETS_M, seeable
from cim.model.analysis import Answer, Column, Place, SourceEdition, Table, Title
from cim.model.cameras import Camera

TARGET_NAMES = {"ground": "地面", "plate": "车牌", "person": "行人"}
MOST_PLACES = 1_000
STATEMENT = "本结果由系统依据所列数据自动计算，只反映几何可视关系，不代替现场查看。"
_KINDS = (
    ("seen", "covered", "可视"),
    ("only_offline", "only-offline", "仅离线相机可视"),
    ("hidden", "hidden", "视域内被遮挡"),
    ("beyond", "out-of-reach", "不在任何在线相机视域内"),
)


def answer_of(
    found: Covered, cameras: Sequence[Camera], target: str, sources: Sequence[SourceEdition], remarks: Sequence[str]
) -> Answer:
    """The answer: shares are of the open ground; what only cameras that are off would see is blind as well."""
    unknown = [camera for camera in cameras if seeable(camera)]
    notes = [f"{TARGET_NAMES[target]}（高 {TARGETS_M[target]:g} 米）", METHOD, *remarks]
    if unknown:
        notes.append(f"{len(unknown)} 台相机资料不全，未计入：{'、'.join(camera.code for camera in unknown[:10])}")
    pieces = {name: getattr(found, name) for name, _, _ in _KINDS}
    blind_m2 = found.hidden.area_m2 + found.beyond.area_m2
    summary: dict[str, Any] = {
        "area_m2": round(found.area_m2, 2),
        "open_m2": round(found.open_m2, 2),
        "built_m2": round(found.built_m2, 2),
        "covered_m2": round(found.seen.area_m2, 2),
        "blind_m2": round(blind_m2, 2),
        "hidden_m2": round(found.hidden.area_m2, 2),
        "out_of_reach_m2": round(found.beyond.area_m2, 2),
        "only_offline_m2": round(found.only_offline.area_m2, 2),
        "covered_share": _share(found.seen, found),
        "cameras": len(cameras),
        "cameras_by_status": dict(Counter(camera.status or "unknown" for camera in cameras)),
        "cameras_unknown": len(unknown),
        "target": target,
    }
    places = [
        Place(
            geojson(part.shape),
            {"kind": kind, "title": title, "area_m2": round(part.area_m2, 2)},
        )
        for name, kind, title in _KINDS
        for part in drawn(pieces[name])
    ]
    if len(places) > MOST_PLACES:
        notes.append(f"图上只绘最大的 {MOST_PLACES} 块，共 {len(places)} 块")
        places = sorted(places, key=lambda place: -float(place.properties["area_m2"]))[:MOST_PLACES]
    return Answer(
        summary={**summary, "notes": notes},
        tables=[_shares(found, pieces, "；".join(notes)), _cameras(found, unknown)],
        places=places,
        sources=sources,
        statement=STATEMENT,
    )


def geojson(shape: shapely.Geometry) -> dict[str, Any]:
    """A shape in longitude and latitude as GeoJSON, to the centimetre."""
    rounded = shapely.transform(shape, lambda places: places.round(7))
    geometry: dict[str, Any] = json.loads(shapely.to_geojson(rounded))
    return geometry


def _share(piece: Piece, found: Covered) -> float | None:
    return round(piece.area_m2 / found.open_m2, 4) if found.open_m2 > 0 else None


def _shares(found: Covered, pieces: dict[str, Piece], note: str) -> Table:
    columns = (
        Column("part", Title("部分", "Part")),
        Column("area_m2", Title("面积", "Area"), "number", "m2"),
        Column("share_pct", Title("占露天地面", "Share of open ground"), "number", "%"),
    )
    rows: list[tuple[Any, ...]] = []
    for name, _, title in _KINDS:
        share = _share(pieces[name], found)
        rows.append((title, round(pieces[name].area_m2, 2), None if share is None else round(share * 100, 2)))
    rows.append(("建筑占地（不计）", round(found.built_m2, 2), None))
    return Table("coverage", Title("覆盖情况", "Coverage"), columns, rows, note)


def _cameras(found: Covered, unknown: Sequence[Camera]) -> Table:
    columns = (
        Column("gb_code", Title("国标编码", "GB/T 28181 code")),
        Column("name", Title("名称", "Name")),
        Column("status", Title("状态", "Status")),
        Column("seen_m2", Title("可视面积", "Seen"), "number", "m2"),
        Column("remark", Title("说明", "Remark")),
    )
    known = zip(found.cameras, found.seen_m2, strict=True)
    rows: list[tuple[Any, ...]] = [
        (one.code, one.name, one.status_name, round(seen_m2, 2), "") for one, seen_m2 in known
    ]
    rows += [(one.code, one.name, one.status_name, None, seeable(one)) for one in unknown]
    return Table("cameras", Title("相机", "Cameras"), columns, rows)
