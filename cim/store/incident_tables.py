"""The tables of incidents as SQLAlchemy Core; ``cim.model.incidents`` says what they mean."""

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import JSONB

from cim.store.tables import metadata


def _texts(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _moments(*names: str, required: bool = True) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required) for name in names]


def _flag(name: str, comment: str | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false"), comment=comment)


def _of_incident(*more: sa.Column[object]) -> list[sa.Column[object]]:
    owner: sa.Column[object] = sa.Column("incident", sa.Text, sa.ForeignKey("cim.incident.code"), primary_key=True)
    return [owner, sa.Column("number", sa.Integer, primary_key=True), *more]


incident = sa.Table(
    "incident",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    *_texts("kind", "title"),
    _flag("drill", "A drill shows in its code and its title; neither can be changed to look real"),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("access", sa.Text, nullable=False, server_default="internal"),
    sa.Column("region_code", sa.Text),
    sa.Column("reach", sa.Integer, sa.ForeignKey("cim.reach.id"), nullable=False),
    _flag("outside"),
    sa.Column("place_text", sa.Text, nullable=False, server_default=""),
    sa.Column("geom", Geometry("POINT", srid=4490, spatial_index=False), nullable=False),
    sa.Column("area", JSONB(none_as_null=True)),
    *_moments("occurred_at", "reported_at"),
    sa.Column("reporter", sa.Text, nullable=False, server_default=""),
    sa.Column("figures", JSONB, nullable=False, server_default="{}"),
    sa.Column("grade", sa.Text),
    sa.Column("grade_rule", sa.Text, nullable=False, server_default=""),
    sa.Column("reports", JSONB, nullable=False, server_default="[]"),
    sa.Column("response_level", sa.Text),
    sa.Column("properties", JSONB, nullable=False, server_default="{}"),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    *_texts("author"),
    *_moments("created_at", "changed_at"),
    *_moments("closed_at", required=False),
    comment="Incidents as they stand; access is the grade of the data, grade that of the incident",
)

entry = sa.Table(
    "incident_entry",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("incident", sa.Text, sa.ForeignKey("cim.incident.code"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    *_moments("at"),
    *_texts("author", "kind"),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    sa.Column("body", JSONB, nullable=False, server_default="{}"),
    sa.Column(
        "changes",
        JSONB,
        nullable=False,
        server_default="[]",
        comment="What the entry changed, as it is afterwards: a replay puts them together",
    ),
    sa.UniqueConstraint("incident", "number"),
    sa.UniqueConstraint("incident", "at"),
    comment="Timelines, only ever added to. Who adds holds the lock incident:entries: numbers grow as they become"
    " visible",
)

task = sa.Table(
    "incident_task",
    metadata,
    *_of_incident(),
    *_texts("recipient", "what"),
    *_moments("due_at", required=False),
    sa.Column("state", sa.Text, nullable=False, server_default="made"),
    *_texts("author"),
    *_moments("created_at"),
)

receipt = sa.Table(
    "incident_receipt",
    metadata,
    sa.Column("incident", sa.Text, primary_key=True),
    sa.Column("task", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    *_texts("author"),
    *_moments("at"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.ForeignKeyConstraint(["incident", "task"], ["cim.incident_task.incident", "cim.incident_task.number"]),
)

mark = sa.Table(
    "incident_mark",
    metadata,
    *_of_incident(sa.Column("version", sa.Integer, primary_key=True)),
    sa.Column("geometry", JSONB, nullable=False),
    *_texts("symbol"),
    sa.Column("style", JSONB, nullable=False, server_default="{}"),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    _flag("removed"),
    *_texts("author"),
    *_moments("at"),
    comment="Every version of every mark: the newest one is on the map, unless it is removed",
)

step = sa.Table(
    "incident_step",
    metadata,
    *_of_incident(),
    *_texts("plan", "step", "role", "what"),
    sa.Column("offset_min", sa.Integer, nullable=False),
    *_moments("due_at"),
    sa.Column("response_level", sa.Text),
    sa.Column("source", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False, server_default="open"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("author", sa.Text),
    *_moments("at", required=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    sa.UniqueConstraint("incident", "plan", "step"),
)

sa.Index("incident_geom_idx", incident.c.geom, postgresql_using="gist")
sa.Index("incident_occurred_idx", incident.c.occurred_at.desc(), incident.c.code.desc())
