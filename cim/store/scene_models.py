"""What the three-dimensional view reads of building models: the boxes of all elements, the elements of a tile."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.bim import ElementKind
from cim.store import bim_tables as b

MOST_ELEMENTS = 500_000
PAGE_ROWS = 10_000
_NUMBERS = 11
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Storey(NamedTuple):
    """A storey by its GlobalId, as the elements on it name it; all None for what is on none."""

    global_id: str | None
    name: str | None
    number: int | None


NO_STOREY = Storey(None, None, None)


@dataclass(frozen=True, slots=True)
class ElementBoxes:
    """The elements with a shape of a version of a model, arrays of one length in the order of GlobalIds.

    ``row`` is the number that names the state of an element. ``kind_class`` and ``storey`` are places in ``classes``
    (kind and IFC class) and ``storeys``. ``boxes`` of shape (n, 6) are west, south, east, north in degrees and the
    lowest and highest height in the model's datum, NaN where an element has no outline. ``plan_m2`` is what its outline
    covers, ``triangles`` how many its mesh has.
    """

    row: Integers
    kind_class: Integers
    storey: Integers
    boxes: Floats
    plan_m2: Floats
    triangles: Integers
    classes: tuple[tuple[ElementKind, str], ...]
    storeys: tuple[Storey, ...]


class DrawnElement(NamedTuple):
    """One element as a tile holds it; ``matrix`` are the upper three rows, row by row, into the model's frame."""

    row: int
    global_id: str
    kind: ElementKind
    ifc_class: str
    name: str | None
    storey: str | None
    storey_number: int | None
    space: str | None
    mesh: bytes
    matrix: Sequence[float]


async def element_boxes(connection: AsyncConnection, model: str, version: int) -> ElementBoxes:
    """The boxes of a version's elements; AnswerTooLarge where they are more than ``MOST_ELEMENTS``."""
    e, m = b.element.c, b.mesh.c
    shape = e.outline
    sides = [getattr(sa.func, name)(shape) for name in ("ST_XMin", "ST_YMin", "ST_XMax", "ST_YMax")]
    middle = sa.func.radians((sa.func.ST_YMin(shape) + sa.func.ST_YMax(shape)) / 2)
    plan_m2 = sa.func.ST_Area(e.outline_3857) * sa.func.power(sa.func.cos(middle), 2)
    statement = (
        sa.select(e.id, e.kind, e.ifc_class, e.storey, e.storey_name, e.storey_number)
        .add_columns(*sides, e.z_min_m, e.z_max_m, plan_m2, m.triangles)
        .join_from(b.element, b.mesh, sa.and_(m.model == e.model, m.hash == e.mesh))
        .where(e.model == model, b.in_version(version), e.matrix.is_not(None))
        .order_by(e.global_id)
        .limit(MOST_ELEMENTS + 1)
    )
    found = await connection.stream(statement, execution_options={"yield_per": PAGE_ROWS})
    classes: dict[tuple[ElementKind, str], int] = {}
    storeys: dict[Storey, int] = {}
    pages = [np.empty((0, _NUMBERS), np.float64)]
    try:
        async for page in found.partitions():
            rows = [(row[0], _place(classes, tuple(row[1:3])), _place(storeys, _storey(row)), *row[6:]) for row in page]
            pages.append(np.array(rows, dtype=np.float64))
    finally:
        await found.close()
    numbers = np.concatenate(pages)
    if len(numbers) > MOST_ELEMENTS:
        raise AnswerTooLarge(
            f"model {model} has more than {MOST_ELEMENTS} elements with a shape, too many for the 3D view",
            where="model",
            remedy="deliver it in parts, one model for each building",
        )
    row, kind_class, storey, triangles = (numbers[:, column].astype(np.int64) for column in (0, 1, 2, 10))
    boxes, areas_m2 = numbers[:, 3:9], np.nan_to_num(numbers[:, 9])
    return ElementBoxes(row, kind_class, storey, boxes, areas_m2, triangles, tuple(classes), tuple(storeys))


async def drawn_elements(connection: AsyncConnection, model: str, rows: Iterable[int]) -> list[DrawnElement]:
    """The elements of some rows of ``ElementBoxes``, in the order of GlobalIds; what is gone is left out."""
    e = b.element.c
    names = [name for name in DrawnElement._fields if name != "row"]
    among = e.id == sa.func.any(sa.literal(list(rows), ARRAY(sa.BigInteger)))
    found = await connection.execute(
        sa.select(e.id, *(e[name] for name in names)).where(e.model == model, among).order_by(e.global_id)
    )
    return [DrawnElement._make((*row[:8], bytes(row[8]), row[9])) for row in found]


async def buildings_of_models(connection: AsyncConnection, models: Iterable[str]) -> dict[str, list[str]]:
    """The unified codes of the buildings that models stand for, by model; those without one are left out."""
    m = b.model.c
    found = await connection.execute(
        sa.select(m.id, m.building_code)
        .where(m.id == sa.func.any(sa.literal(list(models), ARRAY(sa.Text))), m.building_code.is_not(None))
        .order_by(m.id)
    )
    return {row[0]: [row[1]] for row in found}


def _place(known: dict[Any, int], entry: Any) -> int:
    return known.setdefault(entry, len(known))


def _storey(row: sa.Row[Any]) -> Storey:
    return Storey(row.storey, row.storey_name, row.storey_number) if row.storey is not None else NO_STOREY
