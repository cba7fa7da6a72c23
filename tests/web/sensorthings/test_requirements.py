"""The requirements of OGC 18-088 one by one: each that the service claims has a test whose id is its own."""

from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest
from clauses.standard import CHECKS, REQUIREMENTS, required_by
from clones import Clones
from entities import Service, hour, station
from serving import serving

from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import load_catalog
from web.sensorthings.conformance import service_root

PARTS = [f"clauses.{name}" for name in ("datamodel", "reading", "writing")]
pytest.register_assert_rewrite(*PARTS)
for part in PARTS:
    import_module(part)
GUIDE = Path(__file__).parents[3] / "docs" / "sensorthings.md"


@pytest.fixture(scope="module")
async def network(clones: Clones, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """Three stations, as a technician sees them; all checks work on the same database."""
    with clones.made() as logins:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        folder = FileStore(tmp_path_factory.mktemp("files"))
        async with serving(database, load_catalog(), folder) as served:
            service = Service(served.technician)
            await service.make("Things", station("甲", [hour(number) for number in range(6)]))
            later = [hour(number, number * 10) | {"resultTime": "2026-03-01T09:00:00Z"} for number in range(3)]
            await service.make("Things", station("乙", later))
            await service.make("Things", station("丙", [hour(0)]))
            yield service


@pytest.mark.parametrize("requirement", sorted(CHECKS))
async def test_requirement(network: Service, requirement: str) -> None:
    await CHECKS[requirement](network)


def test_what_is_claimed_is_what_is_tested() -> None:
    claims = service_root("")["serverSettings"]["conformance"]
    assert set().union(*(required_by(claim) for claim in claims)) == CHECKS.keys()


def test_what_is_not_met_is_not_claimed_and_the_guide_says_so() -> None:
    missing = REQUIREMENTS - CHECKS.keys()
    guide = GUIDE.read_text("utf-8")
    assert {name for name in missing if name.startswith(("multi-datastream/", "receive-updates-via-mqtt/"))}
    assert [name for name in sorted(missing) if f"`{name}`" not in guide] == []
