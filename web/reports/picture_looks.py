"""How the places of an analysis look on the map of its report: reviews by verdict, emergencies by what a place is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cim.model.analysis_words import kind_titles

COLOURS = {"not": "#b3261e", "partly": "#d08000", "information": "#3b6ea5"}
_OTHER_COLOUR = "#555555"


@dataclass(frozen=True, slots=True)
class Look:
    """The colour of a kind of place, how much of it fills an area, and whether each is written its name."""

    colour: str
    fill_opacity: float
    named: bool = False


KINDS = {
    "ring": Look("#a61c6b", 0.04),
    "area": Look("#7030a0", 0.12),
    "drawn": Look("#c00000", 0.12),
    "sector": Look("#d97800", 0.15),
    "grid": Look("#d97800", 0.2),
    "blast": Look("#c00000", 0.08),
    "plume": Look("#d97800", 0.2),
    "isolation": Look("#c00000", 0.2),
    "protective": Look("#d97800", 0.12),
    "depth": Look("#0070c0", 0.3),
    "flash-flood-zone": Look("#0070c0", 0.2),
    "runout": Look("#8b5a2b", 0.2),
    "intensity": Look("#c00000", 0.04),
    "plant": Look("#7030a0", 0.12),
    "outside": Look("#c00000", 0.08),
    "route": Look("#1f4e9e", 0.0, named=True),
    "place": Look("#c00000", 0.9),
    "source": Look("#c00000", 0.9),
    "break": Look("#c00000", 0.9),
    "epicentre": Look("#c00000", 0.9),
    "valve": Look("#c00000", 0.9, named=True),
    "shelter": Look("#1b7837", 0.9, named=True),
    "resource": Look("#1b7837", 0.9, named=True),
    "hazard-point": Look("#8b5a2b", 0.9, named=True),
    "stop": Look("#1f4e9e", 0.9),
    "unserved": Look("#b3261e", 0.9),
}
"""What is drawn of emergency analyses; layers of the sheet show the rest."""


def review_looks(facts: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """A parcel as the sheet draws red lines; a piece of a finding filled in the colour of its verdict."""
    if facts.get("kind") == "parcel":
        return {"label": facts.get("name") or ""}
    colour = COLOURS.get(str(facts.get("verdict")), _OTHER_COLOUR)
    titles = {finding["rule"]: finding["title"]["zh"] for finding in answer["findings"]}
    legend = titles.get(facts.get("rule"), "")
    return _drawn(colour, 0.3, legend) | {"stroke-width": 0.3}


def emergency_looks(facts: Mapping[str, Any], _: Mapping[str, Any]) -> dict[str, Any] | None:
    """A place by its kind; None for what is not drawn."""
    look = KINDS.get(str(facts.get("kind")))
    if look is None:
        return None
    kind, title = str(facts["kind"]), str(facts.get("title") or facts.get("name") or "")
    legend = kind_titles()[kind]["zh"] if look.named or not title else title
    return _drawn(look.colour, look.fill_opacity, legend) | {"label": title if look.named else ""}


def _drawn(colour: str, fill_opacity: float, legend: str) -> dict[str, Any]:
    return {"stroke": colour, "fill": colour, "fill-opacity": fill_opacity, "label": "", "legend": legend}
