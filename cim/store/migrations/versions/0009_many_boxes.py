"""Publishing many boxes of one transaction takes time by their number, not by its square.

The first of a transaction's pending boxes publishes them all; each of the others looked through all of them, dead by
then, for one that is left. Now it looks for itself. The span of the boxes is computed once, whatever the planner
expects.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

PARTS = (
    ("layer = NEW.layer) THEN", "layer = NEW.layer AND cell_x = NEW.cell_x AND cell_y = NEW.cell_y) THEN"),
    ("), span AS (", "), span AS MATERIALIZED ("),
)


def upgrade() -> None:
    for old, new in PARTS:
        _replace(old, new)


def downgrade() -> None:
    for old, new in PARTS:
        _replace(new, old)


def _replace(old: str, new: str) -> None:
    """Make ``cim.publish_changes`` again with one part of its text replaced."""
    op.execute(
        f"DO $$ BEGIN EXECUTE replace(pg_get_functiondef('cim.publish_changes'::regproc), '{old}', '{new}'); END $$"
    )
