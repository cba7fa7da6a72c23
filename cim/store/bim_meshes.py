"""The meshes that elements are drawn by."""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.bim import Material, Mesh, mesh_from
from cim.store import bim_tables as b


async def meshes_of(
    connection: AsyncConnection, model: str, hashes: Iterable[bytes], most_bytes: int
) -> dict[bytes, Mesh]:
    """Meshes of a model by hash; AnswerTooLarge, before any is read, where they are more than ``most_bytes``."""
    m = b.mesh.c
    these = (m.model == model, m.hash.in_(sorted(set(hashes))))
    size = await connection.scalar(sa.select(sa.func.sum(14 * m.triangles + 12 * m.vertices)).where(*these))
    if size is not None and size > most_bytes:
        raise AnswerTooLarge(
            f"the shapes asked for take {size / 1e6:.0f} MB, at most {most_bytes / 1e6:.0f} MB are given at once",
            where="filter",
            remedy="ask for a storey or some classes",
        )
    rows = await connection.execute(sa.select(m.hash, m.body, m.vertices, m.triangles, m.materials).where(*these))
    return {
        bytes(row.hash): mesh_from(
            bytes(row.hash),
            bytes(row.body),
            row.vertices,
            row.triangles,
            tuple(Material(one["name"], tuple(one["colour"])) for one in row.materials),
        )
        for row in rows
    }
