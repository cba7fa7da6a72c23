"""Rules of alarms: read by those who act on alarms, written by administrators."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.access import Operation
from cim.model.alarm_documents import rule_document
from cim.model.alarms import RuleBody
from cim.store import alarm_rules as store
from cim.store.alarm_writing import clear_of_rule
from cim.store.audits import record
from web.state import Caller, caller

router = APIRouter(tags=["alarms"])
Who = Annotated[Caller, Depends(caller)]
Number = Annotated[int, Path(gt=0, lt=2**31)]
CHANGED, REMOVED = "its rule was changed", "its rule was removed"


@router.get("/alarms/rules", summary="Rules of alarms")
async def rules(who: Who) -> dict[str, Any]:
    """All rules by their number."""
    who.require(Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        found = await store.all_rules(connection)
    return {"rules": [rule_document(rule) for rule in found]}


@router.get("/alarms/rules/{rule}", summary="One rule")
async def one_rule(rule: Number, who: Who) -> dict[str, Any]:
    """A rule."""
    who.require(Operation.IMPORT)
    async with who.state.database.writing(who.request_id) as connection:
        return rule_document(await store.the_rule(connection, rule))


@router.post("/alarms/rules", status_code=201, summary="A new rule")
async def add(body: RuleBody, who: Who) -> dict[str, Any]:
    """Keep a rule; it is in force at once."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        rule = await store.add_rule(connection, body, who.principal.name)
        await _record(connection, who, "alarm rule", rule.id, body)
    return rule_document(rule)


@router.put("/alarms/rules/{rule}", summary="Another body for a rule")
async def change(rule: Number, body: RuleBody, who: Who) -> dict[str, Any]:
    """Change a rule. Where it watches for something else, or for other datastreams, its open alarms are cleared."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        before = (await store.the_rule(connection, rule)).body
        if _watch(before) != _watch(body):
            await clear_of_rule(connection, rule, who.principal.name, CHANGED)
        changed = await store.change_rule(connection, rule, body)
        await _record(connection, who, "alarm rule changed", rule, body)
    return rule_document(changed)


@router.delete("/alarms/rules/{rule}", status_code=204, summary="Remove a rule")
async def remove(rule: Number, who: Who) -> None:
    """Remove a rule; its open alarms are cleared and stay in the history."""
    who.require(Operation.ADMINISTER)
    async with who.state.database.writing(who.request_id) as connection:
        await clear_of_rule(connection, rule, who.principal.name, REMOVED)
        await store.remove_rule(connection, rule)
        await _record(connection, who, "alarm rule removed", rule, None)


def _watch(body: RuleBody) -> dict[str, Any]:
    """The part of a rule on which its open alarms depend."""
    return body.model_dump(exclude={"name", "severity", "text", "escalation", "quiet"})


async def _record(connection: AsyncConnection, who: Caller, action: str, rule: int, body: RuleBody | None) -> None:
    await record(
        connection,
        actor=who.principal.name,
        role=who.principal.role,
        action=action,
        subject=str(rule),
        request_id=who.request_id,
        detail=body.model_dump(mode="json", exclude_none=True) if body else {},
    )
