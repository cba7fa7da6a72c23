"""Databases of their own for tests: clones of a migrated or filled one, made one at a time and dropped beside them."""

import contextlib
import fcntl
import queue
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

from cim.store.cluster_logins import Logins, create_database, drop_database

MIGRATED = "cim"


class Clones:
    """Makes and drops databases of a run's cluster.

    Cloning is one at a time in the whole run: a template must not be in use. Dropping is beside the tests: it waits for
    every backend of the cluster to look up, and one that takes rows from a stuck file does not.
    """

    def __init__(self, cluster: Logins, folder: Path) -> None:
        self._cluster, self._folder = cluster, folder
        self._names: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropping = threading.Thread(target=self._drop, daemon=True)
        self._dropping.start()

    def make(self, template: str = MIGRATED, name: str | None = None) -> Logins:
        """A database that stays until ``drop``, or until the run ends."""
        named = name or f"t_{uuid.uuid4().hex[:12]}"
        with (self._folder / "clone.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self._cluster.connect_admin("postgres") as admin:
                create_database(admin, named, template=template)
        return self._cluster.for_database(named)

    def named(self, name: str) -> Logins:
        """The database of a name that another process of the run has made."""
        return self._cluster.for_database(name)

    def drop(self, logins: Logins) -> None:
        """Drop a database soon."""
        self._names.put(logins.database)

    @contextlib.contextmanager
    def made(self, template: str = MIGRATED) -> Iterator[Logins]:
        """A database while the block runs."""
        logins = self.make(template)
        try:
            yield logins
        finally:
            self.drop(logins)

    def close(self) -> None:
        """Wait some seconds for what is still to drop; the cluster ends with the run anyway."""
        self._names.put(None)
        self._dropping.join(5)

    def _drop(self) -> None:
        while (name := self._names.get()) is not None:
            with contextlib.suppress(psycopg.Error), self._cluster.connect_admin("postgres") as admin:
                drop_database(admin, name)
