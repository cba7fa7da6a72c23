"""The businesses of the cycle: their layers, numbers, days, and the codes by which their records name each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

CodeKind = Literal["project_code", "approval_no", "supervision_no", "parcel_code", "unit_no"]
PARCEL_LENGTH = 19
"""A unit number begins with the code of its parcel."""


@dataclass(frozen=True, slots=True)
class Business:
    """One business: ``codes`` are the fields that hold codes, each with its kind."""

    id: str
    zh: str
    en: str
    layer: str
    number: str
    day: str
    codes: Mapping[str, CodeKind]
    facts: tuple[str, ...] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """All fields that are read."""
        return tuple(dict.fromkeys((self.number, "project", self.day, *self.codes, *self.facts)))


BUSINESSES = (
    Business(
        "prereview",
        "用地预审",
        "Pre-review",
        "land_prereview",
        "prereview_no",
        "issued_on",
        {"project_code": "project_code"},
        ("valid_until",),
    ),
    Business(
        "conversion",
        "农用地转用",
        "Conversion",
        "land_conversion",
        "approval_no",
        "approved_on",
        {"approval_no": "approval_no", "project_code": "project_code"},
    ),
    Business(
        "expropriation",
        "土地征收",
        "Expropriation",
        "land_expropriation",
        "approval_no",
        "approved_on",
        {"approval_no": "approval_no", "conversion_no": "approval_no", "project_code": "project_code"},
    ),
    Business(
        "supply",
        "土地供应",
        "Supply",
        "land_supply",
        "supervision_no",
        "contract_on",
        {
            "supervision_no": "supervision_no",
            "parcel_code": "parcel_code",
            "approval_no": "approval_no",
            "project_code": "project_code",
        },
        ("start_due_on", "started_on", "finished_on"),
    ),
    Business(
        "registration",
        "不动产登记",
        "Registration",
        "land_registration",
        "unit_no",
        "registered_on",
        {"unit_no": "unit_no", "parcel_code": "parcel_code", "supervision_no": "supervision_no"},
    ),
    Business(
        "consolidation",
        "土地整治",
        "Consolidation",
        "land_consolidation",
        "project_no",
        "accepted_on",
        {},
        ("phase",),
    ),
)
CHAIN = ("prereview", "conversion", "expropriation", "supply", "start", "finish", "registration")
"""Stages in order; start and finish are days of a supply."""
STAGE_NAMES = {each.id: each.zh for each in BUSINESSES} | {"start": "动工", "finish": "竣工", "": "没有记录"}
