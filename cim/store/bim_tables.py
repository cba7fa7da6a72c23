"""The tables of the ``bim`` schema as SQLAlchemy Core; ``cim.model.bim`` says what the columns mean."""

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

metadata = sa.MetaData(schema="bim")


def _shape(name: str, kind: str, srid: int) -> sa.Column[object]:
    return sa.Column(name, Geometry(kind, srid=srid, spatial_index=False))


model = sa.Table(
    "model",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("building_code", sa.Text),
    sa.Column("cim_level", sa.SmallInteger),
    _shape("footprint", "MULTIPOLYGON", 4490),
    _shape("footprint_3857", "MULTIPOLYGON", 3857),
    sa.Column("z_min_m", sa.Double),
    sa.Column("z_max_m", sa.Double),
)

model_version = sa.Table(
    "model_version",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("head", JSONB, nullable=False),
)

mesh = sa.Table(
    "mesh",
    metadata,
    sa.Column("model", sa.Text, primary_key=True),
    sa.Column("hash", BYTEA, primary_key=True),
    sa.Column("vertices", sa.Integer, nullable=False),
    sa.Column("triangles", sa.Integer, nullable=False),
    sa.Column("materials", JSONB, nullable=False),
    sa.Column("body", BYTEA, nullable=False),
)

element = sa.Table(
    "element",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("global_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("ifc_class", sa.Text, nullable=False),
    *(
        sa.Column(name, sa.Text)
        for name in (
            "name",
            "long_name",
            "description",
            "object_type",
            "predefined_type",
            "tag",
            "parent",
            "parent_relation",
            "building",
            "storey",
            "storey_name",
        )
    ),
    sa.Column("storey_number", sa.Integer),
    sa.Column("elevation_m", sa.Double),
    *(sa.Column(name, sa.Text) for name in ("space", "type_id", "type_name")),
    *(sa.Column(name, ARRAY(sa.Text), nullable=False) for name in ("systems", "materials")),
    *(sa.Column(name, JSONB, nullable=False) for name in ("classifications", "properties", "quantities")),
    sa.Column("inherited", ARRAY(sa.Text), nullable=False),
    _shape("outline", "GEOMETRY", 4490),
    _shape("outline_3857", "GEOMETRY", 3857),
    sa.Column("z_min_m", sa.Double),
    sa.Column("z_max_m", sa.Double),
    sa.Column("mesh", BYTEA),
    sa.Column("matrix", ARRAY(sa.Double)),
    sa.Column("source_hash", BYTEA, nullable=False),
    sa.Column("valid_from_version", sa.Integer, nullable=False),
    sa.Column("valid_to_version", sa.Integer),
)

VERSION_COLUMNS = frozenset({"id", "model", "valid_from_version", "valid_to_version"})
DERIVED_COLUMNS = frozenset({"outline", "outline_3857"})
CONTENT_COLUMNS = tuple(column.name for column in element.c if column.name not in VERSION_COLUMNS | DERIVED_COLUMNS)
"""The columns that hold an element, without its outline."""
STORED_COLUMNS = (*CONTENT_COLUMNS, "outline", "outline_3857")


def in_version(number: int | None) -> sa.ColumnElement[bool]:
    """The condition on elements of standing in a version of their model; None is the current one."""
    ended = element.c.valid_to_version
    if number is None:
        return ended.is_(None)
    return sa.and_(element.c.valid_from_version <= number, sa.or_(ended.is_(None), ended > number))
