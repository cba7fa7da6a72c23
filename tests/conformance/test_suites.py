"""The OGC's own test suites against a server with layers of the sample: none fails but those known.

With ``CIM_CONFORMANCE_REPORTS`` set to a folder, what was found is written there as pages of Markdown.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from conformance.between import go_between
from conformance.environment import FEATURES, SENSORTHINGS, SUITES, TILES, WMS, WMTS, Suite, SuiteAbsent
from conformance.reports import Outcome, failures, page
from conformance.runner import TIME_LIMIT_S, run_suite
from entities import ROOT, hour, station
from sample_server import sample_server

from cim.store import identities
from cim.store.database import Database
from cim.store.deployment import DatabaseUrls
from cim.store.files import FileStore

LAYERS = ("schools.csv", "water.gpkg")
TILE_SET = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
NOT_ASKED = ("basic", "queryable", "raster_elevation", "vector_elevation", "time", "recommended")
"""Of WMS: what needs the OGC's own data set, and what is no requirement."""
KNOWN = {
    FEATURES.id: {"verifyBboxCrsParameter EPSG/0/4490"},
    WMTS.id: {
        "Server.KVP.GET.GetTile.Valid.Tile.Transparency",
        "Server.RESTful.GetTile.Valid.Tile.Transparency",
    },
    SENSORTHINGS.id: {"checkQueriesPriorityOrdering"},
}
"""Failures that are the suite's own, each explained in docs/conformance/README.md."""
NOTES = {
    FEATURES.id: "Two collections, conformance classes core, oas30, geojson and CRS by reference.",
    TILES.id: "Tiles of the layer `water` at zoom 10.",
    WMS.id: "Without the parts that need the OGC's own data set in the server, and without recommendations.",
    WMTS.id: "With parameters in the query and in the path, GetFeatureInfo too.",
    SENSORTHINGS.id: "All three conformance levels, through the proxy that README.md tells of.",
}
AGAINST = {SENSORTHINGS.id: "a sensing network of two stations"}


@pytest.fixture
async def address(urls: DatabaseUrls, files: FileStore) -> AsyncIterator[str]:
    async with sample_server(urls, files, LAYERS) as found:
        yield found


def arguments(suite: Suite, address: str) -> dict[str, str]:
    tiles = f"{address}/collections/water/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    choices = {
        FEATURES.id: {"iut": address, "noofcollections": "2"},
        TILES.id: {
            "iut": address,
            "tilematrixsetdefinitionuri": TILE_SET,
            "urltemplatefortiles": tiles,
            "tilematrix": "10",
            "mintilerow": "418",
            "maxtilerow": "419",
            "mintilecol": "807",
            "maxtilecol": "808",
        },
        WMS.id: {
            "capabilities-url": f"{address}/wms?SERVICE=WMS&REQUEST=GetCapabilities&VERSION=1.3.0",
            "updatesequence": "auto",
            "high-updatesequence": "",
            "low-updatesequence": "",
            **dict.fromkeys(NOT_ASKED, ""),
        },
        WMTS.id: {
            "capabilities-url": f"{address}/wmts?SERVICE=WMTS&REQUEST=GetCapabilities&VERSION=1.0.0",
            "fail-early": "off",
            **{f"include-{part}-tests": "on" for part in _WMTS_PARTS},
            "include-kvp-get-encoding": "on",
            "include-restful-encoding": "on",
        },
    }
    return choices[suite.id]


_WMTS_PARTS = ("CommonOperations", "GetCapabilities", "GetTile", "GetFeatureInfo")


def keep(suite: Suite, outcomes: list[Outcome]) -> None:
    folder = os.environ.get("CIM_CONFORMANCE_REPORTS")
    if folder:
        day = datetime.now(UTC).date().isoformat()
        run = f"{day} against {AGAINST.get(suite.id, 'layers of the sample city')}"
        text = page(suite.title, suite.version, run, outcomes, NOTES[suite.id])
        (Path(folder) / f"{suite.id}.md").write_text(text, "utf-8")


@pytest.mark.slow
@pytest.mark.timeout(TIME_LIMIT_S + 120)
@pytest.mark.parametrize("suite", SUITES, ids=[suite.id for suite in SUITES])
async def test_suite_of_the_ogc(suite: Suite, address: str, tmp_path: Path) -> None:
    await passes(suite, arguments(suite, address), tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(TIME_LIMIT_S + 120)
async def test_suite_of_sensorthings(urls: DatabaseUrls, files: FileStore, tmp_path: Path) -> None:
    """It writes and deletes whatever it finds, so it has a server to itself."""
    database = Database(urls.reader_url, urls.writer_url)
    async with database.writing() as connection:
        _, key = await identities.create_key(connection, "administrator")
    await database.close()
    async with sample_server(urls, files, ()) as server, go_between(server, key) as address:
        async with httpx.AsyncClient(base_url=address) as client:
            for name in "甲乙":
                seen = [hour(number) | {"resultTime": "2026-03-02T00:00:00Z"} for number in range(3)]
                assert (await client.post(f"{ROOT}/Things", json=station(name, seen))).status_code == 201
        await passes(SENSORTHINGS, {"iut": f"{address}{ROOT}", "ics": "3"}, tmp_path)


async def passes(suite: Suite, given: dict[str, str], folder: Path) -> None:
    """Run a suite; none fails but those known."""
    try:
        outcomes = await asyncio.to_thread(run_suite, suite, given, folder)
    except SuiteAbsent as absent:
        pytest.skip(f"{suite.title} was not run: {absent}")
    keep(suite, outcomes)
    assert [outcome for outcome in outcomes if outcome.verdict == "passed"]
    assert [each for each in failures(outcomes) if each.name not in KNOWN.get(suite.id, ())] == []
