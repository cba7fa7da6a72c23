"""Incidents: facts, the timeline that is only ever added to, tasks with receipts, marks in versions, steps of plans."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INCIDENTS = """
CREATE TABLE cim.incident (
    code text PRIMARY KEY,
    kind text NOT NULL,
    title text NOT NULL,
    drill boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    access text NOT NULL DEFAULT 'internal' CHECK (access IN ('public', 'internal', 'restricted', 'draft')),
    region_code text,
    reach integer NOT NULL REFERENCES cim.reach (id),
    outside boolean NOT NULL DEFAULT false,
    place_text text NOT NULL DEFAULT '',
    geom geometry(Point, 4490) NOT NULL,
    area jsonb,
    occurred_at timestamptz NOT NULL,
    reported_at timestamptz NOT NULL,
    reporter text NOT NULL DEFAULT '',
    figures jsonb NOT NULL DEFAULT '{}',
    grade text CHECK (grade IN ('I', 'II', 'III', 'IV')),
    grade_rule text NOT NULL DEFAULT '',
    reports jsonb NOT NULL DEFAULT '[]',
    response_level text CHECK (response_level IN ('I', 'II', 'III', 'IV')),
    properties jsonb NOT NULL DEFAULT '{}',
    revision integer NOT NULL DEFAULT 1,
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    closed_at timestamptz,
    CONSTRAINT incident_drill CHECK (drill = starts_with(code, 'YL') AND drill = starts_with(title, '【演练】'))
);
COMMENT ON TABLE cim.incident IS 'Incidents as they stand; access is the grade of the data, grade that of the incident';
COMMENT ON COLUMN cim.incident.drill IS 'A drill shows in its code and its title; neither can be changed to look real';
CREATE INDEX incident_geom_idx ON cim.incident USING gist (geom);
CREATE INDEX incident_occurred_idx ON cim.incident (occurred_at DESC, code DESC);
CREATE FUNCTION cim.place_incident() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reach := cim.reach_of(NEW.access, NEW.region_code);
    RETURN NEW;
END $$;
CREATE TRIGGER place BEFORE INSERT OR UPDATE OF access, region_code ON cim.incident
    FOR EACH ROW EXECUTE FUNCTION cim.place_incident();
"""

TIMELINE = """
CREATE TABLE cim.incident_entry (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident text NOT NULL REFERENCES cim.incident (code),
    number integer NOT NULL,
    at timestamptz NOT NULL,
    author text NOT NULL,
    kind text NOT NULL,
    text text NOT NULL DEFAULT '',
    body jsonb NOT NULL DEFAULT '{}',
    changes jsonb NOT NULL DEFAULT '[]',
    UNIQUE (incident, number),
    UNIQUE (incident, at)
);
COMMENT ON TABLE cim.incident_entry IS
    'Timelines, only ever added to. Who adds holds the lock incident:entries: numbers grow as they become visible';
COMMENT ON COLUMN cim.incident_entry.changes IS
    'What the entry changed, as it is afterwards: a replay puts them together';
CREATE FUNCTION cim.announce_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_incident', (SELECT max(seq)::text FROM added));
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT ON cim.incident_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_entry();
CREATE FUNCTION cim.keep_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what happened in an incident is only ever added to';
END $$;
"""

WORK = """
CREATE TABLE cim.incident_task (
    incident text NOT NULL REFERENCES cim.incident (code),
    number integer NOT NULL,
    recipient text NOT NULL,
    what text NOT NULL,
    due_at timestamptz,
    state text NOT NULL DEFAULT 'made' CHECK (state IN ('made', 'sent', 'received', 'done')),
    author text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (incident, number)
);
CREATE TABLE cim.incident_receipt (
    incident text NOT NULL,
    task integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('sent', 'received', 'done')),
    author text NOT NULL,
    at timestamptz NOT NULL,
    note text NOT NULL DEFAULT '',
    PRIMARY KEY (incident, task, kind),
    FOREIGN KEY (incident, task) REFERENCES cim.incident_task (incident, number)
);
CREATE TABLE cim.incident_mark (
    incident text NOT NULL REFERENCES cim.incident (code),
    number integer NOT NULL,
    version integer NOT NULL,
    geometry jsonb NOT NULL,
    symbol text NOT NULL,
    style jsonb NOT NULL DEFAULT '{}',
    label text NOT NULL DEFAULT '',
    removed boolean NOT NULL DEFAULT false,
    author text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (incident, number, version)
);
COMMENT ON TABLE cim.incident_mark IS 'Every version of every mark: the newest one is on the map, unless it is removed';
CREATE TABLE cim.incident_step (
    incident text NOT NULL REFERENCES cim.incident (code),
    number integer NOT NULL,
    plan text NOT NULL,
    step text NOT NULL,
    role text NOT NULL,
    what text NOT NULL,
    offset_min integer NOT NULL,
    due_at timestamptz NOT NULL,
    response_level text CHECK (response_level IN ('I', 'II', 'III', 'IV')),
    source text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'skipped')),
    note text NOT NULL DEFAULT '',
    author text,
    at timestamptz,
    revision integer NOT NULL DEFAULT 1,
    PRIMARY KEY (incident, number),
    UNIQUE (incident, plan, step)
);
"""

KEPT = ("incident_entry", "incident_receipt", "incident_mark")
CHANGED = ("incident", "incident_task", "incident_step")


def upgrade() -> None:
    """Make the tables, and say who may do what with them."""
    run = op.get_bind().exec_driver_sql
    for text in (INCIDENTS, TIMELINE, WORK):
        run(text.replace("%", "%%"))
    for name in KEPT:
        run(f"GRANT SELECT, INSERT ON cim.{name} TO cim_writer")
        run(f"CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON cim.{name} FOR EACH ROW EXECUTE FUNCTION cim.keep_entry()")
    for name in CHANGED:
        run(f"GRANT SELECT, INSERT, UPDATE ON cim.{name} TO cim_writer")
    functions = "cim.place_incident(), cim.announce_entry(), cim.keep_entry()"
    run(f"REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC")
    run(f"GRANT EXECUTE ON FUNCTION {functions} TO cim_writer")
    _secure("incident", "reach = ANY ((SELECT cim.open_reaches())::integer[])")
    for name in (*KEPT, *CHANGED[1:]):
        _secure(name, "incident IN (SELECT code FROM cim.incident)")


def _secure(name: str, opened: str) -> None:
    run = op.get_bind().exec_driver_sql
    run(f"GRANT SELECT ON cim.{name} TO cim_reader")
    run(f"ALTER TABLE cim.{name} ENABLE ROW LEVEL SECURITY")
    run(f"CREATE POLICY writers ON cim.{name} TO cim_writer USING (true) WITH CHECK (true)")
    run(f"CREATE POLICY readers ON cim.{name} FOR SELECT TO cim_reader USING ({opened})")
