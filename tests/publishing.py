"""A short way to publish small layers in tests, by the same store functions as an import."""

from collections.abc import Sequence

import sqlalchemy as sa

from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field, ImportMode, Version
from cim.store.collection_ddl import index_staging
from cim.store.collection_tables import derived_srids
from cim.store.database import Database
from cim.store.runs import open_run
from cim.store.scenario_filling import fill_scenario
from cim.store.staging import create_staging, staging_name
from cim.store.versions import publish

Row = tuple[str, float | None, str | None]
"""Key, value and EWKT in EPSG:4490."""


def schema(layer: str = "squares", *, geometry: str = "Polygon", srid: int = 4490) -> CollectionSchema:
    """A layer with a code and a number."""
    fields = (Field("code", "text"), Field("height_m", "double"))
    return CollectionSchema(layer, geometry, srid, fields, "code")  # type: ignore[arg-type]


async def publish_rows(
    database: Database,
    rows: Sequence[Row],
    *,
    layer: CollectionSchema | None = None,
    mode: ImportMode = ImportMode.REPLACE,
    grade: Grade = Grade.PUBLIC,
    area: str | None = None,
    scenario: str | None = None,
    over: int | None = None,
) -> Version | None:
    """Publish rows as the next version of a layer, or put them into a scenario."""
    layer = layer or schema()
    async with database.writing("test") as connection:
        run = await open_run(connection, layer=layer.id, author="test", source_name="rows", mode=mode)
        await create_staging(connection, layer, run)
        more = "".join(f", {name}" for name in derived_srids(layer))
        srids = derived_srids(layer).values()
        derived = "".join(f", ST_Transform(ST_GeomFromEWKT(:shape), {srid})" for srid in srids)
        for number, (code, height, shape) in enumerate(rows, 1):
            await connection.execute(
                sa.text(
                    f"INSERT INTO staging.run_{run}"
                    f" (fid, key, content_hash, valid_from_version, code, height_m, geom{more})"
                    " VALUES (:fid, :code, :hash, 1, :code, :height,"
                    f" ST_Transform(ST_GeomFromEWKT(:shape), {layer.srid}){derived})"
                ),
                {
                    "fid": number,
                    "code": code,
                    "hash": f"{code}{height}{shape}".encode(),
                    "height": height,
                    "shape": shape,
                },
            )
        await index_staging(connection, layer, staging_name(run))
        if scenario is not None:
            await fill_scenario(connection, layer, run, scenario, mode=mode, author="test", over=over)
            return None
        return await publish(connection, layer, run, mode=mode, grade=grade, author="test", area=area)


def square(lon: float, lat: float, side: float = 0.001) -> str:
    """A square of ``side`` degrees as EWKT, its lower left corner given."""
    corners = [(lon, lat), (lon + side, lat), (lon + side, lat + side), (lon, lat + side), (lon, lat)]
    ring = ", ".join(f"{x:.7f} {y:.7f}" for x, y in corners)
    return f"SRID=4490;POLYGON(({ring}))"


async def publish_grid(
    database: Database,
    count: int,
    *,
    height: str,
    where: str = "true",
    layer: CollectionSchema | None = None,
    grade: Grade = Grade.PUBLIC,
) -> Version | None:
    """Publish numbered squares made in the database as the next version of a layer.

    ``height`` and ``where`` are SQL over the number n, from 1 to ``count``: the value of each, and which of them there
    are. Squares 1 to 500 lie in the southernmost row; the feature id is n in the first version.
    """
    layer = layer or schema()
    async with database.writing("test") as connection:
        run = await open_run(connection, layer=layer.id, author="test", source_name="grid", mode=ImportMode.REPLACE)
        await create_staging(connection, layer, run)
        await connection.execute(
            sa.text(
                f"INSERT INTO staging.run_{run}"
                " (fid, key, content_hash, valid_from_version, code, height_m, geom, geom_3857)"
                " SELECT n, 'c' || n, sha256(convert_to(concat_ws('|', n, height), 'UTF8')), 1, 'c' || n, height,"
                " shape, ST_Transform(shape, 3857) FROM (SELECT n, CAST((" + height + ") AS float8) AS height,"
                " ST_MakeEnvelope(103.8 + (n % 500) * 5e-4, 30.9 + (n / 500) * 5e-4,"
                " 103.8003 + (n % 500) * 5e-4, 30.9003 + (n / 500) * 5e-4, 4490) AS shape"
                f" FROM generate_series(1, {count:d}) AS n WHERE {where}) AS made"
            )
        )
        await index_staging(connection, layer, staging_name(run))
        return await publish(connection, layer, run, mode=ImportMode.REPLACE, grade=grade, author="test")
