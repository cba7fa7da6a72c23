"""The figures of people by band: who is there at that time, who of them needs most help, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from cim.analysis.incident_picture.material import Material
from cim.analysis.incident_picture.people import Range
from cim.model.analysis import Title


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: by band (they sum to the total), over all bands, and its range where it has one."""

    id: str
    title: Title
    bands: Sequence[int | None]
    total: int | None
    least: int | None = None
    most: int | None = None


PERSONS = Title("人员合计", "People")
CHILDREN, ELDERLY = Title("其中儿童（0–17 岁）", "Children"), Title("其中老人（60 岁及以上）", "Aged 60+")


def figures(found: Material) -> list[Figure]:
    """All figures, in the order in which they are shown."""
    return [*(_by_day(found) if found.by_day else _by_night(found)), *_others(found)]


def _by_night(found: Material) -> list[Figure]:
    children = _sum(_each(found, "age_0_6"), _each(found, "age_7_17"))
    return [
        _figure("persons", PERSONS, _each(found, "persons")),
        _figure("children", CHILDREN, children),
        _figure("elderly", ELDERLY, _each(found, "age_60")),
        _figure("need_help", Title("其中需协助转移", "Need help to move"), _each(found, "mobility")),
    ]


def _by_day(found: Material) -> list[Figure]:
    """By day the residents who are at home, whoever works there, and the students of the schools there.

    Who may be counted both at home and at work makes the least smaller.
    """
    home = _each(found, "day_persons")
    work, school = _points(found, "organisations", "employees"), _points(found, "schools", "students")
    zero: list[Range | None] = [Range(0.0, 0.0, 0.0)] * len(home)
    persons = _sum(home, work if work[-1] else zero, school if school[-1] else zero)
    if (last := persons[-1]) is not None:
        persons[-1] = Range(last.value, max(0.0, last.least - found.twice), last.most)
    small = _each(found, "day_age_0_6")
    return [
        _figure("persons", PERSONS, persons),
        _figure("at_home", Title("其中在家居民", "Residents at home"), home),
        _figure("employees", Title("其中在岗从业人员", "Employees at work"), work),
        _figure("students", Title("其中在校学生", "Students at school"), school),
        _figure("children", Title("其中儿童（在家 0–6 岁与在校学生）", "Children"), _sum(small, school)),
        _figure("elderly", Title("其中老人（60 岁及以上，按在家计）", "Aged 60+"), _each(found, "day_age_60")),
        _figure("need_help", Title("其中需协助转移（按在家计）", "Need help to move"), _each(found, "day_mobility")),
    ]


def _others(found: Material) -> list[Figure]:
    people = found.people
    bands = range(len(found.zones.shapes))
    counted = [
        ("buildings", "buildings", Title("建筑（栋）", "Buildings")),
        ("recorded_buildings", "known", Title("其中有人口记录", "With a record of people")),
        ("homes_without_record", "homes", Title("其中无人口记录的住宅", "Homes without a record")),
    ]
    rows = [_figure("households", Title("户数", "Households"), _each(found, "households"))]
    for name, of, title in counted:
        values = None if people.reason else [people.counted(of, slice(band, band + 1)) for band in bands]
        rows.append(Figure(name, title, values or [None] * len(bands), sum(values) if values is not None else None))
    cut = None if people.reason else people.cut()
    each = [None if people.reason else people.cut(slice(band, band + 1)) for band in bands]
    return [*rows, Figure("cut_buildings", Title("被圈层边线切割的建筑（栋）", "Buildings cut by an edge"), each, cut)]


Ranges = list[Range | None]
"""A figure in each zone, from the inside out: all within it, so that the last is the total."""


def _each(found: Material, name: str) -> Ranges:
    return [found.people.figure(name, slice(0, end + 1)) for end in range(len(found.zones.shapes))]


def _points(found: Material, layer: str, name: str) -> Ranges:
    of, sums, so_far = found.of(layer), [], 0.0
    for band in range(len(found.zones.shapes)):
        value = of.total(name, band)
        so_far += value or 0.0
        sums.append(None if value is None else Range(so_far, so_far, so_far))
    return list(sums)


def _sum(*parts: Ranges) -> Ranges:
    found: Ranges = []
    for each in zip(*parts, strict=True):
        known = [one for one in each if one is not None]
        whole = len(known) == len(each)
        sums = (sum(getattr(one, name) for one in known) for name in ("value", "least", "most"))
        found.append(Range(*sums) if whole else None)
    return found


def _figure(name: str, title: Title, zones: Ranges) -> Figure:
    """Whole numbers whose bands sum to the total: each band is what its zone has more than the one inside it."""
    last = zones[-1]
    rounded = [None if one is None else round(one.value) for one in zones]
    if last is None:
        return Figure(name, title, [None] * len(zones), None)
    bands = [(value or 0) - (inner or 0) for inner, value in zip([0, *rounded[:-1]], rounded, strict=True)]
    return Figure(name, title, bands, rounded[-1], int(last.least), round(last.most + 0.4999))
