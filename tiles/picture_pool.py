"""Processes that draw: the server's own stays free to answer, and one that hangs or breaks is ended and replaced."""

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as DrawTimeout
from multiprocessing.connection import wait
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from cim.errors import CimError, StoreUnavailable
from cim.garbage import collect_seldom

Job = TypeVar("Job")
GRACE_S = 3.0
"""What a job may take beyond its own time before its process is ended."""
RENEW_AFTER = 2_000


class PicturePool:
    """At most ``workers`` drawing processes, started with the first picture; more than ``waiting`` jobs are refused."""

    def __init__(self, workers: int = 2, waiting: int = 32) -> None:
        self._workers = workers
        self._waiting = waiting
        self._running = 0
        self._pool: ProcessPool | None = None

    async def run(self, draw: Callable[[Job], bytes], job: Job, seconds: float) -> bytes:
        """What ``draw`` makes of a job; StoreUnavailable when there is no room, time is up or the process broke."""
        if self._running >= self._waiting:
            raise StoreUnavailable("the server is busy drawing pictures", remedy="try again in a few seconds")
        self._running += 1
        try:
            future = self._started().schedule(draw, args=[job], timeout=seconds + GRACE_S)
            result = await asyncio.wrap_future(future)
        except (DrawTimeout, TimeoutError) as error:
            raise StoreUnavailable(
                "drawing the picture took longer than it may", remedy="ask for a smaller area or fewer layers"
            ) from error
        except ImportError as error:
            raise CimError(
                "the server's drawing library cannot be loaded",
                where="pictures",
                remedy="install the Debian packages libegl1 and libgl1",
            ) from error
        except ProcessExpired as error:
            raise CimError("the picture could not be drawn", remedy="report it with the request id") from error
        finally:
            self._running -= 1
        return bytes(result)

    def close(self) -> None:
        """End the drawing processes."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]  # untyped in pebble
            self._pool.join()
            self._pool = None

    def _started(self) -> ProcessPool:
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=self._workers,
                max_tasks=RENEW_AFTER,
                initializer=begin_work,
                context=multiprocessing.get_context("spawn"),
            )
        return self._pool


def begin_work() -> None:
    """A worker process begins with this: it never outlives the server, however that ends."""
    collect_seldom()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_watch, args=[parent.sentinel], daemon=True).start()


def _watch(sentinel: Any) -> None:
    wait([sentinel])
    os._exit(0)
