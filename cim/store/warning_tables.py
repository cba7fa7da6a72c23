"""The tables of warnings as SQLAlchemy Core, in the ``cim`` schema."""

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from cim.store.tables import metadata


def _moment(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=False, server_default=sa.func.now())


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


warning = sa.Table(
    "warning",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("identifier", sa.Text, nullable=False, unique=True),
    *_texts("sender"),
    _moment("sent", required=True),
    *_texts("status", "kind", "scope", "state"),
    sa.Column("colour", sa.Text),
    *_texts("event", "title"),
    _moment("effective", required=True),
    _moment("expires"),
    sa.Column("original", BYTEA, nullable=False),
    sa.Column("content_hash", BYTEA, nullable=False),
    sa.Column("findings", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("replaced_by", sa.Text, sa.ForeignKey("cim.warning.code")),
    sa.Column("alarm", sa.Text, sa.ForeignKey("cim.event.code")),
    sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False)),
    sa.Column("region_code", sa.Text),
    *_texts("grade"),
    sa.Column("reach", sa.Integer, sa.ForeignKey("cim.reach.id"), nullable=False),
    *_texts("author"),
    _now("received_at"),
    _now("changed_at"),
    comment="Messages of CAP; original is the XML as it came. Who writes holds the lock warning:steps",
)

warning_reference = sa.Table(
    "warning_reference",
    metadata,
    sa.Column("warning", sa.Text, sa.ForeignKey("cim.warning.code"), primary_key=True),
    *(sa.Column(name, sa.Text, primary_key=True) for name in ("identifier", "sender")),
    sa.Column("sent", sa.TIMESTAMP(timezone=True), primary_key=True),
    comment="What a message refers to, whether that has come yet or not",
)

warning_call = sa.Table(
    "warning_call",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("warning", sa.Text, sa.ForeignKey("cim.warning.code"), nullable=False),
    *_texts("contact", "name", "duty"),
    sa.Column("phone", sa.Text),
    sa.Column("subjects", JSONB, nullable=False),
    sa.Column("ladder", JSONB, nullable=False, comment="Who is called next where nobody answers, as of the making"),
    sa.Column("level", sa.Integer, nullable=False, server_default="0"),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    _moment("answer_by", required=True),
    _moment("confirmed_at"),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("region_code", sa.Text),
    *_texts("grade"),
    sa.Column("reach", sa.Integer, sa.ForeignKey("cim.reach.id"), nullable=False),
    _now("made_at"),
    sa.UniqueConstraint("warning", "contact"),
)

warning_token = sa.Table(
    "warning_token",
    metadata,
    sa.Column("call", sa.BigInteger, sa.ForeignKey("cim.warning_call.id"), primary_key=True, autoincrement=False),
    sa.Column("token", sa.Text, nullable=False, unique=True),
    comment="By which the person who was called confirms, without an account",
)

warning_step = sa.Table(
    "warning_step",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("warning", sa.Text, sa.ForeignKey("cim.warning.code"), nullable=False),
    sa.Column("call", sa.BigInteger, sa.ForeignKey("cim.warning_call.id")),
    *_texts("action"),
    _now("at"),
    *_texts("actor"),
    sa.Column("channel", sa.Text, nullable=False, server_default=""),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    *_texts("state"),
    comment="History of warnings and receipts of calls, only ever added to",
)

warning_delivery = sa.Table(
    "warning_delivery",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("receiver", sa.Integer, nullable=False),
    sa.Column("step", sa.BigInteger, sa.ForeignKey("cim.warning_step.seq"), nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default="waiting"),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    _now("next_at"),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    _moment("done_at"),
    sa.UniqueConstraint("receiver", "step"),
)

sa.Index("warning_geom_idx", warning.c.geom, postgresql_using="gist")
sa.Index("warning_sent_idx", warning.c.sent.desc(), warning.c.code.desc())
sa.Index("warning_expires_idx", warning.c.expires, postgresql_where=warning.c.state == "active")
sa.Index("warning_reference_identifier_idx", warning_reference.c.identifier)
sa.Index("warning_call_due_idx", warning_call.c.answer_by, postgresql_where=warning_call.c.state == "waiting")
sa.Index("warning_step_warning_idx", warning_step.c.warning, warning_step.c.seq)
sa.Index(
    "warning_delivery_waiting_idx", warning_delivery.c.next_at, postgresql_where=warning_delivery.c.state == "waiting"
)
