"""What the database does by itself: openings for row security, editing by SQL, announcements, audit chain, search."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

OPENINGS = """
CREATE FUNCTION cim.opening(layer text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT split_part(part, '=', 2)
    FROM cim.collection c, unnest(string_to_array(current_setting('cim.openings', true), ';')) AS part
    WHERE c.id = opening.layer AND split_part(part, '=', 1) = c.grade
$$;
COMMENT ON FUNCTION cim.opening(text) IS
    'How far a layer is open to this transaction: * everywhere, codes of regions, or null when it is not';
CREATE FUNCTION cim.opening_area(layer text) RETURNS geometry LANGUAGE sql STABLE AS $$
    SELECT ST_Union(geom) FROM cim.region WHERE code = ANY (string_to_array(cim.opening(opening_area.layer), ','))
$$;
"""

ANNOUNCE = """
CREATE FUNCTION cim.announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_change', NEW.layer || ':' || NEW.version);
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT ON cim.change FOR EACH ROW EXECUTE FUNCTION cim.announce_change();
CREATE FUNCTION cim.announce_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_change', '');
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER UPDATE OF grade ON cim.collection
    FOR EACH ROW EXECUTE FUNCTION cim.announce_access();
CREATE TRIGGER announce AFTER INSERT OR UPDATE OR DELETE ON cim.role_right
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_access();
CREATE TRIGGER announce AFTER UPDATE OR DELETE ON cim.api_key
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_access();
CREATE TRIGGER announce AFTER UPDATE OF disabled, role OR DELETE ON cim.account
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_access();
"""

EDITING = """
CREATE FUNCTION cim.derive_geometry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.geom_3857 := ST_Transform(NEW.geom, 3857);
    IF TG_ARGV[0] <> '' THEN
        NEW.geom_4490 := ST_Transform(NEW.geom, 4490);
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION cim.open_version(layer_id text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    opened integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('layer:' || layer_id, 0));
    SELECT number INTO opened FROM cim.version
    WHERE layer = layer_id AND transaction_id = pg_current_xact_id()::text;
    IF opened IS NULL THEN
        UPDATE cim.collection SET version = version + 1, updated_at = now() WHERE id = layer_id
        RETURNING version INTO opened;
        INSERT INTO cim.version (layer, number, origin, author, feature_count, note, transaction_id)
        SELECT id, opened, 'edit', session_user, feature_count, 'edited by SQL', pg_current_xact_id()::text
        FROM cim.collection WHERE id = layer_id;
    END IF;
    RETURN opened;
END $$;

CREATE FUNCTION cim.count_edit(layer_id text, opened integer, more integer, plus integer, edits integer, minus integer)
RETURNS void LANGUAGE sql AS $$
    UPDATE cim.version SET added = added + plus, changed = changed + edits, removed = removed + minus,
        feature_count = feature_count + more
    WHERE layer = layer_id AND number = opened;
    UPDATE cim.collection SET feature_count = feature_count + more WHERE id = layer_id;
$$;

CREATE FUNCTION cim.record_edit(layer_id text, opened integer, place geometry) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    box box3d := Box3D(place);
    sides double precision[];
BEGIN
    IF place IS NOT NULL AND NOT ST_IsEmpty(place) THEN
        sides := ARRAY[ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)];
        UPDATE cim.collection SET bbox = CASE WHEN bbox IS NULL THEN sides ELSE ARRAY[
            least(bbox[1], sides[1]), least(bbox[2], sides[2]),
            greatest(bbox[3], sides[3]), greatest(bbox[4], sides[4])] END
        WHERE id = layer_id;
    END IF;
    INSERT INTO cim.change (layer, version, bbox) VALUES (layer_id, opened, sides);
END $$;

CREATE FUNCTION cim.end_current(layer_id text, opened integer, ended bigint, deleting boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since integer;
    before boolean;
BEGIN
    EXECUTE format('SELECT valid_from_version FROM history.%I WHERE fid = $1 AND valid_to_version IS NULL', layer_id)
        INTO since USING ended;
    EXECUTE format('SELECT EXISTS (SELECT FROM history.%I WHERE fid = $1 AND valid_to_version = $2)', layer_id)
        INTO before USING ended, opened;
    IF since = opened THEN
        EXECUTE format('DELETE FROM history.%I WHERE fid = $1 AND valid_to_version IS NULL', layer_id) USING ended;
    ELSE
        EXECUTE format('UPDATE history.%I SET valid_to_version = $2 WHERE fid = $1 AND valid_to_version IS NULL',
                       layer_id) USING ended, opened;
    END IF;
    IF deleting AND since = opened AND NOT before THEN
        PERFORM cim.count_edit(layer_id, opened, -1, -1, 0, 0);
    ELSIF deleting AND since = opened THEN
        PERFORM cim.count_edit(layer_id, opened, -1, 0, -1, 1);
    ELSIF deleting THEN
        PERFORM cim.count_edit(layer_id, opened, -1, 0, 0, 1);
    ELSIF since <> opened THEN
        PERFORM cim.count_edit(layer_id, opened, 0, 0, 1, 0);
    END IF;
END $$;

CREATE FUNCTION cim.edit_feature() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    layer_id text := TG_TABLE_NAME;
    subject cim.collection;
    opened integer;
    columns text;
    new_values text;
    new_key text;
    place geometry;
BEGIN
    SELECT * INTO subject FROM cim.collection WHERE id = layer_id;
    opened := cim.open_version(layer_id);
    SELECT string_agg(quote_ident(name), ', '), string_agg('($1).' || quote_ident(name), ', ')
    INTO columns, new_values
    FROM (SELECT f ->> 'name' AS name FROM jsonb_array_elements(subject.fields) f
          UNION ALL SELECT 'geom' WHERE subject.geometry <> 'none') AS named;
    IF TG_OP = 'INSERT' THEN
        NEW.fid := nextval(format('history.%I', layer_id || '_fid'));
    ELSE
        IF TG_OP = 'UPDATE' THEN
            NEW.fid := OLD.fid;
        END IF;
        IF subject.geometry <> 'none' THEN
            EXECUTE 'SELECT ST_Transform(($1).geom, 4490)' INTO place USING OLD;
        END IF;
        IF subject.key IS NULL THEN
            EXECUTE format('SELECT key FROM history.%I WHERE fid = $1 AND valid_to_version IS NULL', layer_id)
                INTO new_key USING OLD.fid;
        END IF;
        PERFORM cim.end_current(layer_id, opened, OLD.fid, TG_OP = 'DELETE');
    END IF;
    IF TG_OP <> 'DELETE' THEN
        IF subject.key IS NOT NULL THEN
            EXECUTE format('SELECT ($1).%I::text', subject.key) INTO new_key USING NEW;
            IF new_key IS NULL THEN
                RAISE EXCEPTION 'layer % needs a value in its key field %', layer_id, subject.key
                    USING ERRCODE = 'not_null_violation', HINT = 'set ' || subject.key;
            END IF;
        END IF;
        EXECUTE format('INSERT INTO history.%I (fid, key, valid_from_version, %s) SELECT $2, $3, $4, %s',
                       layer_id, columns, new_values)
            USING NEW, NEW.fid, coalesce(new_key, 'edit:' || NEW.fid), opened;
        IF subject.geometry <> 'none' THEN
            EXECUTE 'SELECT ST_Collect($2, ST_Transform(($1).geom, 4490))' INTO place USING NEW, place;
        END IF;
        IF TG_OP = 'INSERT' THEN
            PERFORM cim.count_edit(layer_id, opened, 1, 1, 0, 0);
        END IF;
    END IF;
    PERFORM cim.record_edit(layer_id, opened, place);
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    RETURN NEW;
END $$;
"""

AUDIT = """
CREATE FUNCTION cim.chain_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    previous bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('cim.audit', 0));
    NEW.at := clock_timestamp();
    NEW.seq := coalesce((SELECT max(seq) FROM cim.audit), 0) + 1;
    SELECT chain INTO previous FROM cim.audit WHERE seq = NEW.seq - 1;
    NEW.chain := cim.audit_link(previous, NEW);
    RETURN NEW;
END $$;
CREATE FUNCTION cim.audit_link(previous bytea, entry cim.audit) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(previous, ''::bytea) || convert_to(jsonb_build_array(
        entry.seq, extract(epoch FROM entry.at), entry.actor, entry.role, entry.action, entry.object,
        entry.result, entry.request_id, entry.detail)::text, 'UTF8'))
$$;
CREATE TRIGGER chain BEFORE INSERT ON cim.audit FOR EACH ROW EXECUTE FUNCTION cim.chain_audit();
"""

SEARCH = """
CREATE FUNCTION cim.search(term text, latin text, layers text[], west double precision, south double precision,
    east double precision, north double precision, most integer)
RETURNS TABLE (layer text, fid bigint, title text, subtitle text, lon double precision, lat double precision,
    score integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = cim, public, pg_temp AS $$
    WITH opened AS MATERIALIZED (
        SELECT id, opening, CASE WHEN opening = '*' THEN NULL ELSE cim.opening_area(id) END AS area
        FROM (SELECT id, cim.opening(id) AS opening FROM unnest(layers) AS id) AS each WHERE opening <> ''
    ), hits AS (
        (SELECT e.*, CASE WHEN lower(e.title) = term THEN 100 ELSE 80 END AS score
         FROM search_entry e JOIN opened o ON o.id = e.layer
         WHERE e.text ~>=~ term AND e.text ~<~ (term || chr(1114111))
           AND (o.area IS NULL OR ST_Intersects(ST_SetSRID(ST_MakePoint(e.lon, e.lat), 4490), o.area))
           AND e.lon BETWEEN west AND east AND e.lat BETWEEN south AND north
         ORDER BY lower(e.title) = term DESC, e.weight DESC, length(e.title) LIMIT most)
        UNION ALL
        (SELECT e.*, CASE WHEN e.initials = latin THEN 70 ELSE 60 END
         FROM search_entry e JOIN opened o ON o.id = e.layer
         WHERE latin <> '' AND e.initials ~>=~ latin AND e.initials ~<~ (latin || '{')
           AND (o.area IS NULL OR ST_Intersects(ST_SetSRID(ST_MakePoint(e.lon, e.lat), 4490), o.area))
           AND e.lon BETWEEN west AND east AND e.lat BETWEEN south AND north
         ORDER BY e.initials = latin DESC, e.weight DESC, length(e.title) LIMIT most)
        UNION ALL
        (SELECT e.*, CASE WHEN e.pinyin = latin THEN 75 ELSE 65 END
         FROM search_entry e JOIN opened o ON o.id = e.layer
         WHERE latin <> '' AND e.pinyin ~>=~ latin AND e.pinyin ~<~ (latin || '{')
           AND (o.area IS NULL OR ST_Intersects(ST_SetSRID(ST_MakePoint(e.lon, e.lat), 4490), o.area))
           AND e.lon BETWEEN west AND east AND e.lat BETWEEN south AND north
         ORDER BY e.pinyin = latin DESC, e.weight DESC, length(e.title) LIMIT most)
        UNION ALL
        (SELECT e.*, 40
         FROM search_entry e JOIN opened o ON o.id = e.layer
         WHERE length(term) > 1
           AND e.text LIKE '%' || replace(replace(replace(term, '\\', '\\\\'), '%', '\\%'), '_', '\\_') || '%'
           AND (o.area IS NULL OR ST_Intersects(ST_SetSRID(ST_MakePoint(e.lon, e.lat), 4490), o.area))
           AND e.lon BETWEEN west AND east AND e.lat BETWEEN south AND north
         ORDER BY e.weight DESC, length(e.title) LIMIT most)
    ), best AS (
        SELECT DISTINCT ON (h.layer, h.fid) h.* FROM hits h ORDER BY h.layer, h.fid, h.score DESC
    )
    SELECT b.layer, b.fid, b.title, b.subtitle, b.lon, b.lat, b.score
    FROM best b ORDER BY b.score DESC, b.weight DESC, length(b.title), b.title LIMIT most
$$;
"""

RIGHTS = """
CREATE SCHEMA city;
CREATE SCHEMA history;
CREATE SCHEMA staging;
GRANT USAGE ON SCHEMA cim, city, history TO cim_reader;
GRANT USAGE, CREATE ON SCHEMA city, history, staging TO cim_writer;
GRANT USAGE ON SCHEMA cim TO cim_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA cim TO cim_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA cim TO cim_writer;
REVOKE UPDATE, DELETE ON cim.audit, cim.change FROM cim_writer;
REVOKE INSERT, UPDATE, DELETE ON cim.alembic_version FROM cim_writer;
GRANT SELECT ON cim.alembic_version, cim.collection, cim.version, cim.change, cim.region TO cim_reader;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA cim FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cim TO cim_writer;
GRANT EXECUTE ON FUNCTION cim.opening(text), cim.opening_area(text),
    cim.search(text, text, text[], double precision, double precision, double precision, double precision, integer)
    TO cim_reader;

INSERT INTO cim.role (name, title) VALUES
    ('anonymous', '{"zh": "公众", "en": "Anyone"}'),
    ('viewer', '{"zh": "浏览人员", "en": "Viewer"}'),
    ('technician', '{"zh": "技术人员", "en": "Technician"}'),
    ('administrator', '{"zh": "管理员", "en": "Administrator"}');
INSERT INTO cim.role_right (role, grade, operations) VALUES
    ('anonymous', 'public', '{read}'),
    ('viewer', 'public', '{read}'),
    ('viewer', 'internal', '{read}'),
    ('technician', 'public', '{read,import,publish}'),
    ('technician', 'internal', '{read,import,publish}'),
    ('technician', 'restricted', '{read,import,publish}'),
    ('technician', 'draft', '{read,import,publish}'),
    ('administrator', 'public', '{read,import,publish,administer}'),
    ('administrator', 'internal', '{read,import,publish,administer}'),
    ('administrator', 'restricted', '{read,import,publish,administer}'),
    ('administrator', 'draft', '{read,import,publish,administer}');
"""


def upgrade() -> None:
    for part in (OPENINGS, ANNOUNCE, EDITING, AUDIT, SEARCH, RIGHTS):
        op.get_bind().exec_driver_sql(part.replace("%", "%%"))
