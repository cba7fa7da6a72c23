"""Databases that a whole run fills once, for tests that only read them."""

import fcntl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from cim.store.cluster_logins import Logins, create_database
from cim.store.database import Database, run

Fill = Callable[[Database], Awaitable[None]]


def filled_once(cluster: Logins, folder: Path, name: str, fill: Fill) -> Logins:
    """The logins of a database of a name, made and filled by the first process of a run that asks for it."""
    logins = cluster.for_database(name)
    with (folder / f"{name}.lock").open("w") as lock, (folder / "clone.lock").open("w") as clone:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / f"{name}.made"
        if not made.exists():
            fcntl.flock(clone, fcntl.LOCK_EX)
            with cluster.connect_admin("postgres") as admin:
                create_database(admin, name, template="cim")
            fcntl.flock(clone, fcntl.LOCK_UN)
            run(_filling(logins, fill))
            made.touch()
    return logins


def _filling(logins: Logins, fill: Fill) -> Coroutine[Any, Any, None]:
    async def work() -> None:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        await fill(database)
        await database.close()

    return work()
