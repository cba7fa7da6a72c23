"""Databases that a whole run fills once, for tests that only read them."""

import fcntl
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from clones import Clones

from cim.store.cluster_logins import Logins
from cim.store.database import Database, run

Fill = Callable[[Database], Awaitable[None]]


def filled_once(clones: Clones, folder: Path, name: str, fill: Fill) -> Logins:
    """The logins of a database of a name, made and filled by the first process of a run that asks for it."""
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / f"{name}.made"
        if made.exists():
            return clones.named(name)
        logins = clones.make(name=name)
        run(_filling(logins, fill))
        made.touch()
    return logins


def _filling(logins: Logins, fill: Fill) -> Coroutine[Any, Any, None]:
    async def work() -> None:
        database = Database(logins.reader_url, logins.writer_url, pool_size=4)
        await fill(database)
        await database.close()

    return work()
