"""The tables of one collection: versioned rows in ``history``, current rows as the view ``city.<layer>``.

A row holds a feature from ``valid_from_version`` until before ``valid_to_version`` (null: current). ``fid`` stays
with the feature through its versions and is the id in vector tiles; ``key`` is what a delivery knows it by. The Web
Mercator and, where the storage CRS is another, the EPSG:4490 geometry are stored beside it, so that no tile query
transforms; imports bring them along, a trigger derives them for every other writer. One GiST index serves all:
Mercator stretches x and y separately, so a longitude-latitude box is a Mercator box. docs/decisions/0001 has the
reasons and figures.
"""

import re
from typing import Any

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import BYTEA
from sqlalchemy.schema import CreateTable

from cim.errors import BadRequest
from cim.model.collection import CollectionSchema, Field, FieldType

SYSTEM_COLUMNS = frozenset(
    {
        "fid",
        "key",
        "content_hash",
        "valid_from_version",
        "valid_to_version",
        "geom",
        "geom_3857",
        "geom_4490",
        "tableoid",
        "xmin",
        "xmax",
        "cmin",
        "cmax",
        "ctid",
    }
)
SCENARIOS = "scenario"
"""The schema of the tables that scenarios keep for layers."""
LONLAT_SRID = 4490
MERCATOR_SRID = 3857
_DIALECT: sa.Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy
_FIELD_NAME = re.compile(r"^[^\W\d]\w*$")
_LAYER_ID = re.compile(r"[a-z][a-z0-9_]{0,47}")
_MODEL_ID = re.compile(r"[a-z][a-z0-9-]{0,47}")

_TYPES: dict[FieldType, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.Integer(),
    "bigint": sa.BigInteger(),
    "double": sa.Double(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "timestamp": sa.TIMESTAMP(timezone=True),
}


def check_layer_id(layer: str) -> str:
    """The id itself, when it can name a layer: a lower-case letter, then up to 47 letters, digits or underscores."""
    if not _LAYER_ID.fullmatch(layer):
        raise BadRequest(
            f"{layer!r} cannot be a layer id",
            where="layer",
            remedy="use a lower-case Latin letter, then letters, digits or _ (at most 48), for example plan_2025",
        )
    return layer


def check_model_id(model: str) -> str:
    """The id itself, when it can name a building model: a lower-case letter, then up to 47 letters, digits or -."""
    if not _MODEL_ID.fullmatch(model):
        raise BadRequest(
            f"{model!r} cannot be a model's id",
            where="layer",
            remedy="use a lower-case Latin letter, then letters, digits or - (at most 48), for example fire-station",
        )
    return model


def column_type(field: Field) -> sa.types.TypeEngine[Any]:
    """The SQL type of a field."""
    return _TYPES[field.type]


def collection_table(schema: CollectionSchema, *, name: str | None = None, namespace: str = "history") -> sa.Table:
    """The versioned table of a collection as SQLAlchemy Core, for queries and for its DDL."""
    columns: list[sa.Column[object]] = [
        sa.Column("fid", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("content_hash", BYTEA),
        sa.Column("valid_from_version", sa.Integer, nullable=False),
        sa.Column("valid_to_version", sa.Integer),
    ]
    columns += [sa.Column(field.name, column_type(field)) for field in schema.fields]
    if schema.geometry != "none":
        columns += _geometry_columns(schema)
    return sa.Table(name or schema.id, sa.MetaData(), *columns, schema=namespace)


def scenario_table_name(layer: str, scenario: int) -> str:
    """The table that holds what a scenario adds and changes in a layer, and what it hides."""
    return f"{layer}__{scenario}"


def _geometry_columns(schema: CollectionSchema) -> list[sa.Column[object]]:
    kind = schema.geometry.upper()
    srids = {"geom": schema.srid, **derived_srids(schema)}
    return [sa.Column(name, Geometry(kind, srid=srid, spatial_index=False)) for name, srid in srids.items()]


def derived_srids(schema: CollectionSchema) -> dict[str, int]:
    """The stored geometry columns that follow from ``geom``, with their EPSG codes."""
    if schema.geometry == "none":
        return {}
    lonlat_too = {} if schema.srid == LONLAT_SRID else {"geom_4490": LONLAT_SRID}
    return {"geom_3857": MERCATOR_SRID, **lonlat_too}


def lonlat_name(schema: CollectionSchema) -> str:
    """The name of the column that holds longitude and latitude of CGCS2000."""
    return "geom" if schema.srid == LONLAT_SRID else "geom_4490"


def lonlat(table: sa.FromClause) -> sa.ColumnElement[Any]:
    """The column that holds longitude and latitude of CGCS2000."""
    return table.c.geom_4490 if "geom_4490" in table.c else table.c.geom


def is_current(table: sa.Table) -> sa.ColumnElement[bool]:
    """Rows of the current version."""
    return table.c.valid_to_version.is_(None)


def create_statement(table: sa.Table) -> str:
    """``CREATE TABLE`` for a collection table, without indexes."""
    return str(CreateTable(table).compile(dialect=_DIALECT))


def quoted(*names: str) -> str:
    """Identifiers quoted for SQL text, joined by a dot: ``history."plan-2025"``."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def content_columns(schema: CollectionSchema) -> str:
    """The columns that carry a feature's content, quoted and joined for SQL text."""
    names = [*schema.field_names, *(["geom"] if schema.geometry != "none" else [])]
    return ", ".join(quoted(name) for name in names)


def stored_columns(schema: CollectionSchema) -> str:
    """The content columns and what is derived from them, quoted and joined for SQL text."""
    names = [*schema.field_names, *(["geom"] if schema.geometry != "none" else []), *derived_srids(schema)]
    return ", ".join(quoted(name) for name in names)


def check_fields(schema: CollectionSchema) -> CollectionSchema:
    """The schema itself, when its field names can be columns beside the system's own.

    A name is letters (of any script), digits and underscores, not starting with a digit, at most 63 bytes in UTF-8.
    """
    for name in schema.field_names:
        if name in SYSTEM_COLUMNS or not _FIELD_NAME.match(name) or len(name.encode()) > 63:
            raise BadRequest(
                f"{name!r} cannot be a field name",
                where=f"layer {schema.id}",
                remedy="rename the field: letters, digits and _ only, and none of the server's own column names",
            )
    if len(set(schema.field_names)) != len(schema.field_names):
        raise BadRequest("two fields have the same name", where=f"layer {schema.id}", remedy="rename one of them")
    return schema
