"""Layers of rasters, field mappings kept with a layer, and versions whose rows are gone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kind = sa.Column("kind", sa.Text(), server_default="vector", nullable=False)
    fields = sa.Column("source_fields", postgresql.JSONB(), server_default="{}", nullable=False)
    op.add_column("collection", kind, schema="cim")
    op.add_column("collection", fields, schema="cim")
    op.add_column("version", sa.Column("pruned", sa.Boolean(), server_default="false", nullable=False), schema="cim")
