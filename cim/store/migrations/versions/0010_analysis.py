"""Areas on the ellipsoid, red lines handed in, analyses on their way, and the editions of rules."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

AREA = """
CREATE FUNCTION cim.ellipsoidal_area(shape geometry) RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = public, pg_temp AS $$
    WITH ellipsoid AS (
        SELECT 6378137.0 * (1 - f) AS b, f * (2 - f) AS e FROM (SELECT 1 / 298.257222101::float8 AS f) AS flattening
    ), factor AS (
        SELECT b,
            1 + 3 / 6.0::float8 * e + 30 / 80.0::float8 * e ^ 2 + 35 / 112.0::float8 * e ^ 3
                + 630 / 2304.0::float8 * e ^ 4 AS a1,
            1 / 6.0::float8 * e + 15 / 80.0::float8 * e ^ 2 + 21 / 112.0::float8 * e ^ 3
                + 420 / 2304.0::float8 * e ^ 4 AS a2,
            3 / 80.0::float8 * e ^ 2 + 7 / 112.0::float8 * e ^ 3 + 180 / 2304.0::float8 * e ^ 4 AS a3,
            1 / 112.0::float8 * e ^ 3 + 45 / 2304.0::float8 * e ^ 4 AS a4,
            5 / 2304.0::float8 * e ^ 4 AS a5
        FROM ellipsoid
    ), part AS MATERIALIZED (
        SELECT (ST_Dump(CASE WHEN ST_SRID(shape) IN (0, 4490, 4326) THEN shape ELSE ST_Transform(shape, 4490) END)).geom
    ), corner AS (
        SELECT number, (points).path[1] AS ring, (points).path[2] AS place,
            ST_X((points).geom) AS lon, ST_Y((points).geom) AS lat
        FROM (SELECT row_number() OVER () AS number, ST_DumpPoints(geom) AS points FROM part
              WHERE GeometryType(geom) IN ('POLYGON', 'POLYGONM')) AS dumped
    ), edge AS (
        SELECT number, ring,
            radians(((lon - first_value(lon) OVER along) + (lag(lon) OVER along - first_value(lon) OVER along)) / 2)
                AS width,
            radians(lat - lag(lat) OVER along) AS height, radians((lat + lag(lat) OVER along) / 2) AS mean
        FROM corner WINDOW along AS (PARTITION BY number, ring ORDER BY place)
    ), ring AS (
        SELECT number, ring, abs(sum(2 * b ^ 2 * width * (
            a1 * sin(height / 2) * cos(mean) - a2 * sin(3 * height / 2) * cos(3 * mean)
            + a3 * sin(5 * height / 2) * cos(5 * mean) - a4 * sin(7 * height / 2) * cos(7 * mean)
            + a5 * sin(9 * height / 2) * cos(9 * mean)))) AS area
        FROM edge, factor GROUP BY number, ring
    )
    SELECT coalesce(sum(CASE WHEN ring = 1 THEN area ELSE -area END), 0) FROM ring
$$;
COMMENT ON FUNCTION cim.ellipsoidal_area(geometry) IS
    'Area in m2 on the CGCS2000 ellipsoid by the trapezoid sum of land surveys; other systems go to EPSG:4490 first';
GRANT EXECUTE ON FUNCTION cim.ellipsoidal_area(geometry) TO cim_reader, cim_writer;
"""

TABLES = """
CREATE TABLE cim.redline (
    id text PRIMARY KEY,
    name text NOT NULL,
    author text NOT NULL,
    srid integer NOT NULL,
    evidence text NOT NULL DEFAULT '',
    notes jsonb NOT NULL DEFAULT '[]',
    parcels jsonb NOT NULL,
    shapes bytea[] NOT NULL,
    sha256 text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE cim.analysis_job (
    id text PRIMARY KEY,
    process text NOT NULL,
    process_version text NOT NULL,
    inputs jsonb NOT NULL,
    author text NOT NULL,
    role text NOT NULL,
    status text NOT NULL DEFAULT 'accepted'
        CHECK (status IN ('accepted', 'running', 'successful', 'failed', 'dismissed')),
    progress integer NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    cancel boolean NOT NULL DEFAULT false,
    answer jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX analysis_job_author_created_at_idx ON cim.analysis_job (author, created_at);
CREATE TABLE cim.rule_edition (
    name text NOT NULL,
    number integer NOT NULL,
    text text NOT NULL,
    author text NOT NULL,
    note text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, number)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON cim.redline, cim.analysis_job TO cim_writer;
GRANT SELECT, INSERT ON cim.rule_edition TO cim_writer;
GRANT SELECT ON cim.rule_edition TO cim_reader;
"""


def upgrade() -> None:
    op.execute(AREA)
    op.execute(TABLES)


def downgrade() -> None:
    op.execute(
        "DROP TABLE cim.rule_edition, cim.analysis_job, cim.redline; DROP FUNCTION cim.ellipsoidal_area(geometry)"
    )
