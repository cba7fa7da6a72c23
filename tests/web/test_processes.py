"""Analyses over the web as OGC API Processes has them: described, run at once or as jobs, ended, taken up again."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from serving import Served
from step_analysis import step_analysis

from cim.analysis.registry import ANALYSES
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore
from layers.catalog import Catalog
from web.queue import IMPORT, put
from web.worker import Worker

PROJECT = Path(__file__).parents[2]
RING = [[103.95, 30.98], [103.951, 30.98], [103.951, 30.981], [103.95, 30.981], [103.95, 30.98]]
AREA = {"type": "Polygon", "coordinates": [RING]}
RUN = "/processes/steps/execution"
LATER = {"Prefer": "respond-async"}
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
WORKER = (
    "import asyncio, sys; from pathlib import Path; from step_analysis import step_analysis;"
    "from cim.analysis.registry import ANALYSES; from cim.store.database import Database;"
    "from cim.store.files import FileStore; from layers.catalog import Catalog; from web.worker import Worker;"
    "ANALYSES['steps'] = step_analysis(); r, w, f = sys.argv[1:];"
    "asyncio.run(Worker(Database(r, w), Catalog({}, (), {}, {}), FileStore(Path(f))).run(wait=False))"
)


@pytest.fixture(autouse=True)
def steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The analysis of tests among the others."""
    monkeypatch.setitem(ANALYSES, "steps", step_analysis())


@pytest.fixture
async def working(served: Served, catalog: Catalog, files: FileStore) -> AsyncIterator[Worker]:
    """A worker that works until the test is over."""
    worker = Worker(served.database, catalog, files)
    over = asyncio.Event()

    async def work() -> None:
        waiting = sa.text("SELECT count(*) FROM cim.analysis_job WHERE status = 'accepted'")
        while not over.is_set():
            async with served.database.writing() as connection:
                count = await connection.scalar(waiting)
            if count:
                await worker.run(wait=False)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(work())
    yield worker
    over.set()
    await task


async def later(client: httpx.AsyncClient, **inputs: Any) -> dict[str, Any]:
    answer = await client.post(RUN, json={"inputs": {"area": AREA, **inputs}}, headers=LATER)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def until(client: httpx.AsyncClient, job: str, *wanted: str) -> dict[str, Any]:
    for _ in range(600):
        status: dict[str, Any] = (await client.get(f"/jobs/{job}")).json()
        if status["status"] in wanted:
            return status
        await asyncio.sleep(0.02)
    raise AssertionError(status)


async def test_the_server_says_that_it_has_processes(served: Served) -> None:
    classes = (await served.anonymous.get("/conformance")).json()["conformsTo"]
    for name in ("core", "ogc-process-description", "json", "oas30", "dismiss"):
        assert f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{name}" in classes
    links = {link["rel"]: link["href"] for link in (await served.anonymous.get("/")).json()["links"]}
    assert links["http://www.opengis.net/def/rel/ogc/1.0/processes"].endswith("/processes")
    assert links["http://www.opengis.net/def/rel/ogc/1.0/job-list"].endswith("/jobs")


async def test_processes_are_listed_and_described(served: Served) -> None:
    listed = (await served.anonymous.get("/processes")).json()
    assert {"compliance-review", "steps"} <= {one["id"] for one in listed["processes"]}
    assert all(
        {"id", "version", "jobControlOptions", "outputTransmission"} <= one.keys() for one in listed["processes"]
    )
    assert len((await served.anonymous.get("/processes?limit=1")).json()["processes"]) == 1
    assert (await served.anonymous.get("/processes?limit=0")).status_code == 400
    described = (await served.anonymous.get("/processes/steps")).json()
    assert described["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    area, steps = described["inputs"]["area"], described["inputs"]["steps"]
    assert (area["minOccurs"], area["schema"]["x-cim-input"]) == (1, "area")
    assert (steps["minOccurs"], steps["schema"]["type"], steps["schema"]["maximum"]) == (0, "integer", 10_000)
    assert all({"title", "schema"} <= one.keys() for one in described["outputs"].values())
    assert "http://www.opengis.net/def/rel/ogc/1.0/execute" in {link["rel"] for link in described["links"]}


async def test_an_analysis_runs_at_once(served: Served) -> None:
    plain = await served.anonymous.post(RUN, json={"inputs": {"area": AREA, "day": "2026-01-31"}})
    assert plain.status_code == 200, plain.text
    document = plain.json()
    assert document["summary"]["area_m2"] == pytest.approx(10_586, rel=1e-2)
    assert document["tables"][0]["rows"] == [{"day": "2026-01-31"}]
    qualified = {"inputs": {"area": {"value": AREA, "mediaType": "application/geo+json"}}, "outputs": {"summary": {}}}
    chosen = await served.anonymous.post(RUN, json=qualified)
    assert chosen.json() == {"summary": document["summary"]}
    shapes = await served.anonymous.post(f"{RUN}?f=geojson", json={"inputs": {"area": AREA}})
    assert shapes.headers["content-type"].startswith("application/geo+json")
    assert shapes.json()["type"] == "FeatureCollection"


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"inputs": {"area": AREA, "stairs": 3}}, 400, "inputs.stairs"),
    ({"inputs": {"area": AREA, "steps": 0}}, 400, "inputs.steps"),
    ({"inputs": {"area": AREA, "steps": "many"}}, 400, "inputs.steps"),
    ({"inputs": {}}, 400, "inputs.area"),
    ({"inputs": {"area": {"href": "http://example.com/a.json"}}}, 400, "inputs.area"),
    ({"inputs": {"area": {"type": "Polygon", "coordinates": [RING[:4]]}}}, 400, "parcel 1"),
    ({"inputs": {"area": "rl_0"}}, 404, "area"),
    ({"inputs": {"area": AREA}, "outputs": {"gold": {}}}, 400, "outputs"),
    ({"inputs": [1]}, 400, ""),
]


async def test_what_cannot_be_run_is_refused(served: Served) -> None:
    for body, status, where in REFUSED:
        answer = await served.viewer.post(RUN, json=body)
        assert (answer.status_code, where in answer.json()["where"]) == (status, True), answer.text
        if where.startswith("inputs"):
            assert (await served.viewer.post(RUN, json=body, headers=LATER)).status_code == status
    assert (await served.viewer.get("/jobs")).json()["jobs"] == []


async def test_what_is_not_there_has_the_standards_type(served: Served) -> None:
    for call in (served.viewer.get("/processes/gold"), served.viewer.post("/processes/gold/execution", json={})):
        answer = await call
        assert (answer.status_code, answer.json()["type"]) == (404, f"{EXCEPTIONS}/no-such-process")
    for call in (
        served.viewer.get("/jobs/job_0"),
        served.viewer.get("/jobs/job_0/results"),
        served.viewer.delete("/jobs/job_0"),
    ):
        answer = await call
        assert (answer.status_code, answer.json()["type"]) == (404, f"{EXCEPTIONS}/no-such-job")


async def test_a_job_is_accepted_watched_and_read(served: Served, working: Worker) -> None:
    answer = await served.viewer.post(RUN, json={"inputs": {"area": AREA, "steps": 5}}, headers=LATER)
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "respond-async")
    status = answer.json()
    assert answer.headers["location"].endswith(f"/jobs/{status['jobID']}")
    assert (status["type"], status["processID"], status["status"]) == ("process", "steps", "accepted")
    assert "started" not in status
    done = await until(served.viewer, status["jobID"], "successful")
    assert done["progress"] == 100
    assert datetime.fromisoformat(done["created"]) <= datetime.fromisoformat(done["finished"])
    assert f"/jobs/{status['jobID']}/results" in [link["href"].removeprefix("http://test") for link in done["links"]]
    found = (await served.viewer.get(f"/jobs/{status['jobID']}/results")).json()
    assert found["summary"]["steps"] == 5
    assert [job["jobID"] for job in (await served.viewer.get("/jobs")).json()["jobs"]] == [status["jobID"]]
    assert (await served.viewer.delete(f"/jobs/{status['jobID']}")).status_code == 200
    assert (await served.viewer.get(f"/jobs/{status['jobID']}")).status_code == 404


async def test_a_long_analysis_is_always_a_job(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ANALYSES, "steps", step_analysis(long=True))
    assert (await served.viewer.get("/processes/steps")).json()["jobControlOptions"] == ["async-execute", "dismiss"]
    answer = await served.viewer.post(RUN, json={"inputs": {"area": AREA}})
    assert answer.status_code == 201
    assert "preference-applied" not in answer.headers


async def test_jobs_are_their_authors_and_the_administrators(served: Served) -> None:
    job = (await later(served.viewer))["jobID"]
    early = await served.viewer.get(f"/jobs/{job}/results")
    assert (early.status_code, early.json()["type"]) == (404, f"{EXCEPTIONS}/result-not-ready")
    for address in (f"/jobs/{job}", f"/jobs/{job}/results"):
        assert (await served.technician.get(address)).status_code == 404
        assert (await served.anonymous.get(address)).status_code == 401
    assert (await served.technician.delete(f"/jobs/{job}")).status_code == 404
    assert (await served.technician.get("/jobs")).json()["jobs"] == []
    assert (await served.anonymous.get("/jobs")).status_code == 401
    assert (await served.anonymous.post(RUN, json={"inputs": {"area": AREA}}, headers=LATER)).status_code == 401
    assert (await served.administrator.get(f"/jobs/{job}")).json()["status"] == "accepted"


async def test_a_job_that_fails_says_why(served: Served, working: Worker) -> None:
    job = (await later(served.viewer, area={"type": "Polygon", "coordinates": [RING[:4]]}))["jobID"]
    failed = await until(served.viewer, job, "failed")
    assert "parcel 1" in failed["message"]
    assert (await served.viewer.get(f"/jobs/{job}/results")).status_code == 400


async def test_a_job_is_dismissed_before_and_while_it_runs(
    served: Served, working: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.analysts.TELL_EVERY_S", 0.05)
    job = (await later(served.viewer, steps=5_000))["jobID"]
    await until(served.viewer, job, "running")
    ended = await served.viewer.delete(f"/jobs/{job}")
    assert (ended.status_code, ended.json()["status"]) == (200, "dismissed")
    assert (await until(served.viewer, job, "dismissed"))["status"] == "dismissed"
    second = await later(served.viewer, steps=1)
    assert (await until(served.viewer, second["jobID"], "successful"))["progress"] == 100
    async with served.database.writing() as connection:
        waiting = sa.text(
            "SELECT count(*) FROM jobs.procrastinate_jobs WHERE status = 'doing' AND args ->> 'job' = :job"
        )
        for _ in range(100):
            if await connection.scalar(waiting, {"job": job}) == 0:
                break
            await asyncio.sleep(0.05)
        assert await connection.scalar(waiting, {"job": job}) == 0


@pytest.mark.slow
async def test_a_job_is_taken_up_again_after_its_worker_was_killed(
    served: Served, urls: DatabaseUrls, catalog: Catalog, files: FileStore
) -> None:
    job = (await later(served.viewer, steps=100))["jobID"]
    command = [sys.executable, "-c", WORKER, urls.reader_url, urls.writer_url, str(files.root)]
    environment = {**os.environ, "PYTHONPATH": f"{PROJECT}{os.pathsep}{PROJECT / 'tests'}"}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=PROJECT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await until(served.viewer, job, "running")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert (await served.viewer.get(f"/jobs/{job}")).json()["status"] == "running"
    async with served.database.writing() as connection:
        stale = "UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
        await connection.execute(sa.text(stale))
    await Worker(served.database, catalog, files).run(wait=False)
    assert (await served.viewer.get(f"/jobs/{job}/results")).json()["summary"]["steps"] == 100


@pytest.mark.slow
async def test_a_job_whose_place_in_the_queue_is_lost_is_queued_again(
    served: Served, catalog: Catalog, files: FileStore
) -> None:
    job = (await later(served.viewer))["jobID"]
    async with served.database.writing() as connection:
        await connection.execute(sa.text("SET LOCAL search_path = jobs, public"))
        await connection.execute(sa.text("DELETE FROM procrastinate_jobs"))
    await Worker(served.database, catalog, files).run(wait=False)
    assert (await served.viewer.get(f"/jobs/{job}")).json()["status"] == "successful"


async def test_a_long_import_keeps_no_analysis_waiting(
    served: Served, catalog: Catalog, files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def held(_: Worker, upload: str) -> None:
        begun.set()
        await over.wait()

    monkeypatch.setattr(Worker, "import_", held)
    worker = Worker(served.database, catalog, files)
    await put(served.state.queue, IMPORT, "u1")
    job = (await later(served.viewer))["jobID"]
    working = asyncio.create_task(worker.run(wait=False))
    await asyncio.wait_for(begun.wait(), 10)
    await until(served.viewer, job, "successful")
    assert not working.done()
    over.set()
    await working
