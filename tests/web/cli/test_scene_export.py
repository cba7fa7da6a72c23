"""cim export writes a whole tileset that is valid, holds every feature once, and says what it left out."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from click.testing import Result
from glb_reading import contents, read_glb
from gltf_validator import faults_of
from made_tilesets import mesh_set, written
from typer.testing import CliRunner

from cim.errors import BadRequest, HeightsUnknown, NotFound
from cim.store.cluster import Cluster
from web.cli.main import app

pytestmark = pytest.mark.slow
COUNT = 1_300
"""More than a tile should have, so that squares are quartered."""
SAMPLES = Path(__file__).parents[3] / "data_samples" / "small"
FAULTY = {"low": None, "tall": 9_000.0}


def cim(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with a crowd of blocks, some towers, and two that cannot stand."""
    folder = Path("/tmp") / f"cimx-{tmp_path_factory.getbasetemp().name}-{id(tmp_path_factory) % 10_000}"
    folder.mkdir(mode=0o755)
    features = []
    for number in range(COUNT):
        west, south = 103.9 + number % 40 * 2e-4, 31.0 + number // 40 * 2e-4
        height = 100.0 if number % 200 == 0 else 40.0 if number % 50 == 0 else 6.0 + number % 7
        features.append((f"b{number}", height, shapely.box(west, south, west + 1e-4, south + 1e-4)))
    features += [(code, height, shapely.box(103.95, 31.05, 103.9501, 31.0501)) for code, height in FAULTY.items()]
    collection = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, "height_m": height, "ground_m": 500.0},
                "geometry": shapely.geometry.mapping(shape),
            }
            for code, height, shape in features
        ],
    }
    (folder / "blocks.geojson").write_text(json.dumps(collection), "utf-8")
    with Cluster(folder / "city", durable=False):
        for words in (
            (folder / "blocks.geojson", "--key", "code"),
            (SAMPLES / "fire-station.ifczip", "--layer", "fire-station"),
            (SAMPLES / "lod2_block.city.json", "--layer", "lod2_block"),
            (written(folder / "mesh", mesh_set()), "--layer", "mesh"),
        ):
            done = cim("import", *words, "--trust-file", "--data", folder / "city")
            assert done.exit_code == 0, done.output
        yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_whole_tileset_holds_every_feature_once_and_passes_its_judges(
    city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIM_UNDULATION_M", "-39.5")
    target = city / "blocks-3d"
    told = cim("export", "blocks", "--format", "3dtiles", "--out", target, "--json", "--data", city / "city")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout.splitlines()[-1])
    assert answer["left_out"] == {"no-height": 1, "absurd-height": 1}
    files = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*.glb")}
    assert len(files) == answer["tiles"] > 4
    fids = [fid for data in files.values() for fid in read_glb(data).columns.get("fid", [])]
    assert len(fids) == len(set(fids)) == answer["features"] == COUNT
    assert max(read_glb(data).count for data in files.values()) <= 1_000
    assert faults_of(files) == {}
    left = json.loads((target / "left-out.json").read_text("utf-8"))
    assert {one["key"]: one["code"] for one in left["features"]} == {"low": "no-height", "tall": "absurd-height"}
    inspected = json.loads(cim("inspect", target, "--json").stdout)
    assert [layer["problems"] for layer in inspected["layers"]] == [[]]
    again = cim("export", "blocks", "--format", "3dtiles", "--out", target, "--data", city / "city")
    assert isinstance(again.exception, BadRequest)
    packed = city / "blocks-gz"
    assert (
        cim("export", "blocks", "--format", "3dtiles", "--out", packed, "--gzip", "--data", city / "city").exit_code
        == 0
    )
    assert {name: gzip.decompress((packed / name).read_bytes()) for name in files} == files


def test_what_cannot_be_written_is_said_and_leaves_nothing(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = city / "never"
    words = ("--format", "3dtiles", "--out", target, "--data", city / "city")
    assert isinstance(cim("export", "blocks", *words).exception, HeightsUnknown)
    monkeypatch.setenv("CIM_UNDULATION_M", "-39.5")
    assert isinstance(cim("export", "nothing", *words).exception, NotFound)
    refused = cim("export", "mesh", *words).exception
    assert isinstance(refused, BadRequest)
    assert "registered as files" in str(refused)
    assert not list(city.glob("*never*"))


@pytest.mark.parametrize(("layer", "key"), [("fire-station", "global_id"), ("lod2_block", "fid")])
def test_models_and_city_objects_are_written_whole_too(
    city: Path, layer: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIM_UNDULATION_M", "-39.5")
    target = city / f"{layer}-3d"
    told = cim("export", layer, "--format", "3dtiles", "--out", target, "--json", "--data", city / "city")
    assert told.exit_code == 0, told.output
    answer = json.loads(told.stdout.splitlines()[-1])
    files = {str(path.relative_to(target)): path.read_bytes() for path in target.rglob("*.glb")}
    document = json.loads((target / "tileset.json").read_text("utf-8"))
    assert sorted(contents(document["root"])) == sorted(files)
    assert len(files) == answer["tiles"] > 0
    ids = [one for data in files.values() for one in read_glb(data).columns.get(key, [])]
    assert len(ids) == len(set(ids)) == answer["features"] > 0
    assert faults_of(files) == {}
    inspected = json.loads(cim("inspect", target, "--json").stdout)
    assert [part["problems"] for part in inspected["layers"]] == [[]]
    assert json.loads((target / "left-out.json").read_text("utf-8"))["counts"] == answer["left_out"] == {}
