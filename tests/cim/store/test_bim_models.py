"""Building models through their versions: what is written, kept, restored and refused."""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from models import FakeSource, MadeModel, box_mesh, building, import_made, inspection, request_for

from cim.errors import CimError
from cim.model.access import Grade, ReadContext
from cim.model.bim import Defect
from cim.model.collection import ImportMode
from cim.store.any_versions import difference, prune, rollback
from cim.store.bim_differences import model_difference
from cim.store.collections import all_collections, all_models
from cim.store.database import Database
from cim.store.versions import history
from importers.bim.run import import_model


async def elements(database: Database, model: str = "hospital") -> dict[str, str]:
    """The current elements: name by GlobalId."""
    async with database.writing() as connection:
        rows = await connection.execute(
            sa.text("SELECT global_id, name FROM bim.element WHERE model = :model AND valid_to_version IS NULL"),
            {"model": model},
        )
        return {row.global_id: row.name for row in rows}


async def count(database: Database, table: str) -> int:
    async with database.writing() as connection:
        return int(await connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) or 0)


async def test_a_model_is_no_layer_and_has_a_version_a_footprint_and_a_box(database: Database) -> None:
    report = await import_made(database, building())
    assert (report.status, report.version) == ("published", 1), report.message
    assert report.read == report.loaded == len(building().elements)
    async with database.writing() as connection:
        assert await all_collections(connection) == {}
        held = (await all_models(connection))["hospital"]
        area = await connection.scalar(
            sa.text("SELECT ST_Area(footprint::geography) FROM bim.model WHERE id = 'hospital'")
        )
    assert (held.version, held.grade, held.feature_count) == (1, Grade.INTERNAL, report.loaded)
    assert area == pytest.approx(12 * 8, rel=0.01)
    assert held.bbox is not None
    assert 103.9 < held.bbox[0] < held.bbox[2] < 104.0


async def test_a_changed_file_writes_only_what_changed(database: Database) -> None:
    made = building()
    await import_made(database, made)
    before, meshes = await count(database, "bim.element"), await count(database, "bim.mesh")
    made.change("门 2", tag="D-2")
    made.elements = [e for e in made.elements if e.name != "窗 3"]
    made.box("IfcColumn", "柱", (5, 5, 0), (0.4, 0.4, 2.8))
    report = await import_made(database, made)
    assert report.message == "1 added, 1 changed, 1 removed"
    assert await count(database, "bim.element") == before + 2
    assert await count(database, "bim.mesh") == meshes + 1
    async with database.writing() as connection:
        change, found = await model_difference(connection, "hospital", 1, 2)
        _, features = await difference(connection, "hospital", 1, 2)
    assert (change.added, change.changed, change.removed) == (1, 1, 1)
    told = {(one.kind, one.ifc_class, one.name, one.changes) for one in found}
    assert told == {
        ("added", "IfcColumn", "柱", ()),
        ("changed", "IfcDoor", "门 2", ("tag",)),
        ("removed", "IfcWindow", "窗 3", ()),
    }
    assert {one.key for one in features} == {one.global_id for one in found}


async def test_differences_name_properties_quantities_geometry_and_placement(database: Database) -> None:
    made = building(storeys=1)
    await import_made(database, made)
    mesh = box_mesh(12, 8, 0.3)
    made.meshes[mesh.hash] = mesh
    made.change("板 1", mesh=mesh.hash, quantities={"Qto_SlabBaseQuantities": {"NetVolume": 28.8, "NetArea": 96.0}})
    made.change("墙 1-2", properties={"Pset_WallCommon": {"IsExternal": False, "Note": None}})
    made.change("窗 1", matrix=(1.0, 0, 0, 9, 0, 1, 0, 0, 0, 0, 1, 0.9))
    await import_made(database, made)
    async with database.writing() as connection:
        _, found = await model_difference(connection, "hospital", 1, 2)
    assert {one.name: one.changes for one in found} == {
        "板 1": ("geometry", "Qto_SlabBaseQuantities.NetVolume"),
        "墙 1-2": ("Pset_WallCommon.IsExternal", "Pset_WallCommon.Note", "Pset_WallCommon.ThermalTransmittance"),
        "窗 1": ("placement",),
    }


async def test_the_same_elements_again_are_no_version(database: Database) -> None:
    made = building()
    await import_made(database, made)
    report = await import_made(database, made)
    assert (report.status, report.version, report.read) == ("unchanged", None, len(made.elements))
    report = await import_made(database, replace(made, name="新名"))
    assert report.status == "published", "the head says something else"


async def test_the_same_file_again_is_not_even_read(database: Database) -> None:
    made = building()
    source = FakeSource(made, sha256="ab" * 32)
    first = await import_model(database, request_for(source), source, "hospital", inspection(made))
    again = await import_model(database, request_for(source), source, "hospital", inspection(made))
    assert (first.status, again.status, len(source.asked)) == ("published", "unchanged", 1)
    assert again.read == again.loaded
    told = request_for(source, building_code="B1")
    await import_model(database, told, source, "hospital", inspection(made))
    assert len(source.asked) == 2, "something new was said of it"


async def test_rolled_back_models_equal_their_old_versions(database: Database) -> None:
    """Random deliveries, then back to each version: elements, heads and meshes as they were."""
    chance = random.Random(7)
    made = building(storeys=2)
    states: list[dict[str, str]] = []
    for number in range(5):
        made.elements = [e for e in building(storeys=2).elements if chance.random() < 0.8]
        for element in chance.sample(made.elements, 4):
            made.change(str(element.name), tag=f"v{number}")
        await import_made(database, replace(made, name=f"第{number}版"))
        states.append(await elements(database))
    for number in (2, 5, 1, 3):
        async with database.writing() as connection:
            await rollback(connection, "hospital", number, author="test")
            name = await connection.scalar(sa.text("SELECT name FROM bim.model"))
        assert await elements(database) == states[number - 1]
        assert name == f"第{number - 1}版"
    async with database.writing() as connection:
        assert await rollback(connection, "hospital", 3, author="test") is None
        made_empty = await rollback(connection, "hospital", 0, author="test")
    assert made_empty is not None
    assert made_empty.feature_count == 0
    assert await elements(database) == {}


async def test_meshes_go_when_no_version_names_them(database: Database) -> None:
    made = building(storeys=1)
    made.box("IfcColumn", "柱", (5, 5, 0), (0.4, 0.4, 2.8))
    await import_made(database, made)
    held = await count(database, "bim.mesh")
    made.elements = [e for e in made.elements if e.name != "柱"]
    await import_made(database, made)
    assert await count(database, "bim.mesh") == held, "version 1 still has the column"
    async with database.writing() as connection:
        assert await prune(connection, "hospital", 1) == 1
    assert await count(database, "bim.mesh") == held - 1
    async with database.writing() as connection:
        assert [v.number for v in await history(connection, "hospital")] == [2, 1]
        with pytest.raises(CimError, match="removed to save space"):
            await rollback(connection, "hospital", 1, author="test")


async def test_what_cannot_be_kept_is_rejected_by_name_and_the_account_closes(database: Database) -> None:
    made = building(storeys=1)
    made.add("IfcDoor", "坏\x00字", id="0" * 22)
    made.add("IfcDoor", "数", id="1" * 22, properties={"P": {"x": float("nan")}})
    made.add("IfcDoor", "又", id=made.elements[5].global_id)
    made.add("IfcDoor", "界外", id="2" * 22, outline=b"\x00 no shape")
    made.defects = [
        Defect("3" * 22, "IfcWall", "broken", "its shape cannot be made", rejected=True),
        Defect("4" * 22, "IfcWall", "odd", "its material is odd"),
    ]
    report = await import_made(database, made)
    assert report.status == "partial"
    assert report.read == report.loaded + len(report.rejected)
    assert len(report.rejected) == 4
    assert report.rejected[0].row == 1
    assert "IfcWall" in report.rejected[0].reason
    assert all(word in " ".join(r.reason for r in report.rejected) for word in ("0" * 22, "1" * 22, "met before"))
    assert {f.code: f.count for f in report.findings if f.severity == "warn"} == {"odd": 1, "outline": 1}
    assert "2" * 22 in await elements(database)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"mode": ImportMode.APPEND}, "not-for-models"),
    ({"mode": ImportMode.UPSERT}, "not-for-models"),
    ({"scenario": "方案"}, "not-for-models"),
    ({"key": "code"}, "not-for-models"),
    ({"fields": {"a": "b"}}, "not-for-models"),
]


@pytest.mark.parametrize(("options", "code"), REFUSED)
async def test_what_does_not_fit_models_is_refused(database: Database, options: dict[str, Any], code: str) -> None:
    report = await import_made(database, building(), **options)
    assert (report.status, report.findings[0].code) == ("refused", code)
    async with database.writing() as connection:
        assert await all_models(connection) == {}


Breaking = Callable[[MadeModel], None]


def _forgets_a_mesh(made: MadeModel) -> None:
    made.change("柱", mesh=b"x" * 16)


async def test_a_reader_that_breaks_its_word_changes_nothing(database: Database) -> None:
    made = building(storeys=1)
    made.box("IfcColumn", "柱", (5, 5, 0), (0.4, 0.4, 2.8))
    made.meshes[b"x" * 16] = replace(box_mesh(1, 1, 1), hash=b"y" * 16)
    _forgets_a_mesh(made)
    report = await import_made(database, made)
    assert (report.status, report.findings[0].code) == ("refused", "reader-failed")
    assert await count(database, "bim.model") == await count(database, "bim.mesh") == 0


async def test_a_dry_run_writes_nothing(database: Database) -> None:
    report = await import_made(database, building(), dry_run=True)
    assert (report.status, report.version) == ("unchanged", None)
    assert report.loaded == len(building().elements)
    assert await count(database, "bim.model") == await count(database, "bim.element") == 0


@pytest.mark.parametrize("name", ["", "Hospital", "a_b", "x" * 49, "1st", "a'b", "a\n"])
async def test_ids_that_name_no_model(database: Database, name: str) -> None:
    report = await import_made(database, building(), name)
    assert report.status == "refused"


async def test_a_layer_and_a_model_do_not_share_an_id(database: Database) -> None:
    from publishing import publish_rows, schema, square

    await publish_rows(database, [("a", 1.0, square(103.9, 31.0))], layer=schema("squares"))
    report = await import_made(database, building(), "squares")
    assert report.status == "refused"
    assert "no building model" in report.message


async def test_readers_see_the_models_open_to_them_everywhere(database: Database) -> None:
    await import_made(database, building(), "open-one", grade=Grade.PUBLIC)
    await import_made(database, building("密"), "closed", grade=Grade.RESTRICTED)
    seen: dict[str, set[str]] = {}
    for name, openings in {
        "public": ((Grade.PUBLIC, None),),
        "all": ((Grade.PUBLIC, None), (Grade.RESTRICTED, None)),
        "in a region": ((Grade.PUBLIC, None), (Grade.RESTRICTED, ("510182",))),
        "nothing": (),
    }.items():
        async with database.reading(ReadContext(openings)) as connection:
            found = set()
            for table, column in (("model", "id"), ("model_version", "model"), ("mesh", "model"), ("element", "model")):
                rows = await connection.execute(sa.text(f"SELECT DISTINCT {column} FROM bim.{table}"))
                found |= set(rows.scalars())
            seen[name] = found
    assert seen == {
        "public": {"open-one"},
        "all": {"open-one", "closed"},
        "in a region": {"open-one"},
        "nothing": set(),
    }
