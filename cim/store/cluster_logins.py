"""The logins of a CIM database: their passwords, roles, rights and addresses."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from cim.errors import ClusterError
from cim.store.cluster_account import Account

ADMIN = "cim_admin"
OWNER = "cim_owner"
WRITER = "cim_writer"
READER = "cim_reader"
APPLICATION_LOGINS = (OWNER, WRITER, READER)
DATABASE = "cim"
EXTENSIONS = ("postgis", "pg_trgm")
EXTENSIONS_WHERE_INSTALLED = ("pgrouting",)
"""Made where the machine has them: without pgRouting all but routes and evacuation works."""
_MAKE_EXTENSION = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}")


@dataclass(frozen=True, repr=False)
class Logins:
    """How each login reaches one database of the private cluster.

    The URLs hold passwords: never log them. ``repr`` leaves the passwords out.
    """

    socket_dir: Path
    port: int
    passwords: Mapping[str, str]
    database: str = DATABASE

    @property
    def admin_url(self) -> str:
        """The superuser: for creating databases and extensions only."""
        return self._url(ADMIN)

    @property
    def owner_url(self) -> str:
        """Owns the database and every table: for migrations."""
        return self._url(OWNER)

    @property
    def writer_url(self) -> str:
        """Imports and edits."""
        return self._url(WRITER)

    @property
    def reader_url(self) -> str:
        """Answers requests, under row-level security."""
        return self._url(READER)

    def for_database(self, database: str) -> "Logins":
        """The same logins for another database of the cluster."""
        return Logins(self.socket_dir, self.port, self.passwords, database)

    def connect_admin(self, database: str | None = None) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the superuser that commits each statement at once; the caller closes it."""
        return psycopg.connect(
            host=str(self.socket_dir),
            port=self.port,
            user=ADMIN,
            password=self.passwords[ADMIN],
            dbname=database or self.database,
            autocommit=True,
            connect_timeout=5,
            application_name="cim cluster",
        )

    def _url(self, role: str) -> str:
        return (
            f"postgresql+psycopg://{role}:{self.passwords[role]}@/{self.database}"
            f"?host={self.socket_dir}&port={self.port}"
        )

    def __repr__(self) -> str:
        return f"Logins(socket_dir={str(self.socket_dir)!r}, port={self.port}, database={self.database!r})"


def read_passwords(path: Path) -> dict[str, str]:
    """The passwords kept in ``path``. Raises ClusterError when the file is missing, damaged or readable by others."""
    remedy = "restore the file from a backup of the data folder; without it the database cannot be opened"
    try:
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        kept = json.loads(path.read_text())
    except OSError as error:
        raise ClusterError(
            f"the passwords of the private database cannot be read ({error.strerror})", where=str(path), remedy=remedy
        ) from error
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(isinstance(kept.get(role), str) for role in (ADMIN, *APPLICATION_LOGINS)):
        raise ClusterError("the passwords of the private database are damaged", where=str(path), remedy=remedy)
    return kept


def write_passwords(path: Path, account: Account) -> dict[str, str]:
    """Invent a password for each login and keep them in ``path`` (0600, owned by ``account``), whole or not at all."""
    passwords = {role: secrets.token_urlsafe(24) for role in (ADMIN, *APPLICATION_LOGINS)}
    partial = path.with_suffix(".new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(passwords, file, indent=1)
        file.flush()
        os.fsync(descriptor)
    if os.geteuid() == 0:
        os.chown(partial, account.uid, account.gid)
    partial.replace(path)
    return passwords


def bootstrap_roles(
    connection: psycopg.Connection[tuple[object, ...]], passwords: Mapping[str, str], database: str = DATABASE
) -> None:
    """Make the three application logins and their database, or bring existing ones to the same state.

    ``connection`` is a superuser's in autocommit mode. Passwords travel as SCRAM verifiers, so that not even an
    error in the server's log shows one. Extensions and the leakproof mark are ``prepare_database``'s.
    """
    for role in APPLICATION_LOGINS:
        verifier = connection.pgconn.encrypt_password(passwords[role].encode(), role.encode(), b"scram-sha-256")
        exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
        connection.execute(
            sql.SQL(
                "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION"
                " PASSWORD {password}"
            ).format(
                verb=sql.SQL("ALTER" if exists else "CREATE"),
                role=sql.Identifier(role),
                password=sql.Literal(verifier.decode()),
            )
        )
    create_database(connection, database)


def create_database(
    connection: psycopg.Connection[tuple[object, ...]], database: str, *, template: str | None = None
) -> None:
    """Create a database owned by cim_owner, unless it exists, and let nobody but the three logins into it.

    ``template`` may be any database nobody is connected to: tests clone a migrated one. Its files are copied, which
    in a cluster that need not survive a power cut takes a tenth of the time of writing them to the log.
    """
    name = sql.Identifier(database)
    source: sql.Composable = sql.SQL("template1")
    if template is not None:
        source = sql.SQL("{} STRATEGY FILE_COPY").format(sql.Identifier(template))
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(name, sql.Identifier(OWNER), source)
        )
    for statement in (
        "REVOKE ALL ON DATABASE {} FROM PUBLIC",
        "GRANT CONNECT ON DATABASE {} TO cim_reader",
        "GRANT CONNECT, TEMPORARY ON DATABASE {} TO cim_writer",
    ):
        connection.execute(sql.SQL(statement).format(name))


def drop_database(connection: psycopg.Connection[tuple[object, ...]], database: str) -> None:
    """Remove a database with everything in it, ending the connections to it."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def prepare_database(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Give the connected database its extensions and take the right to create tables from everybody but its owner.

    ``connection`` is a superuser's in autocommit mode.
    """
    for extension in EXTENSIONS:
        connection.execute(_MAKE_EXTENSION.format(sql.Identifier(extension)))
    make_installed_extensions(connection)
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    mark_leakproof(connection)


def make_installed_extensions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Make those of ``EXTENSIONS_WHERE_INSTALLED`` that the machine has and the connected database has not.

    ``connection`` is a superuser's in autocommit mode.
    """
    question = "SELECT name FROM pg_available_extensions WHERE name = ANY(%s) AND installed_version IS NULL"
    for (name,) in connection.execute(question, [list(EXTENSIONS_WHERE_INSTALLED)]).fetchall():
        connection.execute(_MAKE_EXTENSION.format(sql.Identifier(str(name))))


def mark_leakproof(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Declare the function behind the bounding-box operator ``&&`` LEAKPROOF in the connected database.

    Under row-level security PostgreSQL uses an index only through operators that are known not to reveal a hidden
    row, for instance in an error message. PostGIS does not declare ``&&`` so, and every map query would read whole
    tables. The function compares two boxes, has no side effect and raises no error that quotes its arguments, so
    the mark is true of it. Only a superuser may set it: this is done in the private cluster, never in a database
    that somebody else administers.
    """
    connection.execute("ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF")
