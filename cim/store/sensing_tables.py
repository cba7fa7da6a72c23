"""The tables of the ``sensing`` schema as SQLAlchemy Core; ``cim.model.sensing`` says what they mean."""

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

metadata = sa.MetaData(schema="sensing")


def _number() -> sa.Column[object]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _described() -> list[sa.Column[object]]:
    return [
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("properties", JSONB),
    ]


def _moment(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required)


def _shape(name: str = "geom") -> sa.Column[object]:
    return sa.Column(name, Geometry("GEOMETRY", srid=4490, spatial_index=False))


def _pair(name: str, first: str, second: str) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column(first, sa.Integer, primary_key=True),
        sa.Column(second, sa.Integer, primary_key=True),
    )


def _sums(*key: sa.Column[object]) -> list[sa.Column[object]]:
    columns = list(key)
    columns += [sa.Column(name, sa.Integer, nullable=False) for name in ("count", "flagged", "others")]
    columns += [sa.Column(name, sa.Double) for name in ("total", "squares", "least", "greatest")]
    return columns


thing = sa.Table(
    "thing",
    metadata,
    _number(),
    *_described(),
    sa.Column("asset", sa.Text),
    sa.Column("grade", sa.Text, nullable=False, server_default="internal"),
    sa.Column("region_code", sa.Text),
    sa.Column("reach", sa.Integer, nullable=False),
)

location = sa.Table(
    "location",
    metadata,
    _number(),
    *_described(),
    sa.Column("encoding_type", sa.Text, nullable=False),
    sa.Column("location", JSONB, nullable=False),
    _shape(),
    sa.Column("reach", sa.Integer),
)

thing_location = _pair("thing_location", "thing", "location")

historical_location = sa.Table(
    "historical_location",
    metadata,
    _number(),
    sa.Column("thing", sa.Integer, nullable=False),
    _moment("time", required=True),
)

historical_location_place = _pair("historical_location_place", "historical_location", "location")

sensor = sa.Table(
    "sensor",
    metadata,
    _number(),
    *_described(),
    sa.Column("encoding_type", sa.Text, nullable=False),
    sa.Column("metadata", JSONB, nullable=False),
)

observed_property = sa.Table(
    "observed_property",
    metadata,
    _number(),
    *_described(),
    sa.Column("definition", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
)

feature = sa.Table(
    "feature",
    metadata,
    _number(),
    *_described(),
    sa.Column("encoding_type", sa.Text, nullable=False),
    sa.Column("feature", JSONB, nullable=False),
    _shape(),
    sa.Column("made_from", sa.Integer),
    sa.Column("reach", sa.Integer),
)

datastream = sa.Table(
    "datastream",
    metadata,
    _number(),
    *_described(),
    sa.Column("thing", sa.Integer, nullable=False),
    sa.Column("sensor", sa.Integer, nullable=False),
    sa.Column("observed_property", sa.Integer, nullable=False),
    sa.Column("observation_type", sa.Text, nullable=False),
    sa.Column("unit", JSONB, nullable=False),
    sa.Column("observed_area", JSONB),
    _shape("observed_geom"),
    sa.Column("feature", sa.Integer),
    sa.Column("key", sa.Text),
    sa.Column("least", sa.Double),
    sa.Column("greatest", sa.Double),
    sa.Column("reach", sa.Integer, nullable=False),
)

observed_feature = _pair("observed_feature", "datastream_id", "feature_id")

observation = sa.Table(
    "observation",
    metadata,
    sa.Column("datastream_id", sa.Integer, primary_key=True),
    sa.Column("phenomenon_time", sa.TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("value", sa.Double),
    _moment("received_at", required=True),
    sa.Column("feature_id", sa.Integer),
    sa.Column("quality", sa.CHAR(1), nullable=False),
    sa.Column("revision", sa.SmallInteger, nullable=False),
    _moment("phenomenon_end"),
    _moment("result_time"),
    sa.Column("result", JSONB),
    sa.Column("details", JSONB),
)

latest = sa.Table(
    "latest",
    metadata,
    sa.Column("datastream_id", sa.Integer, primary_key=True),
    sa.Column("feature_id", sa.Integer),
    _moment("at", required=True),
    sa.Column("value", sa.Double),
    _moment("received_at", required=True),
    _moment("first_at", required=True),
    sa.Column("quality", sa.CHAR(1), nullable=False),
    _moment("until"),
    _moment("first_result_at"),
    _moment("last_result_at"),
    sa.Column("result", JSONB),
    sa.Column("details", JSONB),
)

hourly = sa.Table(
    "hourly",
    metadata,
    *_sums(
        sa.Column("datastream_id", sa.Integer, primary_key=True),
        sa.Column("hour", sa.TIMESTAMP(timezone=True), primary_key=True),
    ),
)

daily = sa.Table(
    "daily",
    metadata,
    *_sums(
        sa.Column("datastream_id", sa.Integer, primary_key=True),
        sa.Column("day", sa.Date, primary_key=True),
    ),
)

raw_kept = sa.Table("raw_kept", metadata, sa.Column("sole", sa.Boolean, primary_key=True), _moment("since"))

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("part", sa.Text, primary_key=True),
    sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("problem", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", JSONB, nullable=False, server_default="{}"),
)

refusal = sa.Table(
    "refusal",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.func.now()),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("source", "subject", "code", "message", "payload")),
)
