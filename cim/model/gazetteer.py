"""The names that addresses are made of, and what of them a text says, however it is written.

A text is read from left to right: a name that is known as it stands is taken; else the piece up to the next word that
ends a name is compared with all names that share a character or a syllable with it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from cim.model.address import AddressParts, first_token, part_of
from cim.model.likeness import NO_KIND, likeness, sound, stem_and_kind

LEAST_LIKE = 0.6
"""Names that are less alike are not taken for one another."""
MOST_NAMES = 8
"""Names of a kind that one address is compared with further."""
MOST_PIECES = 12
"""Pieces of one address that are read; no address has more, and what is no address must not take long."""
_LONGER = 3
_CLOSE = 0.35
_CLOSE_TOWN = 0.1
_WHOLE = 0.7
Kind = Literal["town", "village", "street"]
KINDS: tuple[Kind, ...] = ("town", "village", "street")


@dataclass(frozen=True, slots=True)
class Area:
    """A town or village by its code, with a point inside it; ``town`` is the code of a village's town."""

    code: str
    name: str
    town: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Said:
    """That a name may be meant: how alike it is to what is written, and in which piece of the text, by number."""

    like: float
    piece: int


@dataclass(frozen=True, slots=True)
class NamesRead:
    """What names an address says: for each kind the known names that may be meant, best first.

    ``county`` is True for the own county, False for another, None where none is written. ``unread`` are the pieces
    before the number that are like no name.
    """

    town: Mapping[str, Said]
    village: Mapping[str, Said]
    street: Mapping[str, Said]
    county: bool | None
    unread: tuple[str, ...]

    @property
    def unread_characters(self) -> int:
        """How much before the number is like no name; a single character is not counted."""
        return sum(len(piece) for piece in self.unread if len(piece) > 1)


@dataclass(slots=True)
class _Reading:
    """Names found so far."""

    found: dict[Kind, dict[str, Said]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    county: bool | None = None
    unread: list[str] = field(default_factory=list)
    piece: int = 0

    def add(self, kind: Kind, name: str, like: float) -> None:
        known = self.found[kind].get(name)
        if known is None or known.like < like:
            self.found[kind][name] = Said(like, self.piece)


class Gazetteer:
    """Known names: towns, villages and the streets that have doors.

    Parameters
    ----------
    towns, villages: areas; a name may occur more than once.
    streets: names of streets with the codes of the towns they have doors in.
    county: names of the county, among them older ones; within: names of what the county lies in.

    """

    def __init__(
        self,
        towns: Sequence[Area],
        villages: Sequence[Area],
        streets: Iterable[tuple[str, str]],
        county: Sequence[str] = (),
        within: Sequence[str] = (),
    ) -> None:
        self.areas: dict[str, dict[str, list[Area]]] = {"town": _by_name(towns), "village": _by_name(villages)}
        self.by_code = {area.code: area for area in (*towns, *villages)}
        self.street_towns: dict[str, list[str]] = {}
        for street, town in streets:
            self.street_towns.setdefault(street, []).append(town)
        self._names: dict[Kind, Iterable[str]] = {
            "town": self.areas["town"],
            "village": self.areas["village"],
            "street": self.street_towns,
        }
        self._kinds: dict[str, list[Kind]] = {}
        for kind, names in self._names.items():
            for name in names:
                self._kinds.setdefault(name, []).append(kind)
        self._town_stems = {stem_and_kind(name)[0]: name for name in self.areas["town"]}
        self._county = tuple(county)
        self._above = {
            short for name in (*within, "中国") for short in (name, stem_and_kind(name.replace("省", "市"))[0])
        }
        self._longest = max(map(len, (*self._kinds, *self._county, *self._above)), default=0)
        self._index = {kind: _index(names) for kind, names in self._names.items()}
        self._like = lru_cache(maxsize=50_000)(self._find_like)

    def read(self, parts: AddressParts) -> NamesRead:
        """The names an address says, before and behind its number."""
        reading = _Reading()
        for piece in parts.before:
            self._read_piece(piece, reading, behind=False)
        for piece in parts.behind:
            self._read_piece(piece, reading, behind=True)
        best = {kind: _best(names) for kind, names in reading.found.items()}
        return NamesRead(best["town"], best["village"], best["street"], reading.county, tuple(reading.unread))

    def _read_piece(self, text: str, reading: _Reading, *, behind: bool) -> None:
        while text:
            if reading.piece == MOST_PIECES:
                reading.unread.append(text)
                return
            reading.piece += 1
            taken = self._take_known(text, reading)
            if not taken:
                token = self._unknown_token(text)
                taken = len(token)
                self._take_unknown(token, reading, behind=behind)
            text = text[taken:]

    def _take_known(self, text: str, reading: _Reading) -> int:
        """How many characters at the start are a known name, which is taken; 0 when there is none."""
        for length in range(min(self._longest, len(text)), 1, -1):
            name = text[:length]
            if name in self._kinds:
                for kind in self._kinds[name]:
                    reading.add(kind, name, 1.0)
                return length
            if name in self._county:
                reading.county = True
                return length
            if name in self._above:
                return length
        return self._take_short(text, reading)

    def _take_short(self, text: str, reading: _Reading) -> int:
        """The county or a town without the word for its kind, where another name follows."""
        token = first_token(text)
        if any(found[0][1] >= _WHOLE for kind in KINDS if (found := self._like(kind, token))):
            return 0
        for county in self._county:
            stem = stem_and_kind(county)[0]
            if text.startswith(stem) and len(text) >= len(stem) + 2:
                reading.county = True
                return len(stem)
        for length in (4, 3, 2):
            name = self._town_stems.get(text[:length])
            if name and len(text) >= length + 2 and not reading.found["town"]:
                reading.add("town", name, 1.0 - NO_KIND)
                return length
        return 0

    def _unknown_token(self, text: str) -> str:
        """The piece up to the next word that ends a name, but for a known name of three characters at its end."""
        token = first_token(text)
        for length in range(min(self._longest, len(token) - 2), 2, -1):
            if token[-length:] in self._kinds or token[-length:] in self._county:
                return token[:-length]
        return token

    def _take_unknown(self, token: str, reading: _Reading, *, behind: bool) -> None:
        part = part_of(token)
        if behind and part not in ("town", "county", "village"):
            return
        like = {kind: self._like(kind, token) for kind in KINDS}
        most = max((found[0][1] for found in like.values() if found), default=0.0)
        if part in ("county", "province") and reading.county is None and self._take_county(token, most, reading):
            return
        if most == 0.0:
            if not behind and self.areas.get(part, True):
                reading.unread.append(token)
            return
        for kind, found in like.items():
            for name, alike in found:
                if alike >= most - (_CLOSE_TOWN if kind == "town" else _CLOSE):
                    reading.add(kind, name, alike)

    def _take_county(self, token: str, most: float, reading: _Reading) -> bool:
        """Whether a token is the county or another one, rather than a name of a place written wrongly."""
        alike = max((likeness(token, name) for name in self._county), default=0.0)
        if alike >= max(LEAST_LIKE, most):
            reading.county = True
        elif most < LEAST_LIKE:
            reading.county = False if self._county else None
        else:
            return False
        return True

    def _find_like(self, kind: Kind, token: str) -> tuple[tuple[str, float], ...]:
        """Names of a kind that are like a token, best first."""
        if len(token) > self._longest + _LONGER:
            return ()
        index = self._index[kind]
        near = {name for one in token for name in index.get(sound(one), ())}
        alike = [(name, likeness(token, name)) for name in near if abs(len(name) - len(token)) <= _LONGER]
        alike = [(name, like) for name, like in alike if like >= LEAST_LIKE]
        return tuple(sorted(alike, key=lambda pair: (-pair[1], pair[0]))[: 2 * MOST_NAMES])


def _by_name(areas: Iterable[Area]) -> dict[str, list[Area]]:
    found: dict[str, list[Area]] = {}
    for area in areas:
        found.setdefault(area.name, []).append(area)
    return found


def _index(names: Iterable[str]) -> dict[str, list[str]]:
    """Names by the syllables of their stems."""
    index: dict[str, list[str]] = {}
    for name in names:
        for syllable in {sound(one) for one in stem_and_kind(name)[0]}:
            index.setdefault(syllable, []).append(name)
    return index


def _best(names: Mapping[str, Said]) -> dict[str, Said]:
    ranked = sorted(names.items(), key=lambda pair: (-pair[1].like, pair[0]))[:MOST_NAMES]
    return dict(ranked)
