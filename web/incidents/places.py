"""Where an incident is: from what was sent to a position with its region, and what is to be said of that."""

from dataclasses import dataclass, field
from typing import Any

from cim.errors import BadRequest
from cim.model.geocoding import MatchGrade
from cim.model.incident_places import checked, position_of_datum, position_of_metres, position_of_text
from cim.policy.policy import read_context
from cim.store.incident_places import region_at
from web.geocoding_answers import GRADES
from web.incidents.bodies import PlaceBody
from web.state import Caller

NO_COUNTY = "000000"
"""Begins the codes of incidents where no county is known."""
_WAYS = "give lon and lat, an address, a text such as 103°57'E 30°59'N, or easting, northing and crs"
_COARSE = (MatchGrade.TOWN, MatchGrade.VILLAGE, MatchGrade.STREET, MatchGrade.SIMILAR)


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """A position in degrees of CGCS2000 with the region and county, its words, and notes on how good it is."""

    lon: float
    lat: float
    region_code: str | None
    county: str
    outside: bool
    words: str
    notes: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Any]:
        """As facts of an incident."""
        same = {name: getattr(self, name) for name in ("lon", "lat", "region_code", "outside")}
        return {**same, "place_text": self.words}


async def find_place(who: Caller, given: PlaceBody, *, outside: bool) -> PlaceFound:
    """The place that was sent.

    Raises BadRequest where it is none, or more than one, or lies outside the county and ``outside`` does not say that
    it may.
    """
    lon, lat, words, notes = await _position(who, given)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        region = await region_at(connection, lon, lat)
    if region.outside and not outside:
        raise BadRequest(
            f"the place {lon:.5f}, {lat:.5f} lies outside the county",
            where="place",
            remedy="check the place, or send outside=true for an incident there",
        )
    if region.outside:
        notes.append("事发地在本县（市）域外，按要求受理")
    if not region.known:
        notes.append("未入库县（市）界，未核对事发地是否在域内")
    said = "".join(region.names)
    text = words or said
    return PlaceFound(lon, lat, region.code, region.county or NO_COUNTY, region.outside, text, notes)


async def _position(who: Caller, given: PlaceBody) -> tuple[float, float, str, list[str]]:
    """Longitude, latitude, words and notes."""
    ways = {
        "degrees": (given.lon, given.lat),
        "metres": (given.easting, given.northing, given.crs),
        "address": (given.address,),
        "text": (given.text,),
    }
    used = {name: parts for name, parts in ways.items() if any(part is not None for part in parts)}
    if len(used) != 1 or None in next(iter(used.values())):
        raise BadRequest("there is no place, or more than one", where="place", remedy=_WAYS)
    if given.lon is not None and given.lat is not None:
        if given.datum == "CGCS2000":
            return *checked(given.lon, given.lat), "", []
        note = f"由 {given.datum} 坐标换算，精度约 2 米"
        return *position_of_datum(given.lon, given.lat, given.datum), "", [note]
    if given.easting is not None and given.northing is not None and given.crs is not None:
        return *position_of_metres(given.easting, given.northing, given.crs), "", []
    if given.text is not None:
        return *position_of_text(given.text), "", []
    return await _addressed(who, given.address or "")


async def _addressed(who: Caller, address: str) -> tuple[float, float, str, list[str]]:
    if not address.strip():
        raise BadRequest("the address is empty", where="place.address", remedy="write an address")
    (answer,) = await who.state.geocoder.find(who.principal, who.readable(), [address], who.request_id)
    best = answer.best
    if best.grade is MatchGrade.NONE or best.lon is None or best.lat is None:
        raise BadRequest(
            f"no place is found for {address[:60]!r}", where="place.address", remedy="click the place on the map"
        )
    if answer.ambiguous:
        others = "; ".join(str(match.address) for match in (best, *answer.equals[:4]))
        raise BadRequest(
            f"{answer.equal_count + 1} places have the address {address[:60]!r}: {others}",
            where="place.address",
            remedy="write more of the address, or click the place on the map",
        )
    notes = [f"地址“{address}”匹配到“{best.address}”（{GRADES[best.grade]}）"]
    if best.grade in _COARSE:
        notes.append("位置为概略位置，请在地图上核实")
    return best.lon, best.lat, address.strip(), notes
