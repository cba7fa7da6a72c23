"""The ways of a city layer's heights to the ellipsoid: its objects may come in several height systems."""

from collections.abc import Iterable

from cim.errors import HeightsUnknown
from cim.model.ellipsoidal_heights import HeightWay, height_way
from cim.model.undulation import Undulation


class HeightWays:
    """Ways by datum; None is what no file says, which is taken as levelled."""

    def __init__(self, undulation: Undulation | None) -> None:
        self._undulation = undulation
        self._found: dict[str | None, HeightWay | HeightsUnknown] = {}

    def of(self, datum: str | None) -> HeightWay | None:
        """The way for a datum; None where there is none."""
        found = self._way(datum)
        return None if isinstance(found, HeightsUnknown) else found

    def known(self, datums: Iterable[str | None]) -> dict[str | None, HeightWay]:
        """The ways there are for some datums; HeightsUnknown where there is none for any of them."""
        found = {datum: self._way(datum) for datum in datums}
        ways = {datum: way for datum, way in found.items() if not isinstance(way, HeightsUnknown)}
        for reason in found.values():
            if not ways and isinstance(reason, HeightsUnknown):
                raise reason
        return ways

    def _way(self, datum: str | None) -> HeightWay | HeightsUnknown:
        if datum not in self._found:
            try:
                self._found[datum] = height_way(datum, self._undulation)
            except HeightsUnknown as unknown:
                self._found[datum] = unknown
        return self._found[datum]
