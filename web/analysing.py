"""Running an analysis for a caller: at once in this process, or as a job that the worker takes."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import orjson

from cim.analysis.analysis import Analysis
from cim.analysis.context import Context
from cim.errors import NotIdentified
from cim.model.access import Principal
from cim.model.analysis import Answer
from cim.store.analysis_jobs import add_job
from cim.store.audits import record
from cim.store.database import Database
from web.analysis_context import analysis_context
from web.queue import ANALYSE, put_analysis
from web.state import Caller

AUDITED = frozenset({"compliance-review", "compliance-review-batch", "enforcement", "idle-land"})


def author_of(principal: Principal) -> str:
    """Whose red lines and jobs a caller has; NotIdentified for anonymous callers, who have none."""
    if principal.role == "anonymous":
        raise NotIdentified(
            "red lines and jobs belong to somebody", remedy="log in, or send an API key as Authorization: Bearer KEY"
        )
    return principal.name


async def run_now(who: Caller, analysis: Analysis[Any], inputs: dict[str, Any]) -> Answer:
    """Run an analysis in this process."""
    context = context_of(who, inputs)
    async with who.state.analyses:
        answer = await analysis.answer(inputs, context)
    if analysis.id in AUDITED:
        await keep_trace(who.state.database, who.principal, analysis, inputs, answer, who.request_id)
    return answer


def context_of(who: Caller, inputs: Mapping[str, Any]) -> Context:
    """The view of the city that analyses are given for a caller."""
    author = who.principal.name if who.principal.role != "anonymous" else ""
    return analysis_context(
        who.state.database,
        who.state.catalog,
        who.state.live.collections,
        who.principal,
        author=author,
        inputs=inputs,
        request_id=who.request_id,
        files=who.state.files,
        models=who.state.live.models,
    )


async def run_later(who: Caller, analysis: Analysis[Any], inputs: dict[str, Any]) -> str:
    """Check the inputs and leave the analysis to the worker; returns the id of the job."""
    author = author_of(who.principal)
    analysis.checked(inputs)
    async with who.state.database.writing(who.request_id) as connection:
        job = await add_job(connection, analysis.id, analysis.version, inputs, author, who.principal.role)
    await put_analysis(who.state.queue, ANALYSE, job)
    return job


async def keep_trace(
    database: Database,
    principal: Principal,
    analysis: Analysis[Any],
    inputs: Mapping[str, Any],
    answer: Answer,
    request_id: str,
) -> None:
    """Record who asked what of which editions, and the hash of what came out."""
    document = answer.document()
    detail = {
        "version": analysis.version,
        "inputs_sha256": digest(inputs),
        "answer_sha256": digest(document),
        "rules": {name: answer.rules.get(name) for name in ("name", "number", "sha256")},
        "data_versions": {source.layer: source.version for source in answer.sources},
        "verdict": answer.summary.get("verdict"),
    }
    async with database.writing(request_id) as connection:
        await record(
            connection,
            actor=principal.name,
            role=principal.role,
            action="analyse",
            subject=analysis.id,
            request_id=request_id,
            detail=detail,
        )


def plain_document(answer: Answer) -> dict[str, Any]:
    """An answer as plain JSON, the same whether it is given at once or kept with a job; dates are texts."""
    options = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    document: dict[str, Any] = orjson.loads(orjson.dumps(answer.document(), default=str, option=options))
    return document


def digest(value: Any) -> str:
    """SHA-256 of JSON in one form: keys in order, no blanks."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
