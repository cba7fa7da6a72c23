"""Real IFC files all the way: read in the child, stored, asked for, written and read again."""

from pathlib import Path

import ifcopenshell
import pytest
import sqlalchemy as sa

from cim.errors import ImportRefused
from cim.store.database import Database
from importers.importer import ReadOptions
from importers.plan import ImportRequest
from importers.run import import_file
from layers.catalog import load_catalog

GEOREFERENCED = "Duplex_A_20110907_georeferenced.ifc"


def request_for(path: Path, **more: object) -> ImportRequest:
    """An import of a file that is trusted, as this machine may have no network namespaces."""
    return ImportRequest(path, "test", "administrator", options=ReadOptions(trust_file=True), **more)  # type: ignore[arg-type]


@pytest.mark.slow
async def test_a_real_model_is_stored_whole_and_again_is_free(database: Database, real_data: Path) -> None:
    path = real_data / "ifc" / GEOREFERENCED
    (report,) = await import_file(database, load_catalog(), request_for(path))
    assert report.status in ("published", "partial"), report.message
    assert report.layer == "duplex-a-20110907-georeferenced"
    file = ifcopenshell.open(str(path))
    doors = {door.GlobalId for door in file.by_type("IfcDoor")}
    async with database.writing() as connection:
        rows = await connection.execute(sa.text("SELECT global_id FROM bim.element WHERE ifc_class = 'IfcDoor'"))
        stored = set(rows.scalars())
        storeys = await connection.scalar(
            sa.text("SELECT count(*) FROM bim.element WHERE ifc_class = 'IfcBuildingStorey'")
        )
        area_m2 = await connection.scalar(sa.text("SELECT ST_Area(footprint::geography) FROM bim.model"))
    assert stored == doors
    assert storeys == 4
    assert 100 < area_m2 < 300
    (again,) = await import_file(database, load_catalog(), request_for(path))
    assert (again.status, again.message) == ("unchanged", "this file is the current version")


async def test_a_model_without_a_place_is_refused_by_name(database: Database, real_data: Path) -> None:
    (report,) = await import_file(database, load_catalog(), request_for(real_data / "ifc" / "tekla_mini_project.ifc"))
    assert report.status == "refused"
    assert report.findings[0].code == "no-placement"


async def test_a_model_is_not_imported_over_a_layer(database: Database, real_data: Path) -> None:
    path = real_data / "ifc" / GEOREFERENCED
    (report,) = await import_file(database, load_catalog(), request_for(path, layer="buildings"))
    assert (report.status, report.findings[0].code) == ("refused", "kind-of-layer")


@pytest.mark.parametrize("kept", ["KIT-Simple-Road-Test-Web-IFC4x3_RC2.ifc"])
async def test_unknown_schemas_are_refused(database: Database, real_data: Path, kept: str) -> None:
    with pytest.raises(ImportRefused):
        await import_file(database, load_catalog(), request_for(real_data / "ifc" / kept))
