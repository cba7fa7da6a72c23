"""The images of a raster layer: which lie in a box, and what they are together."""

import math
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.model.collection import BoundingBox, Collection
from cim.model.raster import HEIGHT_TYPES, RasterFacts, RasterImage
from cim.store.collection_tables import LONLAT_SRID, MERCATOR_SRID, collection_table, lonlat
from cim.store.selection import readable_rows

MERCATOR_LAT_DEG = 85.06
_SIDES = ("XMin", "YMin", "XMax", "YMax")
NEEDED = frozenset(
    {"image", "file", "width", "height", "bands", "data_type", "colours", "minimum", "maximum", "height_datum"}
)
"""Fields that a layer's images can be drawn by; every raster import writes them."""


async def images_in(
    connection: AsyncConnection, collection: Collection, regions: Sequence[str] | None, bbox: BoundingBox
) -> list[RasterImage]:
    """Readable images that touch a box in longitude and latitude: finest first, then newest, then by name.

    A box whose west is east of its east crosses the date line.
    """
    table = collection_table(collection.schema)
    statement = (
        sa.select(*_columns(table))
        .where(*readable_rows(table, regions), table.c.file.is_not(None), _touches(table, bbox))
        .order_by(sa.text("cell_m"), _newest(table), table.c.image)
    )
    return [_image(row) for row in (await connection.execute(statement)).mappings()]


async def images_with_boxes(
    connection: AsyncConnection, collection: Collection, regions: Sequence[str] | None
) -> list[tuple[RasterImage, BoundingBox]]:
    """All readable images in the order of ``images_in``, each with its box in degrees."""
    table = collection_table(collection.schema)
    sides = [getattr(sa.func, f"ST_{side}")(lonlat(table)).label(f"box_{n}") for n, side in enumerate(_SIDES)]
    statement = (
        sa.select(*_columns(table), *sides)
        .where(*readable_rows(table, regions), table.c.file.is_not(None))
        .order_by(sa.text("cell_m"), _newest(table), table.c.image)
    )
    rows = (await connection.execute(statement)).mappings().all()
    return [(_image(row), (row["box_0"], row["box_1"], row["box_2"], row["box_3"])) for row in rows]


async def raster_facts(
    connection: AsyncConnection, collection: Collection, regions: Sequence[str] | None
) -> RasterFacts | None:
    """What the readable images of a layer are together; None when there are none."""
    table = collection_table(collection.schema)
    cell_m = _cell_m(table)
    heights = sa.and_(table.c.bands == 1, table.c.data_type.in_(HEIGHT_TYPES))
    statement = sa.select(
        sa.func.count().label("count"),
        sa.func.bool_and(heights).label("heights"),
        sa.func.min(table.c.minimum).label("minimum"),
        sa.func.max(table.c.maximum).label("maximum"),
        sa.func.min(cell_m).label("finest_m"),
        sa.func.avg(_ground_m2(table)).label("mean_m2"),
        sa.func.array_agg(sa.distinct(table.c.height_datum)).label("datums"),
    ).where(*readable_rows(table, regions), table.c.file.is_not(None))
    row = (await connection.execute(statement)).mappings().one()
    if not row["count"]:
        return None
    return RasterFacts(
        count=row["count"],
        heights=bool(row["heights"]),
        minimum=row["minimum"],
        maximum=row["maximum"],
        finest_m=float(row["finest_m"] or 1.0),
        spread_m=math.sqrt(row["mean_m2"] or 1.0),
        height_datums=tuple(sorted(datum for datum in row["datums"] if datum)),
    )


def _columns(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """What an image is made of."""
    c = table.c
    return [c.image, c.file, _cell_m(table).label("cell_m"), c.bands, c.data_type, c.colours, c.height_datum]


def _ground_m2(table: sa.Table) -> sa.ColumnElement[Any]:
    return sa.func.ST_Area(sa.func.geography(lonlat(table)))


def _cell_m(table: sa.Table) -> sa.ColumnElement[Any]:
    cells = sa.cast(table.c.width, sa.Double) * table.c.height
    return sa.func.sqrt(_ground_m2(table) / sa.func.nullif(cells, 0))


def _newest(table: sa.Table) -> sa.ColumnElement[Any]:
    return table.c.made_at.desc().nulls_last() if "made_at" in table.c else table.c.fid.desc()


def _touches(table: sa.Table, bbox: BoundingBox) -> sa.ColumnElement[bool]:
    """By the stored outlines: the Web Mercator index first, then the shape itself."""
    west, south, east, north = bbox
    boxes = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    tests = []
    for left, right in boxes:
        box = sa.func.ST_MakeEnvelope(left, south, right, north, LONLAT_SRID)
        mercator = sa.func.ST_Transform(
            sa.func.ST_MakeEnvelope(
                left, max(south, -MERCATOR_LAT_DEG), right, min(north, MERCATOR_LAT_DEG), LONLAT_SRID
            ),
            MERCATOR_SRID,
        )
        tests.append(sa.and_(table.c.geom_3857.op("&&")(mercator), sa.func.ST_Intersects(lonlat(table), box)))
    return sa.or_(*tests)


def _image(row: Any) -> RasterImage:
    return RasterImage(
        name=str(row["image"]),
        file=str(row["file"]),
        cell_m=float(row["cell_m"] or 1.0),
        bands=int(row["bands"] or 1),
        data_type=str(row["data_type"]),
        colours=str(row["colours"]),
        height_datum=row["height_datum"],
    )
