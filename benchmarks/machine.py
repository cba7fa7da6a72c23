"""What every result says of where it was measured, and small tools of measuring."""

import os
import platform
import statistics
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path


def machine() -> dict[str, object]:
    """Processor, cores, memory, load and versions."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    memory_kb = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory_kb / 1e6, 1),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "postgresql": _version(["psql", "--version"]),
        "date": datetime.now(UTC).date().isoformat(),
    }


def _version(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "absent"


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system seconds used so far by processes."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


@contextmanager
def repeatedly(act: Callable[[], object], every_s: float) -> Iterator[None]:
    """Call something again and again, in a thread, while the block runs."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(every_s):
            act()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def children(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += children(int(child))
    return found


def proportional_mb(pid: int) -> float:
    """The memory of a process in MB with its share of what it has in common with others; 0 when it is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("Pss:")), 0.0)


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most of a list of figures."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}
