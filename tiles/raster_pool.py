"""The threads that read and paint images: few, with a bounded number of jobs waiting and a bounded time for each."""

import asyncio
import functools
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from cim.errors import StoreUnavailable

Result = TypeVar("Result")
MAX_THREADS = 4
MAX_JOBS = 64


class RasterPool:
    """Runs jobs in threads; a job gets the time (time.monotonic) by which it must be done."""

    def __init__(self, threads: int, max_jobs: int = MAX_JOBS) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="raster")
        self._max_jobs = max_jobs
        self._jobs = 0

    async def run(self, job: Callable[[float], Result], budget_s: float) -> Result:
        """The job's result. StoreUnavailable when too many wait already, or when it is not done in ``budget_s``.

        A job that ran out of time goes on until it looks at its deadline, and counts until then.
        """
        if self._jobs >= self._max_jobs:
            raise StoreUnavailable("the server is busy drawing images", remedy="try again in a few seconds")
        self._jobs += 1
        future = self._threads.submit(job, time.monotonic() + budget_s)
        loop = asyncio.get_running_loop()
        future.add_done_callback(functools.partial(self._over, loop))
        try:
            async with asyncio.timeout(budget_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise StoreUnavailable(
                "drawing this area takes longer than it may", remedy="ask for a smaller area or a higher zoom"
            ) from None

    def _over(self, loop: asyncio.AbstractEventLoop, _job: "Future[Any]") -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._jobs -= 1


@functools.cache
def raster_pool() -> RasterPool:
    """The pool of this process, made when it is first needed."""
    # rasterio silences this one itself around each array it warps, which does not hold with several threads
    warnings.filterwarnings("ignore", "Dataset has no geotransform")
    return RasterPool(min(MAX_THREADS, os.cpu_count() or 1))
