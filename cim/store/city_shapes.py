"""The shapes of city objects: taken over with an import, read one by one or in pages, let go when unnamed."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.store.collection_tables import quoted
from cim.store.staging import NAMESPACE, staging_name

_INCOMING = "city_incoming"


async def keep_shapes(
    connection: AsyncConnection, layer: str, run: int, payloads: Iterable[bytes | memoryview]
) -> None:
    """Take over the shapes that staged rows name, before a version can name them.

    ``payloads`` are binary COPY rows of hash, levels of detail parted by commas, and body.
    """
    await connection.execute(sa.text(f"DROP TABLE IF EXISTS pg_temp.{_INCOMING}"))
    await connection.execute(
        sa.text(f"CREATE TEMPORARY TABLE {_INCOMING} (hash bytea, lods text, body bytea) ON COMMIT DROP")
    )
    await connection.execute(sa.text(f"ALTER TABLE {_INCOMING} ALTER COLUMN body SET STORAGE EXTERNAL"))
    raw = (await connection.get_raw_connection()).driver_connection
    if raw is None:
        raise RuntimeError("no driver connection")
    statement = sql.SQL("COPY {} (hash, lods, body) FROM STDIN (FORMAT BINARY)").format(sql.Identifier(_INCOMING))
    async with raw.cursor() as cursor, cursor.copy(statement) as copy:
        for payload in payloads:
            await copy.write(payload)
    await connection.execute(
        sa.text(f"""
        INSERT INTO cim.city_shape (layer, hash, lods, body)
        SELECT DISTINCT ON (i.hash) :layer, i.hash, string_to_array(i.lods, ','), i.body
        FROM {_INCOMING} i
        WHERE EXISTS (SELECT FROM {quoted(NAMESPACE, staging_name(run))} s WHERE s.shape = encode(i.hash, 'hex'))
        ON CONFLICT (layer, hash) DO NOTHING
        """),
        {"layer": layer},
    )


async def shapes_by_hash(connection: AsyncConnection, layer: str, hashes: Sequence[str]) -> dict[str, bytes]:
    """Bodies of shapes by the hash that rows name them by; what is not there is left out."""
    rows = await connection.execute(
        sa.text(
            "SELECT encode(hash, 'hex'), body FROM cim.city_shape"
            " WHERE layer = :layer AND hash = ANY (SELECT decode(unnest(CAST(:hashes AS text[])), 'hex'))"
        ),
        {"layer": layer, "hashes": list(hashes)},
    )
    return {row[0]: bytes(row[1]) for row in rows}


async def remove_unnamed_shapes(connection: AsyncConnection, layer: str) -> int:
    """Let go of the shapes that no version of a layer names any more; returns how many."""
    gone = await connection.execute(
        sa.text(f"""
        DELETE FROM cim.city_shape c WHERE c.layer = :layer AND NOT EXISTS
            (SELECT FROM {quoted("history", layer)} h WHERE h.shape = encode(c.hash, 'hex'))
        """),
        {"layer": layer},
    )
    return gone.rowcount
