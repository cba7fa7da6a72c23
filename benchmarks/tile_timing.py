"""How long a tile takes to make, on a machine that may be away for a moment."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Made = TypeVar("Made")
MOST_MS, ATTEMPTS = 300, 3
"""A tile that took too long is made again this often, and its median counts."""


async def timed(make: Callable[[], Awaitable[Made]]) -> tuple[Made, float]:
    """What was made and the median of the milliseconds it took: once, or more often where it took too long."""
    times: list[float] = []
    while True:
        begun = time.perf_counter()
        made = await make()
        times.append((time.perf_counter() - begun) * 1000)
        if times[0] <= MOST_MS or len(times) == ATTEMPTS:
            return made, round(sorted(times)[len(times) // 2], 1)
