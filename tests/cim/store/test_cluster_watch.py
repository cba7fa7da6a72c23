"""A private cluster that is killed while a server uses it is started again."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cim.errors import ClusterError
from cim.store import cluster_watch
from cim.store.cluster import Cluster
from cim.store.cluster_watch import kept_running


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    folder = Path(tempfile.mkdtemp(prefix="cimw-", dir="/tmp"))
    folder.chmod(0o755)
    made = Cluster(folder / "d", durable=False)
    made.ensure_running()
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def kill(cluster: Cluster) -> int:
    pid = cluster.status().pid or 0
    os.kill(pid, signal.SIGKILL)
    return pid


def started_again(cluster: Cluster, before: int) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if cluster.status().pid not in (None, before):
            return True
        time.sleep(0.05)
    return False


def test_a_killed_database_is_started_again_until_the_server_ends(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_watch, "AGAIN_AFTER_S", 0.1)
    real, tries = Cluster.ensure_running, []

    def at_first_in_vain(self: Cluster) -> object:
        tries.append(1)
        if len(tries) == 1:
            raise ClusterError("no room on the disk")
        return real(self)

    monkeypatch.setattr(Cluster, "ensure_running", at_first_in_vain)
    with kept_running(cluster):
        assert started_again(cluster, kill(cluster))
    assert len(tries) == 2
    gone = kill(cluster)
    time.sleep(1)
    assert cluster.status().pid in (None, gone)


def test_a_database_of_somebody_else_is_not_watched() -> None:
    with kept_running(None):
        pass
