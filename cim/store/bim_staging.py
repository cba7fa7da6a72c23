"""Elements and meshes of one model on their way, in the transaction of their import.

Elements wait in a temporary table until they are compared with those there; a mesh, named by its content, goes to its
place at once. All is gone with the transaction when anything fails or anybody is killed.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.bim import Element, Mesh
from cim.store import bim_tables as b
from cim.store.bim_tables import CONTENT_COLUMNS

MOST_ELEMENT_LETTERS = 4_000_000
STAGED, KEPT = "staged_element", "kept_element"
_LISTS = frozenset({"systems", "materials", "inherited"})
_DOCUMENTS = frozenset({"properties", "quantities"})
Row = tuple[Any, ...]


async def create_model_staging(connection: AsyncConnection) -> None:
    """Make the empty temporary tables of an import."""
    content = ", ".join(CONTENT_COLUMNS)
    columns = f"SELECT {content}, NULL::bytea AS shape FROM bim.element WITH NO DATA"
    for statement in (
        f"CREATE TEMPORARY TABLE {STAGED} ON COMMIT DROP AS {columns}",
        f"CREATE TEMPORARY TABLE {KEPT} (global_id text NOT NULL) ON COMMIT DROP",
    ):
        await connection.execute(sa.text(statement))


async def known_elements(connection: AsyncConnection, model: str) -> dict[str, bytes]:
    """The source hash of every current element of a model by GlobalId."""
    e = b.element.c
    rows = await connection.execute(sa.select(e.global_id, e.source_hash).where(e.model == model, b.in_version(None)))
    return {row.global_id: bytes(row.source_hash) for row in rows}


async def held_meshes(connection: AsyncConnection, model: str) -> set[bytes]:
    """The hashes of the meshes a model has."""
    rows = await connection.execute(sa.select(b.mesh.c.hash).where(b.mesh.c.model == model))
    return {bytes(found) for found in rows.scalars()}


def element_row(element: Element) -> Row:
    """An element as a row of the COPY; ValueError where the database could not keep it."""
    if not element.global_id or not element.source_hash:
        raise ValueError("it has no GlobalId or no hash")
    values = tuple(_value(name, getattr(element, name)) for name in CONTENT_COLUMNS)
    size = sum(len(value) for value in values if isinstance(value, str))
    if size > MOST_ELEMENT_LETTERS:
        raise ValueError(f"it has {size} letters, of which at most {MOST_ELEMENT_LETTERS} can be kept")
    for value in values:
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str):
                _check_text(text)
    return (*values, element.outline)


def _value(name: str, value: Any) -> Any:
    if name in _LISTS:
        return list(value)
    if name in _DOCUMENTS:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    if name == "classifications":
        return json.dumps([asdict(item) for item in value], ensure_ascii=False, allow_nan=False)
    if name == "matrix":
        return [float(number) for number in value] if value else None
    return value


def _check_text(text: str) -> None:
    if "\x00" in text or "\\u0000" in text:
        raise ValueError("a text holds a character with code 0")
    text.encode()


async def stage_elements(connection: AsyncConnection, rows: Sequence[Row]) -> None:
    """Add rows that ``element_row`` made."""
    await _copy(connection, f"COPY {STAGED} ({', '.join(CONTENT_COLUMNS)}, shape) FROM STDIN", rows)


async def stage_kept(connection: AsyncConnection, global_ids: Sequence[str]) -> None:
    """Note elements that are as they were."""
    await _copy(connection, f"COPY {KEPT} (global_id) FROM STDIN", [(global_id,) for global_id in global_ids])


async def stage_meshes(connection: AsyncConnection, model: str, meshes: Sequence[Mesh]) -> None:
    """Put meshes the model does not have yet to their place; a table under row security takes no COPY."""
    statement = (
        "INSERT INTO bim.mesh (model, hash, vertices, triangles, materials, body) VALUES (%s, %b, %s, %s, %s, %b)"
    )
    async with (await _driver(connection)).cursor() as cursor:
        await cursor.executemany(statement.encode(), [_mesh_row(model, mesh) for mesh in meshes])


def _mesh_row(model: str, mesh: Mesh) -> Row:
    materials = json.dumps([asdict(material) for material in mesh.materials], ensure_ascii=False, allow_nan=False)
    return (model, mesh.hash, len(mesh.positions), len(mesh.triangles), materials, mesh.to_bytes())


async def _copy(connection: AsyncConnection, statement: str, rows: Iterable[Row]) -> None:
    async with (await _driver(connection)).cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in rows:
            await copy.write_row(row)


async def _driver(connection: AsyncConnection) -> "psycopg.AsyncConnection[Any]":
    raw = (await connection.get_raw_connection()).driver_connection
    if not isinstance(raw, psycopg.AsyncConnection):
        raise RuntimeError("no driver connection")  # noqa: TRY004 - not a caller's mistake
    return raw
