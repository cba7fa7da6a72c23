"""cim seed fills the server's tiles on disk; cim export writes archives that open again as layers."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from cim.errors import BadRequest
from cim.store.cluster import Cluster
from web.cli.main import app

COUNT = 400
PROJECT = Path(__file__).resolve().parents[3]


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a public layer of wells."""
    folder = Path("/tmp") / f"cims-{tmp_path_factory.getbasetemp().name}-{id(tmp_path_factory) % 10_000}"
    folder.mkdir(mode=0o755)
    rng = np.random.default_rng(4)
    places = zip(rng.uniform(103.8, 104.1, COUNT).tolist(), rng.uniform(30.9, 31.1, COUNT).tolist(), strict=True)
    features = [
        {"type": "Feature", "properties": {"code": f"w{n}"}, "geometry": {"type": "Point", "coordinates": list(place)}}
        for n, place in enumerate(places)
    ]
    (folder / "wells.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    with Cluster(folder / "city", durable=False):
        done = cim("import", folder / "wells.geojson", "--key", "code", "--trust-file", "--data", folder / "city")
        assert done.exit_code == 0, done.output
        assert cim("publish", "wells", "--to", "anonymous", "--data", folder / "city").exit_code == 0
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mbtiles", "pmtiles"])
def test_an_archive_of_tiles_opens_again_as_a_layer(city: Path, suffix: str) -> None:
    target = city / f"wells.{suffix}"
    told = cim("export", "wells", "--out", target, "--zooms", "8-14", "--json", "--data", city / "city")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout.splitlines()[-1])["tiles"] > 50
    again = cim("export", "wells", "--out", target, "--zooms", "8-14", "--data", city / "city")
    assert isinstance(again.exception, BadRequest)
    assert not target.with_name(f"{target.name}.part").exists()
    back = f"back_{suffix}"
    done = cim("import", target, "--layer", back, "--trust-file", "--json", "--data", city / "city")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report if isinstance(report, dict) else report[0])["loaded"] == COUNT


def seeding(city: Path, *words: str | Path) -> "subprocess.CompletedProcess[str]":
    """``cim`` in a process of its own: started by root it goes on as another account."""
    command = [sys.executable, "-m", "web.cli.main", *(str(word) for word in words), "--data", str(city / "city")]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT, timeout=120)


@pytest.mark.slow
def test_seeded_tiles_are_on_disk_and_a_second_run_finds_them(city: Path) -> None:
    first = seeding(city, "seed", "wells", "--zooms", "10-14")
    assert first.returncode == 0, first.stderr
    kept = {path for path in (city / "city" / "cache" / "tiles").glob("*/*/*") if path.is_file()}
    made = int(first.stdout.split(": ")[1].split(" tiles")[0])
    assert len(kept) >= made > 50
    written = {path: path.stat().st_mtime_ns for path in kept}
    again = seeding(city, "seed", "wells", "--zooms", "10-14")
    assert again.stdout.splitlines()[-1] == first.stdout.splitlines()[-1]
    assert {path: path.stat().st_mtime_ns for path in kept} == written


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("seed", "nothing"), "no layer"),
        (("seed", "wells", "--zooms", "9-3"), "do not exist"),
        (("seed", "wells", "--as", "king"), "no role"),
        (("export", "wells", "--out", "/absent/a.pmtiles"), "folder does not exist"),
    ],
)
def test_what_cannot_be_made_is_said(city: Path, words: tuple[str, ...], told: str) -> None:
    done = seeding(city, *words)
    assert done.returncode != 0
    assert told in done.stderr
