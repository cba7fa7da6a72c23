"""Faulty city models: every fault is told with the object's id, what can load loads, nothing is swallowed."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from city_models import inspected, load

from cim.errors import ImportRefused
from cim.model.imports import ImportReport
from cim.store.database import Database

CUBE = [[0, 0, 0], [10_000, 0, 0], [10_000, 8_000, 0], [0, 8_000, 0]]
CUBE += [[x, y, 5_000] for x, y, _ in CUBE]
SHELL = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]


def solid(shell: list[Any], **more: Any) -> dict[str, Any]:
    """A building of one solid."""
    return {"type": "Building", "geometry": [{"type": "Solid", "lod": "1", "boundaries": [shell]}], **more}


def document(objects: dict[str, Any], vertices: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    """A document near the seat."""
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [400_000.0, 3_430_000.0, 500.0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4544"},
        "CityObjects": objects,
        "vertices": CUBE if vertices is None else vertices,
        **more,
    }


async def loaded(database: Database, folder: Path, model: dict[str, Any] | str) -> ImportReport:
    """A document imported."""
    path = folder / "town.city.json"
    path.write_text(model if isinstance(model, str) else json.dumps(model), "utf-8")
    return await load(database, path, "town")


async def test_each_fault_of_a_shape_is_told_of_its_object(database: Database, tmp_path: Path) -> None:
    turned = [SHELL[0], [SHELL[1][0][::-1]], *SHELL[2:]]
    model = document(
        {
            "sound": solid(SHELL),
            "open": solid(SHELL[1:]),
            "turned": solid(turned),
            "inside-out": solid([[ring[::-1] for ring in face] for face in SHELL]),
            "crowded": solid([*SHELL, SHELL[0]]),
            "two points": solid([*SHELL, [[0, 1]]]),
            "doubled": solid([[[0, 0, 3, 2, 1]], *SHELL[1:]]),
            "bow-tie": solid([[[0, 2, 9, 3]], *SHELL[1:]]),
            "bent": solid([[[0, 3, 8, 1]], *SHELL[1:]]),
            "flat": solid([*SHELL, [[0, 1, 0]]]),
        },
        [*CUBE, [10_000, 8_000, 900], [10_000, 2_000, 0]],
    )
    report = await loaded(database, tmp_path, model)
    assert (report.loaded, len(report.rejected)) == (10, 0)
    told = {repair.repair.split(": ")[1]: repair.repair for repair in report.repaired}
    codes = {"open": 302, "turned": 307, "inside-out": 405, "crowded": 303, "two points": 101, "doubled": 102}
    codes |= {"bow-tie": 104, "bent": 203, "flat": 103}
    assert "sound" not in told
    for name, code in codes.items():
        assert f"({code})" in told[name], (name, told)
        assert "LoD 1" in told[name]


async def test_objects_that_cannot_be_read_are_rejected_with_their_ids_and_the_rest_loads(
    database: Database, tmp_path: Path
) -> None:
    wrong: dict[str, Any] = {
        "missing-vertex": solid([*SHELL[:5], [[3, 0, 4, 99]]]),
        "negative-vertex": solid([*SHELL[:5], [[3, 0, 4, -1]]]),
        "text-vertex": solid([*SHELL[:5], [[3, 0, 4, "7"]]]),
        "half-vertex": solid([*SHELL[:5], [[3, 0, 4, 7.5]]]),
        "shallow": {"type": "Building", "geometry": [{"type": "Solid", "lod": "1", "boundaries": [0, 1, 2]}]},
        "deep": {"type": "Building", "geometry": [{"type": "MultiSurface", "lod": "1", "boundaries": [[SHELL]]}]},
        "kind": {"type": "Building", "geometry": [{"type": "Sphere", "lod": "1", "boundaries": [1]}]},
        "template": {
            "type": "CityFurniture",
            "geometry": [{"type": "GeometryInstance", "template": 3, "boundaries": [0]}],
        },
        "no-type": {"geometry": []},
        "text": "Building",
    }
    semantic = deepcopy(solid(SHELL))
    semantic["geometry"][0]["semantics"] = {"surfaces": [{"type": "WallSurface"}], "values": [[0, 0, 0, 0, 0, 7]]}
    material = deepcopy(solid(SHELL))
    material["geometry"][0]["material"] = {"": {"value": 4}}
    wrong |= {"semantic": semantic, "material": material}
    model = document({**wrong, "sound": solid(SHELL)}, appearance={"materials": [{"name": "x"}]})
    report = await loaded(database, tmp_path, model)
    assert (report.status, report.read, report.loaded) == ("partial", len(wrong) + 1, 1)
    assert {row.reason.split(": ")[0] for row in report.rejected} == set(wrong)
    reasons = {row.reason.split(": ")[0]: row.reason for row in report.rejected}
    assert "vertex 99 is missing: there are 8" in reasons["missing-vertex"]


async def test_ids_twice_and_parents_that_are_not_there_are_told(database: Database, tmp_path: Path) -> None:
    text = json.dumps(document({"a": solid(SHELL, parents=["gone"]), "b": solid(SHELL, children=["gone too"])}))
    text = text.replace('"CityObjects": {', f'"CityObjects": {{"a": {json.dumps(solid(SHELL[1:]))}, ')
    text = text.replace(
        '"b": {',
        '"c": {"type": "BuildingPart", "parents": ["d"]}, "d": {"type": "BuildingPart", "parents": ["c"]}, "b": {',
    )
    report = await loaded(database, tmp_path, text)
    assert [row.reason for row in report.rejected] == ["a: another object has this id"]
    told = " | ".join(row.repair for row in report.repaired)
    for words in ("a: its parent gone is not in the file", "b: its child gone too", "c: it is its own ancestor"):
        assert words in told
    assert report.read == 5


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"version": "1.0"}, "cityjson-version"),
        ({"version": None}, "cityjson-version"),
        ({"transform": None}, "transform"),
        ({"transform": {"scale": [0, 1, 1], "translate": [0, 0, 0]}}, "transform"),
        ({"vertices": [[0, 0, 0.5]]}, "vertices"),
        ({"vertices": [[0, 0]]}, "vertices"),
        ({"vertices": [[0, 0, 10**30]]}, "vertices"),
        ({"CityObjects": []}, "unreadable"),
    ],
)
def test_a_document_that_is_none_is_refused(tmp_path: Path, change: dict[str, Any], code: str) -> None:
    path = tmp_path / "town.city.json"
    path.write_text(json.dumps({**document({"a": solid(SHELL)}), **change}), "utf-8")
    with pytest.raises(ImportRefused) as refused:
        inspected(path)
    assert refused.value.code == code
    assert refused.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "CityJSON", "version": "2.0", "vertices": ' + "[" * 100_000,
        '{"type": "CityJSON", "version": "2.0", "vertices": [[NaN, 1, 2]]}',
        '{"type": "CityJSON", "version": "2.0", "CityObjects": {"a": ',
        '{"type": "CityJSON", "version": "2.0", "a": "\udcff"}',
    ],
)
def test_json_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "town.city.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ImportRefused, match="cannot be read"):
        inspected(path)


async def test_a_line_that_is_no_feature_is_one_rejected_object(database: Database, tmp_path: Path) -> None:
    head = {**document({}), "vertices": []}
    good = {"type": "CityJSONFeature", "id": "a", "CityObjects": {"a": solid(SHELL)}, "vertices": CUBE}
    lines = [json.dumps(head), json.dumps(good), "{broken", '{"type": "Feature"}', json.dumps(good), ""]
    lines += [json.dumps({**good, "CityObjects": {"b": solid(SHELL)}, "vertices": [[0, 0]]})]
    path = tmp_path / "town.city.jsonl"
    path.write_text("\n".join(lines), "utf-8")
    report = await load(database, path, "town")
    assert (report.read, report.loaded) == (5, 1)
    reasons = [row.reason for row in report.rejected]
    assert [reason.split(":")[0] for reason in reasons] == ["line 3", "line 4", "a", "line 7"]
    assert "another object has this id" in reasons[2]


async def test_texts_a_database_cannot_hold_do_not_stop_the_import(database: Database, tmp_path: Path) -> None:
    model = document({"a": solid(SHELL, attributes={"name": "half \ud800 and nul \x00", "measuredHeight": "high"})})
    report = await loaded(database, tmp_path, model)
    assert report.loaded == 1
    async with database.writing() as connection:
        row = (await connection.execute(sa.text("SELECT name, height_m, cim_level FROM city.town"))).one()
    assert row == ("half ? and nul ", 5.0, 2)


FILES = {
    "302_2.gml": ("EPSG:4544", "(302)"),
    "several_lods_invalid.json": (None, None),
    "invalid_building_v3.gml": ("EPSG:4544", None),
}


@pytest.mark.parametrize("name", FILES)
async def test_faulty_files_of_others_load_with_their_faults_told(
    real_data: Path, database: Database, name: str
) -> None:
    crs, fault = FILES[name]
    report = await load(database, real_data / "malformed" / "city" / name, "town", crs=crs)
    if crs:
        assert report.loaded == 0 or report.status == "published"
    told = " ".join(row.repair for row in report.repaired) + " ".join(f.message for f in report.findings)
    assert fault is None or fault in told


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("completely_empty.json", "empty-file"),
        ("invalid_json_cityjson.json", "unreadable"),
        ("invalid_schema_cityjson_2.json", "cityjson-version"),
    ],
)
def test_faulty_files_of_others_that_are_no_city_models_are_refused(real_data: Path, name: str, code: str) -> None:
    with pytest.raises(ImportRefused) as refused:
        inspected(real_data / "malformed" / "city" / name)
    assert refused.value.code == code
