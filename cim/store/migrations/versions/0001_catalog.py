"""The catalogue: collections, versions, imports, changes, audit, identity, search, and the generic objects."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "asset",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("properties", JSONB, server_default="{}", nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent"],
            ["cim.asset.code"],
        ),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_index("asset_geom", "asset", ["geom"], unique=False, schema="cim", postgresql_using="gist")
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", JSONB, server_default="{}", nullable=False),
        sa.Column("chain", BYTEA, nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="cim",
    )
    op.create_table(
        "change",
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("bbox", ARRAY(sa.Float), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        schema="cim",
    )
    op.create_index("change_layer", "change", ["layer", "seq"], unique=False, schema="cim")
    op.create_table(
        "collection",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("geometry", sa.Text(), nullable=False),
        sa.Column("srid", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("fields", JSONB, nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("feature_count", sa.BigInteger(), nullable=False),
        sa.Column("bbox", ARRAY(sa.Float), nullable=True),
        sa.Column("search_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("grade IN ('public', 'internal', 'restricted', 'draft')", name="collection_grade"),
        sa.PrimaryKeyConstraint("id"),
        schema="cim",
    )
    op.create_table(
        "event",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("properties", JSONB, server_default="{}", nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False), nullable=True),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_index("event_geom", "event", ["geom"], unique=False, schema="cim", postgresql_using="gist")
    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("source_name", sa.Text(), nullable=False),
        sa.Column("source_layer", sa.Text(), server_default="", nullable=False),
        sa.Column("source_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("driver", sa.Text(), server_default="", nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("options", JSONB, server_default="{}", nullable=False),
        sa.Column("lineage", JSONB, server_default="{}", nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("read", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("loaded", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("skipped", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rejected", JSONB, server_default="[]", nullable=False),
        sa.Column("repaired", JSONB, server_default="[]", nullable=False),
        sa.Column("findings", JSONB, server_default="[]", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        schema="cim",
    )
    op.create_table(
        "indicator",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=True),
        sa.Column("warn_below", sa.Float(), nullable=True),
        sa.Column("warn_above", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_table(
        "moving_object",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("properties", JSONB, server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_table(
        "project",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("parcels", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column("models", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.Column("properties", JSONB, server_default="{}", nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False), nullable=True),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_index("project_geom", "project", ["geom"], unique=False, schema="cim", postgresql_using="gist")
    op.create_table(
        "region",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False), nullable=True),
        sa.PrimaryKeyConstraint("code"),
        schema="cim",
    )
    op.create_index("region_geom", "region", ["geom"], unique=False, schema="cim", postgresql_using="gist")
    op.create_table(
        "role",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("name"),
        schema="cim",
    )
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["role"],
            ["cim.role.name"],
        ),
        sa.PrimaryKeyConstraint("name"),
        schema="cim",
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_hash", BYTEA, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["role"],
            ["cim.role.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
        schema="cim",
    )
    op.create_table(
        "indicator_value",
        sa.Column("indicator", sa.Text(), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["indicator"], ["cim.indicator.code"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("indicator", "region_code", "at"),
        schema="cim",
    )
    op.create_table(
        "role_right",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("operations", ARRAY(sa.Text), nullable=False),
        sa.Column("region_code", sa.Text(), nullable=True),
        sa.Column("hidden_fields", ARRAY(sa.Text), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(["role"], ["cim.role.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        schema="cim",
    )
    op.create_table(
        "search_entry",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("fid", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("subtitle", sa.Text(), server_default="", nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pinyin", sa.Text(), server_default="", nullable=False),
        sa.Column("initials", sa.Text(), server_default="", nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["layer"], ["cim.collection.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("layer", "fid"),
        schema="cim",
    )
    op.create_index(
        "search_entry_initials",
        "search_entry",
        ["initials"],
        unique=False,
        schema="cim",
        postgresql_ops={"initials": "text_pattern_ops"},
    )
    op.create_index(
        "search_entry_pinyin",
        "search_entry",
        ["pinyin"],
        unique=False,
        schema="cim",
        postgresql_ops={"pinyin": "text_pattern_ops"},
    )
    op.create_index(
        "search_entry_prefix",
        "search_entry",
        ["text"],
        unique=False,
        schema="cim",
        postgresql_ops={"text": "text_pattern_ops"},
    )
    op.create_index(
        "search_entry_text",
        "search_entry",
        ["text"],
        unique=False,
        schema="cim",
        postgresql_using="gin",
        postgresql_ops={"text": "gin_trgm_ops"},
    )
    op.create_table(
        "track_point",
        sa.Column("object_code", sa.Text(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("lon", sa.Float(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("heading_deg", sa.Float(), nullable=True),
        sa.Column("speed_m_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["object_code"], ["cim.moving_object.code"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("object_code", "at"),
        schema="cim",
    )
    op.create_table(
        "version",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("feature_count", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("run", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("transaction_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["layer"], ["cim.collection.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["run"],
            ["cim.import_run.id"],
        ),
        sa.PrimaryKeyConstraint("layer", "number"),
        schema="cim",
    )
    op.create_index("version_transaction", "version", ["layer", "transaction_id"], unique=False, schema="cim")
    op.create_table(
        "session",
        sa.Column("token_hash", BYTEA, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("csrf", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["cim.account.name"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash"),
        schema="cim",
    )
