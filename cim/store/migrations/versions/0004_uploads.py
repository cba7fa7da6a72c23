"""Uploads on their way to layers, and the queue (schema ``jobs``) a worker takes them from."""

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "upload",
        sa.Column("id", sa.Text(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="received", nullable=False),
        sa.Column("inspection", postgresql.JSONB()),
        sa.Column("options", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("progress", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("runs", postgresql.ARRAY(sa.Integer()), server_default="{}", nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("cancel", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True)),
        schema="cim",
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON cim.upload TO cim_writer")
    run = op.get_bind().exec_driver_sql
    run("CREATE SCHEMA jobs")
    run("SET LOCAL search_path TO jobs, public")
    run(SchemaManager.get_schema().replace("%", "%%"))
    run("SET LOCAL search_path TO DEFAULT")
    run("GRANT USAGE ON SCHEMA jobs TO cim_writer")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO cim_writer")
    run("GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO cim_writer")
    run("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs FROM PUBLIC")
    run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA jobs TO cim_writer")
