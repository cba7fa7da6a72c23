"""Building models: elements and meshes of all models together, and the shapes of city objects."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MODELS = """
CREATE SCHEMA bim;
CREATE TABLE bim.model (
    id text PRIMARY KEY REFERENCES cim.collection (id) ON DELETE CASCADE,
    name text NOT NULL,
    building_code text,
    cim_level smallint CHECK (cim_level BETWEEN 1 AND 7),
    footprint geometry(MultiPolygon, 4490),
    footprint_3857 geometry(MultiPolygon, 3857),
    z_min_m double precision,
    z_max_m double precision
);
CREATE INDEX model_footprint_3857_idx ON bim.model USING gist (footprint_3857);
CREATE INDEX model_building_code_idx ON bim.model (building_code);
CREATE TABLE bim.model_version (
    model text NOT NULL REFERENCES bim.model (id) ON DELETE CASCADE,
    number integer NOT NULL,
    head jsonb NOT NULL,
    PRIMARY KEY (model, number)
);
CREATE TABLE bim.mesh (
    model text NOT NULL REFERENCES bim.model (id) ON DELETE CASCADE,
    hash bytea NOT NULL,
    vertices integer NOT NULL,
    triangles integer NOT NULL,
    materials jsonb NOT NULL,
    body bytea COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (model, hash)
);
CREATE TABLE bim.element (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model text NOT NULL REFERENCES bim.model (id) ON DELETE CASCADE,
    global_id text NOT NULL,
    kind text NOT NULL,
    ifc_class text NOT NULL,
    name text,
    long_name text,
    description text,
    object_type text,
    predefined_type text,
    tag text,
    parent text,
    parent_relation text,
    building text,
    storey text,
    storey_name text,
    storey_number integer,
    elevation_m double precision,
    space text,
    type_id text,
    type_name text,
    systems text[] NOT NULL DEFAULT '{}',
    materials text[] NOT NULL DEFAULT '{}',
    classifications jsonb NOT NULL DEFAULT '[]',
    properties jsonb COMPRESSION lz4 NOT NULL DEFAULT '{}',
    quantities jsonb NOT NULL DEFAULT '{}',
    inherited text[] NOT NULL DEFAULT '{}',
    outline geometry(Geometry, 4490),
    outline_3857 geometry(Geometry, 3857),
    z_min_m double precision,
    z_max_m double precision,
    mesh bytea,
    matrix double precision[],
    source_hash bytea NOT NULL,
    valid_from_version integer NOT NULL,
    valid_to_version integer
);
CREATE UNIQUE INDEX element_current_idx ON bim.element (model, global_id) WHERE valid_to_version IS NULL;
CREATE INDEX element_outline_3857_idx ON bim.element USING gist (outline_3857) WHERE valid_to_version IS NULL;
CREATE INDEX element_class_idx ON bim.element (ifc_class, storey_number, model) WHERE valid_to_version IS NULL;
CREATE INDEX element_storey_idx ON bim.element (model, storey) WHERE valid_to_version IS NULL;
CREATE INDEX element_ended_idx ON bim.element (model, global_id, valid_to_version) WHERE valid_to_version IS NOT NULL;
COMMENT ON TABLE bim.element IS 'Objects of building models by version; see cim.model.bim.Element for the columns';
"""

SHAPES = """
CREATE TABLE cim.city_shape (
    layer text NOT NULL,
    hash bytea NOT NULL,
    lods text[] NOT NULL,
    body bytea COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (layer, hash)
);
GRANT SELECT, INSERT, DELETE ON cim.city_shape TO cim_writer;
GRANT SELECT ON cim.city_shape TO cim_reader;
CREATE FUNCTION cim.open_cities() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(id), '{}') FROM cim.collection WHERE kind = 'city' AND cim.opening(id) <> ''
$$;
COMMENT ON FUNCTION cim.open_cities() IS
    'Layers of city objects this transaction sees anything of; their rows say which shapes those are';
GRANT EXECUTE ON FUNCTION cim.open_cities() TO cim_reader, cim_writer;
ALTER TABLE cim.city_shape ENABLE ROW LEVEL SECURITY;
CREATE POLICY writers ON cim.city_shape TO cim_writer USING (true) WITH CHECK (true);
CREATE POLICY readers ON cim.city_shape FOR SELECT TO cim_reader
    USING (layer = ANY ((SELECT cim.open_cities())::text[]));
"""

RIGHTS = """
GRANT USAGE ON SCHEMA bim TO cim_reader, cim_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA bim TO cim_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA bim TO cim_reader;
CREATE FUNCTION bim.open_models() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(id), '{}') FROM cim.collection WHERE kind = 'model' AND grade IN (
        SELECT split_part(part, '=', 1)
        FROM unnest(string_to_array(current_setting('cim.openings', true), ';')) AS part
        WHERE split_part(part, '=', 2) = '*'
    )
$$;
COMMENT ON FUNCTION bim.open_models() IS
    'The models this transaction may read whole; what is open in some regions only is not among them';
GRANT EXECUTE ON FUNCTION bim.open_models() TO cim_reader, cim_writer;
ALTER TABLE bim.model ENABLE ROW LEVEL SECURITY;
ALTER TABLE bim.model_version ENABLE ROW LEVEL SECURITY;
ALTER TABLE bim.mesh ENABLE ROW LEVEL SECURITY;
ALTER TABLE bim.element ENABLE ROW LEVEL SECURITY;
CREATE POLICY writers ON bim.model TO cim_writer USING (true) WITH CHECK (true);
CREATE POLICY writers ON bim.model_version TO cim_writer USING (true) WITH CHECK (true);
CREATE POLICY writers ON bim.mesh TO cim_writer USING (true) WITH CHECK (true);
CREATE POLICY writers ON bim.element TO cim_writer USING (true) WITH CHECK (true);
CREATE POLICY readers ON bim.model FOR SELECT TO cim_reader USING (id IN (SELECT unnest(bim.open_models())));
CREATE POLICY readers ON bim.model_version FOR SELECT TO cim_reader
    USING (model IN (SELECT unnest(bim.open_models())));
CREATE POLICY readers ON bim.mesh FOR SELECT TO cim_reader USING (model IN (SELECT unnest(bim.open_models())));
CREATE POLICY readers ON bim.element FOR SELECT TO cim_reader USING (model IN (SELECT unnest(bim.open_models())));
"""


def upgrade() -> None:
    op.execute(MODELS)
    op.execute(SHAPES)
    op.execute(RIGHTS)


def downgrade() -> None:
    op.execute("DROP SCHEMA bim CASCADE; DROP TABLE cim.city_shape; DROP FUNCTION cim.open_cities()")
