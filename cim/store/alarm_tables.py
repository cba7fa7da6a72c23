"""The tables of alarms, messages and gaps as SQLAlchemy Core, in the ``sensing`` schema."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from cim.store.sensing_tables import metadata


def _moment(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now())


alarm_rule = sa.Table(
    "alarm_rule",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("body", JSONB, nullable=False),
    sa.Column("datastream", sa.Integer),
    sa.Column("observed_property", sa.Integer),
    *(sa.Column(name, sa.Text) for name in ("placement", "region_code", "device_kind")),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    _now("created_at"),
    _now("updated_at"),
)

alarm_edition = sa.Table(
    "alarm_edition",
    metadata,
    sa.Column("sole", sa.Boolean, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
)

alarm_standing = sa.Table(
    "alarm_standing",
    metadata,
    sa.Column("rule", sa.Integer, primary_key=True),
    sa.Column("datastream", sa.Integer, primary_key=True),
    _moment("since", required=True),
    sa.Column("count", sa.Integer, nullable=False),
)

receiver = sa.Table(
    "receiver",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "url", "secret")),
    sa.Column("severities", ARRAY(sa.Text), nullable=False),
    sa.Column("grades", ARRAY(sa.Text), nullable=False),
    sa.Column("region_code", sa.Text),
    sa.Column("standing", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.text("true")),
    sa.Column("author", sa.Text, nullable=False),
    _now("created_at"),
    *(sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false")) for name in ("warnings", "drills")),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("receiver", sa.Integer, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    _now("next_at"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    _moment("done_at"),
)

delivery_mark = sa.Table(
    "delivery_mark",
    metadata,
    sa.Column("sole", sa.Boolean, primary_key=True),
    sa.Column("step", sa.BigInteger, nullable=False),
)

gap = sa.Table(
    "gap",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    _moment("since", required=True),
    _moment("until", required=True),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
)
