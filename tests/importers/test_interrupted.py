"""Imports killed at chosen and at random moments leave the version before or the version after, and nothing else."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas
import numpy as np
import psycopg
import pytest
import rasterio
import shapely

from benchmarks import city_models, generated_ifc
from cim.store.cluster import Cluster
from cim.store.cluster_logins import Logins
from cim.store.files import PARTIAL, FileStore
from cim.store.held_folders import held_folder, sweep_folders
from importers.sandbox import JOB

ROWS = 60_000
SIDE = 2_200
KILLS = 30
MODEL_MB, HOUSES = 2.0, 6_000
LEAST_HITS = 3
NOTICED_AFTER_S = 60
DOING = "SELECT concat_ws(' ', state, wait_event, query) FROM pg_stat_activity WHERE usename = 'cim_writer'"
FAST_DISK = Path("/dev/shm")
RECORDING = (
    "state <> 'idle' AND (query LIKE '%\"history\"%' OR query LIKE '%cim.version%' OR query LIKE 'CREATE INDEX%'"
)
PHASES = {
    "copy": "query LIKE 'COPY%' AND state = 'active'",
    "publish": f"{RECORDING} OR query LIKE '%ANALYZE%')",
    "elements": "state <> 'idle' AND (query LIKE '%bim.element%' OR query LIKE '%staged_element%')",
    "shapes": "state <> 'idle' AND (query LIKE '%city_incoming%' OR query LIKE '%cim.city_shape%')",
}


@dataclass(frozen=True)
class Kind:
    """A kind of delivery: its two files, how it is imported, the SQL of what is visible, and when to kill."""

    old: str
    new: str
    words: tuple[str, ...]
    rows: str
    phases: tuple[str, ...]


KINDS = {
    "vector": Kind(
        "old.gpkg",
        "new.gpkg",
        ("--layer", "lots", "--key", "code"),
        "SELECT md5(row(code, height_m, ST_AsBinary(geom))::text) FROM city.lots ORDER BY code",
        ("copy",) * 10 + ("publish",) * 10 + ("random",) * 10,
    ),
    "raster": Kind(
        "old/dem.tif",
        "new/dem.tif",
        ("--layer", "dem"),
        "SELECT file FROM city.dem ORDER BY image",
        ("cog",) * 6 + ("file",) * 7 + ("copy",) * 6 + ("publish",) * 6 + ("random",) * 5,
    ),
    "model": Kind(
        "old.ifc",
        "new.ifc",
        ("--layer", "tower"),
        "SELECT md5(row(e.global_id, e.source_hash, e.properties, e.outline, m.body)::text) FROM bim.element e"
        " LEFT JOIN bim.mesh m ON m.model = e.model AND m.hash = e.mesh"
        " WHERE e.model = 'tower' AND e.valid_to_version IS NULL ORDER BY e.global_id",
        ("elements",) * 15 + ("random",) * 15,
    ),
    "city": Kind(
        "old.city.json",
        "new.city.json",
        ("--layer", "block", "--height-datum", "1985"),
        "SELECT md5(row(b.*, s.body)::text) FROM city.block b"
        " LEFT JOIN cim.city_shape s ON s.layer = 'block' AND encode(s.hash, 'hex') = b.shape ORDER BY b.object_id",
        ("copy",) * 8 + ("shapes",) * 7 + ("publish",) * 8 + ("random",) * 7,
    ),
}
FIRST_KILLS, FIRST_S = 5, 6.0
"""Kills of the very first import of a model, after which there is none, or the whole."""


@dataclass(frozen=True)
class Place:
    """Where one test works: its deliveries, its data folder, and the folder for passing files on another disk."""

    folder: Path
    passing: Path

    @property
    def data(self) -> Path:
        return self.folder / "d"

    @property
    def rasters(self) -> Path:
        return self.data / "files" / "rasters"

    def half_written(self) -> list[str]:
        """Passing files and job folders."""
        found = [*self.rasters.glob(f"{PARTIAL}*"), *self.passing.glob(f"{JOB}*")]
        return sorted(path.name for path in found)


@pytest.fixture
def place() -> Iterator[Place]:
    """Folders that the postgres account can reach, with two deliveries of each layer.

    Passing files lie on another disk, so that an image is copied into the store and not only renamed.
    """
    folder = Path(tempfile.mkdtemp(prefix="cimk-", dir="/tmp"))
    passing = Path(tempfile.mkdtemp(prefix="cimk-passing-", dir=FAST_DISK if FAST_DISK.is_dir() else "/tmp"))
    for path in (folder, passing):
        path.chmod(0o755)
    yield Place(folder, passing)
    for path in (folder, passing):
        shutil.rmtree(path, ignore_errors=True)


def deliver_lots(folder: Path) -> None:
    """Footprints with a code and a height: the county's buildings where ``CIM_COUNTY`` names its folder, else boxes."""
    county = os.environ.get("CIM_COUNTY")
    if county:
        frame = geopandas.read_file(Path(county) / "buildings.gpkg", columns=["building_code", "height_m"])
        frame = frame.assign(code=[f"c{n:06d}" for n in range(len(frame))])[["code", "height_m", "geometry"]]
    else:
        rng = np.random.default_rng(3)
        x, y = rng.uniform(103.7, 104.1, ROWS), rng.uniform(30.9, 31.2, ROWS)
        values = {"code": [f"c{n:06d}" for n in range(ROWS)], "height_m": rng.uniform(3, 60, ROWS)}
        frame = geopandas.GeoDataFrame(values, geometry=shapely.box(x, y, x + 1e-4, y + 1e-4), crs=4490)
    frame.to_file(folder / "old.gpkg")
    frame.assign(height_m=frame["height_m"] + 1).to_file(folder / "new.gpkg")


def deliver_heights(folder: Path) -> None:
    """Two models of heights of the same place."""
    for seed, name in enumerate(("old", "new")):
        (folder / name).mkdir()
        heights = np.random.default_rng(seed).normal(600, 30, (1, SIDE, SIDE)).astype("float32")
        profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 1, "dtype": "float32"}
        transform = rasterio.Affine(2, 0, 400_000, 0, -2, 3_430_000)
        with rasterio.open(folder / name / "dem.tif", "w", crs=4544, transform=transform, **profile) as dataset:
            dataset.write(heights)


def deliver_models(folder: Path) -> None:
    """An office building, and the same with every tenth element changed."""
    for name, share in (("old", 0.0), ("new", 0.1)):
        generated_ifc.write(folder / f"{name}.ifc", MODEL_MB, share)


def deliver_houses(folder: Path) -> None:
    """Houses with roofs, and more of them a little higher."""
    city_models.written(folder / "old.city.json", HOUSES)
    document = json.loads((folder / "old.city.json").read_text("utf-8"))
    document["transform"]["translate"][2] += 1.0
    (folder / "new.city.json").write_text(json.dumps(document), "utf-8")


DELIVER: dict[str, Callable[[Path], None]] = {
    "vector": deliver_lots,
    "raster": deliver_heights,
    "model": deliver_models,
    "city": deliver_houses,
}


def start(place: Place, kind: Kind, file: str, output: int) -> subprocess.Popen[str]:
    program = "from web.cli.main import main; main()"
    words = ["import", str(place.folder / file), *kind.words, "--data", str(place.data), "--json", "--trust-file"]
    return subprocess.Popen(
        [sys.executable, "-c", program, *words],
        start_new_session=True,
        stdout=output,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(place.passing)},
    )


def load(place: Place, kind: Kind, file: str) -> str:
    """Import a delivery; its status."""
    said, _ = start(place, kind, file, subprocess.PIPE).communicate()
    return str(json.loads(said)["status"])


def values(logins: Logins, query: str) -> list[object]:
    with logins.connect_admin() as admin:
        return [row[0] for row in admin.execute(psycopg.sql.SQL(query))]  # type: ignore[arg-type]


def visible(place: Place, kind: Kind, logins: Logins) -> str:
    """The checksum of all that is visible: the rows, and the whole content of every image they name."""
    digest = hashlib.sha256()
    for value in values(logins, kind.rows):
        digest.update(str(value).encode())
        if kind is KINDS["raster"]:
            digest.update((place.rasters / str(value)).read_bytes())
    return digest.hexdigest()


def is_in(phase: str, place: Place, admin: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether the running import has come to a phase."""
    if phase == "cog":
        return any(place.passing.glob(f"{JOB}*/*/*.tif"))
    if phase == "file":
        return any(place.rasters.glob(f"{PARTIAL}*/*"))
    query = f"SELECT count(*) FROM pg_stat_activity WHERE usename = 'cim_writer' AND {PHASES[phase]}"
    row = admin.execute(query.encode()).fetchone()
    return bool(row and row[0])


def kill_in(place: Place, kind: Kind, logins: Logins, phase: str, wait_s: float) -> bool:
    """Start an import and kill its process group in a phase, or after a wait; whether it was killed there."""
    process = start(place, kind, kind.new, subprocess.DEVNULL)
    hit = False
    try:
        if phase == "random":
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(wait_s)
            hit = process.poll() is None
        else:
            with logins.connect_admin() as admin:
                while process.poll() is None and not hit:
                    hit = is_in(phase, place, admin)
            if kind is KINDS["vector"]:
                time.sleep(random.uniform(0, 0.05))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return hit


def first_killed(place: Place, kind: Kind, logins: Logins, rng: random.Random) -> str:
    """Kill an import into nothing, the first one maybe before there are tables; what there is then."""
    tables = "SELECT to_regclass('bim.element')::text"
    if values(logins, tables) != [None] and values(logins, kind.rows):
        return "there already"
    kill_in(place, kind, logins, "random", rng.uniform(0, FIRST_S))
    leftovers(logins)
    if values(logins, tables) == [None]:
        return "absent"
    count = len(values(logins, kind.rows))
    listed = values(logins, "SELECT feature_count FROM cim.collection WHERE version > 0")
    assert listed in ([], [count]), "a model is there in part"
    return "whole" if count else "absent"


def leftovers(logins: Logins) -> dict[str, object]:
    """Tables in staging, locks and sessions of the killed import, once the database has noticed."""
    questions = {
        "staging": "SELECT count(*) FROM pg_tables WHERE schemaname = 'staging'",
        "locks": "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'",
        "sessions": "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cim_writer'",
    }
    end = time.monotonic() + NOTICED_AFTER_S
    while True:
        found: dict[str, object] = {name: values(logins, question)[0] for name, question in questions.items()}
        if not any(found.values()):
            return found
        if time.monotonic() > end:
            return found | {"doing": values(logins, DOING)}
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("name", KINDS)
def test_killed_imports_leave_one_of_two_versions(place: Place, name: str, figures: Callable[..., None]) -> None:
    """Goal F1. After every kill the next import is made as if nothing had happened."""
    kind, rng = KINDS[name], random.Random(11)
    DELIVER[name](place.folder)
    with Cluster(place.data) as logins:
        first = Counter(first_killed(place, kind, logins, rng) for _ in range(FIRST_KILLS if name == "model" else 0))
        assert load(place, kind, kind.old) == "published"
        old = visible(place, kind, logins)
        began = time.monotonic()
        assert load(place, kind, kind.new) == "published"
        usual_s = time.monotonic() - began
        new = visible(place, kind, logins)
        assert load(place, kind, kind.old) == "published"
        hits: Counter[str] = Counter()
        outcomes: Counter[str] = Counter()
        half_written = 0
        for phase in kind.phases:
            for path in place.rasters.glob("*.tif"):  # so that every image is copied again
                if str(values(logins, kind.rows)[0]) != path.name:
                    path.unlink()
            hits[phase] += kill_in(place, kind, logins, phase, rng.uniform(0, usual_s))
            assert leftovers(logins) == {"staging": 0, "locks": 0, "sessions": 0}
            seen = visible(place, kind, logins)
            assert seen in {old, new}, phase
            outcomes["old" if seen == old else "new"] += 1
            half_written += bool(place.half_written())
            again = load(place, kind, kind.old)
            assert again == ("unchanged" if seen == old else "published"), phase
            assert visible(place, kind, logins) == old
            assert place.half_written() == []
        assert load(place, kind, kind.new) == "published"
        assert visible(place, kind, logins) == new
        assert values(logins, "SELECT count(*) FROM cim.import_run WHERE status = 'running'") == [0]
    figures(
        "F1",
        kind=name,
        first=first,
        kills=len(kind.phases),
        hits=hits,
        seen=outcomes,
        half_written=half_written,
        torn=0,
    )
    assert len(kind.phases) == KILLS
    assert all(hits[phase] >= LEAST_HITS for phase in set(kind.phases) - {"random"}), hits


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_holds_stays(files: FileStore) -> None:
    writer = (
        "import sys, time; from pathlib import Path; from cim.store.files import FileStore\n"
        "with FileStore(Path(sys.argv[1])).writing(Path(sys.argv[1]) / 'rasters' / 'a.tif') as partial:\n"
        "    partial.write_bytes(b'half'); print('written', flush=True); time.sleep(60)"
    )
    rasters = files.root / "rasters"
    process = subprocess.Popen([sys.executable, "-c", writer, str(files.root)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"written\n"
    assert files.sweep() == 0
    assert len(list(rasters.iterdir())) == 1
    process.kill()
    process.wait()
    assert len(list(rasters.iterdir())) == 1
    assert files.sweep() == 1
    assert list(rasters.iterdir()) == []


def test_a_held_folder_is_gone_when_its_block_ends(tmp_path: Path) -> None:
    with held_folder(tmp_path, ".x-") as folder:
        (folder / "a").touch()
        assert sweep_folders(tmp_path.iterdir()) == 0
    assert list(tmp_path.iterdir()) == []
