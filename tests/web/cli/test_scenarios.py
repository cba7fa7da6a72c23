"""Scenarios at the command line: filled from files, listed, kept by a backup, dropped; the layer stays as it is."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cim.errors import BadRequest, NotFound
from cim.store import backups
from cim.store.cluster import Cluster
from web.cli.main import app


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def wells(path: Path, **depths: float) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"name": name, "depth_m": depth},
            "geometry": {"type": "Point", "coordinates": [103.9, 30.9]},
        }
        for name, depth in depths.items()
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder the database's account can reach."""
    folder = Path("/tmp") / f"cims-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_scenario_from_file_to_backup_and_away(place: Path) -> None:
    data = place / "city"

    def imported(*options: str, **depths: float) -> dict[str, Any]:
        file = wells(place / "wells.geojson", **depths)
        done = cim("import", file, "--key", "name", "--trust-file", "--data", data, "--json", *options)
        assert done.exit_code == 0, done.output
        report: dict[str, Any] = json.loads(done.output)
        return report

    with Cluster(data, durable=False) as logins:
        assert logins
        assert imported(甲=10.0, 乙=20.0)["version"] == 1
        report = imported("--scenario", "方案A", 甲=15.0, 丙=5.0)
        assert (report["status"], report["version"], report["loaded"]) == ("unchanged", None, 2)
        assert "1 added, 1 changed, 0 removed" in report["message"]
        report = imported("--scenario", "方案A", "--mode", "replace", "--dry-run", 甲=15.0)
        assert "dry-run" in report["message"]
        report = imported("--scenario", "方案B", "--mode", "replace", "--over", "1", 甲=15.0)
        assert "0 added, 1 changed, 1 removed" in report["message"]
        assert len(json.loads(cim("history", "wells", "--data", data, "--json").output)) == 1
        for options, error in ((("--over", "1"), BadRequest), (("--scenario", "a/b"), BadRequest)):
            refused = cim("import", place / "wells.geojson", "--trust-file", "--data", data, *options)
            assert isinstance(refused.exception, error)
        told = cim("scenarios", "list", "--data", data).output
        assert "方案A" in told
        assert "version 1" in told
        before = cim("scenarios", "list", "--data", data, "--json").output
        kept = backups.back_up(Cluster(data, durable=False), place / "kept.cimbackup").path
    with Cluster(place / "other", durable=False) as logins:
        assert logins
        assert cim("restore", kept, "--data", place / "other").exit_code == 0
        assert cim("scenarios", "list", "--data", place / "other", "--json").output == before
        assert "dropped" in cim("scenarios", "drop", "方案A", "--data", place / "other").output
        assert isinstance(cim("scenarios", "show", "方案A", "--data", place / "other").exception, NotFound)
        (left,) = json.loads(cim("scenarios", "list", "--data", place / "other", "--json").output)
        assert [layer["removed"] for layer in left["layers"]] == [1]
