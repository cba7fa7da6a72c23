"""How much memory worker processes may take, so that all processes reading a model stay below a bound together."""

import os
import resource
from pathlib import Path

TOTAL_BYTES = 1_900_000_000
LEAST_BYTES = 256 * 1024**2
"""What a worker gets at least; where that is not left for all, there are fewer."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


def shares(workers: int) -> tuple[int, int]:
    """How many workers there may be beside this process, and the bytes each may take of its own."""
    left = TOTAL_BYTES - _pages()[1] * _PAGE
    count = max(1, min(workers, left // LEAST_BYTES))
    return count, max(left // count, LEAST_BYTES)


def limit_growth(own_bytes: int) -> None:
    """Let this process map no more than it has and so much; what it maps beyond fails."""
    limit = _pages()[0] * _PAGE + own_bytes
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _pages() -> tuple[int, int]:
    """Pages mapped and pages resident of this process."""
    mapped, resident, *_ = Path("/proc/self/statm").read_text("ascii").split()
    return int(mapped), int(resident)
