"""Generalised content of layers for low zooms, and how far it follows them."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

GENERAL = """
CREATE SCHEMA general;
GRANT USAGE ON SCHEMA general TO cim_reader;
GRANT USAGE, CREATE ON SCHEMA general TO cim_writer;
CREATE TABLE cim.general_state (
    layer text PRIMARY KEY REFERENCES cim.collection (id) ON DELETE CASCADE,
    version integer NOT NULL,
    plan jsonb NOT NULL,
    sources jsonb NOT NULL,
    bbox double precision[],
    seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    built_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON cim.general_state TO cim_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON cim.general_state TO cim_writer;
CREATE FUNCTION cim.announce_general() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_change', 'general:' || NEW.layer || ':' || NEW.seq);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION cim.announce_general() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cim.announce_general() TO cim_writer;
CREATE TRIGGER announce AFTER INSERT ON cim.general_state
    FOR EACH ROW EXECUTE FUNCTION cim.announce_general();
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(GENERAL)
