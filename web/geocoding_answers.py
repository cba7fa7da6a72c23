"""Answers of the geocoder as JSON, GeoJSON and the cells of a table."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from cim.model.geocoding import Answer, Match, MatchGrade
from web.geocoding_tables import plain_cell

COLUMNS = {
    "grade": "匹配级别 grade",
    "score": "得分 score",
    "matched": "匹配地址 matched",
    "address_id": "地址编码 address_id",
    "building_code": "建筑统一编码 building_code",
    "lon": "经度 lon",
    "lat": "纬度 lat",
    "near_number": "最近门牌 near_number",
    "ambiguous": "是否多解 ambiguous",
    "equals": "同等候选数 equals",
    "agreed": "一致项 agreed",
    "differs": "不一致项 differs",
}
"""The columns of a table of answers, behind those that were sent."""
GRADES = {
    MatchGrade.EXACT: "门牌",
    MatchGrade.NEAR_NUMBER: "邻近门牌",
    MatchGrade.SIMILAR: "名称近似",
    MatchGrade.STREET: "街路巷",
    MatchGrade.PLACE: "地名",
    MatchGrade.VILLAGE: "村/社区",
    MatchGrade.TOWN: "乡镇/街道",
    MatchGrade.NONE: "未匹配",
}
_DIGITS = 7


def document(answer: Answer, key: object) -> dict[str, Any]:
    """One answer as JSON; ``key`` is what the caller knows the address by."""
    best = answer.best
    return {
        "id": key,
        "query": answer.asked.text,
        **_match(best),
        "near_number": near_number(best),
        "agreed": list(best.agreed),
        "differs": list(best.differs),
        "ambiguous": answer.ambiguous,
        "equals": answer.equal_count,
        "alternatives": [_match(match) for match in answer.equals],
        "runner_up": _match(answer.runner_up) if answer.runner_up else None,
    }


def summary(answers: Iterable[Answer]) -> dict[str, Any]:
    """How many answers there are of each grade, and how many have an equal."""
    found = list(answers)
    counts = Counter(answer.best.grade for answer in found)
    return {
        "count": len(found),
        "grades": {str(grade): counts[grade] for grade in MatchGrade},
        "ambiguous": sum(answer.ambiguous for answer in found),
    }


def feature_collection(answers: Sequence[Answer], keys: Sequence[object]) -> dict[str, Any]:
    """The answers as GeoJSON in CRS84; an address that was not found has no geometry."""
    features = []
    for answer, key in zip(answers, keys, strict=True):
        told = document(answer, key)
        lon, lat = told.pop("lon"), told.pop("lat")
        place = None if lon is None else {"type": "Point", "coordinates": [lon, lat]}
        features.append({"type": "Feature", "geometry": place, "properties": told})
    return {"type": "FeatureCollection", **summary(answers), "features": features}


def near_number(match: Match) -> str | None:
    """The number that stands for one that was not found."""
    return match.door.number if match.door and match.grade is MatchGrade.NEAR_NUMBER else None


def cells(answer: Answer) -> list[object]:
    """The values of ``COLUMNS``."""
    told = document(answer, None)
    lists = {name: " ".join(told[name]) for name in ("agreed", "differs")}
    told |= {**lists, "grade": f"{GRADES[answer.best.grade]} {answer.best.grade}", "ambiguous": int(answer.ambiguous)}
    return [told[name] for name in COLUMNS]


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]], answers: Sequence[Answer]) -> str:
    """A table with the answers behind its own columns, with the mark that lets table programs read it as UTF-8."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*header, *COLUMNS.values()])
    for row, answer in zip(rows, answers, strict=True):
        writer.writerow([plain_cell(value) for value in (*row, *cells(answer))])
    return "\ufeff" + out.getvalue()


def _match(match: Match) -> dict[str, Any]:
    door = match.door
    return {
        "grade": str(match.grade),
        "score": match.score,
        "matched": match.address or None,
        "address_id": door.id if door else None,
        "building_code": door.building if door else None,
        "town_code": door.town if door else None,
        "village_code": door.village if door else None,
        "lon": None if match.lon is None else round(match.lon, _DIGITS),
        "lat": None if match.lat is None else round(match.lat, _DIGITS),
    }
