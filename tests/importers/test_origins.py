"""Every feature leads back to what made it: the import with source, tools and systems, or the edit and its author."""

import hashlib
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
import sqlalchemy as sa

from cim.model.collection import ImportMode
from cim.store.cluster_logins import Logins
from cim.store.database import Database
from cim.store.lineage import lineage_of_feature
from cim.store.versions import rollback
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import Catalog

EMPTY = Catalog({}, (), {}, {})
ROWS = 3_000
PICKED = 1_000


def lots(numbers: range, height: float) -> geopandas.GeoDataFrame:
    """Squares in Gauss-Krüger metres; a number's square is always at the same place."""
    at = np.array(numbers)
    x, y = 400_000 + at % 60 * 30.0, 3_430_000 + at // 60 * 30.0
    values = {"code": [f"c{n}" for n in at], "height_m": height + at / 10_000}
    return geopandas.GeoDataFrame(values, geometry=shapely.box(x, y, x + 20, y + 20), crs=4544)


class History:
    """Makes versions of ``lots`` and knows for each code which version made its present state."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.made: dict[str, int] = {}
        self.sources: dict[int, tuple[str, str, str]] = {}
        self.states: dict[int, dict[str, int]] = {0: {}}
        self._database, self._folder = database, folder

    @property
    def newest(self) -> int:
        return max(self.states)

    async def deliver(self, author: str, numbers: range, height: float, mode: ImportMode, crs: int) -> None:
        path = self._folder / f"delivery_{self.newest + 1}.gpkg"
        frame = lots(numbers, height)
        frame.set_crs(crs, allow_override=True).to_file(path) if crs == 4544 else frame.to_crs(crs).to_file(path)
        options = ReadOptions(trust_file=True)
        request = ImportRequest(path, author, "technician", "lots", mode, "code", options=options)
        (report,) = await import_file(self._database, EMPTY, request)
        assert (report.status, report.version) == ("published", self.newest + 1), report
        number = self.newest + 1
        self.sources[number] = (author, hashlib.sha256(path.read_bytes()).hexdigest(), f"EPSG:{crs}")
        gone = set(self.made) - {f"c{n}" for n in numbers} if mode is ImportMode.REPLACE else set()
        self.keep(
            {code: made for code, made in self.made.items() if code not in gone} | {f"c{n}": number for n in numbers}
        )

    def keep(self, made: dict[str, int]) -> None:
        self.made = made
        self.states[self.newest + 1] = dict(made)


def psql(logins: Logins, script: str) -> None:
    """An edit by the ordinary client, as the login that edits."""
    address = f"host={logins.socket_dir} port={logins.port} dbname={logins.database} user=cim_writer"
    command = ["psql", "-v", "ON_ERROR_STOP=1", "-q", "-c", script, address]
    environment = {"PATH": "/usr/bin:/bin", "PGPASSWORD": logins.passwords["cim_writer"]}
    subprocess.run(command, check=True, env=environment, capture_output=True)


async def made_history(database: Database, logins: Logins, folder: Path) -> History:
    """Three deliveries of three authors in two systems, an edit by psql, a rollback, and another edit."""
    story = History(database, folder)
    await story.deliver("王工", range(ROWS), 10.0, ImportMode.REPLACE, 4544)
    await story.deliver("李工", range(1_000), 20.0, ImportMode.UPSERT, 4544)
    psql(
        logins,
        "BEGIN; UPDATE city.lots SET height_m = 99 WHERE code IN (SELECT 'c' || n FROM generate_series(800, 1199) n);"
        " INSERT INTO city.lots (code, height_m, geom)"
        " SELECT 'x' || n, n, geom FROM city.lots, generate_series(1, 50) n WHERE code = 'c7'; COMMIT",
    )
    edited = [f"c{n}" for n in range(800, 1_200)] + [f"x{n}" for n in range(1, 51)]
    story.keep(story.made | dict.fromkeys(edited, 3))
    await story.deliver("赵工", range(1_100, 1_600), 30.0, ImportMode.UPSERT, 4544)
    async with database.writing() as connection:
        back = await rollback(connection, "lots", 3, author="陈工")
    assert back is not None
    restored = [code for code, made in story.made.items() if made == 4]
    story.keep(story.made | dict.fromkeys(restored, 5))
    psql(logins, "UPDATE city.lots SET height_m = 7 WHERE code IN ('c1', 'c1300', 'x3')")
    story.keep(story.made | dict.fromkeys(["c1", "c1300", "x3"], 6))
    return story


def check_import(step: dict[str, Any], source: tuple[str, str, str]) -> None:
    """A step that names its file, hash, author, tools, and the systems it came from and went to."""
    author, digest, crs = source
    run = step["import"]
    assert (step["origin"], step["author"], run["author"]) == ("import", author, author)
    assert (run["source_sha256"], run["driver"]) == (digest, "GPKG")
    assert run["source_name"] == f"delivery_{step['version']}.gpkg"
    lineage = run["lineage"]
    assert (lineage["crs_in"], lineage["crs_out"]) == (crs, "EPSG:4544")
    assert lineage["tools"]["PROJ"] == pyproj.proj_version_str
    assert set(lineage["tools"]) >= {"pyproj", "PROJ", "GEOS"}
    assert run["options"]["key"] == "code"


@pytest.mark.parametrize("picked", [100, pytest.param(PICKED, marks=pytest.mark.slow)])
async def test_features_at_random_lead_back_to_what_made_them(
    database: Database, logins: Logins, tmp_path: Path, figures: Callable[..., None], picked: int
) -> None:
    """Goal D4."""
    story = await made_history(database, logins, tmp_path)
    async with database.writing() as connection:
        fids = {row.code: row.fid for row in await connection.execute(sa.text("SELECT fid, code FROM city.lots"))}
        assert set(fids) == set(story.made)
        codes = random.Random(6).sample(sorted(fids), picked)
        codes += [code for code in ("c1", "c1300", "c900", "x3", "x9") if code not in codes]
        origins: Counter[str] = Counter()
        for code in codes:
            steps = await lineage_of_feature(connection, "lots", fids[code])
            assert steps[0]["version"] == story.made[code], code
            if steps[0]["origin"] == "rollback":
                assert (steps[0]["author"], steps[0]["import"]) == ("陈工", None)
                assert steps[1]["version"] == story.states[3][code], code
            last = steps[-1]
            if last["origin"] == "import":
                check_import(last, story.sources[last["version"]])
            else:
                assert (last["origin"], last["author"]) == ("edit", "cim_writer")
            origins[" < ".join(step["origin"] for step in steps)] += 1
    figures("D4", picked=len(codes), resolved=sum(origins.values()), origins=origins)
    assert {"import", "edit", "rollback < import", "rollback < edit"} <= set(origins)
