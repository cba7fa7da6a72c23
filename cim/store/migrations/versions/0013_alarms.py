"""Alarms: rules, events with their history, receivers of messages and deliveries, gaps, keys for the broker."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

RULES = """
CREATE TABLE sensing.alarm_rule (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('threshold', 'rate', 'silence', 'deviation', 'geofence')),
    body jsonb NOT NULL,
    datastream integer REFERENCES sensing.datastream (id) ON DELETE CASCADE,
    observed_property integer REFERENCES sensing.observed_property (id) ON DELETE CASCADE,
    placement text,
    region_code text,
    device_kind text,
    enabled boolean NOT NULL DEFAULT true,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sensing.alarm_rule IS 'Rules of alarms; the columns say what a rule watches';
CREATE TABLE sensing.alarm_edition (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), number bigint NOT NULL);
INSERT INTO sensing.alarm_edition (number) VALUES (1);
COMMENT ON TABLE sensing.alarm_edition IS 'Grows with every change of rules: processes know when to read them again';
CREATE FUNCTION sensing.rules_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sensing.alarm_edition SET number = number + 1;
    PERFORM pg_notify('cim_alarm_rules', '');
    RETURN NULL;
END $$;
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON sensing.alarm_rule
    FOR EACH STATEMENT EXECUTE FUNCTION sensing.rules_changed();
CREATE TABLE sensing.alarm_standing (
    rule integer NOT NULL REFERENCES sensing.alarm_rule (id) ON DELETE CASCADE,
    datastream integer NOT NULL REFERENCES sensing.datastream (id) ON DELETE CASCADE,
    since timestamptz NOT NULL,
    count integer NOT NULL,
    PRIMARY KEY (datastream, rule)
);
COMMENT ON TABLE sensing.alarm_standing IS 'Breaches on end that are not long or many enough yet for an alarm';
"""

EVENTS = """
CREATE SEQUENCE cim.event_number;
ALTER TABLE cim.event
    ADD COLUMN grade text NOT NULL DEFAULT 'internal'
        CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    ADD COLUMN reach integer REFERENCES cim.reach (id),
    ADD COLUMN severity text CHECK (severity IN ('red', 'orange', 'yellow', 'blue')),
    ADD COLUMN text text NOT NULL DEFAULT '',
    ADD COLUMN rule integer REFERENCES sensing.alarm_rule (id) ON DELETE SET NULL,
    ADD COLUMN subject text,
    ADD COLUMN datastream integer REFERENCES sensing.datastream (id) ON DELETE SET NULL,
    ADD COLUMN thing integer REFERENCES sensing.thing (id) ON DELETE SET NULL,
    ADD COLUMN value double precision,
    ADD COLUMN value_at timestamptz,
    ADD COLUMN last_value double precision,
    ADD COLUMN last_at timestamptz,
    ADD COLUMN count integer NOT NULL DEFAULT 1,
    ADD COLUMN level smallint NOT NULL DEFAULT 0,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN cleared_at timestamptz,
    ADD COLUMN cleared_by text,
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN closed_at timestamptz,
    ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
CREATE FUNCTION cim.place_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reach := cim.reach_of(NEW.grade, NEW.region_code);
    RETURN NEW;
END $$;
CREATE TRIGGER place BEFORE INSERT OR UPDATE OF grade, region_code ON cim.event
    FOR EACH ROW EXECUTE FUNCTION cim.place_event();
UPDATE cim.event SET grade = grade;
ALTER TABLE cim.event ALTER COLUMN reach SET NOT NULL;
ALTER TABLE cim.event ADD CONSTRAINT event_alarm CHECK (kind <> 'alarm' OR (severity IS NOT NULL AND subject IS NOT NULL
    AND state IN ('raised', 'acknowledged', 'cleared', 'closed')));
CREATE UNIQUE INDEX event_open_alarm_idx ON cim.event (rule, subject)
    WHERE kind = 'alarm' AND state IN ('raised', 'acknowledged');
CREATE INDEX event_open_datastream_idx ON cim.event (datastream)
    WHERE kind = 'alarm' AND state IN ('raised', 'acknowledged');
CREATE INDEX event_happened_idx ON cim.event (kind, happened_at DESC, code DESC);
CREATE INDEX event_datastream_idx ON cim.event (datastream, happened_at DESC);
CREATE INDEX event_thing_idx ON cim.event (thing);
CREATE INDEX event_rule_idx ON cim.event (rule);
CREATE FUNCTION cim.follow_thing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE cim.event SET grade = NEW.grade, region_code = NEW.region_code WHERE thing = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER events AFTER UPDATE OF reach, asset, grade, region_code ON sensing.thing
    FOR EACH ROW WHEN (OLD.reach <> NEW.reach) EXECUTE FUNCTION cim.follow_thing();
CREATE TABLE cim.event_step (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event text NOT NULL REFERENCES cim.event (code),
    action text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    note text NOT NULL DEFAULT '',
    state text NOT NULL,
    severity text NOT NULL,
    value double precision,
    receiver text
);
CREATE INDEX event_step_event_idx ON cim.event_step (event, seq);
COMMENT ON TABLE cim.event_step IS
    'History of events, only ever added to. Who adds holds the lock event:steps: numbers grow as they become visible';
CREATE FUNCTION cim.announce_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_alarm', (SELECT max(seq)::text FROM added));
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT ON cim.event_step REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_step();
CREATE FUNCTION cim.keep_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of events is only ever added to';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON cim.event_step
    FOR EACH ROW EXECUTE FUNCTION cim.keep_step();
"""

MESSAGES = """
CREATE TABLE sensing.receiver (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    url text NOT NULL,
    secret text NOT NULL,
    severities text[] NOT NULL,
    grades text[] NOT NULL,
    region_code text,
    standing boolean NOT NULL DEFAULT true,
    enabled boolean NOT NULL DEFAULT true,
    author text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN sensing.receiver.standing IS 'False: gets only what is escalated to it by name';
CREATE TABLE sensing.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver integer NOT NULL REFERENCES sensing.receiver (id) ON DELETE CASCADE,
    step bigint NOT NULL REFERENCES cim.event_step (seq),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    tries integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    error text NOT NULL DEFAULT '',
    done_at timestamptz,
    UNIQUE (receiver, step)
);
CREATE INDEX delivery_waiting_idx ON sensing.delivery (next_at) WHERE state = 'waiting';
CREATE TABLE sensing.delivery_mark (sole boolean PRIMARY KEY DEFAULT true CHECK (sole), step bigint NOT NULL);
INSERT INTO sensing.delivery_mark (step) VALUES (0);
COMMENT ON TABLE sensing.delivery_mark IS 'Up to which step of history deliveries have been made out';
CREATE TABLE sensing.gap (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    note text NOT NULL DEFAULT ''
);
COMMENT ON TABLE sensing.gap IS 'Spans in which a way in was closed, so that what is missing has its reason';
ALTER TABLE cim.api_key ADD COLUMN broker_hash text;
COMMENT ON COLUMN cim.api_key.broker_hash IS 'The secret as Mosquitto hashes it; keys made before have none';
"""

CLOSED = ("alarm_rule", "alarm_standing", "receiver", "delivery", "delivery_mark", "gap")


def upgrade() -> None:
    """Make the tables, and say who may do what with them."""
    run = op.get_bind().exec_driver_sql
    for text in (RULES, EVENTS, MESSAGES):
        run(text.replace("%", "%%"))
    for name in (*CLOSED, "alarm_edition"):
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON sensing.{name} TO cim_writer")
        _secure(f"sensing.{name}", "false")
    run("GRANT SELECT, INSERT ON cim.event_step TO cim_writer")
    run("GRANT SELECT ON cim.event, cim.event_step TO cim_reader")
    run("GRANT USAGE ON SEQUENCE cim.event_number TO cim_writer")
    run("REVOKE EXECUTE ON FUNCTION sensing.rules_changed() FROM PUBLIC")
    run("GRANT EXECUTE ON FUNCTION sensing.rules_changed() TO cim_writer")
    functions = "cim.place_event(), cim.follow_thing(), cim.announce_step(), cim.keep_step()"
    run(f"GRANT EXECUTE ON FUNCTION {functions} TO cim_writer")
    _secure("cim.event", "reach = ANY ((SELECT cim.open_reaches())::integer[])")
    _secure("cim.event_step", "event IN (SELECT code FROM cim.event)")


def _secure(table: str, opened: str) -> None:
    run = op.get_bind().exec_driver_sql
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    run(f"CREATE POLICY writers ON {table} TO cim_writer USING (true) WITH CHECK (true)")
    run(f"CREATE POLICY readers ON {table} FOR SELECT TO cim_reader USING ({opened})")
