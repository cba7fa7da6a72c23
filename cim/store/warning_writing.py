"""Messages of CAP kept, and their states settled, under the lock of their history.

The state of a message follows from what is held, so the order in which messages come does not matter; what comes again
changes nothing.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import StoreConflict
from cim.model.warning_course import WarningState
from cim.model.warning_xml import alert_xml, cap_moment
from cim.model.warnings import Alert, Status
from cim.store.warning_tables import warning, warning_reference, warning_step

LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('warning:steps', 0))")
RESERVED = frozenset({"feed", "drafts", "confirm"})
"""Words that stand in addresses where a code would."""
_PLAIN_CODE = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
_REFERRING = """
    SELECT m.code FROM cim.warning_reference r JOIN cim.warning m ON m.code = r.warning
    WHERE r.identifier = w.identifier AND r.sender = w.sender AND r.sent = w.sent
        AND m.kind = '{kind}' AND m.status = w.status AND m.sender = w.sender
    ORDER BY m.sent DESC, m.code DESC LIMIT 1
"""
_SETTLE = sa.text(f"""
    WITH given AS MATERIALIZED (
        SELECT w.code, w.state AS old, coalesce(c.code, u.code) AS by, CASE
            WHEN w.kind IN ('Cancel', 'Ack', 'Error') THEN 'done' WHEN c.code IS NOT NULL THEN 'cancelled'
            WHEN u.code IS NOT NULL THEN 'updated' WHEN w.expires <= now() THEN 'expired' ELSE 'active' END AS new
        FROM cim.warning w LEFT JOIN LATERAL ({_REFERRING.format(kind="Cancel")}) c ON true
        LEFT JOIN LATERAL ({_REFERRING.format(kind="Update")}) u ON true
        WHERE w.code = ANY (:codes) AND w.state NOT IN ('draft', 'discarded')
    ), put AS (
        UPDATE cim.warning w SET state = g.new, replaced_by = g.by, changed_at = now() FROM given g
        WHERE w.code = g.code AND (w.state <> g.new OR w.replaced_by IS DISTINCT FROM g.by) RETURNING w.code
    )
    SELECT g.code, g.old, g.new, g.by FROM given g JOIN put USING (code) ORDER BY g.code
""")
_WITHDRAW = sa.text("""
    WITH put AS (
        UPDATE cim.warning_call c SET state = 'withdrawn' FROM cim.warning w
        WHERE c.warning = w.code AND w.code = ANY (:codes) AND w.state <> 'active' AND c.state = 'waiting'
        RETURNING c.id, c.warning, w.state
    )
    INSERT INTO cim.warning_step (warning, call, action, actor, state)
    SELECT warning, id, 'withdrawn', :actor, state FROM put ORDER BY id
""")
_NEXT_SERIAL = sa.text("SELECT count(*) FROM cim.warning WHERE starts_with(identifier, :start)")


@dataclass(frozen=True, slots=True)
class NewWarning:
    """A message to keep: its document as it came, its shape as WKB, who may see it, and what is to be said of it."""

    alert: Alert
    original: bytes
    area: bytes | None
    grade: str
    region_code: str | None
    author: str
    findings: tuple[str, ...] = ()
    alarm: str | None = None
    action: str = "received"


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that is kept now; not ``new`` where it was before. ``steps`` are the entries of history it made."""

    code: str
    new: bool
    steps: tuple[int, ...] = ()


async def lock_warnings(connection: AsyncConnection) -> None:
    """Wait for the turn to write warnings; it is held until the transaction ends."""
    await connection.execute(LOCK)


async def keep_warning(connection: AsyncConnection, new: NewWarning) -> Kept:
    """Keep a message and settle what it refers to; StoreConflict where its identifier has other content."""
    await lock_warnings(connection)
    alert, content = new.alert, content_hash(new.alert)
    query = sa.select(warning.c.code, warning.c.content_hash).where(warning.c.identifier == alert.identifier)
    held = (await connection.execute(query)).first()
    if held is not None:
        if bytes(held.content_hash) == content:
            return Kept(held.code, new=False)
        raise StoreConflict(
            f"the message {alert.identifier[:60]!r} is held with other content",
            where="alert/identifier",
            remedy="give a changed message an identifier of its own, and refer to the first as Update",
        )
    code = code_of(alert.identifier)
    state = WarningState.DRAFT if alert.status is Status.DRAFT else WarningState.ACTIVE
    values = {**row_of(new, content), "code": code, "identifier": alert.identifier, "state": state, "alarm": new.alarm}
    await connection.execute(sa.insert(warning).values(values))
    await _refer(connection, code, alert)
    steps = await add_steps(connection, [{"warning": code, "action": new.action, "actor": new.author, "state": state}])
    touched = await _touched(connection, alert)
    steps += await settle(connection, [code, *touched], new.author)
    return Kept(code, True, tuple(steps))


async def issue_draft(connection: AsyncConnection, code: str, new: NewWarning) -> Kept:
    """Put an issued message in the place of a draft; StoreConflict where it is no draft any more."""
    await lock_warnings(connection)
    values = {**row_of(new, content_hash(new.alert)), "state": WarningState.ACTIVE, "changed_at": sa.func.now()}
    draft = sa.and_(warning.c.code == code, warning.c.state == WarningState.DRAFT)
    if (await connection.execute(sa.update(warning).where(draft).values(values))).rowcount == 0:
        raise _no_draft()
    step = {"warning": code, "action": "issued", "actor": new.author, "state": WarningState.ACTIVE}
    steps = await add_steps(connection, [step])
    steps += await settle(connection, [code], new.author)
    return Kept(code, True, tuple(steps))


async def discard_draft(connection: AsyncConnection, code: str, actor: str) -> None:
    """Put a draft aside; StoreConflict where it is none any more."""
    await lock_warnings(connection)
    draft = sa.and_(warning.c.code == code, warning.c.state == WarningState.DRAFT)
    changed = sa.update(warning).where(draft).values(state=WarningState.DISCARDED, changed_at=sa.func.now())
    if (await connection.execute(changed)).rowcount == 0:
        raise _no_draft()
    step = {"warning": code, "action": "discarded", "actor": actor, "state": WarningState.DISCARDED}
    await add_steps(connection, [step])


async def settle(connection: AsyncConnection, codes: Sequence[str], actor: str) -> list[int]:
    """Bring the states of messages to what is held and to the clock; returns the entries of history it made.

    Calls that still wait are withdrawn where their warning is not in force any more.
    """
    changed = (await connection.execute(_SETTLE, {"codes": list(dict.fromkeys(codes))})).all()
    told = [
        {"warning": row.code, "action": row.new, "actor": actor, "state": row.new, "note": row.by or ""}
        for row in changed
        if row.old != row.new and row.new not in ("active", "done")
    ]
    steps = await add_steps(connection, told)
    await connection.execute(_WITHDRAW, {"codes": [row.code for row in changed], "actor": actor})
    return steps


async def add_steps(connection: AsyncConnection, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Add entries to the history; returns their numbers."""
    if not rows:
        return []
    filled = [{"call": None, "channel": "", "note": "", **row} for row in rows]
    return list(await connection.scalars(sa.insert(warning_step).returning(warning_step.c.seq), filled))


async def references_told(connection: AsyncConnection, alert: Alert) -> list[str]:
    """What is to be said of the messages that one refers to: those not held, and those it has no power over."""
    found = []
    for one in alert.references:
        columns = (warning.c.sender, warning.c.sent, warning.c.status)
        row = (await connection.execute(sa.select(*columns).where(warning.c.identifier == one.identifier))).first()
        name = one.identifier[:60]
        if row is None:
            found.append(f"the message {name} that it refers to is not held; it holds once that comes")
        elif (row.sender, row.sent) != (one.sender, one.sent):
            found.append(f"the message {name} is held with another sender or time than it is referred to: unchanged")
        elif row.status != alert.status:
            found.append(f"the message {name} has the status {row.status}, this one {alert.status}: unchanged")
        elif row.sender != alert.sender:
            found.append(f"the message {name} is of another sender: unchanged")
    return found


async def free_serial(connection: AsyncConnection, start: str) -> int:
    """The serial digit that comes next for identifiers with a start; the lock of warnings is held."""
    await lock_warnings(connection)
    return int(await connection.scalar(_NEXT_SERIAL, {"start": start}) or 0)


def content_hash(alert: Alert) -> bytes:
    """SHA-256 of what a message says, whatever its XML looks like."""
    return hashlib.sha256(alert_xml(alert)).digest()


def code_of(identifier: str) -> str:
    """The identifier where it can stand in an address as it is, else a code made of it."""
    if _PLAIN_CODE.fullmatch(identifier) and set(identifier) != {"."} and identifier not in RESERVED:
        return identifier
    return f"W-{hashlib.sha256(identifier.encode()).hexdigest()[:24]}"


def row_of(new: NewWarning, content: bytes) -> dict[str, Any]:
    """The columns that follow from a message."""
    alert, info = new.alert, new.alert.info
    area = None if new.area is None else sa.func.ST_GeomFromWKB(sa.literal(new.area, sa.LargeBinary), 4490)
    return {
        "sender": alert.sender,
        "sent": alert.sent,
        "status": alert.status,
        "kind": alert.kind,
        "scope": alert.scope,
        "colour": alert.colour,
        "event": info.event if info else "",
        "title": alert.title,
        "effective": info.effective if info and info.effective else alert.sent,
        "expires": alert.expires,
        "original": new.original,
        "content_hash": content,
        "findings": list(new.findings),
        "geom": area,
        "region_code": new.region_code,
        "grade": new.grade,
        "author": new.author,
    }


async def _refer(connection: AsyncConnection, code: str, alert: Alert) -> None:
    named = {(one.identifier, one.sender, _second(one.sent)) for one in alert.references}
    rows = [{"warning": code, "identifier": i, "sender": s, "sent": at} for i, s, at in sorted(named)]
    if rows:
        await connection.execute(sa.insert(warning_reference), rows)


async def _touched(connection: AsyncConnection, alert: Alert) -> list[str]:
    names = [one.identifier for one in alert.references]
    return list(await connection.scalars(sa.select(warning.c.code).where(warning.c.identifier.in_(names))))


def _second(moment: datetime) -> datetime:
    return datetime.fromisoformat(cap_moment(moment))


def _no_draft() -> StoreConflict:
    return StoreConflict("the warning is no draft", where="warning", remedy="read the warning again")
