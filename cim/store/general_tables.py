"""Where generalised content is kept: a table a layer in the schema ``general``, and how far it follows the layer.

A row is what one zoom draws: a feature that stays itself (``fid``), or an aggregate. It belongs to one block, the unit
of rebuilding, and has one home, a point in Web Mercator: sums are given out only in the tile that holds it, so that
they are exact over any set of tiles. ``wide`` rows are also drawn, without sums, where they reach beyond it.
"""

from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox
from cim.model.general import GeneralPlan, GeneralSum
from cim.store import tables as t
from cim.store.collection_ddl import overlaps_is_leakproof
from cim.store.collection_tables import quoted

SCHEMA = "general"
NEW = "~new"
"""Ends the name of a table on its way; no layer id can hold it."""


@dataclass(frozen=True, slots=True)
class GeneralState:
    """The version a layer's generalised content shows, how it was made, and the field each attribute came from."""

    version: int
    plan: GeneralPlan
    sources: dict[str, str | None]
    seq: int


async def general_state(connection: AsyncConnection, layer: str) -> GeneralState | None:
    """How far the generalised content of a layer is; None where there is none."""
    row = (await connection.execute(sa.select(t.general_state).where(t.general_state.c.layer == layer))).first()
    return GeneralState(row.version, _plan(row.plan), row.sources, row.seq) if row else None


async def general_states(connection: AsyncConnection) -> dict[str, GeneralState]:
    """The states of all layers by id."""
    rows = await connection.execute(sa.select(t.general_state))
    return {row.layer: GeneralState(row.version, _plan(row.plan), row.sources, row.seq) for row in rows}


async def take_turn(connection: AsyncConnection, layer: str) -> bool:
    """Make this transaction the only one that builds a layer's content; False when another one is at it."""
    key = sa.func.hashtextextended("general:" + layer, 0)
    return bool(await connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(key))))


async def put_state(
    connection: AsyncConnection, layer: str, version: int, plan: GeneralPlan, bbox: BoundingBox | None
) -> None:
    """Record that the content shows a version; announced as ``general:<layer>:<seq>`` when the transaction ends.

    ``bbox`` is what the build touched, in degrees; None for everything.
    """
    await connection.execute(sa.delete(t.general_state).where(t.general_state.c.layer == layer))
    values = {
        "layer": layer,
        "version": version,
        "plan": asdict(plan),
        "sources": plan.sources,
        "bbox": list(bbox) if bbox else None,
    }
    await connection.execute(sa.insert(t.general_state).values(values))


async def remove_content(connection: AsyncConnection, layer: str) -> None:
    """Take away the generalised content of a layer, and what is known of it."""
    await connection.execute(sa.text(f"DROP TABLE IF EXISTS {quoted(SCHEMA, layer)}"))
    await connection.execute(sa.delete(t.general_state).where(t.general_state.c.layer == layer))


def new_content(layer: str) -> str:
    """The name of the table a layer's content is built in from the start."""
    return layer + NEW


async def create_content(connection: AsyncConnection, layer: str) -> None:
    """Make an empty table ``new_content(layer)``.

    The reader login may read it where the layer is open to the caller everywhere.
    """
    name = quoted(SCHEMA, new_content(layer))
    statements = [
        f"""
        CREATE TABLE {name} (
            zoom smallint NOT NULL,
            block_x integer NOT NULL,
            block_y integer NOT NULL,
            fid bigint,
            wide boolean NOT NULL,
            home_x double precision NOT NULL,
            home_y double precision NOT NULL,
            sums bigint[] NOT NULL,
            parts jsonb,
            cells bytea,
            attributes jsonb NOT NULL,
            geom_3857 geometry(Geometry, 3857) NOT NULL,
            geom_4490 geometry(Geometry, 4490) NOT NULL
        )
        """,
        f"GRANT SELECT ON {name} TO cim_reader",
    ]
    if await overlaps_is_leakproof(connection):
        statements += [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY readers ON {name} FOR SELECT TO cim_reader USING ((SELECT cim.opening('{layer}')) = '*')",
        ]
    statements.append(f"CREATE INDEX ON {name} (zoom, block_x, block_y)")
    for statement in statements:
        await connection.execute(sa.text(statement))


async def index_zoom(connection: AsyncConnection, layer: str, zoom: int) -> None:
    """Index the places of one zoom of a table on its way, once its rows are written."""
    name = quoted(SCHEMA, new_content(layer))
    await connection.execute(sa.text(f"CREATE INDEX ON {name} USING gist (geom_3857) WHERE zoom = {zoom:d}"))
    await connection.execute(sa.text(f"ANALYZE {name} (zoom, block_x, block_y)"))


async def adopt_content(connection: AsyncConnection, layer: str) -> None:
    """Put the table that was built in the place of the one that is read."""
    new = quoted(SCHEMA, new_content(layer))
    await connection.execute(sa.text(f"ANALYZE {new} (geom_3857)"))
    await connection.execute(sa.text(f"DROP TABLE IF EXISTS {quoted(SCHEMA, layer)}"))
    await connection.execute(sa.text(f"ALTER TABLE {new} RENAME TO {quoted(layer)}"))


def _plan(document: dict[str, object]) -> GeneralPlan:
    lists: dict[str, tuple[str, ...]] = {name: tuple(document[name]) for name in ("fields", "means")}  # type: ignore[arg-type]  # JSON
    sums = tuple(GeneralSum(**item) for item in document["sums"])  # type: ignore[attr-defined]  # JSON
    return GeneralPlan(**{**document, **lists, "sums": sums})  # type: ignore[arg-type]  # as put_state wrote it
