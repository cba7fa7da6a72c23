"""The command line on a PostGIS that somebody else administers: no superuser, rights given by SQL."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cim.store.cluster_logins import Logins, create_database, drop_database
from cim.store.examining import LEAKPROOF_SQL
from cim.store.migrating import migrate
from web.cli.main import app

VARIABLE = "CIM_DATABASE_URL"
DECLARED = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}


@pytest.fixture
def foreign(cluster_logins: Logins, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logins]:
    """An empty database with the two extensions, named by the environment; its ``&&`` is not marked leakproof."""
    name = f"f_{uuid.uuid4().hex[:12]}"
    with cluster_logins.connect_admin("postgres") as admin:
        create_database(admin, name)
    logins = cluster_logins.for_database(name)
    with logins.connect_admin() as admin:
        admin.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        admin.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    plain = {"": logins.owner_url, "_WRITER": logins.writer_url, "_READER": logins.reader_url}
    for suffix, url in plain.items():
        monkeypatch.setenv(f"{VARIABLE}{suffix}", url.replace("postgresql+psycopg://", "postgresql://"))
    yield logins
    with cluster_logins.connect_admin("postgres") as admin:
        drop_database(admin, name)


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def points(path: Path, *names: str) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"name": name},
            "geometry": {"type": "Point", "coordinates": [103.9 + number / 100, 30.9]},
        }
        for number, name in enumerate(names)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "crs": DECLARED, "features": features}), "utf-8")
    return path


def test_a_layer_lives_its_whole_life_there(foreign: Logins, tmp_path: Path) -> None:
    migrate(foreign.owner_url)
    first, second = points(tmp_path / "wells.geojson", "甲", "乙"), tmp_path / "later" / "wells.geojson"
    second.parent.mkdir()
    points(second, "甲", "丙", "丁")
    for file in (first, second):
        loaded = cim("import", file, "--layer", "wells", "--key", "name", "--trust-file")
        assert loaded.exit_code == 0, loaded.output
    changes = json.loads(cim("diff", "wells", "1", "2", "--json").output)
    assert (changes["added"], changes["removed"]) == (2, 1)
    assert cim("rollback", "wells", "1").exit_code == 0
    history = json.loads(cim("history", "wells", "--json").output)
    assert [version["version"] for version in history] == [3, 2, 1]
    assert cim("publish", "wells", "--to", "anonymous").exit_code == 0


def test_the_doctor_names_the_statement_a_superuser_must_run(foreign: Logins) -> None:
    migrate(foreign.owner_url)
    before = cim("doctor")
    assert "row security: off" in before.output
    assert LEAKPROOF_SQL in before.output
    with foreign.connect_admin() as admin:
        admin.execute(LEAKPROOF_SQL)
    assert "row security: on" in cim("doctor").output


def test_a_missing_login_is_named_with_the_statements_that_make_it(
    foreign: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(f"{VARIABLE}_READER")
    found = cim("doctor")
    assert found.exit_code == 1
    assert f"{VARIABLE}_READER is not set" in found.output
    monkeypatch.setenv(f"{VARIABLE}_READER", foreign.owner_url.replace("cim_owner", "cim_nobody"))
    found = cim("doctor")
    assert "login reader: cannot connect" in found.output
    assert "CREATE ROLE cim_reader LOGIN" in found.output


def test_a_login_of_another_name_is_refused_by_the_doctor(foreign: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{VARIABLE}_READER", foreign.owner_url)
    found = cim("doctor")
    assert found.exit_code == 1
    assert "cim_owner where cim_reader is needed" in found.output
