"""Keeping the private cluster running while a server does: a database that was killed is started again."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from cim.errors import ClusterError
from cim.store.cluster import Cluster

LOOK_EVERY_S = 0.5
AGAIN_AFTER_S = 5.0
_log = structlog.get_logger()


@contextmanager
def kept_running(cluster: Cluster | None) -> Iterator[None]:
    """Look every half second whether the cluster runs, and start it again where it does not, while the block runs.

    ``cluster`` is running already; None is a PostGIS that somebody else looks after. Where it cannot be started, for
    example on a full disk, that is tried every five seconds and the reason is in the log.
    """
    if cluster is None:
        yield
        return
    over = threading.Event()
    watching = threading.Thread(target=_watch, args=(cluster, over), name="database", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()


def _watch(cluster: Cluster, over: threading.Event) -> None:
    pause_s = LOOK_EVERY_S
    while not over.wait(pause_s):
        pause_s = LOOK_EVERY_S
        try:
            if cluster.status().running:
                continue
            _log.error("the database ended and is started again", folder=str(cluster.data_dir))
            cluster.ensure_running()
        except (ClusterError, OSError) as error:
            _log.error("the database could not be started again", reason=str(error))
            pause_s = AGAIN_AFTER_S
