"""Warnings: messages of CAP with what they refer to, calls to people, history, deliveries; receivers of them."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WARNINGS = """
CREATE TABLE cim.warning (
    code text PRIMARY KEY,
    identifier text NOT NULL UNIQUE,
    sender text NOT NULL,
    sent timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN ('Actual', 'Exercise', 'System', 'Test', 'Draft')),
    kind text NOT NULL CHECK (kind IN ('Alert', 'Update', 'Cancel', 'Ack', 'Error')),
    scope text NOT NULL CHECK (scope IN ('Public', 'Restricted', 'Private')),
    state text NOT NULL CHECK (state IN ('draft', 'discarded', 'active', 'updated', 'cancelled', 'expired', 'done')),
    colour text CHECK (colour IN ('red', 'orange', 'yellow', 'blue')),
    event text NOT NULL,
    title text NOT NULL,
    effective timestamptz NOT NULL,
    expires timestamptz,
    original bytea NOT NULL,
    content_hash bytea NOT NULL,
    findings text[] NOT NULL DEFAULT '{}',
    replaced_by text REFERENCES cim.warning (code),
    alarm text REFERENCES cim.event (code),
    geom geometry(Geometry, 4490),
    region_code text,
    grade text NOT NULL CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    reach integer NOT NULL REFERENCES cim.reach (id),
    author text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    CHECK ((state IN ('draft', 'discarded')) = (status = 'Draft'))
);
COMMENT ON TABLE cim.warning IS
    'Messages of CAP; original is the XML as it came. Who writes holds the lock warning:steps';
CREATE INDEX warning_geom_idx ON cim.warning USING gist (geom);
CREATE INDEX warning_sent_idx ON cim.warning (sent DESC, code DESC);
CREATE INDEX warning_expires_idx ON cim.warning (expires) WHERE state = 'active';
CREATE TRIGGER place BEFORE INSERT OR UPDATE OF grade, region_code ON cim.warning
    FOR EACH ROW EXECUTE FUNCTION cim.place_event();
CREATE TABLE cim.warning_reference (
    warning text NOT NULL REFERENCES cim.warning (code),
    identifier text NOT NULL,
    sender text NOT NULL,
    sent timestamptz NOT NULL,
    PRIMARY KEY (warning, identifier, sender, sent)
);
CREATE INDEX warning_reference_identifier_idx ON cim.warning_reference (identifier);
COMMENT ON TABLE cim.warning_reference IS 'What a message refers to, whether that has come yet or not';
"""

CALLS = """
CREATE TABLE cim.warning_call (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    warning text NOT NULL REFERENCES cim.warning (code),
    contact text NOT NULL,
    name text NOT NULL,
    duty text NOT NULL,
    phone text,
    subjects jsonb NOT NULL,
    ladder jsonb NOT NULL,
    level integer NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'confirmed', 'silent', 'withdrawn')),
    answer_by timestamptz NOT NULL,
    confirmed_at timestamptz,
    confirmed_by text,
    region_code text,
    grade text NOT NULL CHECK (grade IN ('public', 'internal', 'restricted', 'draft')),
    reach integer NOT NULL REFERENCES cim.reach (id),
    made_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (warning, contact)
);
COMMENT ON COLUMN cim.warning_call.ladder IS 'Who is called next where nobody answers, as of the making';
CREATE INDEX warning_call_due_idx ON cim.warning_call (answer_by) WHERE state = 'waiting';
CREATE TRIGGER place BEFORE INSERT OR UPDATE OF grade, region_code ON cim.warning_call
    FOR EACH ROW EXECUTE FUNCTION cim.place_event();
CREATE TABLE cim.warning_token (
    call bigint PRIMARY KEY REFERENCES cim.warning_call (id),
    token text NOT NULL UNIQUE
);
COMMENT ON TABLE cim.warning_token IS 'By which the person who was called confirms, without an account';
CREATE TABLE cim.warning_step (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    warning text NOT NULL REFERENCES cim.warning (code),
    call bigint REFERENCES cim.warning_call (id),
    action text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    channel text NOT NULL DEFAULT '',
    note text NOT NULL DEFAULT '',
    state text NOT NULL
);
CREATE INDEX warning_step_warning_idx ON cim.warning_step (warning, seq);
COMMENT ON TABLE cim.warning_step IS 'History of warnings and receipts of calls, only ever added to';
CREATE FUNCTION cim.announce_warning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('cim_warning', (SELECT max(seq)::text FROM added));
    RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT ON cim.warning_step REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION cim.announce_warning();
CREATE FUNCTION cim.keep_warning_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the history of warnings is only ever added to';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON cim.warning_step
    FOR EACH ROW EXECUTE FUNCTION cim.keep_warning_step();
ALTER TABLE sensing.receiver
    ADD COLUMN warnings boolean NOT NULL DEFAULT false,
    ADD COLUMN drills boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN sensing.receiver.drills IS 'Whether exercises and tests may go there too';
CREATE TABLE cim.warning_delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    receiver integer NOT NULL REFERENCES sensing.receiver (id) ON DELETE CASCADE,
    step bigint NOT NULL REFERENCES cim.warning_step (seq),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    tries integer NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    error text NOT NULL DEFAULT '',
    done_at timestamptz,
    UNIQUE (receiver, step)
);
CREATE INDEX warning_delivery_waiting_idx ON cim.warning_delivery (next_at) WHERE state = 'waiting';
"""

WRITTEN = ("warning", "warning_call", "warning_token", "warning_delivery")
ADDED_TO = ("warning_reference", "warning_step")


def upgrade() -> None:
    """Make the tables, and say who may do what with them."""
    run = op.get_bind().exec_driver_sql
    for text in (WARNINGS, CALLS):
        run(text.replace("%", "%%"))
    for name in WRITTEN:
        run(f"GRANT SELECT, INSERT, UPDATE, DELETE ON cim.{name} TO cim_writer")
    for name in ADDED_TO:
        run(f"GRANT SELECT, INSERT ON cim.{name} TO cim_writer")
    run("GRANT SELECT ON cim.warning, cim.warning_reference, cim.warning_call, cim.warning_step TO cim_reader")
    for function in ("cim.announce_warning()", "cim.keep_warning_step()"):
        run(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {function} TO cim_writer")
    open_reach = "reach = ANY ((SELECT cim.open_reaches())::integer[])"
    _secure("cim.warning", open_reach)
    _secure("cim.warning_call", open_reach)
    _secure("cim.warning_reference", "warning IN (SELECT code FROM cim.warning)")
    _secure(
        "cim.warning_step",
        "warning IN (SELECT code FROM cim.warning) AND (call IS NULL OR call IN (SELECT id FROM cim.warning_call))",
    )
    for name in ("warning_token", "warning_delivery"):
        _secure(f"cim.{name}", "false")


def _secure(table: str, opened: str) -> None:
    run = op.get_bind().exec_driver_sql
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    run(f"CREATE POLICY writers ON {table} TO cim_writer USING (true) WITH CHECK (true)")
    run(f"CREATE POLICY readers ON {table} FOR SELECT TO cim_reader USING ({opened})")
