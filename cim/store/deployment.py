"""Which database a command or server works on: the private cluster of a data folder, or a PostGIS somebody else runs.

``CIM_DATABASE_URL`` (the owner's login) with ``CIM_DATABASE_URL_WRITER`` and ``CIM_DATABASE_URL_READER`` names an
existing PostGIS; without it the data folder's private cluster is started on entry and let go on exit.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from cim.errors import ClusterError
from cim.store.cluster import Cluster
from cim.store.cluster_account import default_data_dir, make_private_dir, running_account
from cim.store.cluster_programs import Progress
from cim.store.files import FileStore
from cim.store.migrating import migrate

OWNER_VARIABLE = "CIM_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """SQLAlchemy URLs of the three logins; they hold passwords and are left out of ``repr``."""

    owner_url: str = field(repr=False)
    writer_url: str = field(repr=False)
    reader_url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deployment:
    """An open database. ``cluster`` is None for a PostGIS that somebody else runs."""

    logins: DatabaseUrls
    data_dir: Path
    cluster: Cluster | None

    def files(self) -> FileStore:
        """The folder for files the database refers to, made on first use for the account that serves."""
        return FileStore(self.folder("files"))

    def folder(self, name: str) -> Path:
        """A folder of this name in the data folder, made on first use for the account that serves."""
        folder = self.data_dir / name
        if self.cluster is None:
            self.data_dir.mkdir(parents=True, exist_ok=True)
        make_private_dir(folder, running_account())
        return folder

    def migrate(self) -> str:
        """Bring the database to the schema this server needs; returns the revision."""
        return migrate(self.logins.owner_url)


def _say_nothing(_message: str) -> None:
    return


@contextmanager
def open_deployment(
    data: Path | None = None, *, environ: Mapping[str, str] = os.environ, progress: Progress = _say_nothing
) -> Iterator[Deployment]:
    """Open the deployment that the environment or the data folder names.

    Raises ClusterError with the remedy when the cluster cannot start or a login is missing.
    """
    data_dir = data or default_data_dir()
    if environ.get(OWNER_VARIABLE):
        yield Deployment(_existing(environ), data_dir, None)
        return
    cluster = Cluster(data_dir, progress=progress)
    with cluster as logins:
        urls = DatabaseUrls(logins.owner_url, logins.writer_url, logins.reader_url)
        yield Deployment(urls, data_dir, cluster)


def _existing(environ: Mapping[str, str]) -> DatabaseUrls:
    urls = []
    for name in (OWNER_VARIABLE, f"{OWNER_VARIABLE}_WRITER", f"{OWNER_VARIABLE}_READER"):
        given = environ.get(name, "")
        if not given:
            raise ClusterError(
                f"{name} is not set",
                where="environment",
                remedy="name the owner, writer and reader logins; `cim doctor` prints the SQL that makes them",
            )
        try:
            url = sa.make_url(given).set(drivername="postgresql+psycopg")
        except sa.exc.ArgumentError:
            raise ClusterError(
                f"{name} is not a database address",
                where="environment",
                remedy="write postgresql://user:password@host/db",
            ) from None
        urls.append(url.render_as_string(hide_password=False))
    return DatabaseUrls(*urls)
