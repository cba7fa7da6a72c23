"""What stands in the zones as points, and the nearest few outside: each with distance, bearing and band."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.analysis.context import Features
from cim.analysis.incident_picture.reader import Reader
from cim.analysis.incident_picture.zones import Placed
from cim.analysis.overlay import Floats, Ints
from cim.analysis.reaching import taken
from cim.model.analysis import Title

SEARCHED_M = (5_000.0, 20_000.0, 100_000.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of facility: its layer, the fields that are listed, and those that are summed, with their units."""

    layer: str
    title: Title
    fields: tuple[str, ...]
    sums: tuple[tuple[str, Title], ...] = ()
    nearest: bool = True


KINDS = (
    Kind(
        "schools", Title("学校", "Schools"), ("name", "level", "students"), (("students", Title("学生", "Students")),)
    ),
    Kind(
        "hospitals",
        Title("医院", "Hospitals"),
        ("name", "level", "beds", "emergency"),
        (("beds", Title("床位", "Beds")), ("emergency", Title("有急诊", "With emergency ward"))),
    ),
    Kind(
        "hazards",
        Title("重大危险源", "Major hazards"),
        ("name", "grade", "substance", "quantity_t", "enterprise"),
    ),
    Kind(
        "geohazards",
        Title("地质灾害隐患点", "Geohazard points"),
        ("name", "kind", "scale", "danger", "threatened"),
        (("threatened", Title("受威胁人数", "People threatened")),),
    ),
    Kind(
        "shelters",
        Title("应急避难场所", "Shelters"),
        ("name", "level", "duration", "capacity", "hazards"),
        (("capacity", Title("可容纳人数", "Capacity")),),
    ),
    Kind(
        "fire_stations",
        Title("消防站", "Fire stations"),
        ("name", "kind", "members", "vehicles"),
        (("members", Title("人员", "Members")), ("vehicles", Title("车辆", "Vehicles"))),
    ),
    Kind(
        "rescue_teams",
        Title("救援队伍", "Rescue teams"),
        ("name", "kind", "members", "vehicles", "equipment"),
        (("members", Title("人员", "Members")), ("vehicles", Title("车辆", "Vehicles"))),
    ),
    Kind(
        "supply_stores",
        Title("物资储备库", "Supply stores"),
        ("name", "level", "kind", "tents", "quilts", "pumps", "boats", "generators", "goods"),
        (("tents", Title("帐篷", "Tents")), ("quilts", Title("棉被", "Quilts"))),
    ),
)
FIRMS = Kind(
    "organisations",
    Title("单位", "Firms"),
    ("name", "industry", "employees", "building_code"),
    (("employees", Title("从业人员", "Employees")),),
    nearest=False,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The facilities of a kind in the zones, and the nearest outside, nearest first."""

    kind: Kind
    features: Features
    placed: Placed
    inside: np.ndarray[Any, np.dtype[np.bool_]]
    known: bool
    visible: frozenset[str]

    def count(self, band: int | None = None) -> int | None:
        """How many lie in a band, or in all of them; None where that is not known."""
        return int(self._chosen(band).sum()) if self.known else None

    def total(self, name: str, band: int | None = None) -> float | None:
        """The sum of a field in a band, or in all of them; None where that is not known."""
        if not self.known or name not in self.visible:
            return None
        return float(np.nansum(self.numbers(name)[self._chosen(band)]))

    def unknown(self, name: str) -> int:
        """How many of those inside have no value in a field."""
        return int(np.isnan(self.numbers(name)[self.inside]).sum())

    def numbers(self, name: str) -> Floats:
        """A field as numbers, NaN where there is none."""
        values = self.features.columns[name]
        return np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)

    def _chosen(self, band: int | None) -> np.ndarray[Any, np.dtype[np.bool_]]:
        return self.inside if band is None else self.inside & (self.placed.band == band)


async def facilities(reader: Reader, kind: Kind, nearest: int) -> Found:
    """The facilities of a kind in the zones, and so many of the nearest outside."""
    wanted = nearest if kind.nearest else 0
    limit_m = reader.zones.radii_m[-1] if reader.zones.radii_m else 0.0
    for within_m in SEARCHED_M if wanted else (0.0,):
        found = await reader.near(kind.layer, kind.fields, within_m)
        placed = reader.zones.places(found.shapes)
        outside = placed.band >= len(reader.zones.shapes)
        if (outside & (placed.distance_m <= limit_m + within_m)).sum() >= wanted:
            break
    rows = _listed(placed, outside, wanted)
    decision = reader.context.decision(kind.layer)
    return Found(
        kind,
        taken(found, rows),
        Placed(placed.distance_m[rows], placed.bearing_deg[rows], placed.band[rows]),
        ~outside[rows],
        not reader.lacking(kind.layer),
        frozenset(decision.field_names if decision else ()),
    )


def _listed(placed: Placed, outside: np.ndarray[Any, np.dtype[np.bool_]], nearest: int) -> Ints:
    order = np.argsort(placed.distance_m, kind="stable")
    within = order[~outside[order]]
    beyond = order[outside[order]][:nearest]
    return np.concatenate([within, beyond]).astype(np.int64)


async def all_facilities(reader: Reader, nearest: int) -> Sequence[Found]:
    """Every kind of facility."""
    return [await facilities(reader, kind, nearest) for kind in KINDS]
