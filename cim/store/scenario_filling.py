"""Filling a scenario from a staged delivery: by key, what differs from the published layer; nothing is published."""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, StoreConflict
from cim.model.collection import CollectionSchema, ImportMode, VersionChange
from cim.model.scenarios import ScenarioLayer
from cim.store import tables as t
from cim.store.collection_ddl import overlaps_is_leakproof, secure_rows
from cim.store.collection_tables import (
    SCENARIOS,
    collection_table,
    create_statement,
    derived_srids,
    quoted,
    scenario_table_name,
    stored_columns,
)
from cim.store.collections import lock_layer, the_collection
from cim.store.merging import fill_missing_columns, join_by_hash, refuse_difference, same_content
from cim.store.scenarios import announce, check_scenario_name, the_scenario
from cim.store.staging import NAMESPACE, drop_staging, staging_name
from cim.store.versions import the_version


@dataclass(frozen=True, slots=True)
class _Filling:
    """The tables of one filling as quoted names, and the published rows it stands on as a condition on ``b``."""

    schema: CollectionSchema
    kept: str
    base: str
    staging: str
    is_base: str


async def fill_scenario(
    connection: AsyncConnection,
    schema: CollectionSchema,
    run: int,
    name: str,
    *,
    mode: ImportMode,
    author: str,
    over: int | None = None,
) -> ScenarioLayer:
    """Put a staged run into a scenario, which is made when there is none of this name.

    UPSERT keeps what the delivery adds and changes; REPLACE also hides what it lacks, and forgets what the scenario
    held of the layer before; APPEND only adds. ``over`` is the version to stand on, chosen at the first filling; None
    follows the current one. The staging table is gone afterwards.

    Raises NotFound for a layer that is not published, BadRequest for a delivery that does not fit it, and
    StoreConflict in APPEND mode on a key already there.
    """
    check_scenario_name(name)
    await lock_layer(connection, schema.id)
    layer = (await the_collection(connection, schema.id)).schema
    _refuse_misfit(layer, schema, mode)
    scenario = await _opened(connection, name, author)
    version = await _base_version(connection, name, layer.id, over)
    await _make_table(connection, layer, scenario)
    filling = _Filling(
        layer,
        quoted(SCENARIOS, scenario_table_name(layer.id, scenario)),
        quoted("history", layer.id),
        quoted(NAMESPACE, staging_name(run)),
        _is_base(version),
    )
    await _fill(connection, filling, mode)
    await drop_staging(connection, run)
    await _count(connection, filling, scenario, version)
    await announce(connection, scenario)
    return (await the_scenario(connection, name)).layers[layer.id]


def _is_base(version: int | None) -> str:
    if version is None:
        return "b.valid_to_version IS NULL"
    return f"b.valid_from_version <= {version:d} AND (b.valid_to_version IS NULL OR b.valid_to_version > {version:d})"


def _refuse_misfit(layer: CollectionSchema, delivery: CollectionSchema, mode: ImportMode) -> None:
    refuse_difference(layer, delivery)
    more = [name for name in delivery.field_names if name not in layer.field_names]
    if more:
        raise BadRequest(
            f"the delivery has fields that the layer lacks: {', '.join(more)}",
            where=f"layer {layer.id}",
            remedy="leave them out of the file, or import it into the layer first",
        )
    if layer.kind != "vector":
        what = {
            "raster": "images",
            "city": "city objects",
            "pointcloud": "point clouds",
            "tileset": "sets of tiles",
        }.get(layer.kind, "models")
        raise BadRequest(f"a layer of {what} has no scenarios", where=f"layer {layer.id}", remedy="use a vector layer")
    if mode is ImportMode.REPLACE_AREA:
        raise BadRequest(
            "a scenario is not filled by area",
            where="--mode",
            remedy="use upsert, append, or replace for the whole layer",
        )


async def _opened(connection: AsyncConnection, name: str, author: str) -> int:
    """The id of the scenario of this name, which is made when there is none."""
    made = insert(t.scenario).values(name=name, author=author)
    statement = made.on_conflict_do_update(index_elements=["name"], set_={"name": name}).returning(t.scenario.c.id)
    return int(await connection.scalar(statement) or 0)


async def _base_version(connection: AsyncConnection, name: str, layer: str, over: int | None) -> int | None:
    if over is not None:
        await the_version(connection, layer, over)
    held = (await the_scenario(connection, name)).layers.get(layer)
    if held is None:
        return over
    if over is not None and over != held.version:
        stands = "the current version" if held.version is None else f"version {held.version}"
        raise BadRequest(
            f"scenario {name} stands on {stands} of layer {layer}",
            where="--over",
            remedy="leave --over out, or fill a scenario of another name",
        )
    return held.version


async def _make_table(connection: AsyncConnection, schema: CollectionSchema, scenario: int) -> None:
    name = scenario_table_name(schema.id, scenario)
    table = quoted(SCENARIOS, name)
    if await connection.scalar(sa.select(sa.func.to_regclass(table))) is not None:
        return
    shape = collection_table(schema, name=name, namespace=SCENARIOS)
    statements = [
        create_statement(shape).replace(":", r"\:"),
        f"ALTER TABLE {table} ADD PRIMARY KEY (fid, valid_from_version)",
        f"CREATE UNIQUE INDEX ON {table} (key) WHERE valid_to_version IS NULL",
        f"CREATE INDEX ON {table} (key)",
        f"GRANT SELECT ON {table} TO cim_reader",
    ]
    if schema.geometry != "none":
        statements.append(f"CREATE INDEX ON {table} USING gist (geom_3857) WHERE valid_to_version IS NULL")
    for statement in statements:
        await connection.execute(sa.text(statement))
    if await overlaps_is_leakproof(connection):
        await secure_rows(connection, schema, SCENARIOS, name)


async def _fill(connection: AsyncConnection, filling: _Filling, mode: ImportMode) -> None:
    await join_by_hash(connection)
    await connection.execute(sa.text(f"CREATE INDEX ON {filling.staging} (key)"))
    await connection.execute(sa.text(f"ANALYZE {filling.staging}"))
    await fill_missing_columns(connection, filling.schema, filling.staging)
    if mode is ImportMode.APPEND:
        await _refuse_known_keys(connection, filling)
    replaced = "true" if mode is ImportMode.REPLACE else f"k.key IN (SELECT key FROM {filling.staging})"
    lacking = ""
    if mode is ImportMode.REPLACE:
        lacking = f" OR NOT EXISTS (SELECT FROM {filling.staging} s WHERE s.key = b.key)"
    columns = stored_columns(filling.schema)
    comma = f", {columns}" if columns else ""
    shapes = [] if filling.schema.geometry == "none" else ["geom", *derived_srids(filling.schema)]
    places = "".join(f", {quoted(name)}" for name in shapes)
    for statement in (
        f"CREATE TEMPORARY TABLE former ON COMMIT DROP AS SELECT DISTINCT key, fid FROM {filling.kept}",
        f"DELETE FROM {filling.kept} k WHERE {replaced}",
        f"""
        INSERT INTO {filling.kept} (fid, key, content_hash, valid_from_version{comma})
        SELECT coalesce(b.fid, f.fid, nextval(:sequence)), s.key, s.content_hash, 1{comma.replace(', "', ', s."')}
        FROM {filling.staging} s
        LEFT JOIN (SELECT * FROM {filling.base} b WHERE {filling.is_base}) b ON b.key = s.key
        LEFT JOIN former f ON f.key = s.key
        WHERE b.key IS NULL OR NOT ({same_content(filling.schema, "b", "s")})
        """,
        f"""
        INSERT INTO {filling.kept} (fid, key, valid_from_version, valid_to_version{places})
        SELECT b.fid, b.key, 0, 0{places.replace(', "', ', b."')} FROM {filling.base} b
        WHERE {filling.is_base}
          AND NOT EXISTS (SELECT FROM {filling.kept} k WHERE k.key = b.key AND k.valid_to_version = 0)
          AND (EXISTS (SELECT FROM {filling.kept} k WHERE k.key = b.key){lacking})
        """,
        "DROP TABLE former",
        f"ANALYZE {filling.kept}",
    ):
        values = {"sequence": quoted("history", f"{filling.schema.id}_fid")} if ":sequence" in statement else {}
        await connection.execute(sa.text(statement), values)


async def _refuse_known_keys(connection: AsyncConnection, filling: _Filling) -> None:
    known = await connection.execute(
        sa.text(f"""
        SELECT s.key FROM {filling.staging} s
        WHERE EXISTS (SELECT FROM {filling.kept} k WHERE k.key = s.key AND k.valid_to_version IS NULL)
           OR EXISTS (SELECT FROM {filling.base} b WHERE b.key = s.key AND {filling.is_base}
                      AND NOT EXISTS (SELECT FROM {filling.kept} k WHERE k.key = b.key))
        ORDER BY 1 LIMIT 3
        """)
    )
    keys = list(known.scalars())
    if keys:
        raise StoreConflict(
            f"append found features that are already there: {', '.join(keys)}",
            where=f"layer {filling.schema.id}",
            remedy="use --mode upsert to change them, or take them out of the file",
        )


async def _count(connection: AsyncConnection, filling: _Filling, scenario: int, version: int | None) -> None:
    row = (
        await connection.execute(
            sa.text(f"""
            SELECT count(*) FILTER (WHERE shown AND NOT hidden), count(*) FILTER (WHERE shown AND hidden),
                   count(*) FILTER (WHERE hidden AND NOT shown)
            FROM (SELECT bool_or(valid_to_version IS NULL) AS shown, bool_or(valid_to_version IS NOT NULL) AS hidden
                  FROM {filling.kept} GROUP BY key) AS keys
            """)
        )
    ).one()
    change = VersionChange(row[0], row[1], row[2])
    values = {"added": change.added, "changed": change.changed, "removed": change.removed}
    made = insert(t.scenario_layer).values(
        scenario=scenario, layer=filling.schema.id, version=version, revision=1, **values
    )
    again = {**values, "revision": t.scenario_layer.c.revision + 1, "updated_at": sa.func.now()}
    await connection.execute(made.on_conflict_do_update(index_elements=["scenario", "layer"], set_=again))
