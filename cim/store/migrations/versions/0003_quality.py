"""What checks of a delivery found: the tally with its run, each fault with its place."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "import_run",
        sa.Column("checks", postgresql.JSONB(), server_default="[]", nullable=False),
        schema="cim",
    )
    op.create_table(
        "import_fault",
        sa.Column("run", sa.Integer(), sa.ForeignKey("cim.import_run.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("geom", Geometry("GEOMETRY", srid=4490, spatial_index=False)),
        schema="cim",
    )
    op.execute("GRANT SELECT, INSERT, DELETE ON cim.import_fault TO cim_writer")
