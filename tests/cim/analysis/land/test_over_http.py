"""The analyses of land records as processes: described, executed, kept in the audit trail."""

from typing import Any

import pytest
import sqlalchemy as sa
from serving import serving

from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import Catalog

NAMES = ("transition-matrix", "enforcement", "idle-land", "land-cycle", "consolidation-balance")


async def test_each_is_described_and_runs_as_it_says(business: Database, shipped: Catalog, files: FileStore) -> None:
    async with serving(business, shipped, files) as served:
        listed = (await served.anonymous.get("/processes")).json()["processes"]
        assert {process["id"] for process in listed} >= set(NAMES)
        for name in NAMES:
            described = (await served.viewer.get(f"/processes/{name}")).json()
            assert described["inputs"]["area"]["minOccurs"] == (0 if name != "compliance-review" else 1)
        inputs: dict[str, dict[str, Any]] = {
            "idle-land": {"on": "2026-11-28"},
            "land-cycle": {"supervision_no": "5101822017B00001"},
            "consolidation-balance": {},
        }
        for name, given in inputs.items():
            answer = await served.technician.post(f"/processes/{name}/execution", json={"inputs": given})
            assert answer.status_code == 200, answer.text
            assert answer.json()["tables"][0]["rows"]
        job = await served.technician.post("/processes/enforcement/execution", json={"inputs": {}})
        assert job.status_code == 201, job.text
        wrong = await served.technician.post("/processes/land-cycle/execution", json={"inputs": {}})
        assert wrong.status_code == 400
        assert "project_code" in wrong.json()["detail"]


async def test_anonymous_callers_learn_nothing_of_land_records(
    business: Database, shipped: Catalog, files: FileStore
) -> None:
    async with serving(business, shipped, files) as served:
        answer = await served.anonymous.post("/processes/idle-land/execution", json={"inputs": {}})
        assert answer.status_code == 400
        assert "510182" not in answer.text


async def test_who_asked_for_idle_land_is_on_record(business: Database, shipped: Catalog, files: FileStore) -> None:
    async with serving(business, shipped, files) as served:
        await served.technician.post("/processes/idle-land/execution", json={"inputs": {"on": "2026-11-28"}})
    async with business.writing("test") as connection:
        found = await connection.scalar(sa.text("SELECT count(*) FROM cim.audit WHERE object = 'idle-land'"))
    assert found >= 1


@pytest.mark.parametrize("name", ["enforcement", "idle-land", "land-cycle"])
async def test_rules_are_kept_in_editions(database: Database, shipped: Catalog, files: FileStore, name: str) -> None:
    async with serving(database, shipped, files) as served:
        text = (await served.technician.get(f"/rules/{name}")).json()["text"]
        kept = await served.administrator.put(
            f"/rules/{name}", json={"text": text + "\n# 本单位核对\n", "note": "核对"}
        )
        assert kept.status_code == 201, kept.text
        refused = await served.administrator.put(f"/rules/{name}", json={"text": text.replace("edition", "edit", 1)})
        assert refused.status_code == 400
