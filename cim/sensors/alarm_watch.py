"""The part of alarms that the clock drives: silence, areas that things left, escalation, closing, messages."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.alarms import Rule, Severity
from cim.sensors.alarm_messages import send_messages
from cim.sensors.alarm_pairs import actor_of
from cim.sensors.outbound import Network
from cim.sensors.watching import watch
from cim.store.alarm_clock import closable, fenced_things, has_fences, orphans, silent_streams, unheeded_alarms
from cim.store.alarm_rules import all_rules
from cim.store.alarm_writing import Followed, NewAlarm, open_alarms, write_alarms
from cim.store.alarms import Act, act
from cim.store.database import Database

LOOK_EVERY_S = 5.0
SEND_EVERY_S = 1.0
TASK = "alarms"
CLOSE_HEEDED, CLOSE_UNHEEDED = timedelta(days=1), timedelta(days=30)
MOST_CLOSED = 500
HEARD_AGAIN = "a value has come again"
INSIDE_AGAIN = "it is back where it belongs"
GONE = "its device or its rule is gone"


async def watch_alarms(database: Database, private: Sequence[Network] = ()) -> None:
    """Watch until cancelled; only one process of a server does so at a time, and another follows when it ends.

    ``private`` are the networks beyond the public ones that messages may go to.
    """

    async def send() -> None:
        while await send_messages(database, private):
            pass

    await watch(database, TASK, (LOOK_EVERY_S, lambda: look(database)), (SEND_EVERY_S, send))


async def look(database: Database) -> None:
    """Look once at everything that the clock tells."""
    async with database.writing(TASK) as connection:
        rules = {rule.id: rule for rule in await all_rules(connection, enabled=True)}
        await _silence(connection, rules)
        await _fences(connection, rules)
        await write_alarms(
            connection, [Followed(code, TASK, cleared=True, note=GONE) for code in await orphans(connection)], []
        )
    async with database.writing(TASK) as connection:
        await _escalate(connection, rules)
    async with database.writing(TASK) as connection:
        for code in await closable(connection, CLOSE_HEEDED, CLOSE_UNHEEDED, MOST_CLOSED):
            await act(connection, code, Act("close", TASK))


async def _silence(connection: AsyncConnection, rules: dict[int, Rule]) -> None:
    """Raise what is silent for too long, and clear what was heard again."""
    found = [one for one in await silent_streams(connection) if one.rule in rules]
    heard = {(one.rule, one.datastream) for one in found if not one.over}
    cleared = []
    if heard:
        opened = await open_alarms(connection, rules=sorted({rule for rule, _ in heard}))
        cleared = [one for one in opened if (one.rule, one.datastream) in heard]
    new = [_new(rules[one.rule], datastream=one.datastream, since=one.since) for one in found if one.over]
    await write_alarms(connection, _cleared(rules, [(one.code, one.rule) for one in cleared], HEARD_AGAIN), new)


async def _fences(connection: AsyncConnection, rules: dict[int, Rule]) -> None:
    """Raise for things whose place breaches a rule of an area, and clear for those whose place does not any more."""
    if not await has_fences(connection):
        return
    found = [one for one in await fenced_things(connection) if one.rule in rules]
    back = {(one.rule, one.thing) for one in found if not one.breached}
    cleared = []
    if back:
        opened = await open_alarms(connection, rules=sorted({rule for rule, _ in back}))
        cleared = [one for one in opened if one.datastream is None and (one.rule, one.thing) in back]
    new = [_new(rules[one.rule], thing=one.thing) for one in found if one.breached]
    await write_alarms(connection, _cleared(rules, [(one.code, one.rule) for one in cleared], INSIDE_AGAIN), new)


def _new(
    rule: Rule, *, datastream: int | None = None, thing: int | None = None, since: datetime | None = None
) -> NewAlarm:
    body = rule.body
    alarm = NewAlarm(rule.id, body.name, body.text, body.severity, actor_of(rule), datastream, thing)
    alarm.value_at = alarm.last_at = since
    return alarm


def _cleared(rules: dict[int, Rule], codes: Sequence[tuple[str, int]], note: str) -> list[Followed]:
    return [Followed(code, actor_of(rules[rule]), cleared=True, note=note) for code, rule in codes]


async def _escalate(connection: AsyncConnection, rules: dict[int, Rule]) -> None:
    """Take alarms that nobody acknowledged the next step of their rule; not in its quiet hours, unless they are red."""
    steps = {rule.id: rule.body.escalation for rule in rules.values() if rule.body.escalation}
    if not steps:
        return
    now, due = datetime.now(UTC), defaultdict(list)
    for alarm in await unheeded_alarms(connection, list(steps)):
        left = steps[alarm.rule][alarm.level :]
        if left and now - alarm.raised_at >= timedelta(minutes=left[0].after_min):
            due[alarm.rule].append((alarm, left[0]))
    for rule, found in due.items():
        body = rules[rule].body
        if body.quiet and body.quiet.hold(now) and body.severity is not Severity.RED:
            continue
        for alarm, step in found:
            note = f"nobody acknowledged it within {step.after_min:g} minutes"
            await act(connection, alarm.code, Act("escalate", TASK, note, step.severity, step.receiver))
