"""What is known of building models as wholes: heads, footprints, settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.bim import Placement
from cim.store import bim_tables as b

DIGITS = 8


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model as kept: its name and tags, its head, its heights, and its footprint as GeoJSON text."""

    id: str
    name: str
    building_code: str | None
    cim_level: int | None
    z_min_m: float | None
    z_max_m: float | None
    head: dict[str, Any]
    footprint: str | None

    @property
    def placement(self) -> Placement:
        """How the model lies on the map."""
        held = self.head["placement"]
        return Placement(**{**held, "notes": tuple(held["notes"])})


async def models_by_id(
    connection: AsyncConnection, versions: dict[str, int], where: Sequence[sa.ColumnElement[bool]] = ()
) -> list[ModelRow]:
    """Some models by id, each with the head of the version named, in the order of ids.

    ``where`` are conditions on bare columns: ``id``, ``building_code``, ``cim_level``, ``geom`` and ``geom_3857``.
    """
    m, v = b.model.c, b.model_version.c
    rows = (
        sa.select(*(m[n] for n in ("id", "name", "building_code", "cim_level", "z_min_m", "z_max_m")))
        .add_columns(m.footprint.label("geom"), m.footprint_3857.label("geom_3857"))
        .where(m.id == sa.func.any(sa.literal(list(versions), ARRAY(sa.Text))))
        .subquery("models")
    )
    names, numbers = sa.literal(list(versions), ARRAY(sa.Text)), sa.literal(list(versions.values()), ARRAY(sa.Integer))
    given = sa.func.unnest(names, numbers).table_valued("model", "number").render_derived("given")
    wanted = sa.and_(v.model == given.c.model, v.number == given.c.number)
    heads = sa.select(v.model, v.head).select_from(b.model_version.join(given, wanted)).subquery("heads")
    statement = (
        sa.select(rows, heads.c.head, sa.func.ST_AsGeoJSON(rows.c.geom, DIGITS, 0).label("footprint"))
        .select_from(rows.join(heads, heads.c.model == rows.c.id))
        .where(*where)
        .order_by(rows.c.id)
    )
    return [_model(row) for row in (await connection.execute(statement)).mappings()]


def _model(row: Any) -> ModelRow:
    names = ("id", "name", "building_code", "cim_level", "z_min_m", "z_max_m", "head", "footprint")
    return ModelRow(**{name: row[name] for name in names})


async def describe_model(connection: AsyncConnection, model: str, values: dict[str, Any]) -> None:
    """Change what is said of a model: ``building_code``, ``cim_level``."""
    await connection.execute(sa.update(b.model).where(b.model.c.id == model).values(**values))


async def models_of_building(connection: AsyncConnection, codes: Sequence[str]) -> dict[str, list[str]]:
    """The ids of models by the building code they have, for some codes; what the caller may not see is left out."""
    m = b.model.c
    rows = await connection.execute(
        sa.select(m.building_code, m.id).where(m.building_code.in_(codes)).order_by(m.building_code, m.id)
    )
    found: dict[str, list[str]] = {}
    for code, model in rows:
        found.setdefault(code, []).append(model)
    return found
