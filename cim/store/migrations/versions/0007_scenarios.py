"""Scenarios over layers; a version's time is when it was written, not when its transaction began."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "scenario",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("name", sa.Text(), nullable=False, unique=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="cim",
    )
    op.create_table(
        "scenario_layer",
        sa.Column("scenario", sa.Integer(), sa.ForeignKey("cim.scenario.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("layer", sa.Text(), sa.ForeignKey("cim.collection.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("version", sa.Integer()),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("added", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("removed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        schema="cim",
    )
    for statement in (
        "GRANT SELECT, INSERT, UPDATE, DELETE ON cim.scenario, cim.scenario_layer TO cim_writer",
        "GRANT SELECT ON cim.scenario, cim.scenario_layer TO cim_reader",
        "CREATE SCHEMA scenario",
        "GRANT USAGE ON SCHEMA scenario TO cim_reader",
        "GRANT USAGE, CREATE ON SCHEMA scenario TO cim_writer",
        "ALTER TABLE cim.version ALTER COLUMN created_at SET DEFAULT clock_timestamp()",
    ):
        op.execute(statement)
