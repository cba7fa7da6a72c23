"""One sequence of changes in the order of committing, with the places they touched."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

HEADS = """
INSERT INTO cim.change_head (layer, seq, kept) SELECT layer, max(seq), count(*) FROM cim.change GROUP BY layer;
REVOKE ALL ON cim.change, cim.change_head FROM cim_writer;
GRANT SELECT ON cim.change, cim.change_head TO cim_writer, cim_reader;
GRANT SELECT, INSERT, UPDATE ON cim.pending_change TO cim_writer;
"""

RECORD = """
CREATE FUNCTION cim.touch(layer_id text, opened integer, cell_x integer, cell_y integer,
    west double precision, south double precision, east double precision, north double precision)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO cim.pending_change AS p
    VALUES (pg_current_xact_id()::text, layer_id, cell_x, cell_y, opened, west, south, east, north)
    ON CONFLICT (transaction_id, layer, cell_x, cell_y) DO UPDATE SET version = excluded.version,
        west = least(p.west, excluded.west), south = least(p.south, excluded.south),
        east = greatest(p.east, excluded.east), north = greatest(p.north, excluded.north)
    WHERE p.version <> excluded.version OR excluded.west < p.west OR excluded.south < p.south
        OR excluded.east > p.east OR excluded.north > p.north
$$;
COMMENT ON FUNCTION cim.touch(text, integer, integer, integer, double precision, double precision, double precision,
    double precision) IS 'Note that this transaction changes a layer within a box; all null: anywhere';

CREATE OR REPLACE FUNCTION cim.record_edit(layer_id text, opened integer, place geometry)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    box box3d := Box3D(place);
BEGIN
    IF place IS NULL OR ST_IsEmpty(place) THEN
        PERFORM cim.touch(layer_id, opened, -1, -1, NULL, NULL, NULL, NULL);
        RETURN;
    END IF;
    UPDATE cim.collection SET bbox = CASE WHEN bbox IS NULL
        THEN ARRAY[ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)]
        ELSE ARRAY[least(bbox[1], ST_XMin(box)), least(bbox[2], ST_YMin(box)),
                   greatest(bbox[3], ST_XMax(box)), greatest(bbox[4], ST_YMax(box))] END
    WHERE id = layer_id AND (bbox IS NULL OR ST_XMin(box) < bbox[1] OR ST_YMin(box) < bbox[2]
        OR ST_XMax(box) > bbox[3] OR ST_YMax(box) > bbox[4]);
    PERFORM cim.touch(layer_id, opened, cell_x, cell_y, west, south, east, north)
    FROM (
        SELECT floor(64 * (ST_XMin(geom) + ST_XMax(geom)) / 2)::integer AS cell_x,
            floor(64 * (ST_YMin(geom) + ST_YMax(geom)) / 2)::integer AS cell_y,
            min(ST_XMin(geom)) AS west, min(ST_YMin(geom)) AS south,
            max(ST_XMax(geom)) AS east, max(ST_YMax(geom)) AS north
        FROM ST_Dump(place) WHERE NOT ST_IsEmpty(geom) GROUP BY 1, 2
    ) AS cells;
END $$;
"""

PUBLISH = """
CREATE FUNCTION cim.publish_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    added integer;
    newest bigint;
    cut bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM cim.pending_change
                   WHERE transaction_id = pg_current_xact_id()::text AND layer = NEW.layer) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('cim.change', 0));
    WITH taken AS (
        DELETE FROM cim.pending_change
        WHERE transaction_id = pg_current_xact_id()::text AND layer = NEW.layer RETURNING *
    ), span AS (
        SELECT count(*) AS boxes, min(west) AS west, min(south) AS south,
            greatest(max(east) - min(west), 1e-9) AS width, greatest(max(north) - min(south), 1e-9) AS height
        FROM taken
    ), published AS (
        INSERT INTO cim.change (layer, version, bbox)
        SELECT NEW.layer, max(t.version), CASE WHEN bool_or(t.west IS NULL) THEN NULL
            ELSE ARRAY[min(t.west), min(t.south), max(t.east), max(t.north)] END
        FROM taken t, span s
        GROUP BY
            CASE WHEN s.boxes > 64 THEN floor(8 * ((t.west + t.east) / 2 - s.west) / s.width) ELSE t.cell_x END,
            CASE WHEN s.boxes > 64 THEN floor(8 * ((t.south + t.north) / 2 - s.south) / s.height) ELSE t.cell_y END
        RETURNING seq
    )
    SELECT count(*), max(seq) INTO added, newest FROM published;
    INSERT INTO cim.change_head AS h (layer, seq, kept) VALUES (NEW.layer, newest, added)
    ON CONFLICT (layer) DO UPDATE SET seq = newest, kept = h.kept + added;
    SELECT seq INTO cut FROM cim.change
    WHERE layer = NEW.layer AND (SELECT kept > 2048 FROM cim.change_head WHERE layer = NEW.layer)
    ORDER BY seq DESC OFFSET 1024 LIMIT 1;
    IF cut IS NOT NULL THEN
        DELETE FROM cim.change WHERE layer = NEW.layer AND seq < cut;
        UPDATE cim.change SET bbox = NULL WHERE seq = cut;
        UPDATE cim.change_head SET first = cut, kept = 1025 WHERE layer = NEW.layer;
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER publish AFTER INSERT ON cim.pending_change DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION cim.publish_changes();

CREATE FUNCTION cim.touch_everything() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM cim.touch('*', 0, -1, -1, NULL, NULL, NULL, NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER touch AFTER INSERT OR UPDATE OR DELETE ON cim.region
    FOR EACH STATEMENT EXECUTE FUNCTION cim.touch_everything();

REVOKE EXECUTE ON FUNCTION cim.touch(text, integer, integer, integer, double precision, double precision,
    double precision, double precision), cim.publish_changes(), cim.touch_everything() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cim.touch(text, integer, integer, integer, double precision, double precision,
    double precision, double precision), cim.publish_changes(), cim.touch_everything() TO cim_writer;
"""


def upgrade() -> None:
    op.create_table(
        "change_head",
        sa.Column("layer", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("kept", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("layer"),
        schema="cim",
    )
    op.get_bind().exec_driver_sql(
        "CREATE TABLE cim.pending_change (transaction_id text NOT NULL, layer text NOT NULL, cell_x integer NOT NULL,"
        " cell_y integer NOT NULL, version integer NOT NULL, west double precision, south double precision,"
        " east double precision, north double precision, PRIMARY KEY (transaction_id, layer, cell_x, cell_y))"
    )
    for part in (HEADS, RECORD, PUBLISH):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
