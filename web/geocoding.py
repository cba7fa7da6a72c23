"""Finding addresses for a caller: what he may read makes the names and doors that his texts are compared with."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from cim.errors import BadRequest, StoreUnavailable
from cim.model.access import Principal
from cim.model.doors import Doors
from cim.model.gazetteer import Area, Gazetteer
from cim.model.geocoding import Answer, Asked, Match, MatchGrade, best_match, understand, wanted_places
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.geocoding import NamedPoint, doors_of, named_areas, named_points, street_towns
from cim.store.selection import Selection
from layers.catalog import Catalog
from layers.definition import GeocodingOptions
from web.geocoding_reach import PLACE_NAME, Reach, reach

MOST_ADDRESSES = 10_000
MOST_CHARACTERS = 120
PLACE_SCORE = 0.9
TIMEOUT_MS = 30_000
WAIT_S = 60.0
_AT_ONCE = 500
_FEW = 20
_KEPT = 8


class Geocoder:
    """Finds addresses; keeps the names of the last few kinds of callers. One large batch is worked on at a time."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database = database
        self._catalog = catalog
        self._kept: OrderedDict[tuple[object, ...], Gazetteer] = OrderedDict()
        self._one_at_a_time = asyncio.Semaphore(1)

    async def find(
        self, principal: Principal, decisions: Iterable[Decision], texts: Sequence[str], request_id: str = ""
    ) -> list[Answer]:
        """One answer for each text, in order.

        Raises BadRequest when there are too many or one is too long, StoreUnavailable when another batch takes too
        long, else as ``reach`` does.
        """
        check(texts)
        within = reach(self._catalog, decisions)
        if len(texts) <= _FEW:
            return await self._find(principal, within, texts, request_id)
        await self._wait()
        try:
            return await self._find(principal, within, texts, request_id)
        finally:
            self._one_at_a_time.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            raise StoreUnavailable(
                "other lists of addresses are being worked on", where="addresses", remedy="try again in a minute"
            ) from None

    async def _find(self, principal: Principal, within: Reach, texts: Sequence[str], request_id: str) -> list[Answer]:
        context = read_context(principal, request_id, TIMEOUT_MS)
        gazetteer = await self._gazetteer(principal, within, request_id)
        asked: list[Asked] = []
        for at in range(0, len(texts), _AT_ONCE):
            part = texts[at : at + _AT_ONCE]
            asked += await asyncio.to_thread(_understood, part, gazetteer)
        streets, villages = wanted_places(asked, gazetteer)
        async with self._database.reading(context) as connection:
            doors = await doors_of(connection, _selection(within.doors), within.fields, streets, villages)
        ready = await asyncio.to_thread(Doors, doors)
        answers: list[Answer] = []
        for at in range(0, len(asked), _AT_ONCE):
            some = asked[at : at + _AT_ONCE]
            answers += await asyncio.to_thread(_matched, some, gazetteer, ready)
        return await self._with_places(principal, within, answers, request_id)

    async def _gazetteer(self, principal: Principal, within: Reach, request_id: str) -> Gazetteer:
        known = self._kept.get(within.key)
        if known is None:
            async with self._database.reading(read_context(principal, request_id, TIMEOUT_MS)) as connection:
                streets = await street_towns(connection, _selection(within.doors), within.fields)
                areas: list[list[Area]] = []
                for decision in (within.towns, within.villages):
                    region = self._catalog.layers[decision.collection.id].region if decision else None
                    areas.append(
                        await named_areas(connection, _selection(decision), region.code, region.name, region.parent)
                        if decision and region
                        else []
                    )
            options = within.options
            towns, villages = areas
            known = await asyncio.to_thread(Gazetteer, towns, villages, streets, options.county, options.within)
        self._kept[within.key] = known
        self._kept.move_to_end(within.key)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return known

    async def _with_places(
        self, principal: Principal, within: Reach, answers: list[Answer], request_id: str
    ) -> list[Answer]:
        """Places by their names, where neither a door nor a street was found."""
        if within.places is None:
            return answers
        names = {at: _place_names(answer, within.options) for at, answer in enumerate(answers)}
        wanted = {name for some in names.values() for name in some}
        if not wanted:
            return answers
        async with self._database.reading(read_context(principal, request_id, TIMEOUT_MS)) as connection:
            found = await named_points(connection, _selection(within.places), PLACE_NAME, wanted)
        by_name: dict[str, list[NamedPoint]] = {}
        for point in found:
            by_name.setdefault(point.name, []).append(point)
        return [_as_place(answer, names[at], by_name) for at, answer in enumerate(answers)]


def check(texts: Sequence[str]) -> None:
    """Raise BadRequest for too many addresses, none at all, or one that is too long."""
    if not 1 <= len(texts) <= MOST_ADDRESSES:
        raise BadRequest(
            f"there are {len(texts)} addresses", where="addresses", remedy=f"send 1 to {MOST_ADDRESSES} at once"
        )
    for number, text in enumerate(texts, 1):
        if len(text) > MOST_CHARACTERS:
            raise BadRequest(
                f"address {number} has {len(text)} characters",
                where="addresses",
                remedy=f"an address has {MOST_CHARACTERS} characters at most",
            )


def _understood(texts: Sequence[str], gazetteer: Gazetteer) -> list[Asked]:
    return [understand(text, gazetteer) for text in texts]


def _matched(asked: Sequence[Asked], gazetteer: Gazetteer, doors: Doors) -> list[Answer]:
    return [best_match(one, gazetteer, doors) for one in asked]


def _selection(decision: Decision) -> Selection:
    return Selection(decision.collection, decision.field_names, decision.regions)


def _place_names(answer: Answer, options: GeocodingOptions) -> list[str]:
    """The names by which a place could be meant: what is like no other name, with and without the county."""
    rest = "".join(answer.asked.names.unread)
    found = answer.best.door is not None or answer.best.grade is MatchGrade.STREET
    if found or answer.asked.names.county is False or len(rest) < 2:
        return []
    return [answer.asked.parts.text, *(f"{county}{rest}" for county in options.county[:1]), rest]


def _as_place(answer: Answer, names: Sequence[str], known: dict[str, list[NamedPoint]]) -> Answer:
    points = next((known[name] for name in names if name in known), [])
    if not points:
        return answer
    matches = [
        Match(MatchGrade.PLACE, PLACE_SCORE, point.name, point.lon, point.lat, agreed=("place",)) for point in points
    ]
    return replace(answer, best=matches[0], equals=tuple(matches[1:]), equal_count=len(matches) - 1, runner_up=None)
