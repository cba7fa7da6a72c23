"""What is done in an incident: entries of its timeline, tasks with receipts, marks, steps of plans."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from cim.errors import BadRequest, NotFound
from cim.policy.policy import read_context
from cim.store import incident_work as work
from cim.store import incidents as store
from cim.store.incident_writing import Turn, change
from layers.plans import Plan
from web.incidents.analysed import analysis_title
from web.incidents.bodies import ChangedMark, ChangedStep, NewEntry, NewMark, NewReceipt, NewTask, TakenPlan
from web.incidents.desk import audit, seen, turn_of
from web.incidents.documents import of_incident
from web.incidents.facts import told_of
from web.incidents.shapes import bounded, checked_shape
from web.state import Caller, caller

router = APIRouter(tags=["incidents"])
Who = Annotated[Caller, Depends(caller)]
Number = Annotated[int, Path(gt=0, lt=2**31)]
Version = Annotated[int, Query(ge=1, lt=2**31)]


@router.get("/incidents/{code}/entries", summary="The timeline of an incident")
async def entries(
    code: str,
    who: Who,
    after: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 1_000,
) -> dict[str, Any]:
    """Entries in order, after the number of one; ``more`` says whether there are further ones."""
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        incident = await store.the_incident(connection, code)
        found = await store.entries(connection, code, after + 1, limit + 1)
    told = [entry.told() for entry in found[:limit]]
    return {**of_incident(incident, "entries", told), "more": len(found) > limit}


@router.post("/incidents/{code}/entries", status_code=201, summary="A new entry of the timeline")
async def add_entry(code: str, body: NewEntry, who: Who) -> dict[str, Any]:
    """Add an entry; a report stops its clock, an analysis carries what it answered. A closed incident takes entries."""
    _refuse_mixed(body)
    async with turn_of(who, code) as turn:
        entry = await _put_down(turn, body)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "entry", entry.told())


@router.get("/incidents/{code}/tasks", summary="Tasks of an incident")
async def tasks(code: str, who: Who) -> dict[str, Any]:
    """Tasks by number, each with its receipts."""
    incident = await seen(who, code)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.tasks(connection, code)
    return of_incident(incident, "tasks", [task.document() for task in found])


@router.post("/incidents/{code}/tasks", status_code=201, summary="A new task")
async def add_task(code: str, body: NewTask, who: Who) -> dict[str, Any]:
    """Give somebody a task."""
    async with turn_of(who, code) as turn:
        task, entry = await work.add_task(turn, body.recipient.strip(), body.what.strip(), body.due_at)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "task", task.document())


@router.post("/incidents/{code}/tasks/{number}/receipts", status_code=201, summary="A receipt for a task")
async def add_receipt(code: str, number: Number, body: NewReceipt, who: Who) -> dict[str, Any]:
    """Say that a task was sent, received or done; nothing goes back."""
    async with turn_of(who, code) as turn:
        task, entry = await work.add_receipt(turn, number, body.kind, body.note.strip())
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "task", task.document())


@router.get("/incidents/{code}/marks", summary="Marks of an incident")
async def marks(code: str, who: Who) -> dict[str, Any]:
    """What is on the map now, as features of GeoJSON."""
    incident = await seen(who, code)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = [mark.document() for mark in await store.marks(connection, code)]
    features = [
        {"type": "Feature", "id": mark["number"], "geometry": mark.pop("geometry"), "properties": mark}
        for mark in found
    ]
    return {**of_incident(incident, "type", "FeatureCollection"), "features": features}


@router.post("/incidents/{code}/marks", status_code=201, summary="A new mark")
async def add_mark(code: str, body: NewMark, who: Who) -> dict[str, Any]:
    """Draw a mark; whoever follows the incident sees it at once."""
    drawn = {**body.model_dump(), "geometry": checked_shape(body.geometry, "geometry")}
    bounded(drawn["style"], "style")
    async with turn_of(who, code) as turn:
        mark, entry = await work.add_mark(turn, drawn)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "mark", mark.document())


@router.patch("/incidents/{code}/marks/{number}", summary="Change a mark")
async def change_mark(code: str, number: Number, body: ChangedMark, who: Who) -> dict[str, Any]:
    """Draw a mark anew. Refused (409, with what was changed) where somebody changed it meanwhile."""
    drawn = body.model_dump(exclude={"version"}, exclude_none=True)
    if not drawn:
        raise BadRequest("nothing is to change", where="body", remedy="send the parts of the mark that change")
    if body.geometry is not None:
        drawn["geometry"] = checked_shape(body.geometry, "geometry")
    bounded(drawn.get("style"), "style")
    async with turn_of(who, code) as turn:
        mark, entry = await work.change_mark(turn, number, body.version, drawn)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "mark", mark.document())


@router.delete("/incidents/{code}/marks/{number}", summary="Take a mark off the map")
async def remove_mark(code: str, number: Number, version: Version, who: Who) -> dict[str, Any]:
    """Take a mark off the map; a replay still shows it for the time it was there."""
    async with turn_of(who, code) as turn:
        mark, entry = await work.remove_mark(turn, number, version)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "mark", mark.document())


@router.get("/incidents/{code}/steps", summary="Steps of the plans an incident took up")
async def steps(code: str, who: Who) -> dict[str, Any]:
    """Steps by number."""
    incident = await seen(who, code)
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        found = await store.steps(connection, code)
    return of_incident(incident, "steps", [step.document() for step in found])


@router.post("/incidents/{code}/steps", status_code=201, summary="Take up a plan")
async def take_plan(code: str, body: TakenPlan, who: Who) -> dict[str, Any]:
    """Make the steps of a plan, at the incident's response level, a checklist of the incident."""
    async with turn_of(who, code) as turn:
        plan = _the_plan(who, body.plan)
        planned = [
            {
                "step": step.id,
                "role": step.role,
                "what": step.what.zh,
                "offset_min": step.offset_min,
                "response_level": step.response_level,
                "source": step.source or plan.source,
            }
            for step in plan.steps_at(turn.incident.response_level)
        ]
        made, entry = await work.take_plan(turn, plan.id, plan.title.zh, planned)
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "steps", [step.document() for step in made])


@router.patch("/incidents/{code}/steps/{number}", summary="Say where a step stands")
async def change_step(code: str, number: Number, body: ChangedStep, who: Who) -> dict[str, Any]:
    """Say that a step is done, does not apply, or is open again."""
    async with turn_of(who, code) as turn:
        step, entry = await work.change_step(turn, number, body.revision, body.state, body.note.strip())
        await audit(turn.connection, who, entry)
    return of_incident(turn.incident, "step", step.document())


def _the_plan(who: Caller, name: str) -> Plan:
    plans = who.state.catalog.plans
    if name not in plans:
        known = ", ".join(sorted(plans)) or "none"
        raise NotFound(f"there is no plan {name[:40]!r}", where="plan", remedy=f"there are: {known}")
    return plans[name]


def _refuse_mixed(body: NewEntry) -> None:
    """A report has the part ``report``, an analysis the part ``analysis``, the others a text."""
    for name in ("report", "analysis"):
        if (getattr(body, name) is not None) != (body.kind == name):
            raise BadRequest(
                f"the part {name} goes with the kind {name}", where=name, remedy=f"send both, or neither: {body.kind}"
            )
    if body.kind not in ("report", "analysis") and not body.text.strip():
        raise BadRequest("the entry has no text", where="text", remedy="write what is to be kept")


async def _put_down(turn: Turn, body: NewEntry) -> Any:
    text = body.text.strip()
    if body.report is not None:
        told = told_of(body.report, turn.incident)
        _, entry = await change(turn, {"reports": (*turn.incident.reports, told)}, "report", text, told.document())
        return entry
    if body.analysis is not None:
        kept = bounded(body.analysis.model_dump(), "analysis")
        if body.analysis.areas is not None:
            kept["areas"] = _areas(body.analysis.areas)
        if isinstance(body.analysis.summary, dict):
            kept["order"] = list(body.analysis.summary)
        kept["title"] = analysis_title(body.analysis.process).document()
        return await turn.put_down("analysis", text, kept)
    return await turn.put_down(body.kind, text)


def _areas(given: dict[str, Any]) -> dict[str, Any]:
    """The areas of an analysis as features of GeoJSON, each checked."""
    features = given.get("features") if given.get("type") == "FeatureCollection" else None
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise BadRequest("the areas are no FeatureCollection", where="analysis.areas", remedy="send one in degrees")
    made = []
    for number, one in enumerate(features):
        geometry, properties = one.get("geometry"), one.get("properties") or {}
        where = f"analysis.areas.features[{number}]"
        if not isinstance(geometry, dict) or not isinstance(properties, dict):
            raise BadRequest("the feature has no geometry", where=where, remedy="send features of GeoJSON")
        made.append({"type": "Feature", "geometry": checked_shape(geometry, where), "properties": properties})
    return {"type": "FeatureCollection", "features": made}
