"""Imports killed at chosen and at random moments leave the version before or the version after, and nothing else."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import psycopg
import pytest
import shapely

from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins

ROWS = 60_000
CHECKSUM = """SELECT count(*) || ':' || coalesce(md5(string_agg(md5(row(code, height_m, ST_AsBinary(geom))::text), ''
    ORDER BY code)), '') FROM city.lots"""
PHASES = {
    "copy": "query LIKE 'COPY%' AND state = 'active'",
    "publish": "state = 'active' AND (query LIKE '%INSERT INTO \"history\"%' OR query LIKE '%UPDATE \"history\"%'"
    " OR query LIKE 'CREATE INDEX%' OR query LIKE '%ANALYZE%')",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that the postgres account can reach, with two deliveries of one layer."""
    made = Path("/tmp") / f"cimk-{os.getpid()}"
    made.mkdir(mode=0o755)
    frame = deliverable()
    frame.to_file(made / "old.gpkg")
    frame["height_m"] += 1
    frame.to_file(made / "new.gpkg")
    yield made
    subprocess.run(["rm", "-rf", str(made)], check=False)


def deliverable() -> geopandas.GeoDataFrame:
    """Footprints with a code and a height: the county's buildings where ``CIM_COUNTY`` names its folder, else boxes."""
    county = os.environ.get("CIM_COUNTY")
    if county:
        frame = geopandas.read_file(Path(county) / "buildings.gpkg", columns=["building_code", "height_m"])
        return frame.assign(code=[f"c{n:06d}" for n in range(len(frame))])[["code", "height_m", "geometry"]]
    rng = np.random.default_rng(3)
    x, y = rng.uniform(103.7, 104.1, ROWS), rng.uniform(30.9, 31.2, ROWS)
    codes = [f"c{n:06d}" for n in range(ROWS)]
    return geopandas.GeoDataFrame(
        {"code": codes, "height_m": rng.uniform(3, 60, ROWS)}, geometry=shapely.box(x, y, x + 1e-4, y + 1e-4), crs=4490
    )


def command(folder: Path, file: str) -> list[str]:
    program = "from web.cli.main import main; main()"
    words = ["import", str(folder / file), "--layer", "lots", "--key", "code", "--data", str(folder / "d")]
    return [sys.executable, "-c", program, *words, "--json", "--trust-file"]


def load(folder: Path, file: str) -> dict[str, object]:
    done = subprocess.run(command(folder, file), capture_output=True, text=True, check=False)
    report: dict[str, object] = json.loads(done.stdout)
    return report


def value(logins: Logins, query: str) -> object:
    with logins.connect_admin() as admin:
        row = admin.execute(psycopg.sql.SQL(query)).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def kill_in(folder: Path, logins: Logins, phase: str, wait_s: float) -> bool:
    """Start an import and kill its process group in a phase, or after a wait; whether it was killed there."""
    process = subprocess.Popen(
        command(folder, "new.gpkg"), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    hit = False
    try:
        if phase == "random":
            time.sleep(wait_s)
            hit = process.poll() is None
        else:
            query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'cim_writer' AND {PHASES[phase]}"
            with logins.connect_admin() as admin:
                while process.poll() is None and not hit:
                    row = admin.execute(query.encode()).fetchone()
                    hit = bool(row and row[0])
            time.sleep(random.uniform(0, 0.05))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return hit


def leftovers(logins: Logins) -> dict[str, object]:
    """Tables in staging, locks and sessions of the killed import, once the database has noticed."""
    for _ in range(100):
        found = {
            "staging": value(logins, "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'"),
            "locks": value(logins, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"),
            "sessions": value(logins, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cim_writer'"),
        }
        if not any(found.values()):
            break
        time.sleep(0.1)
    return found


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_killed_imports_leave_one_of_two_versions(folder: Path) -> None:
    rng = random.Random(11)
    with Cluster(folder / "d") as logins:
        assert load(folder, "old.gpkg")["status"] == "published"
        old = value(logins, CHECKSUM)
        assert load(folder, "new.gpkg")["status"] == "published"
        new = value(logins, CHECKSUM)
        assert load(folder, "old.gpkg")["status"] == "published"
        hits = {"copy": 0, "publish": 0, "random": 0}
        for phase in ["copy"] * 4 + ["publish"] * 4 + ["random"] * 4:
            hits[phase] += kill_in(folder, logins, phase, rng.uniform(0.5, 4.0))
            assert leftovers(logins) == {"staging": 0, "locks": 0, "sessions": 0}
            seen = value(logins, CHECKSUM)
            assert seen in {old, new}, phase
            if seen == new:
                assert load(folder, "old.gpkg")["status"] == "published"
        assert hits["copy"] >= 3
        assert hits["publish"] >= 3
        assert load(folder, "new.gpkg")["status"] == "published"
        assert value(logins, CHECKSUM) == new
        running = value(logins, "SELECT count(*) FROM cim.import_run WHERE status = 'running'")
        assert running == 0
        print(
            json.dumps(
                {"id": "F1", "kills": hits, "rows": value(logins, "SELECT count(*) FROM city.lots"), "pass": True}
            )
        )
