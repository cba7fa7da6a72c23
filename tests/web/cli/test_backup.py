"""A backup restores to an equal city elsewhere; a set that is not whole is refused and changes nothing."""

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cim.errors import CimError, StoreConflict, StoreError
from cim.store import backups
from cim.store.cluster import Cluster
from web.cli.main import app

ONE_MORE = """INSERT INTO cim.region (code, level, name, geom) VALUES
    (gen_random_uuid()::text, 'town', 'x', ST_GeomFromText('MULTIPOLYGON(((0 0,1 0,1 1,0 0)))', 4490))"""


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def points(path: Path, *names: str) -> Path:
    features = [
        {"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Point", "coordinates": [103.9, 30.9]}}
        for name in names
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder the database's account can reach."""
    folder = Path("/tmp") / f"cimb-{tmp_path_factory.getbasetemp().name}-{id(tmp_path_factory) % 10_000}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def city(place: Path) -> Iterator[Cluster]:
    """A cluster with a layer of two versions and a file."""
    with Cluster(place / "city", durable=False) as logins:
        assert logins
        for names in (("甲", "乙"), ("甲", "丙", "丁")):
            file = points(place / "wells.geojson", *names)
            done = cim("import", file, "--key", "name", "--trust-file", "--data", place / "city")
            assert done.exit_code == 0, done.output
        files = place / "city" / "files" / "rasters"
        files.mkdir(parents=True)
        (files / "dem.tif").write_bytes(b"II*\x00" + bytes(1000))
        yield Cluster(place / "city", durable=False)


@pytest.fixture(scope="module")
def whole(city: Cluster, place: Path) -> Path:
    """A finished set."""
    return backups.back_up(city, place / "whole.cimbackup").path


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_set_restores_to_an_equal_city_under_other_passwords(whole: Path, place: Path) -> None:
    target = place / "elsewhere"
    with Cluster(target, durable=False) as logins:
        restored = cim("restore", whole, "--data", target)
        assert restored.exit_code == 0, restored.output
        assert (target / "files" / "rasters" / "dem.tif").read_bytes()[:2] == b"II"
        history = json.loads(cim("history", "wells", "--data", target, "--json").output)
        assert [version["feature_count"] for version in history] == [3, 2]
        assert cim("rollback", "wells", "1", "--data", target).exit_code == 0
        assert "row security: on" in cim("doctor", "--data", target).output
        assert "can only read" in cim("doctor", "--data", target).output
        with pytest.raises(StoreConflict) as refused:
            backups.restore(Cluster(target), whole)
        assert "--replace" in refused.value.remedy
        backups.restore(Cluster(target), whole, replace=True)
        with logins.connect_admin("postgres") as admin:
            names = [row[0] for row in admin.execute("SELECT datname FROM pg_database ORDER BY 1").fetchall()]
        assert names == ["cim", "postgres", "template0", "template1"]


def test_a_set_can_be_checked_alone(whole: Path) -> None:
    done = cim("restore", whole, "--check")
    assert "is whole" in done.output


@pytest.mark.parametrize("fault", ["cut", "flipped", "unfinished"])
def test_a_set_that_is_not_whole_is_refused(whole: Path, place: Path, fault: str) -> None:
    content = bytearray(whole.read_bytes())
    if fault == "cut":
        content = content[: len(content) // 2]
    elif fault == "flipped":
        content[len(content) // 3] ^= 1
    else:
        content = content[: content.rindex(b"manifest.json") - 512]
    spoilt = place / f"{fault}.cimbackup"
    spoilt.write_bytes(content)
    with pytest.raises(StoreError) as refused:
        backups.check(spoilt)
    assert spoilt.name in refused.value.where


def test_what_was_restored_is_compared_and_the_old_database_stays(
    city: Cluster, whole: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = backups.check(whole)
    manifest["tables"]["history.wells"][0] += 1
    monkeypatch.setattr(backups, "check", lambda _: manifest)
    with pytest.raises(StoreError, match="differ") as refused:
        backups.restore(city, whole, replace=True)
    assert refused.value.where == "history.wells"
    assert json.loads(cim("layers", "--data", place / "city", "--json").output)


def test_a_file_that_cannot_be_read_leaves_no_set(city: Cluster, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(backups, "_sha256", unreadable)
    with pytest.raises(StoreError, match="Permission denied"):
        backups.back_up(city, place / "never.cimbackup")
    assert not list(place.glob("*never*"))
    assert not list(place.glob(".*partial"))


def test_a_set_agrees_with_itself_while_somebody_writes(city: Cluster, place: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with city.logins().connect_admin() as admin:
            while not stop.is_set():
                admin.execute(ONE_MORE)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        path = backups.back_up(city, place / "busy.cimbackup").path
    finally:
        stop.set()
        writer.join()
    with Cluster(place / "busy", durable=False):
        backups.restore(Cluster(place / "busy"), path)


def test_two_restores_do_not_meet(city: Cluster, whole: Path) -> None:
    with city.logins().connect_admin("postgres") as admin:
        admin.execute(backups.RESTORE_LOCK.encode())
        with pytest.raises(CimError, match="another restore"):
            backups.restore(city, whole, replace=True)
