"""Writing incidents: everything that happens is an entry, put down in one transaction with what it changes.

Whoever writes takes the lock of all timelines first and keeps it until the commit. So numbers grow in the order in
which entries become visible, and the moments of one timeline never run backwards, whatever the clock does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import EditConflict, StoreConflict
from cim.model.incidents import Change, Entry, Incident, serial_code
from cim.model.sensing import BEIJING
from cim.store.incident_tables import entry, incident
from cim.store.incidents import entries, the_incident

LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('incident:entries', 0))")
_TURN = sa.text("""
    SELECT greatest(clock_timestamp(), max(at) + interval '1 microsecond') AS at, coalesce(max(number), 0) + 1 AS number
    FROM cim.incident_entry WHERE incident = :code
""")
_UNTOLD = frozenset({"revision", "changed_at"})


@dataclass(frozen=True, slots=True)
class Turn:
    """The turn to add to a timeline: the incident as it is, who adds, the moment and the number of the entry."""

    connection: AsyncConnection
    incident: Incident
    author: str
    at: datetime
    number: int

    @property
    def code(self) -> str:
        """The code of the incident."""
        return self.incident.code

    @property
    def ends(self) -> dict[str, Any]:
        """The columns that name the incident of a row, and its author."""
        return {"incident": self.code, "author": self.author}

    def require_open(self) -> None:
        """Raise StoreConflict where the incident is closed."""
        if self.incident.state == "closed":
            raise StoreConflict(
                f"the incident {self.code} is closed",
                where="incident",
                remedy="reopen it, or add what came to be known as an entry",
            )

    async def put_down(
        self, kind: str, text: str = "", body: Mapping[str, Any] | None = None, changes: Sequence[Change] = ()
    ) -> Entry:
        """Add the entry of this turn."""
        said = {"kind": kind, "text": text, "body": dict(body or {}), "changes": [one.document() for one in changes]}
        row = {**said, **self.ends, "number": self.number, "at": self.at}
        seq = await self.connection.scalar(sa.insert(entry).values(row).returning(entry.c.seq))
        return Entry.model_validate({**row, "seq": seq})


async def begin(connection: AsyncConnection, code: str, author: str) -> Turn:
    """Wait for the turn to add to a timeline; it is held until the transaction ends."""
    await connection.execute(LOCK)
    found = await the_incident(connection, code)
    turn = (await connection.execute(_TURN, {"code": code})).one()
    return Turn(connection, found, author, turn.at, turn.number)


@dataclass(frozen=True, slots=True)
class NewIncident:
    """What is given of a new incident; the rest follows. ``county`` begins its code."""

    county: str
    drill: bool
    facts: Mapping[str, Any]


async def create(connection: AsyncConnection, new: NewIncident, author: str) -> tuple[Incident, Entry]:
    """Keep a new incident under the next code of its county and day, with the first entry of its timeline."""
    await connection.execute(LOCK)
    now: datetime = (await connection.execute(sa.select(sa.func.clock_timestamp()))).scalar_one()
    code = await _next_code(connection, new, now)
    made = Incident.model_validate(
        {"state": "open", "reports": (), "revision": 1, "closed_at": None, "properties": {}, **new.facts}
        | {"code": code, "drill": new.drill, "author": author, "created_at": now, "changed_at": now}
    )
    await connection.execute(sa.insert(incident).values(_row(made)))
    first = Turn(connection, made, author, now, 1)
    return made, await first.put_down("created", made.place_text, changes=[whole(made)])


async def _next_code(connection: AsyncConnection, new: NewIncident, now: datetime) -> str:
    day = now.astimezone(BEIJING)
    number = 1
    start = serial_code(new.county, day, 0, drill=new.drill).removesuffix("000")
    serial = sa.func.substr(incident.c.code, len(start) + 1)
    held = await connection.scalar(
        sa.select(sa.func.max(sa.cast(serial, sa.Integer))).where(sa.func.starts_with(incident.c.code, start))
    )
    number += int(held or 0)
    return serial_code(new.county, day, number, drill=new.drill)


async def change(
    turn: Turn, facts: Mapping[str, Any], kind: str, text: str = "", body: Mapping[str, Any] | None = None
) -> tuple[Incident, Entry]:
    """Change facts of an incident and put down what was changed, with what it was before."""
    before = turn.incident
    after = Incident.model_validate(
        before.model_dump() | dict(facts) | {"revision": before.revision + 1, "changed_at": turn.at}
    )
    row = {name: value for name, value in _row(after).items() if name != "code"}
    await turn.connection.execute(sa.update(incident).where(incident.c.code == turn.code).values(row))
    told = {**(body or {}), "fields": differences(before.document(), after.document())}
    return after, await turn.put_down(kind, text, told, [whole(after)])


def whole(made: Incident) -> Change:
    """An incident as a change of its facts."""
    return Change(of="incident", number=0, after=made.document())


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields in which two documents differ, with both values."""
    return [
        {"field": name, "before": before.get(name), "after": value}
        for name, value in after.items()
        if name not in _UNTOLD and before.get(name) != value
    ]


async def refuse_stale(turn: Turn, change_of: str, number: int, base: int, current: Mapping[str, Any]) -> None:
    """Raise EditConflict with what was changed since, where ``current`` is of another revision than was read.

    ``base`` is the revision (of a mark: the version) that the caller had read.
    """
    name = "version" if change_of == "mark" else "revision"
    if current[name] == base:
        return
    read: Mapping[str, Any] = {}
    latest: Entry | None = None
    for held in await entries(turn.connection, turn.code):
        for made in held.changes:
            if (made.of, made.number) == (change_of, number):
                latest = held
                read = made.after if made.after[name] == base else read
    who = f" by {latest.author} at {latest.at.astimezone(BEIJING):%H:%M:%S}" if latest else ""
    raise EditConflict(
        f"the {change_of} has been changed{who} since you read it: it is {name} {current[name]}, you read {base}",
        [one for one in differences(read, current) if one["field"] != name] if read else [],
        where=name,
        remedy="look at what was changed, then send your change again with the new number",
    )


def _row(made: Incident) -> dict[str, Any]:
    row = made.model_dump(exclude={"lon", "lat", "reports"})
    point = sa.func.ST_SetSRID(sa.func.ST_MakePoint(made.lon, made.lat), 4490)
    return {**row, "geom": point, "reports": [told.document() for told in made.reports]}
