"""Substances as data: molar masses, thresholds, when their clouds are dense, distances, critical quantities."""

import functools
import tomllib
from pathlib import Path
from typing import Literal

from cim.analysis.rule_sets import Strict
from cim.errors import BadRequest

State = Literal["gas", "liquefied", "evaporating"]
Spill = Literal["small", "large", "tank"]
GAS_CONSTANT = 8.314462618
PPM_PER_PERCENT = 10_000.0
DATA = Path(__file__).parent / "substances.toml"
UNCHECKED = "二手数据，未与原文核对"


class Threshold(Strict):
    """A concentration that harms, in ppm of volume; ``second_hand`` where it was not compared with the source."""

    id: str
    ppm: float
    source: str
    second_hand: bool = False


class Distances(Strict):
    """Initial isolation all around and protective distance downwind by day and night, in metres, for a spill.

    ``beyond``: the guide says so far or more.
    """

    substance: str
    spill: Spill
    isolation_m: float
    day_m: float
    night_m: float
    source: str
    second_hand: bool = False
    beyond: bool = False


class Substance(Strict):
    """A substance: ``dense_as`` are the states of release whose cloud is denser than air."""

    id: str
    zh: str
    en: str
    aliases: tuple[str, ...] = ()
    un: str
    molar_g: float
    usual: State
    dense_as: tuple[State, ...]
    thresholds: tuple[Threshold, ...]
    lel_percent: float | None = None
    critical_t: float | None = None
    beta: float | None = None

    @property
    def all_thresholds(self) -> tuple[Threshold, ...]:
        """Thresholds for people, and the lower explosive limit with a tenth of it, in ppm."""
        if self.lel_percent is None:
            return self.thresholds
        limit_ppm = self.lel_percent * PPM_PER_PERCENT
        source = "爆炸下限 lower explosive limit in air"
        explosive = (
            Threshold(id="LEL", ppm=limit_ppm, source=source, second_hand=True),
            Threshold(id="10% LEL", ppm=limit_ppm / 10, source=source, second_hand=True),
        )
        return (*self.thresholds, *explosive)


class SubstanceData(Strict):
    """All substances and distances of an edition."""

    edition: str
    substance: tuple[Substance, ...]
    distance: tuple[Distances, ...]


@functools.cache
def substance_data() -> SubstanceData:
    """The shipped data."""
    return SubstanceData.model_validate(tomllib.loads(DATA.read_text("utf-8")))


def found_substance(name: str) -> Substance | None:
    """A substance by id, Chinese or English name, alias, CAS or UN number, whatever the case of letters."""
    wanted = name.strip().casefold()
    for one in substance_data().substance:
        if wanted in {text.casefold() for text in (one.id, one.zh, one.en, one.un, f"UN{one.un}", *one.aliases)}:
            return one
    return None


def the_substance(name: str) -> Substance:
    """As ``found_substance``; BadRequest lists the known ones."""
    found = found_substance(name)
    if found is None:
        known = "、".join(f"{one.zh} ({one.id})" for one in substance_data().substance)
        raise BadRequest(
            f"substance {name[:60]!r} is not known", where="substance", remedy=f"the known ones are {known}"
        )
    return found


def distances_of(substance: Substance, spill: Spill) -> Distances | None:
    """The distances for a spill; those of a large spill where none are told for a tank. None where there are none."""
    told = {one.spill: one for one in substance_data().distance if one.substance == substance.id}
    return told.get(spill) or (told.get("large") if spill == "tank" else None)


def mg_m3(ppm: float, molar_g: float, temperature_c: float, pressure_kpa: float) -> float:
    """A concentration in ppm of volume as mg/m3 of an ideal gas."""
    return ppm * molar_g * pressure_kpa / (GAS_CONSTANT * (temperature_c + 273.15))
