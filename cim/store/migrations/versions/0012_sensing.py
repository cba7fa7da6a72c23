"""The sensing network: assets with their place in buildings, SensorThings entities, observations and roll-ups."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

REACH = """
CREATE SCHEMA sensing;
CREATE TABLE cim.reach (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grade text NOT NULL CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    region_code text,
    UNIQUE NULLS NOT DISTINCT (grade, region_code)
);
COMMENT ON TABLE cim.reach IS 'Pairs of grade and region that rows of assets and sensors carry as one number';
CREATE FUNCTION cim.reach_of(grade text, region_code text) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = cim, pg_temp AS $$
DECLARE found integer;
BEGIN
    SELECT r.id INTO found FROM cim.reach r
    WHERE r.grade = reach_of.grade AND r.region_code IS NOT DISTINCT FROM reach_of.region_code;
    IF found IS NULL THEN
        INSERT INTO cim.reach (grade, region_code) VALUES (reach_of.grade, reach_of.region_code)
        ON CONFLICT DO NOTHING;
        SELECT r.id INTO STRICT found FROM cim.reach r
        WHERE r.grade = reach_of.grade AND r.region_code IS NOT DISTINCT FROM reach_of.region_code;
    END IF;
    RETURN found;
END $$;
CREATE FUNCTION cim.open_grades() RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(split_part(part, '=', 1)), '{}')
    FROM unnest(string_to_array(current_setting('cim.openings', true), ';')) AS part
    WHERE split_part(part, '=', 2) = '*'
$$;
COMMENT ON FUNCTION cim.open_grades() IS 'Grades that are open everywhere to this transaction';
CREATE FUNCTION cim.open_reaches() RETURNS integer[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(r.id), '{}') FROM cim.reach r
    WHERE r.grade = ANY (cim.open_grades()) OR EXISTS (
        SELECT FROM unnest(string_to_array(current_setting('cim.openings', true), ';')) AS part,
            unnest(string_to_array(split_part(part, '=', 2), ',')) AS code
        WHERE split_part(part, '=', 1) = r.grade AND code <> '' AND starts_with(r.region_code, code)
    )
$$;
COMMENT ON FUNCTION cim.open_reaches() IS
    'Reaches open to this transaction; a right in a town opens what lies in its villages, by the code';
"""

ASSETS = """
ALTER TABLE cim.asset
    ADD COLUMN grade text NOT NULL DEFAULT 'internal'
        CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    ADD COLUMN placement text,
    ADD COLUMN owner text,
    ADD COLUMN maker text,
    ADD COLUMN model_name text,
    ADD COLUMN installed_on date,
    ADD COLUMN building_code text,
    ADD COLUMN model text,
    ADD COLUMN storey text,
    ADD COLUMN storey_number integer,
    ADD COLUMN space text,
    ADD COLUMN element text,
    ADD COLUMN height_m double precision,
    ADD COLUMN online_after_s integer CHECK (online_after_s > 0),
    ADD COLUMN geom_3857 geometry(Geometry, 3857),
    ADD COLUMN reach integer REFERENCES cim.reach (id);
CREATE INDEX asset_geom_3857_idx ON cim.asset USING gist (geom_3857);
CREATE INDEX asset_parent_idx ON cim.asset (parent);
CREATE INDEX asset_kind_idx ON cim.asset (kind, placement);
CREATE INDEX asset_building_idx ON cim.asset (building_code, storey_number) WHERE building_code IS NOT NULL;
CREATE INDEX asset_model_idx ON cim.asset (model, storey) WHERE model IS NOT NULL;
CREATE TABLE cim.asset_alias (
    scheme text NOT NULL,
    code text NOT NULL,
    edition text,
    asset text NOT NULL REFERENCES cim.asset (code) ON UPDATE CASCADE ON DELETE CASCADE,
    PRIMARY KEY (scheme, code)
);
CREATE INDEX asset_alias_asset_idx ON cim.asset_alias (asset);
CREATE FUNCTION cim.place_asset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reach := cim.reach_of(NEW.grade, NEW.region_code);
    NEW.geom_3857 := ST_Transform(NEW.geom, 3857);
    RETURN NEW;
END $$;
CREATE TRIGGER place BEFORE INSERT OR UPDATE ON cim.asset FOR EACH ROW EXECUTE FUNCTION cim.place_asset();
UPDATE cim.asset SET code = code;
ALTER TABLE cim.asset ALTER COLUMN reach SET NOT NULL;
"""

ENTITIES = """
CREATE TABLE sensing.thing (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    asset text UNIQUE REFERENCES cim.asset (code) ON UPDATE CASCADE ON DELETE SET NULL,
    grade text NOT NULL DEFAULT 'internal' CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    region_code text,
    reach integer NOT NULL REFERENCES cim.reach (id)
);
CREATE TABLE sensing.location (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    encoding_type text NOT NULL,
    location jsonb NOT NULL,
    geom geometry(Geometry, 4490),
    reach integer REFERENCES cim.reach (id)
);
CREATE INDEX location_geom_idx ON sensing.location USING gist (geom);
CREATE TABLE sensing.thing_location (
    thing integer NOT NULL REFERENCES sensing.thing (id) ON DELETE CASCADE,
    location integer NOT NULL REFERENCES sensing.location (id) ON DELETE CASCADE,
    PRIMARY KEY (thing, location)
);
CREATE INDEX thing_location_location_idx ON sensing.thing_location (location);
CREATE TABLE sensing.historical_location (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    thing integer NOT NULL REFERENCES sensing.thing (id) ON DELETE CASCADE,
    time timestamptz NOT NULL
);
CREATE INDEX historical_location_thing_idx ON sensing.historical_location (thing, time DESC);
CREATE TABLE sensing.historical_location_place (
    historical_location integer NOT NULL REFERENCES sensing.historical_location (id) ON DELETE CASCADE,
    location integer NOT NULL REFERENCES sensing.location (id) ON DELETE CASCADE,
    PRIMARY KEY (historical_location, location)
);
CREATE INDEX historical_location_place_idx ON sensing.historical_location_place (location);
CREATE TABLE sensing.sensor (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    encoding_type text NOT NULL,
    metadata jsonb NOT NULL
);
CREATE TABLE sensing.observed_property (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    definition text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    code text UNIQUE
);
COMMENT ON COLUMN sensing.observed_property.code IS 'What stations call it: a factor code of HJ 212 or SL 651';
CREATE TABLE sensing.feature (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    encoding_type text NOT NULL,
    feature jsonb NOT NULL,
    geom geometry(Geometry, 4490),
    made_from integer UNIQUE REFERENCES sensing.location (id) ON DELETE SET NULL,
    reach integer REFERENCES cim.reach (id)
);
COMMENT ON COLUMN sensing.feature.made_from IS 'The location of a thing that this was made from, where none was given';
CREATE INDEX feature_geom_idx ON sensing.feature USING gist (geom);
CREATE TABLE sensing.datastream (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    properties jsonb,
    thing integer NOT NULL REFERENCES sensing.thing (id) ON DELETE CASCADE,
    sensor integer NOT NULL REFERENCES sensing.sensor (id) ON DELETE CASCADE,
    observed_property integer NOT NULL REFERENCES sensing.observed_property (id) ON DELETE CASCADE,
    observation_type text NOT NULL,
    unit jsonb NOT NULL,
    observed_area jsonb,
    observed_geom geometry(Geometry, 4490),
    feature integer REFERENCES sensing.feature (id) ON DELETE SET NULL,
    key text UNIQUE,
    least double precision,
    greatest double precision,
    reach integer NOT NULL REFERENCES cim.reach (id),
    CHECK (least <= greatest)
);
COMMENT ON COLUMN sensing.datastream.key IS 'Unique name by which readings of stations and imported series find it';
COMMENT ON COLUMN sensing.datastream.least IS 'The least value that can be true; what lies below is kept and flagged';
CREATE INDEX datastream_thing_idx ON sensing.datastream (thing);
CREATE INDEX datastream_sensor_idx ON sensing.datastream (sensor);
CREATE INDEX datastream_property_idx ON sensing.datastream (observed_property);
CREATE INDEX datastream_feature_idx ON sensing.datastream (feature);
CREATE TABLE sensing.observed_feature (
    datastream_id integer NOT NULL REFERENCES sensing.datastream (id) ON DELETE CASCADE,
    feature_id integer NOT NULL REFERENCES sensing.feature (id) ON DELETE CASCADE,
    PRIMARY KEY (datastream_id, feature_id)
);
COMMENT ON TABLE sensing.observed_feature IS
    'Which features the observations of a datastream name; they are found from a feature by this';
CREATE INDEX observed_feature_idx ON sensing.observed_feature (feature_id);
CREATE FUNCTION sensing.sensor_is_used(sensor integer) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = sensing, pg_temp AS $$
    SELECT EXISTS (SELECT FROM sensing.datastream d WHERE d.sensor = sensor_is_used.sensor)
$$;
CREATE FUNCTION sensing.property_is_used(property integer) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = sensing, pg_temp AS $$
    SELECT EXISTS (SELECT FROM sensing.datastream d WHERE d.observed_property = property_is_used.property)
$$;
COMMENT ON FUNCTION sensing.sensor_is_used(integer) IS
    'Whether any datastream uses it, open to the caller or not; of what nobody uses yet, writers see it';
"""

FOLLOWING = """
CREATE FUNCTION sensing.place_thing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.asset IS NOT NULL THEN
        SELECT a.grade, a.region_code INTO NEW.grade, NEW.region_code FROM cim.asset a WHERE a.code = NEW.asset;
    END IF;
    NEW.reach := cim.reach_of(NEW.grade, NEW.region_code);
    RETURN NEW;
END $$;
CREATE TRIGGER place BEFORE INSERT OR UPDATE OF asset, grade, region_code ON sensing.thing
    FOR EACH ROW EXECUTE FUNCTION sensing.place_thing();
CREATE FUNCTION sensing.spread_reach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sensing.datastream SET reach = NEW.reach WHERE thing = NEW.id;
    UPDATE sensing.location l SET reach = NEW.reach WHERE l.id IN (
        SELECT tl.location FROM sensing.thing_location tl WHERE tl.thing = NEW.id
        UNION SELECT p.location FROM sensing.historical_location_place p
            JOIN sensing.historical_location h ON h.id = p.historical_location WHERE h.thing = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER spread AFTER UPDATE OF reach, asset, grade, region_code ON sensing.thing
    FOR EACH ROW WHEN (OLD.reach <> NEW.reach) EXECUTE FUNCTION sensing.spread_reach();
CREATE FUNCTION sensing.follow_asset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sensing.thing SET asset = NEW.code WHERE asset = NEW.code;
    RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER UPDATE OF grade, region_code ON cim.asset
    FOR EACH ROW WHEN (OLD.reach IS DISTINCT FROM NEW.reach) EXECUTE FUNCTION sensing.follow_asset();
CREATE FUNCTION sensing.take_reach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT t.reach INTO NEW.reach FROM sensing.thing t WHERE t.id = NEW.thing;
    RETURN NEW;
END $$;
CREATE TRIGGER take BEFORE INSERT OR UPDATE OF thing ON sensing.datastream
    FOR EACH ROW EXECUTE FUNCTION sensing.take_reach();
CREATE FUNCTION sensing.follow_stream() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sensing.feature f SET reach = NEW.reach WHERE f.id = NEW.feature
        OR f.id IN (SELECT o.feature_id FROM sensing.observed_feature o WHERE o.datastream_id = NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER UPDATE ON sensing.datastream
    FOR EACH ROW WHEN (OLD.reach <> NEW.reach) EXECUTE FUNCTION sensing.follow_stream();
CREATE FUNCTION sensing.reach_location() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sensing.location l SET reach = t.reach FROM sensing.thing t WHERE t.id = NEW.thing AND l.id = NEW.location;
    RETURN NULL;
END $$;
CREATE TRIGGER reach AFTER INSERT ON sensing.thing_location
    FOR EACH ROW EXECUTE FUNCTION sensing.reach_location();
"""

OBSERVATIONS = """
CREATE TABLE sensing.observation (
    phenomenon_time timestamptz NOT NULL,
    value double precision,
    received_at timestamptz NOT NULL DEFAULT now(),
    datastream_id integer NOT NULL,
    feature_id integer,
    quality "char" NOT NULL DEFAULT 'N',
    revision smallint NOT NULL DEFAULT 0,
    phenomenon_end timestamptz,
    result_time timestamptz,
    result jsonb,
    details jsonb,
    PRIMARY KEY (datastream_id, phenomenon_time)
) PARTITION BY RANGE (phenomenon_time);
COMMENT ON COLUMN sensing.observation.result IS 'The result where it is no number; numbers are in value';
COMMENT ON COLUMN sensing.observation.revision IS 'How often another value has come for this moment';
CREATE INDEX observation_time_idx ON sensing.observation USING brin (phenomenon_time);
CREATE TABLE sensing.latest (
    datastream_id integer PRIMARY KEY REFERENCES sensing.datastream (id) ON DELETE CASCADE,
    feature_id integer,
    at timestamptz NOT NULL,
    value double precision,
    received_at timestamptz NOT NULL,
    first_at timestamptz NOT NULL,
    quality "char" NOT NULL,
    until timestamptz,
    first_result_at timestamptz,
    last_result_at timestamptz,
    result jsonb,
    details jsonb
) WITH (fillfactor = 50);
CREATE TABLE sensing.hourly (
    datastream_id integer NOT NULL,
    count integer NOT NULL,
    hour timestamptz NOT NULL,
    total double precision,
    squares double precision,
    least double precision,
    greatest double precision,
    flagged integer NOT NULL,
    others integer NOT NULL,
    PRIMARY KEY (datastream_id, hour)
) PARTITION BY RANGE (hour);
CREATE TABLE sensing.daily (
    datastream_id integer NOT NULL,
    day date NOT NULL,
    total double precision,
    squares double precision,
    least double precision,
    greatest double precision,
    count integer NOT NULL,
    flagged integer NOT NULL,
    others integer NOT NULL,
    PRIMARY KEY (datastream_id, day)
) WITH (fillfactor = 80);
COMMENT ON TABLE sensing.hourly IS
    'By hour: normal numeric values (count, sum, sum of squares, least, greatest), flagged values, normal others';
COMMENT ON TABLE sensing.daily IS 'As hourly, by day of Beijing time';
CREATE TABLE sensing.raw_kept (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), since timestamptz NOT NULL);
INSERT INTO sensing.raw_kept (since) VALUES ('-infinity');
COMMENT ON TABLE sensing.raw_kept IS 'Observations before this moment were dropped; their roll-ups stay';
CREATE TABLE sensing.pulse (
    part text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    problem text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE sensing.pulse IS 'Parts of the gathering program that should run, and when each last did';
CREATE TABLE sensing.refusal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    source text NOT NULL,
    subject text NOT NULL,
    code text NOT NULL,
    message text NOT NULL,
    payload text NOT NULL DEFAULT ''
);
CREATE INDEX refusal_at_idx ON sensing.refusal (at DESC);
COMMENT ON TABLE sensing.refusal IS 'What could not be taken in, without passwords; kept for thirty days';
"""

PARTITIONS = """
CREATE FUNCTION sensing.make_partition(parent text, since timestamptz, until timestamptz, name text, options text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF to_regclass('sensing.' || name) IS NULL THEN
        EXECUTE format('CREATE TABLE sensing.%I (LIKE sensing.%I INCLUDING ALL, CHECK (%I >= %L AND %I < %L)) %s',
            name, parent, CASE parent WHEN 'hourly' THEN 'hour' ELSE 'phenomenon_time' END, since,
            CASE parent WHEN 'hourly' THEN 'hour' ELSE 'phenomenon_time' END, until, options);
        EXECUTE format('ALTER TABLE sensing.%I ATTACH PARTITION sensing.%I FOR VALUES FROM (%L) TO (%L)',
            parent, name, since, until);
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION sensing.make_partition(text, timestamptz, timestamptz, text, text) FROM PUBLIC;
CREATE FUNCTION sensing.make_months(months date[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = sensing, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE month date;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sensing:partitions', 0));
    FOR month IN SELECT DISTINCT date_trunc('month', m)::date FROM unnest(months) AS m ORDER BY 1 LOOP
        PERFORM sensing.make_partition('observation', month, month + interval '1 month',
            'observation_' || to_char(month, 'YYYY_MM'), '');
        PERFORM sensing.make_partition('hourly', date_trunc('year', month),
            date_trunc('year', month) + interval '1 year', 'hourly_' || to_char(month, 'YYYY'),
            'WITH (fillfactor = 80)');
    END LOOP;
END $$;
CREATE FUNCTION sensing.drop_months(before date) RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER
SET search_path = sensing, public, pg_temp SET timezone = 'UTC' AS $$
DECLARE dropped text[] := '{}'; part record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('sensing:partitions', 0));
    FOR part IN
        SELECT c.relname, to_date(substr(c.relname, 13), 'YYYY_MM') AS month
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'sensing.observation'::regclass ORDER BY 1
    LOOP
        IF part.month + interval '1 month' <= before THEN
            UPDATE sensing.raw_kept SET since = greatest(since, part.month + interval '1 month');
            EXECUTE format('DROP TABLE sensing.%I', part.relname);
            dropped := dropped || part.relname::text;
        END IF;
    END LOOP;
    RETURN dropped;
END $$;
COMMENT ON FUNCTION sensing.drop_months(date) IS
    'Drop the months of observations that end by a day; returns the tables that are gone';
"""

KEEP = """
CREATE FUNCTION sensing.keep(
    ids integer[], at_us bigint[], vals double precision[], flags text[],
    until_us bigint[], result_us bigint[], results jsonb[], features integer[], detail jsonb[],
    OUT outcomes text, OUT newest integer[]
) LANGUAGE plpgsql AS $$
DECLARE revised_ids integer[]; revised_hours timestamptz[]; raw_since timestamptz;
BEGIN
    -- Planning costs more than keeping a few readings; for many, the plan must know how many they are.
    PERFORM set_config('plan_cache_mode', CASE WHEN cardinality(ids) > 100 THEN 'force_custom_plan'
        ELSE 'force_generic_plan' END, true);
    SELECT since INTO raw_since FROM sensing.raw_kept;
    WITH given AS (
        SELECT g.place, g.id, d.id IS NOT NULL AS known, 'epoch'::timestamptz + g.at * interval '1 microsecond' AS at,
            g.value, CASE WHEN g.flag = 'N' AND (g.value < d.least OR g.value > d.greatest) THEN 'R'
                ELSE g.flag END::"char" AS flag,
            'epoch'::timestamptz + g.until * interval '1 microsecond' AS until,
            'epoch'::timestamptz + g.result_at * interval '1 microsecond' AS result_at, g.result, g.feature, g.details
        FROM unnest(ids, at_us, vals, flags, until_us, result_us, results, features, detail) WITH ORDINALITY
            AS g (id, at, value, flag, until, result_at, result, feature, details, place)
        LEFT JOIN sensing.datastream d ON d.id = g.id
    ), chosen AS (
        SELECT DISTINCT ON (g.id, g.at) g.* FROM given g
        WHERE g.known AND (g.at >= raw_since OR NOT EXISTS (
            SELECT FROM sensing.hourly h WHERE h.datastream_id = g.id AND h.hour = date_trunc('hour', g.at, 'UTC')))
        ORDER BY g.id, g.at, g.place DESC
    ), put AS (
        INSERT INTO sensing.observation AS o (datastream_id, phenomenon_time, phenomenon_end, value, result, quality,
            result_time, feature_id, details)
        SELECT c.id, c.at, c.until, c.value, c.result, c.flag, c.result_at, c.feature, c.details FROM chosen c
        ON CONFLICT (datastream_id, phenomenon_time) DO UPDATE SET phenomenon_end = EXCLUDED.phenomenon_end,
            value = EXCLUDED.value, result = EXCLUDED.result, quality = EXCLUDED.quality,
            result_time = EXCLUDED.result_time, feature_id = coalesce(EXCLUDED.feature_id, o.feature_id),
            details = EXCLUDED.details, received_at = now(), revision = o.revision + 1
        WHERE (o.value, o.result, o.quality, o.phenomenon_end) IS DISTINCT FROM
            (EXCLUDED.value, EXCLUDED.result, EXCLUDED.quality, EXCLUDED.phenomenon_end)
        RETURNING datastream_id, phenomenon_time, phenomenon_end, value, result, quality, result_time, feature_id,
            details, received_at, revision
    ), summed AS (
        SELECT datastream_id, date_trunc('hour', phenomenon_time, 'UTC') AS hour,
            (phenomenon_time AT TIME ZONE 'Asia/Shanghai')::date AS day,
            count(*) FILTER (WHERE quality = 'N' AND value IS NOT NULL)::integer AS count,
            sum(value) FILTER (WHERE quality = 'N') AS total,
            sum(value * value) FILTER (WHERE quality = 'N') AS squares,
            min(value) FILTER (WHERE quality = 'N') AS least, max(value) FILTER (WHERE quality = 'N') AS greatest,
            count(*) FILTER (WHERE quality <> 'N')::integer AS flagged,
            count(*) FILTER (WHERE quality = 'N' AND value IS NULL)::integer AS others,
            bool_or(revision > 0) AS revised
        FROM put GROUP BY 1, 2, 3
    ), hours AS (
        INSERT INTO sensing.hourly AS h (datastream_id, hour, count, total, squares, least, greatest, flagged, others)
        SELECT datastream_id, hour, count, total, squares, least, greatest, flagged, others
        FROM summed WHERE NOT revised ORDER BY 1, 2
        ON CONFLICT (datastream_id, hour) DO UPDATE SET count = h.count + EXCLUDED.count,
            total = coalesce(h.total + EXCLUDED.total, h.total, EXCLUDED.total),
            squares = coalesce(h.squares + EXCLUDED.squares, h.squares, EXCLUDED.squares),
            least = least(h.least, EXCLUDED.least), greatest = greatest(h.greatest, EXCLUDED.greatest),
            flagged = h.flagged + EXCLUDED.flagged, others = h.others + EXCLUDED.others
    ), days AS (
        INSERT INTO sensing.daily AS d (datastream_id, day, count, total, squares, least, greatest, flagged, others)
        SELECT datastream_id, day, sum(count), sum(total), sum(squares), min(least), max(greatest), sum(flagged),
            sum(others)
        FROM summed GROUP BY 1, 2 HAVING NOT bool_or(revised) ORDER BY 1, 2
        ON CONFLICT (datastream_id, day) DO UPDATE SET count = d.count + EXCLUDED.count,
            total = coalesce(d.total + EXCLUDED.total, d.total, EXCLUDED.total),
            squares = coalesce(d.squares + EXCLUDED.squares, d.squares, EXCLUDED.squares),
            least = least(d.least, EXCLUDED.least), greatest = greatest(d.greatest, EXCLUDED.greatest),
            flagged = d.flagged + EXCLUDED.flagged, others = d.others + EXCLUDED.others
    ), now_latest AS (
        INSERT INTO sensing.latest AS l (datastream_id, feature_id, at, until, value, result, quality, received_at,
            first_at, first_result_at, last_result_at, details)
        SELECT p.datastream_id, p.feature_id, p.phenomenon_time, p.phenomenon_end, p.value, p.result, p.quality,
            p.received_at, s.first_at, s.first_result_at, s.last_result_at, p.details
        FROM (SELECT DISTINCT ON (datastream_id) * FROM put ORDER BY datastream_id, phenomenon_time DESC) p
        JOIN (SELECT datastream_id, min(phenomenon_time) AS first_at, min(result_time) AS first_result_at,
            max(result_time) AS last_result_at FROM put GROUP BY 1) s USING (datastream_id)
        ORDER BY 1
        ON CONFLICT (datastream_id) DO UPDATE SET
            feature_id = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.feature_id ELSE l.feature_id END,
            value = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.value ELSE l.value END,
            result = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.result ELSE l.result END,
            quality = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.quality ELSE l.quality END,
            until = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.until ELSE l.until END,
            details = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.details ELSE l.details END,
            received_at = CASE WHEN EXCLUDED.at >= l.at THEN EXCLUDED.received_at ELSE l.received_at END,
            at = greatest(l.at, EXCLUDED.at), first_at = least(l.first_at, EXCLUDED.first_at),
            first_result_at = least(l.first_result_at, EXCLUDED.first_result_at),
            last_result_at = greatest(l.last_result_at, EXCLUDED.last_result_at)
        RETURNING datastream_id, at
    )
    SELECT
        (SELECT string_agg(CASE WHEN NOT g.known THEN '?' WHEN c.place IS NULL AND g.at < raw_since THEN 'X'
                WHEN p.revision IS NULL THEN 'U' WHEN p.revision = 0 THEN 'A' ELSE 'R' END, '' ORDER BY g.place)
            FROM given g LEFT JOIN chosen c USING (place)
            LEFT JOIN put p ON p.datastream_id = c.id AND p.phenomenon_time = c.at),
        (SELECT array_agg(DISTINCT n.datastream_id) FROM now_latest n
            JOIN put p ON p.datastream_id = n.datastream_id AND p.phenomenon_time = n.at),
        (SELECT array_agg(datastream_id ORDER BY datastream_id, hour) FROM summed WHERE revised),
        (SELECT array_agg(hour ORDER BY datastream_id, hour) FROM summed WHERE revised)
    INTO outcomes, newest, revised_ids, revised_hours;
    IF revised_ids IS NOT NULL THEN
        PERFORM sensing.sum_again(revised_ids, revised_hours);
    END IF;
    IF newest IS NOT NULL THEN
        PERFORM pg_notify('cim_sensing', CASE WHEN cardinality(newest) > 700 THEN '*'
            ELSE array_to_string(newest, ',') END);
    END IF;
    PERFORM set_config('plan_cache_mode', 'auto', true);
END $$;
COMMENT ON FUNCTION sensing.keep IS
    'Keep readings with their roll-ups and latest values. Outcomes has a letter a reading: A added, R revised, '
    'U unchanged or superseded in the same call, X before what is kept raw and already rolled up, ? no such '
    'datastream. A normal value outside what its datastream can measure is kept with the flag R';
CREATE FUNCTION sensing.sum_again(ids integer[], hours timestamptz[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sensing.hourly AS h (datastream_id, hour, count, total, squares, least, greatest, flagged, others)
    SELECT w.id, w.hour, count(*) FILTER (WHERE quality = 'N' AND value IS NOT NULL),
        sum(value) FILTER (WHERE quality = 'N'), sum(value * value) FILTER (WHERE quality = 'N'),
        min(value) FILTER (WHERE quality = 'N'), max(value) FILTER (WHERE quality = 'N'),
        count(*) FILTER (WHERE quality <> 'N'), count(*) FILTER (WHERE quality = 'N' AND value IS NULL)
    FROM unnest(ids, hours) AS w (id, hour)
    JOIN sensing.observation o ON o.datastream_id = w.id AND o.phenomenon_time >= w.hour
        AND o.phenomenon_time < w.hour + interval '1 hour'
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (datastream_id, hour) DO UPDATE SET count = EXCLUDED.count, total = EXCLUDED.total,
        squares = EXCLUDED.squares, least = EXCLUDED.least, greatest = EXCLUDED.greatest, flagged = EXCLUDED.flagged,
        others = EXCLUDED.others;
    INSERT INTO sensing.daily AS d (datastream_id, day, count, total, squares, least, greatest, flagged, others)
    SELECT w.id, w.day, sum(h.count), sum(h.total), sum(h.squares), min(h.least), max(h.greatest), sum(h.flagged),
        sum(h.others)
    FROM (SELECT DISTINCT id, (hour AT TIME ZONE 'Asia/Shanghai')::date AS day
        FROM unnest(ids, hours) AS g (id, hour)) w
    JOIN sensing.hourly h ON h.datastream_id = w.id AND h.hour >= w.day::timestamp AT TIME ZONE 'Asia/Shanghai'
        AND h.hour < (w.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (datastream_id, day) DO UPDATE SET count = EXCLUDED.count, total = EXCLUDED.total,
        squares = EXCLUDED.squares, least = EXCLUDED.least, greatest = EXCLUDED.greatest, flagged = EXCLUDED.flagged,
        others = EXCLUDED.others;
END $$;
"""

OPEN = "reach = ANY ((SELECT cim.open_reaches())::integer[])"
BY_REACH = ("cim.asset", "sensing.thing", "sensing.datastream")
BY_REACH_OR_FREE = ("sensing.location", "sensing.feature")
BY_STREAM = ("sensing.observation", "sensing.latest", "sensing.hourly", "sensing.daily", "sensing.observed_feature")
BY_THING = ("sensing.thing_location", "sensing.historical_location")
UNGRADED = ("sensing.sensor", "sensing.observed_property", "sensing.raw_kept", "sensing.pulse")


def upgrade() -> None:
    """Make the schema, and say who may do what in it."""
    run = op.get_bind().exec_driver_sql
    for text in (REACH, ASSETS, ENTITIES, FOLLOWING, OBSERVATIONS, PARTITIONS, KEEP):
        run(text.replace("%", "%%"))
    run("GRANT USAGE ON SCHEMA sensing TO cim_reader, cim_writer")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sensing TO cim_writer")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON cim.asset_alias TO cim_writer")
    run("GRANT SELECT ON cim.reach TO cim_writer, cim_reader")
    run("GRANT SELECT ON cim.asset, cim.asset_alias TO cim_reader")
    run("GRANT SELECT ON ALL TABLES IN SCHEMA sensing TO cim_reader")
    run("REVOKE ALL ON sensing.refusal FROM cim_reader")
    run("REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA sensing FROM PUBLIC")
    run("REVOKE EXECUTE ON FUNCTION cim.reach_of(text, text) FROM PUBLIC")
    run("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA sensing TO cim_writer")
    run("GRANT EXECUTE ON FUNCTION sensing.sensor_is_used(integer), sensing.property_is_used(integer) TO cim_reader")
    run("REVOKE EXECUTE ON FUNCTION sensing.make_partition(text, timestamptz, timestamptz, text, text) FROM cim_writer")
    run("GRANT EXECUTE ON FUNCTION cim.reach_of(text, text), cim.place_asset() TO cim_writer")
    run("GRANT EXECUTE ON FUNCTION cim.open_grades(), cim.open_reaches() TO cim_reader, cim_writer")
    for table in BY_REACH:
        _secure(table, OPEN)
    for table in BY_REACH_OR_FREE:
        _secure(table, f"reach IS NULL OR {OPEN}")
    for table in BY_STREAM:
        _secure(table, "EXISTS (SELECT FROM sensing.datastream d WHERE d.id = datastream_id)")
    for table in BY_THING:
        _secure(table, "thing IN (SELECT id FROM sensing.thing)")
    _secure("sensing.historical_location_place", "historical_location IN (SELECT id FROM sensing.historical_location)")
    _secure("cim.asset_alias", "asset IN (SELECT code FROM cim.asset)")
    for table in UNGRADED:
        _secure(table, "true")
    _secure("sensing.refusal", "false")


def _secure(table: str, opened: str) -> None:
    run = op.get_bind().exec_driver_sql
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    run(f"CREATE POLICY writers ON {table} TO cim_writer USING (true) WITH CHECK (true)")
    run(f"CREATE POLICY readers ON {table} FOR SELECT TO cim_reader USING ({opened})")
