"""What ``cim doctor`` asks a database: versions, logins, rights, speed of row security, leftovers."""

from dataclasses import dataclass

import sqlalchemy as sa

from cim.store.deployment import DatabaseUrls
from cim.store.migrating import current_revision, needed_revision


@dataclass(frozen=True, slots=True)
class Examination:
    """One thing looked at. ``sql`` is for the administrator of the database to run when it is not well."""

    name: str
    well: bool
    found: str
    remedy: str = ""
    sql: str = ""


LOGINS_SQL = """CREATE ROLE cim_owner LOGIN PASSWORD '...';
CREATE ROLE cim_writer LOGIN PASSWORD '...';
CREATE ROLE cim_reader LOGIN PASSWORD '...';
CREATE DATABASE cim OWNER cim_owner;
\\c cim
CREATE EXTENSION postgis; CREATE EXTENSION pg_trgm; CREATE EXTENSION pgrouting;"""
LEAKPROOF_SQL = "ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;"


def examine(urls: DatabaseUrls) -> list[Examination]:
    """Look at a database with each of its logins; nothing is changed."""
    found = [_login(name, url) for name, url in _named(urls)]
    if not all(item.well for item in found):
        return found
    engine = sa.create_engine(urls.owner_url, poolclass=sa.NullPool)
    try:
        with engine.connect() as connection:
            found += [_postgis(connection), _trigrams(connection), _routing(connection), _leakproof(connection)]
    finally:
        engine.dispose()
    revision = current_revision(urls.owner_url)
    right = revision == needed_revision()
    found.append(
        Examination("schema", right, f"migration {revision or 'none'}", "" if right else "start `cim up` once")
    )
    found.append(_reader_cannot_write(urls))
    return found


def _named(urls: DatabaseUrls) -> list[tuple[str, str]]:
    return [("owner", urls.owner_url), ("writer", urls.writer_url), ("reader", urls.reader_url)]


def _login(name: str, url: str) -> Examination:
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            user = connection.scalar(sa.text("SELECT session_user"))
        needed = f"cim_{name}"
        right = user == needed
        return Examination(
            f"login {name}",
            right,
            str(user) if right else f"{user} where {needed} is needed",
            "" if right else "the rights are given to the three roles by name: make them",
            "" if right else LOGINS_SQL,
        )
    except sa.exc.OperationalError:
        return Examination(
            f"login {name}", False, "cannot connect", "make the logins, or correct their addresses", LOGINS_SQL
        )
    finally:
        engine.dispose()


def _postgis(connection: sa.Connection) -> Examination:
    server = connection.scalar(sa.text("SHOW server_version"))
    extension = connection.scalar(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'postgis'"))
    text = f"PostgreSQL {server}, PostGIS {extension or 'missing'}"
    return Examination(
        "PostGIS", extension is not None, text, "" if extension else "install it", "CREATE EXTENSION postgis;"
    )


def _trigrams(connection: sa.Connection) -> Examination:
    there = connection.scalar(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'pg_trgm'"))
    return Examination(
        "pg_trgm", there is not None, there or "missing", "needed by search", "CREATE EXTENSION pg_trgm;"
    )


def _routing(connection: sa.Connection) -> Examination:
    there = connection.scalar(sa.text("SELECT extversion FROM pg_extension WHERE extname = 'pgrouting'"))
    return Examination(
        "pgRouting",
        there is not None,
        there or "missing: no routes, isochrones and evacuation; all else works",
        "" if there else "apt install postgresql-pgrouting, then start again",
        "" if there else "CREATE EXTENSION pgrouting;",
    )


def _leakproof(connection: sa.Connection) -> Examination:
    marked = bool(
        connection.scalar(
            sa.text("SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry,geometry)'::regprocedure")
        )
    )
    return Examination(
        "row security",
        marked,
        "on, with the spatial index" if marked else "off: the policy's own predicates still hold",
        "" if marked else "a superuser can switch the second net on",
        "" if marked else LEAKPROOF_SQL,
    )


def _reader_cannot_write(urls: DatabaseUrls) -> Examination:
    engine = sa.create_engine(urls.reader_url, poolclass=sa.NullPool)
    question = sa.text(
        "SELECT bool_or(has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')) FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('cim', 'city', 'history', 'scenario', 'staging') AND c.relkind IN ('r', 'v')"
    )
    try:
        with engine.connect() as connection:
            may_write = bool(connection.scalar(question))
    finally:
        engine.dispose()
    return Examination("reader", not may_write, "can write!" if may_write else "can only read", "revoke its rights")
