"""Rules of alarms: kept, changed, and which datastreams each of them watches."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.model.alarms import Rule, RuleBody
from cim.store.alarm_tables import alarm_edition, alarm_rule, alarm_standing
from cim.store.receivers import refuse_unknown
from cim.store.sensing_tables import datastream, observed_property, thing
from cim.store.tables import asset

_SCOPE = ("datastream", "observed_property", "placement", "region_code", "device_kind")


@dataclass(frozen=True, slots=True)
class Watched:
    """A datastream that a rule watches, and what it can measure."""

    rule: int
    datastream: int
    least: float | None
    greatest: float | None


async def edition(connection: AsyncConnection) -> int:
    """A number that grows with every change of rules, of the state this transaction sees."""
    return int(await connection.scalar(sa.select(alarm_edition.c.number)) or 0)


async def all_rules(connection: AsyncConnection, *, kinds: Sequence[str] = (), enabled: bool = False) -> list[Rule]:
    """Rules by id; of some kinds, or of all."""
    query = sa.select(alarm_rule).order_by(alarm_rule.c.id)
    if kinds:
        query = query.where(alarm_rule.c.kind.in_(kinds))
    if enabled:
        query = query.where(alarm_rule.c.enabled)
    return [_rule(row) for row in await connection.execute(query)]


async def the_rule(connection: AsyncConnection, rule: int) -> Rule:
    """One rule; NotFound where there is none."""
    row = (await connection.execute(sa.select(alarm_rule).where(alarm_rule.c.id == rule))).first()
    if row is None:
        raise _missing(rule)
    return _rule(row)


async def add_rule(connection: AsyncConnection, body: RuleBody, author: str) -> Rule:
    """Keep a new rule; BadRequest where a datastream, property or receiver it names does not exist."""
    await _refuse_unknown(connection, body)
    made = sa.insert(alarm_rule).values(**_values(body), author=author).returning(alarm_rule.c.id)
    return Rule(int((await connection.execute(made)).scalar_one()), body)


async def change_rule(connection: AsyncConnection, rule: int, body: RuleBody) -> Rule:
    """Put another body in a rule's place; breaches on end that it counted are forgotten."""
    await _refuse_unknown(connection, body)
    changed = sa.update(alarm_rule).where(alarm_rule.c.id == rule).values(**_values(body), updated_at=sa.func.now())
    if (await connection.execute(changed)).rowcount == 0:
        raise _missing(rule)
    await connection.execute(sa.delete(alarm_standing).where(alarm_standing.c.rule == rule))
    return Rule(rule, body)


async def remove_rule(connection: AsyncConnection, rule: int) -> None:
    """Remove a rule; its alarms stay in the history."""
    if (await connection.execute(sa.delete(alarm_rule).where(alarm_rule.c.id == rule))).rowcount == 0:
        raise _missing(rule)


async def watched(connection: AsyncConnection, kinds: Sequence[str]) -> list[Watched]:
    """Which datastreams the enabled rules of some kinds watch, ordered by datastream."""
    rows = await connection.execute(
        scope_query(datastream.c.least, datastream.c.greatest)
        .where(alarm_rule.c.kind.in_(kinds))
        .order_by(datastream.c.id, alarm_rule.c.id)
    )
    return [Watched(row.rule, row.datastream, row.least, row.greatest) for row in rows]


def scope_query(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """The pairs of an enabled rule and a datastream it watches, as ``rule``, ``datastream`` and ``more`` columns."""
    whole = datastream.join(thing, thing.c.id == datastream.c.thing).outerjoin(asset, asset.c.code == thing.c.asset)
    rule = alarm_rule.c
    region = sa.func.starts_with(thing.c.region_code, rule.region_code)
    return (
        sa.select(rule.id.label("rule"), datastream.c.id.label("datastream"), *more)
        .select_from(whole)
        .join(
            alarm_rule,
            sa.and_(
                rule.enabled,
                sa.or_(rule.datastream.is_(None), rule.datastream == datastream.c.id),
                sa.or_(rule.observed_property.is_(None), rule.observed_property == datastream.c.observed_property),
                sa.or_(rule.placement.is_(None), rule.placement == asset.c.placement),
                sa.or_(rule.region_code.is_(None), region),
                sa.or_(rule.device_kind.is_(None), rule.device_kind == asset.c.kind),
            ),
        )
    )


async def highest_datastream(connection: AsyncConnection) -> int:
    """The id of the newest datastream."""
    return int(await connection.scalar(sa.select(sa.func.max(datastream.c.id))) or 0)


async def _refuse_unknown(connection: AsyncConnection, body: RuleBody) -> None:
    await refuse_unknown(connection, {step.receiver for step in body.escalation if step.receiver})
    for name, table, number in (
        ("datastream", datastream, body.datastream),
        ("observed_property", observed_property, body.observed_property),
    ):
        if number is None:
            continue
        if await connection.scalar(sa.select(table.c.id).where(table.c.id == number)) is None:
            raise BadRequest(
                f"there is no {name.replace('_', ' ')} {number}", where=name, remedy="give the id of one that exists"
            )


def _values(body: RuleBody) -> dict[str, Any]:
    scope = {name: getattr(body, name) for name in _SCOPE}
    document = body.model_dump(mode="json", exclude_none=True)
    return {"kind": body.condition.kind, "body": document, "enabled": body.enabled, **scope}


def _rule(row: Any) -> Rule:
    return Rule(row.id, RuleBody.model_validate(row.body))


def _missing(rule: int) -> NotFound:
    return NotFound(f"there is no rule {rule}", where="rule", remedy="GET /alarms/rules lists them")
