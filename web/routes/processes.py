"""OGC API Processes: the analyses, their execution, and jobs."""

import asyncio
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.analysis.analysis import Analysis
from cim.analysis.registry import ANALYSES, the_analysis
from cim.analysis.rule_sets import the_rules
from cim.errors import BadRequest, NotFound
from cim.model.access import Operation
from cim.model.redline import red_line_document
from cim.policy.policy import may
from cim.store import analysis_jobs as jobs
from cim.store.analysis_jobs import AnalysisJob
from cim.store.redlines import the_redline
from web.analysing import author_of, plain_document, run_later, run_now
from web.process_documents import OUTPUTS, job_status, plain_inputs, process_description, process_summary
from web.process_problems import NoResultsYet, NoSuchJob, NoSuchProcess
from web.reports.picture import report_picture
from web.reports.readiness import PICTURED, Readiness
from web.reports.render import MEDIA_TYPES, Form, Run, render
from web.state import Caller, caller

router = APIRouter(tags=["processes"])
Who = Annotated[Caller, Depends(caller)]
ASYNC = "respond-async"
MOST_LISTED = 1_000
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="how many are listed at most")]
Wanted = Annotated[
    Form,
    Query(description="json; geojson the places alone; docx, pdf, xlsx a report; zip the result package; tif a raster"),
]


class Execution(BaseModel):
    """What is executed: the inputs by name, and which outputs are wanted (all when left out)."""

    model_config = ConfigDict(extra="ignore")
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    response: Literal["raw", "document"] = "document"


@router.get("/processes", summary="Analyses there are")
async def processes(who: Who, limit: Limit = MOST_LISTED) -> dict[str, Any]:
    """Every analysis with its title, in the order of their ids."""
    listed = [ANALYSES[name] for name in sorted(ANALYSES)[:limit]]
    return {
        "processes": [process_summary(analysis, who.base) for analysis in listed],
        "links": [{"rel": "self", "type": "application/json", "href": f"{who.base}/processes"}],
    }


@router.get("/processes/{process}", summary="One analysis")
async def one_process(process: str, who: Who) -> dict[str, Any]:
    """An analysis with its inputs and outputs."""
    return process_description(_analysis(process), who.base)


@router.post("/processes/{process}/execution", summary="Run an analysis")
async def execute(process: str, body: Execution, request: Request, who: Who, f: Wanted = "json") -> Response:
    """Run at once, or with ``Prefer: respond-async`` as a job; long ones always run as jobs."""
    analysis = _analysis(process)
    _check_outputs(body)
    inputs = plain_inputs(body.inputs)
    prefers = ASYNC in request.headers.get("prefer", "")
    if prefers or analysis.long:
        job = await run_later(who, analysis, inputs)
        async with who.state.database.writing(who.request_id) as connection:
            status = job_status(await jobs.the_job(connection, job), who.base)
        headers = {"location": f"{who.base}/jobs/{job}"} | ({"preference-applied": ASYNC} if prefers else {})
        return JSONResponse(status, 201, headers)
    async with Readiness(f, who.state.sheet_pool):
        answer = await run_now(who, analysis, inputs)
    return await rendered(plain_document(answer), process, inputs, f, who, _wanted(body))


@router.get("/jobs", summary="The caller's jobs")
async def list_jobs(who: Who) -> dict[str, Any]:
    """The newest jobs, newest first; an administrator sees everybody's."""
    async with who.state.database.writing(who.request_id) as connection:
        found = await jobs.jobs_of(connection, _author(who))
    return {
        "jobs": [job_status(job, who.base) for job in found],
        "links": [{"rel": "self", "type": "application/json", "href": f"{who.base}/jobs"}],
    }


@router.get("/jobs/{job}", summary="One job")
async def one_job(job: str, who: Who) -> dict[str, Any]:
    """How far a job is."""
    async with who.state.database.writing(who.request_id) as connection:
        return job_status(await _job(connection, job, who), who.base)


@router.get("/jobs/{job}/results", summary="Results of a job")
async def results(job: str, who: Who, f: Wanted = "json") -> Response:
    """What a successful job found."""
    async with who.state.database.writing(who.request_id) as connection:
        found = await _job(connection, job, who, with_answer=True)
    if found.status == "failed":
        raise BadRequest(f"the job failed: {found.message}", where="job", remedy="correct the inputs and run it again")
    if found.answer is None:
        raise NoResultsYet(
            f"the job has no results: it is {found.status}", where="job", remedy=f"watch {who.base}/jobs/{job}"
        )
    return await rendered(dict(found.answer), found.process, dict(found.inputs), f, who, None)


@router.delete("/jobs/{job}", summary="Dismiss a job")
async def dismiss(job: str, who: Who) -> dict[str, Any]:
    """End a job that is on its way; a job that has ended is removed with its results."""
    async with who.state.database.writing(who.request_id) as connection:
        found = await _job(connection, job, who)
        await jobs.dismiss_job(connection, found)
    return {**job_status(found, who.base), "status": "dismissed", "links": []}


def _analysis(process: str) -> Analysis[Any]:
    try:
        return the_analysis(process)
    except NotFound as error:
        raise NoSuchProcess(error.what, where=error.where, remedy=error.remedy) from error


async def _job(connection: AsyncConnection, job: str, who: Caller, *, with_answer: bool = False) -> AnalysisJob:
    try:
        return await jobs.the_job(connection, job, _author(who), with_answer=with_answer)
    except NotFound as error:
        raise NoSuchJob(error.what, where=error.where, remedy=error.remedy) from error


def _author(who: Caller) -> str | None:
    author = author_of(who.principal)
    return None if may(who.principal, Operation.ADMINISTER) else author


def _check_outputs(body: Execution) -> None:
    unknown = sorted(set(body.outputs or ()) - set(OUTPUTS))
    if unknown:
        raise BadRequest(
            f"there is no output {unknown[0][:60]!r}", where="outputs", remedy=f"there are {', '.join(OUTPUTS)}"
        )


def _wanted(body: Execution) -> set[str] | None:
    return set(body.outputs) if body.outputs else None


async def rendered(
    document: dict[str, Any], process: str, inputs: dict[str, Any], form: Form, who: Caller, wanted: set[str] | None
) -> Response:
    """An answer in the form asked for, as a file where it is one."""
    if form == "json":
        chosen = document if wanted is None else {name: document[name] for name in OUTPUTS if name in wanted}
        return Response(orjson.dumps(chosen), media_type="application/json")
    run = await told_run(who, process, inputs, document, with_picture=form in PICTURED)
    content = await asyncio.to_thread(render, run, form)
    headers = {} if form == "geojson" else {"content-disposition": f'attachment; filename="{process}.{form}"'}
    return Response(content, media_type=MEDIA_TYPES[form], headers=headers)


async def told_run(
    who: Caller, process: str, inputs: dict[str, Any], document: dict[str, Any], *, with_picture: bool
) -> Run:
    """An answer with what its documents need beside it: the red line that was meant, and the text of the rules."""
    rules = document["rules"]
    red_line, text = None, ""
    async with who.state.database.writing(who.request_id) as connection:
        if isinstance(inputs.get("area"), str):
            found = await the_redline(connection, inputs["area"], _author(who))
            red_line = red_line_document(found)
        if rules:
            text = (await the_rules(connection, rules["name"], rules["number"])).text
    picture = await report_picture(who, process, document) if with_picture else None
    return Run(process, inputs, document, red_line, picture, text)
