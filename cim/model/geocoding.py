"""Which address a text means, how well, and by which parts: the rules of matching, written as numbers.

The score of a candidate is the likeness of its place's name (street, or village where numbers count within villages),
times a factor for every part that the text states and the candidate does not have. A part that is not stated costs
nothing. docs/geocoding.md has the rules in words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from cim.model.address import AddressParts, DoorNumber, parse_address
from cim.model.doors import Door, Doors, Place
from cim.model.gazetteer import Area, Gazetteer, NamesRead, Said

LEAST_SCORE = 0.6
"""Below it nothing is answered."""
EQUAL = 0.005
"""Two candidates whose scores differ by no more are equally good."""
FIRM = 0.8
"""A name that is at least so alike agrees; one that is less alike, but alike enough, differs."""
MOST_EQUALS = 20
FARTHEST_NUMBER = 20
OTHER_TOWN = 0.25
OTHER_TOWN_NO_DOOR = 0.45
OTHER_VILLAGE = 0.15
OTHER_GROUP = 0.10
OTHER_STREET = 0.30
OTHER_COUNTY = 0.50
OTHER_COUNTY_SAME_TOWN = 0.20
NO_SUB_NUMBER = 0.05
NEAR_NUMBER = 0.15
EACH_NUMBER_AWAY = 0.01
DOUBTFUL = frozenset({"street", "village", "town", "county"})
"""Where one of these differs, a door is not the exact answer, and a number nearby none at all."""
EACH_UNREAD = 0.08
MOST_UNREAD = 4


class MatchGrade(StrEnum):
    """What an answer's position is that of, the best first."""

    EXACT = "exact"
    NEAR_NUMBER = "near-number"
    SIMILAR = "similar"
    STREET = "street"
    PLACE = "place"
    VILLAGE = "village"
    TOWN = "town"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Match:
    """One candidate or answer. ``agreed`` and ``differs`` name the parts that were stated; ``id`` is a door's."""

    grade: MatchGrade
    score: float
    address: str = ""
    lon: float | None = None
    lat: float | None = None
    door: Door | None = None
    agreed: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """An address to be found: its parts, and the names it says."""

    text: str
    parts: AddressParts
    names: NamesRead


@dataclass(frozen=True, slots=True)
class Answer:
    """The best match, those that are equally good beside it, and the next best one.

    ``equals`` are at most ``MOST_EQUALS``; ``equal_count`` is how many there are, the best one not counted.
    """

    asked: Asked
    best: Match
    equals: tuple[Match, ...] = ()
    equal_count: int = 0
    runner_up: Match | None = None

    @property
    def ambiguous(self) -> bool:
        """Whether another match is as good as the best."""
        return self.equal_count > 0


NOTHING = Match(MatchGrade.NONE, 0.0)


def understand(text: str, gazetteer: Gazetteer) -> Asked:
    """An address as parts and known names."""
    parts = parse_address(text)
    return Asked(text, parts, gazetteer.read(parts))


def wanted_places(asked: Iterable[Asked], gazetteer: Gazetteer) -> tuple[set[str], set[str]]:
    """The streets, by name, and the villages, by code, whose doors are needed to answer."""
    streets: set[str] = set()
    villages: set[str] = set()
    for one in asked:
        streets.update(one.names.street)
        villages.update(area.code for name in one.names.village for area in gazetteer.areas["village"][name])
    return streets, villages


def best_match(asked: Asked, gazetteer: Gazetteer, doors: Doors) -> Answer:
    """The answer to one address, of the finest grade whose score is enough."""
    stated = _Stated(asked, gazetteer)
    for candidates in (
        _doors(stated, doors),
        _streets(stated, doors),
        _areas(stated, "village"),
        _areas(stated, "town"),
    ):
        enough = [match for match in candidates if match.score >= LEAST_SCORE]
        if enough:
            return _ranked(asked, enough)
    return Answer(asked, NOTHING)


class _Stated:
    """What an address states, ready to be compared: towns and villages by their codes."""

    def __init__(self, asked: Asked, gazetteer: Gazetteer) -> None:
        self.asked, self.gazetteer, self.names = asked, gazetteer, asked.names
        self.town = _by_code(asked.names.town, gazetteer.areas["town"])
        self.village = _by_code(asked.names.village, gazetteer.areas["village"])
        self.unread = 1.0 - EACH_UNREAD * min(MOST_UNREAD, asked.names.unread_characters)

    def places(self) -> Iterator[tuple[Place, Said]]:
        """The places whose numbers may be meant, with how their names are said."""
        for street, said in self.names.street.items():
            for town in self.gazetteer.street_towns[street]:
                yield Place(street, town), said
        for code, said in self.village.items():
            yield Place("", code), said

    def score(
        self, like: float, town: str, others: Mapping[str, tuple[float, float]], other_town: float
    ) -> tuple[float, list[str], list[str]]:
        """A score, the parts that agree and those that differ.

        ``others`` are further stated parts: how much they agree, and what it costs when they do not; ``other_town`` is
        what another town costs.
        """
        parts = dict(others)
        same_town = self.town[town].like if town in self.town else 0.0
        if self.town:
            parts["town"] = (same_town, other_town)
        if self.names.county is not None:
            parts["county"] = (float(self.names.county), OTHER_COUNTY_SAME_TOWN if same_town else OTHER_COUNTY)
        score = like * self.unread
        for agrees, cost in parts.values():
            score *= 1.0 - cost * (1.0 - agrees)
        agreed = [part for part, (agrees, _) in parts.items() if agrees >= FIRM]
        return score, agreed, [part for part in parts if part not in agreed]

    def village_beside(self, street: Said) -> dict[str, float]:
        """Likeness by code of the villages that are written in another piece than a street and the town."""
        return {code: said.like for code, said in self.village.items() if self._beside(said, street)}

    def street_beside(self, village: Said) -> bool:
        """Whether a street is written in another piece than a village and the town."""
        return any(self._beside(said, village) for said in self.names.street.values())

    def _beside(self, said: Said, place: Said) -> bool:
        return said.piece != place.piece and all(said.piece != town.piece for town in self.town.values())


def _by_code(names: Mapping[str, Said], areas: Mapping[str, Sequence[Area]]) -> dict[str, Said]:
    return {area.code: said for name, said in names.items() for area in areas[name]}


def _doors(stated: _Stated, doors: Doors) -> Iterator[Match]:
    """Doors with the number, or the nearest one, in every place that may be meant."""
    number = stated.asked.parts.number
    if number is None:
        return
    for place, said in stated.places():
        found = doors.near(place, number.main, FARTHEST_NUMBER)
        equal = [door for door in found if door.door_number == number]
        for door in equal or found:
            yield _door_match(stated, door, said, number)


def _door_match(stated: _Stated, door: Door, said: Said, number: DoorNumber) -> Match:
    exact, factor = _number_factor(door.door_number, number)
    others = _parts_beside(stated, door, said)
    score, agreed, differs = stated.score(said.like * factor, door.town, others, OTHER_TOWN)
    (agreed if said.like >= FIRM else differs).append("street" if door.street else "village")
    doubtful = not DOUBTFUL.isdisjoint(differs)
    (agreed if exact else differs).append("number")
    if doubtful and (door.door_number is None or door.door_number.main != number.main):
        return NOTHING
    grade = MatchGrade.SIMILAR if doubtful else MatchGrade.EXACT if exact else MatchGrade.NEAR_NUMBER
    return Match(grade, score, door.address, door.lon, door.lat, door, tuple(agreed), tuple(differs))


def _number_factor(has: DoorNumber | None, number: DoorNumber) -> tuple[bool, float]:
    """Whether a door has the number, and the factor for how far it is away."""
    if has is None:
        return False, 0.0
    if has == number:
        return True, 1.0
    if has.main == number.main:
        return False, 1.0 - NO_SUB_NUMBER
    return False, 1.0 - NEAR_NUMBER - EACH_NUMBER_AWAY * abs(has.main - number.main)


def _parts_beside(stated: _Stated, door: Door, said: Said) -> dict[str, tuple[float, float]]:
    """The parts that the text states beside town, place and number."""
    parts: dict[str, tuple[float, float]] = {}
    if door.street:
        if villages := stated.village_beside(said):
            parts["village"] = (villages.get(door.village, 0.0), OTHER_VILLAGE)
        return parts
    if stated.street_beside(said):
        parts["street"] = (0.0, OTHER_STREET)
    if group := stated.asked.parts.group:
        parts["group"] = (float(door.group in ("", group)), OTHER_GROUP)
    return parts


def _streets(stated: _Stated, doors: Doors) -> Iterator[Match]:
    """The middles of streets whose number is not asked for or not there."""
    for place, said in stated.places():
        villages = stated.village_beside(said)
        door = doors.middle(place, max(villages, key=lambda code: villages[code], default="")) if place.street else None
        if door is None:
            continue
        parts = _parts_beside(stated, door, said)
        score, agreed, differs = stated.score(said.like, place.area, parts, OTHER_TOWN_NO_DOOR)
        if stated.asked.parts.number is not None:
            differs.append("number")
        town = stated.gazetteer.by_code.get(place.area)
        name = (town.name if town else "") + place.street
        (agreed if said.like >= FIRM else differs).append("street")
        yield Match(MatchGrade.STREET, score, name, door.lon, door.lat, None, tuple(agreed), tuple(differs))


def _areas(stated: _Stated, kind: str) -> Iterator[Match]:
    """The towns or villages themselves."""
    codes = stated.village if kind == "village" else stated.town
    missing = [part for part, has in (("street", stated.names.street), ("number", stated.asked.parts.number)) if has]
    for code, said in codes.items():
        area = stated.gazetteer.by_code[code]
        town = stated.gazetteer.by_code.get(area.town) if kind == "village" else None
        score, agreed, differs = stated.score(said.like, town.code if town else code, {}, OTHER_TOWN_NO_DOOR)
        name = (town.name if town else "") + area.name
        if kind not in (*agreed, *differs):
            (agreed if said.like >= FIRM else differs).append(kind)
        yield Match(MatchGrade(kind), score, name, area.lon, area.lat, None, tuple(agreed), (*differs, *missing))


def _ranked(asked: Asked, candidates: Sequence[Match]) -> Answer:
    ranked = sorted(candidates, key=lambda match: (-match.score, match.door.id if match.door else match.address))
    best, *others = (replace(match, score=round(match.score, 3)) for match in ranked)
    equals = [match for match in others if best.score - match.score <= EQUAL]
    return Answer(asked, best, tuple(equals[:MOST_EQUALS]), len(equals), others[0] if others else None)
