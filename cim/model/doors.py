"""Doors of the addresses that a batch may mean, by the place their numbers count in."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from cim.model.address import DoorNumber, parse_address, parse_number

OTHER_SIDE = 2
"""How much farther a number on the other side of the road counts as."""


class Door(NamedTuple):
    """An address of the register; ``street`` is empty where the number counts within the village."""

    id: str
    address: str
    street: str
    number: str
    town: str
    village: str
    building: str | None
    lon: float
    lat: float

    @property
    def door_number(self) -> DoorNumber | None:
        """The number in its parts."""
        return parse_number(self.number)

    @property
    def group(self) -> str:
        """The group (组) the address names, if any."""
        return parse_address(self.address).group


class Place(NamedTuple):
    """Where numbers count: a street within a town, or a village where ``street`` is empty."""

    street: str
    area: str


class Doors:
    """Doors by place and number; the numbers of a place are sorted when one is first asked for."""

    def __init__(self, doors: Iterable[Door]) -> None:
        self._places: dict[Place, list[Door]] = {}
        self._numbered: dict[Place, tuple[list[int], dict[int, list[Door]]]] = {}
        for door in doors:
            place = Place(door.street, door.town if door.street else door.village)
            self._places.setdefault(place, []).append(door)

    def of(self, place: Place) -> Sequence[Door]:
        """All doors of a place."""
        return self._places.get(place, ())

    def near(self, place: Place, number: int, most: int) -> Sequence[Door]:
        """The doors with a number, else with the nearest at most ``most`` away, the same side first."""
        numbers, doors = self._by_number(place)
        if number in doors:
            return doors[number]
        at = bisect_left(numbers, number)
        around = [one for one in numbers[max(0, at - 2) : at + 2] if abs(one - number) <= most]
        if not around:
            return ()
        return doors[min(around, key=lambda one: (abs(one - number) + (one - number) % 2 * OTHER_SIDE, one))]

    def middle(self, place: Place, village: str = "") -> Door | None:
        """The door in the middle of a place, or of the part of it that lies in a village; None where there is none."""
        doors = self.of(place)
        doors = [door for door in doors if door.village == village] or doors
        if not doors:
            return None
        lon = sum(door.lon for door in doors) / len(doors)
        lat = sum(door.lat for door in doors) / len(doors)
        return min(doors, key=lambda door: ((door.lon - lon) ** 2 + (door.lat - lat) ** 2, door.id))

    def _by_number(self, place: Place) -> tuple[list[int], dict[int, list[Door]]]:
        if place not in self._numbered:
            doors: dict[int, list[Door]] = {}
            for door in self.of(place):
                if (number := door.door_number) is not None:
                    doors.setdefault(number.main, []).append(door)
            self._numbered[place] = (sorted(doors), doors)
        return self._numbered[place]
