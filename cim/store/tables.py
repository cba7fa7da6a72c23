"""The tables of the ``cim`` schema as SQLAlchemy Core; migrations create them, queries are built from them.

Collections are not here: each has a table of its own in ``history``, see ``cim.store.collection_tables``.
"""

import sqlalchemy as sa
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

metadata = sa.MetaData(schema="cim")

_NOW = sa.text("now()")


def _time(name: str, *, required: bool = True) -> sa.Column[object]:
    default = _NOW if required else None
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required, server_default=default)


def _moment(name: str, *, required: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=not required)


collection = sa.Table(
    "collection",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("geometry", sa.Text, nullable=False),
    sa.Column("srid", sa.Integer, nullable=False),
    sa.Column("key", sa.Text),
    sa.Column("fields", JSONB, nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("feature_count", sa.BigInteger, nullable=False),
    sa.Column("bbox", ARRAY(sa.Float)),
    sa.Column("search_version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("kind", sa.Text, nullable=False, server_default="vector"),
    sa.Column("source_fields", JSONB, nullable=False, server_default="{}"),
    _time("updated_at"),
    sa.CheckConstraint("grade IN ('public', 'internal', 'restricted', 'draft')", name="collection_grade"),
)

import_run = sa.Table(
    "import_run",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("source_name", sa.Text, nullable=False),
    sa.Column("source_layer", sa.Text, nullable=False, server_default=""),
    sa.Column("source_sha256", sa.Text, nullable=False, server_default=""),
    sa.Column("driver", sa.Text, nullable=False, server_default=""),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("options", JSONB, nullable=False, server_default="{}"),
    sa.Column("lineage", JSONB, nullable=False, server_default="{}"),
    sa.Column("status", sa.Text, nullable=False, server_default="running"),
    sa.Column("version", sa.Integer),
    sa.Column("read", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("loaded", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("skipped", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("rejected", JSONB, nullable=False, server_default="[]"),
    sa.Column("repaired", JSONB, nullable=False, server_default="[]"),
    sa.Column("findings", JSONB, nullable=False, server_default="[]"),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    _time("started_at"),
    _moment("finished_at"),
    sa.Column("checks", JSONB, nullable=False, server_default="[]"),
)

import_fault = sa.Table(
    "import_fault",
    metadata,
    sa.Column("run", sa.Integer, sa.ForeignKey("cim.import_run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("row", sa.BigInteger),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False)),
)

upload = sa.Table(
    "upload",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="received"),
    sa.Column("inspection", JSONB),
    sa.Column("options", JSONB, nullable=False, server_default="{}"),
    sa.Column("progress", JSONB, nullable=False, server_default="{}"),
    sa.Column("runs", ARRAY(sa.Integer), nullable=False, server_default="{}"),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("cancel", sa.Boolean, nullable=False, server_default="false"),
    _time("created_at"),
    _moment("finished_at"),
)

version = sa.Table(
    "version",
    metadata,
    sa.Column("layer", sa.Text, sa.ForeignKey("cim.collection.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("feature_count", sa.BigInteger, nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("changed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("removed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("run", sa.Integer, sa.ForeignKey("cim.import_run.id")),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("transaction_id", sa.Text),
    sa.Column("pruned", sa.Boolean, nullable=False, server_default="false"),
    _time("created_at"),
)

scenario = sa.Table(
    "scenario",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("author", sa.Text, nullable=False),
    _time("created_at"),
)

scenario_layer = sa.Table(
    "scenario_layer",
    metadata,
    sa.Column("scenario", sa.Integer, sa.ForeignKey("cim.scenario.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("layer", sa.Text, sa.ForeignKey("cim.collection.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("changed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("removed", sa.BigInteger, nullable=False, server_default="0"),
    _time("updated_at"),
)

change_head = sa.Table(
    "change_head",
    metadata,
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("kept", sa.BigInteger, nullable=False, server_default="0"),
)

pending_change = sa.Table(
    "pending_change",
    metadata,
    sa.Column("transaction_id", sa.Text, primary_key=True),
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("cell_x", sa.Integer, primary_key=True),
    sa.Column("cell_y", sa.Integer, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    *(sa.Column(side, sa.Double) for side in ("west", "south", "east", "north")),
)

change = sa.Table(
    "change",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("bbox", ARRAY(sa.Float)),
    _time("at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("object", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False, server_default=""),
    sa.Column("detail", JSONB, nullable=False, server_default="{}"),
    sa.Column("chain", BYTEA),
    _time("at"),
)

role = sa.Table(
    "role",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("title", JSONB, nullable=False),
)

role_right = sa.Table(
    "role_right",
    metadata,
    sa.Column("id", sa.Integer, sa.Identity(), primary_key=True),
    sa.Column("role", sa.Text, sa.ForeignKey("cim.role.name", ondelete="CASCADE"), nullable=False),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("operations", ARRAY(sa.Text), nullable=False),
    sa.Column("region_code", sa.Text),
    sa.Column("hidden_fields", ARRAY(sa.Text), nullable=False, server_default="{}"),
)

account = sa.Table(
    "account",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, sa.ForeignKey("cim.role.name"), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    _moment("locked_until"),
    _time("created_at"),
)

session = sa.Table(
    "session",
    metadata,
    sa.Column("token_hash", BYTEA, primary_key=True),
    sa.Column("account", sa.Text, sa.ForeignKey("cim.account.name", ondelete="CASCADE"), nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    _time("created_at"),
    _moment("expires_at", required=True),
)

api_key = sa.Table(
    "api_key",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("secret_hash", BYTEA, nullable=False, unique=True),
    sa.Column("role", sa.Text, sa.ForeignKey("cim.role.name"), nullable=False),
    sa.Column("label", sa.Text, nullable=False, server_default=""),
    _time("created_at"),
    _moment("expires_at"),
    _moment("revoked_at"),
    sa.Column("broker_hash", sa.Text, comment="The secret as Mosquitto hashes it; keys made before have none"),
)

search_entry = sa.Table(
    "search_entry",
    metadata,
    sa.Column("layer", sa.Text, sa.ForeignKey("cim.collection.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("fid", sa.BigInteger, primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("subtitle", sa.Text, nullable=False, server_default=""),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("pinyin", sa.Text, nullable=False, server_default=""),
    sa.Column("initials", sa.Text, nullable=False, server_default=""),
    sa.Column("weight", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lon", sa.Float, nullable=False),
    sa.Column("lat", sa.Float, nullable=False),
)

general_state = sa.Table(
    "general_state",
    metadata,
    sa.Column("layer", sa.Text, sa.ForeignKey("cim.collection.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("plan", JSONB, nullable=False),
    sa.Column("sources", JSONB, nullable=False),
    sa.Column("bbox", ARRAY(sa.Float)),
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), nullable=False),
    _time("built_at"),
)


def _place() -> sa.Column[object]:
    return sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False))


region = sa.Table(
    "region",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent_code", sa.Text),
    _place(),
)

reach = sa.Table(
    "reach",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("grade", sa.Text, nullable=False),
    sa.Column("region_code", sa.Text),
    sa.UniqueConstraint("grade", "region_code", postgresql_nulls_not_distinct=True),
    comment="Pairs of grade and region that rows of assets and sensors carry as one number",
)

asset = sa.Table(
    "asset",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent", sa.Text, sa.ForeignKey("cim.asset.code")),
    sa.Column("region_code", sa.Text),
    sa.Column("properties", JSONB, nullable=False, server_default="{}"),
    _place(),
    sa.Column("grade", sa.Text, nullable=False, server_default="internal"),
    *(sa.Column(name, sa.Text) for name in ("placement", "owner", "maker", "model_name")),
    sa.Column("installed_on", sa.Date),
    *(sa.Column(name, sa.Text) for name in ("building_code", "model", "storey", "space", "element")),
    sa.Column("storey_number", sa.Integer),
    sa.Column("height_m", sa.Double),
    sa.Column("online_after_s", sa.Integer),
    sa.Column("geom_3857", Geometry("GEOMETRY", srid=3857, spatial_index=False)),
    sa.Column("reach", sa.Integer, sa.ForeignKey("cim.reach.id"), nullable=False),
)

asset_alias = sa.Table(
    "asset_alias",
    metadata,
    sa.Column("scheme", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("edition", sa.Text),
    sa.Column(
        "asset",
        sa.Text,
        sa.ForeignKey("cim.asset.code", onupdate="CASCADE", ondelete="CASCADE"),
        nullable=False,
    ),
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _moment("happened_at", required=True),
    _moment("deadline_at"),
    sa.Column("region_code", sa.Text),
    sa.Column("properties", JSONB, nullable=False, server_default="{}"),
    _place(),
    sa.Column("grade", sa.Text, nullable=False, server_default="internal"),
    sa.Column("reach", sa.Integer, sa.ForeignKey("cim.reach.id"), nullable=False),
    sa.Column("severity", sa.Text),
    sa.Column("text", sa.Text, nullable=False, server_default=""),
    *(sa.Column(name, sa.Integer) for name in ("rule", "datastream", "thing")),
    sa.Column("subject", sa.Text),
    sa.Column("value", sa.Double),
    _moment("value_at"),
    sa.Column("last_value", sa.Double),
    _moment("last_at"),
    sa.Column("count", sa.Integer, nullable=False, server_default="1"),
    sa.Column("level", sa.SmallInteger, nullable=False, server_default="0"),
    _moment("acknowledged_at"),
    sa.Column("acknowledged_by", sa.Text),
    _moment("cleared_at"),
    sa.Column("cleared_by", sa.Text),
    _moment("escalated_at"),
    _moment("closed_at"),
    _time("changed_at"),
)

event_step = sa.Table(
    "event_step",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("event", sa.Text, sa.ForeignKey("cim.event.code"), nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    _time("at"),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("value", sa.Double),
    sa.Column("receiver", sa.Text),
    comment="History of events, only ever added to. Who adds holds the lock event:steps: numbers grow as they become"
    " visible",
)

indicator = sa.Table(
    "indicator",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("formula", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("source_version", sa.Integer),
    sa.Column("warn_below", sa.Float),
    sa.Column("warn_above", sa.Float),
)

indicator_value = sa.Table(
    "indicator_value",
    metadata,
    sa.Column("indicator", sa.Text, sa.ForeignKey("cim.indicator.code", ondelete="CASCADE"), primary_key=True),
    sa.Column("region_code", sa.Text, primary_key=True),
    sa.Column("at", sa.TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("value", sa.Float, nullable=False),
)

project = sa.Table(
    "project",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("region_code", sa.Text),
    sa.Column("parcels", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("models", ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("properties", JSONB, nullable=False, server_default="{}"),
    _place(),
)

moving_object = sa.Table(
    "moving_object",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("properties", JSONB, nullable=False, server_default="{}"),
)

track_point = sa.Table(
    "track_point",
    metadata,
    sa.Column("object_code", sa.Text, sa.ForeignKey("cim.moving_object.code", ondelete="CASCADE"), primary_key=True),
    sa.Column("at", sa.TIMESTAMP(timezone=True), primary_key=True),
    sa.Column("lon", sa.Float, nullable=False),
    sa.Column("lat", sa.Float, nullable=False),
    sa.Column("heading_deg", sa.Float),
    sa.Column("speed_m_s", sa.Float),
)

sa.Index("version_transaction", version.c.layer, version.c.transaction_id)
sa.Index("change_layer", change.c.layer, change.c.seq)
sa.Index("region_geom", region.c.geom, postgresql_using="gist")
sa.Index("asset_geom", asset.c.geom, postgresql_using="gist")
sa.Index("event_geom", event.c.geom, postgresql_using="gist")
sa.Index("asset_geom_3857_idx", asset.c.geom_3857, postgresql_using="gist")
sa.Index("asset_parent_idx", asset.c.parent)
sa.Index("asset_kind_idx", asset.c.kind, asset.c.placement)
sa.Index("asset_building_idx", asset.c.building_code, asset.c.storey_number)
sa.Index("asset_model_idx", asset.c.model, asset.c.storey)
sa.Index("asset_alias_asset_idx", asset_alias.c.asset)
sa.Index("event_open_alarm_idx", event.c.rule, event.c.subject, unique=True)
sa.Index("event_open_datastream_idx", event.c.datastream)
sa.Index("event_happened_idx", event.c.kind, event.c.happened_at.desc(), event.c.code.desc())
sa.Index("event_datastream_idx", event.c.datastream, event.c.happened_at.desc())
sa.Index("event_thing_idx", event.c.thing)
sa.Index("event_rule_idx", event.c.rule)
sa.Index("event_step_event_idx", event_step.c.event, event_step.c.seq)
sa.Index("project_geom", project.c.geom, postgresql_using="gist")
sa.Index("search_entry_prefix", search_entry.c.text, postgresql_ops={"text": "text_pattern_ops"})
sa.Index("search_entry_pinyin", search_entry.c.pinyin, postgresql_ops={"pinyin": "text_pattern_ops"})
sa.Index("search_entry_initials", search_entry.c.initials, postgresql_ops={"initials": "text_pattern_ops"})
sa.Index(
    "search_entry_text",
    search_entry.c.text,
    postgresql_using="gin",
    postgresql_ops={"text": "gin_trgm_ops"},
)

redline = sa.Table(
    "redline",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("srid", sa.Integer, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False, server_default=""),
    sa.Column("notes", JSONB, nullable=False, server_default="[]"),
    sa.Column("parcels", JSONB, nullable=False),
    sa.Column("shapes", ARRAY(BYTEA), nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    _time("created_at"),
)

analysis_job = sa.Table(
    "analysis_job",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("process", sa.Text, nullable=False),
    sa.Column("process_version", sa.Text, nullable=False),
    sa.Column("inputs", JSONB, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="accepted"),
    sa.Column("progress", sa.Integer, nullable=False, server_default="0"),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("cancel", sa.Boolean, nullable=False, server_default="false"),
    sa.Column("answer", JSONB),
    _time("created_at"),
    _moment("started_at"),
    _moment("finished_at"),
    _time("updated_at"),
    sa.Index("analysis_job_author_created_at_idx", "author", "created_at"),
)

rule_edition = sa.Table(
    "rule_edition",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    _time("created_at"),
)

# Geometries of city objects in three dimensions, by layer and hash of their content, as importers.city writes them.
city_shape = sa.Table(
    "city_shape",
    metadata,
    sa.Column("layer", sa.Text, primary_key=True),
    sa.Column("hash", BYTEA, primary_key=True),
    sa.Column("lods", ARRAY(sa.Text), nullable=False),
    sa.Column("body", BYTEA, nullable=False),
)
