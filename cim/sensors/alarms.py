"""Judging readings by the rules of alarms, inside the transaction that keeps them.

Readings that no rule can find anything in are passed over by column. A reading is judged when it is newer than all
that its datastream had before, or corrects the newest; what is late or carries a flag raises nothing.
"""

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarm_course import Usual, Verdict, of_deviation, of_rate, of_threshold
from cim.model.alarms import HOUR, Deviation, Geofence, Rate, Rule, Threshold
from cim.model.sensing import Kept, Outcome
from cim.sensors.alarm_book import RuleBook, Touched, read_book
from cim.sensors.alarm_pairs import Findings, Pair
from cim.store.alarm_rules import edition
from cim.store.alarm_values import keep_standings, newest_before, standings, usual_values, values_before
from cim.store.alarm_writing import open_alarms, write_alarms
from cim.store.observations import ReadingColumns, moment

READ_AGAIN_S = 30.0
"""Rules are read again at once when they change; devices that changed place or kind are seen after so long."""
MOST_REMEMBERED = 200_000
DAY = timedelta(days=1)
Before = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading of a watched datastream."""

    at: datetime
    ended: datetime
    value: float
    normal: bool
    revised: bool
    result: str | None


class AlarmJudge:
    """The judge of an ``Intake``; one for a process."""

    def __init__(self) -> None:
        self._book: RuleBook | None = None
        self._read_at = 0.0
        self._usual: dict[tuple[int, int, datetime], Usual | None] = {}

    async def __call__(self, connection: AsyncConnection, columns: ReadingColumns, kept: Kept) -> None:
        """Raise, count and clear alarms by what was kept."""
        if not kept.count(Outcome.ADDED) and not kept.count(Outcome.REVISED):
            return
        book = await self._current(connection, max(kept.newest, default=0))
        touched = book.touched(columns, kept)
        if touched is not None:
            await self._judge(connection, book, _Batch(columns, kept, touched))

    async def _current(self, connection: AsyncConnection, newest: int) -> RuleBook:
        """The rules as of this transaction."""
        number, book = await edition(connection), self._book
        old = time.monotonic() - self._read_at > READ_AGAIN_S
        if book is None or old or book.edition != number or newest > book.highest:
            book = self._book = await read_book(connection)
            self._read_at = time.monotonic()
        return book

    async def _judge(self, connection: AsyncConnection, book: RuleBook, batch: "_Batch") -> None:
        streams = np.unique(batch.touched.ids).tolist()
        rules = sorted({rule.id for stream in streams for rule in book.rules[stream]})
        alarms = {(a.rule, a.datastream): a for a in await open_alarms(connection, rules=rules, datastreams=streams)}
        standing = await standings(connection, streams)
        seen = batch.relevant({stream for _, stream in (*alarms, *standing) if stream is not None})
        if not seen:
            return
        newest = await newest_before(connection, list(seen))
        fresh = {s: [one for one in found if s not in newest or one.at > newest[s]] for s, found in seen.items()}
        before = await self._before(connection, book, fresh)
        await self._learn(connection, book, fresh)
        findings, now = Findings(), datetime.now(UTC)
        for stream, found in seen.items():
            for rule in book.rules[stream]:
                pair = Pair(rule, stream, alarms.get((rule.id, stream)), standing.get((rule.id, stream)))
                judged = _Judged(rule, book.areas.get(rule.id), stream, before.get(stream), self._usual)
                _follow(pair, judged, found, newest.get(stream), now)
                pair.tell(findings)
        await write_alarms(connection, findings.followed, findings.new)
        await keep_standings(connection, findings.standing, findings.gone)

    async def _before(
        self, connection: AsyncConnection, book: RuleBook, fresh: dict[int, list[Seen]]
    ) -> dict[int, Before]:
        """The value before the first that is judged, of datastreams with rules of rates."""
        wanted, gap_s = {}, 0.0
        for stream, found in fresh.items():
            gaps = [r.condition.gap_s for r in book.rules[stream] if isinstance(r.condition, Rate)]
            if gaps and found:
                wanted[stream] = found[0].at
                gap_s = max(gap_s, *gaps)
        return await values_before(connection, wanted, gap_s) if wanted else {}

    async def _learn(self, connection: AsyncConnection, book: RuleBook, fresh: dict[int, list[Seen]]) -> None:
        """Remember what is usual for the hours of readings that rules of deviation judge."""
        missing: dict[tuple[int, datetime], list[int]] = defaultdict(list)
        for stream, found in fresh.items():
            days = {r.condition.days for r in book.rules[stream] if isinstance(r.condition, Deviation)}
            for hour in {_hour(one.at) for one in found} if days else ():
                for count in days:
                    if (stream, count, hour) not in self._usual:
                        missing[count, hour].append(stream)
        if len(self._usual) > MOST_REMEMBERED:
            self._usual.clear()
        for (count, hour), streams in missing.items():
            past = [hour - k * DAY for k in range(1, count + 1)]
            usual = await usual_values(connection, streams, past)
            self._usual.update({(stream, count, hour): usual.get(stream) for stream in streams})


class _Batch:
    """A batch of readings with what became of each."""

    def __init__(self, columns: ReadingColumns, kept: Kept, touched: Touched) -> None:
        self._columns = columns
        self._kept = kept
        self.touched = touched

    def relevant(self, busy: Iterable[int]) -> dict[int, list[Seen]]:
        """Readings that may change something, by datastream and in the order of their times."""
        touched = self.touched
        known = np.isin(touched.ids, list(busy))
        matters = known | (touched.matters & np.isin(touched.ids, list(self._kept.newest)))
        streams = np.unique(touched.ids[matters])
        found: dict[int, list[Seen]] = defaultdict(list)
        for row in np.flatnonzero(np.isin(touched.ids, streams)).tolist():
            found[int(touched.ids[row])].append(self._seen(row))
        for readings in found.values():
            readings.sort(key=lambda one: one.at)
        return dict(found)

    def _seen(self, row: int) -> Seen:
        place, columns = int(self.touched.places[row]), self._columns
        until = columns.until_us[place] if columns.until_us else None
        at = columns.at_us[place]
        return Seen(
            moment(at),
            moment(at if until is None else until),
            float(self.touched.values[row]),
            bool(self.touched.normal[row]),
            self._kept.outcomes[place] is Outcome.REVISED,
            columns.results[place] if columns.results else None,
        )


class _Judged:
    """What readings of one datastream say to one rule."""

    def __init__(
        self,
        rule: Rule,
        area: shapely.Geometry | None,
        stream: int,
        before: Before | None,
        usual: dict[tuple[int, int, datetime], Usual | None],
    ) -> None:
        self.rule = rule
        self._area = area
        self._stream = stream
        self._before = before
        self._usual = usual

    def verdict(self, seen: Seen) -> Verdict | None:
        """What a reading says; None where it is no value of the kind that the rule judges."""
        condition = self.rule.condition
        if isinstance(condition, Geofence):
            return _of_place(condition, self._area, seen.result)
        if math.isnan(seen.value):
            return None
        if isinstance(condition, Threshold):
            return of_threshold(condition, seen.value)
        if isinstance(condition, Deviation):
            return of_deviation(condition, seen.value, self._usual.get((self._stream, condition.days, _hour(seen.at))))
        return self._of_rate(condition, seen) if isinstance(condition, Rate) else None

    def _of_rate(self, condition: Rate, seen: Seen) -> Verdict:
        at, value = self._before or (seen.at, None)
        self._before = (seen.at, seen.value)
        return of_rate(condition, seen.value, value, (seen.at - at).total_seconds())


def _follow(pair: Pair, judged: _Judged, found: Sequence[Seen], newest: datetime | None, now: datetime) -> None:
    """Take the readings of one datastream, in the order of their times, to one rule."""
    oldest = now - timedelta(seconds=judged.rule.body.late_after_s)
    for seen in found:
        fresh = seen.ended >= oldest and (newest is None or seen.at > newest)
        judges = seen.normal and (fresh or not isinstance(judged.rule.condition, Rate))
        verdict = judged.verdict(seen) if judges else None
        if seen.revised:
            pair.correct(verdict, seen.at)
        if fresh and verdict is not None:
            pair.take(verdict, seen.at, None if math.isnan(seen.value) else seen.value)


def _of_place(condition: Geofence, area: shapely.Geometry | None, result: str | None) -> Verdict | None:
    """A result that is a point against an area."""
    point = json.loads(result) if result else None
    if area is None or not isinstance(point, dict) or point.get("type") != "Point":
        return None
    try:
        lon, lat = (float(part) for part in point["coordinates"][:2])
    except (KeyError, TypeError, ValueError):
        return None
    inside = bool(shapely.contains_xy(area, lon, lat))
    return Verdict.BREACH if inside == (condition.when == "enters") else Verdict.CLEAR


def _hour(at: datetime) -> datetime:
    return at - (at - datetime.min.replace(tzinfo=UTC)) % HOUR
