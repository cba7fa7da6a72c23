"""Reading an IFC file to records and meshes, against ifcopenshell's iterator in one thread writing GLB.

``records`` is timed in a running Python from opening the source in the sandbox to the last record: copy, hash, the
start of the reading child, its workers, inspection and elements with all properties are part of it. The peers
(``benchmarks.ifc_peer``) are timed from opening the file to the end of the GLB, without the start of their Python and
without properties, by each kernel. ``again`` is the same file with one element in a hundred changed and all hashes
known. Processor time is that of all processes; of the peers it holds the start of their Python. Memory is the
proportional share of all processes of the reading child together, looked at ten times a second.
"""

import contextlib
import os
import resource
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.generated_ifc import write
from benchmarks.ifc_peer import KERNELS, measured
from benchmarks.machine import children, proportional_mb, spread
from cim.model.bim import Element, Mesh
from importers.importer import ReadOptions
from importers.sandbox import open_source

MEGABYTES, LARGE_MEGABYTES = 25, 100
CHANGED = 0.01


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Interleaved rounds over one generated file, and one reading of a large one."""
    with tempfile.TemporaryDirectory(prefix="cim-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source, changed, large = (folder / f"{name}.ifc" for name in ("building", "changed", "large"))
        write(source, MEGABYTES)
        write(changed, MEGABYTES, CHANGED)
        seconds: dict[str, list[float]] = defaultdict(list)
        cpu_seconds: dict[str, list[float]] = defaultdict(list)
        peaks: list[float] = []
        counts: dict[str, int] = {}
        for _ in range(rounds):
            first = _read(source, {})
            again = _read(changed, first.hashes)
            counts = first.counts
            peaks.append(first.peak_mb)
            for what, run in (("records", first), ("again", again)):
                seconds[what].append(run.seconds)
                cpu_seconds[what].append(run.cpu_seconds)
            for kernel in KERNELS:
                begun = _cpu_seconds()
                (peer,) = measured(source, (kernel,))
                seconds[kernel].append(peer.seconds)
                cpu_seconds[kernel].append(_cpu_seconds() - begun)
        size = source.stat().st_size
        write(large, LARGE_MEGABYTES)
        whole = _read(large, {})
        large_size = large.stat().st_size
    return {
        "bytes": size,
        "rounds": rounds,
        "counts": counts,
        "seconds": {what: spread(values) for what, values in seconds.items()},
        "cpu_seconds": {what: spread(values) for what, values in cpu_seconds.items()},
        "times_faster_than": {kernel: spread(_ratios(seconds[kernel], seconds["records"])) for kernel in KERNELS},
        "again_share": spread(_ratios(seconds["again"], seconds["records"])),
        "again_cpu_share": spread(_ratios(cpu_seconds["again"], cpu_seconds["records"])),
        "peak_mb": spread(peaks),
        "large": {
            "bytes": large_size,
            "counts": whole.counts,
            "seconds": whole.seconds,
            "cpu_seconds": whole.cpu_seconds,
            "peak_mb": whole.peak_mb,
        },
        "aims": {"times_faster_than": 2.0, "large_seconds": 180, "again_share": 0.1, "peak_mb": 2000},
    }


def _ratios(above: list[float], below: list[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def _cpu_seconds() -> float:
    """What this process and all its ended children have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@dataclass(frozen=True, slots=True)
class _Run:
    """One reading: time, processor time and peak memory of all processes, hashes by GlobalId, what was counted."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    hashes: dict[str, bytes]
    counts: dict[str, int]


def _read(path: Path, known: dict[str, bytes]) -> _Run:
    counts = {"elements": 0, "kept": 0, "meshes": 0, "triangles": 0}
    hashes = dict(known)
    with _Watch() as watch:
        begun, cpu_begun = time.perf_counter(), _cpu_seconds()
        with open_source(path, ReadOptions(trust_file=True)) as source:
            for record in source.model(source.inspection.layers[0], known):
                if isinstance(record, Element):
                    counts["elements"] += 1
                    hashes[record.global_id] = record.source_hash
                elif isinstance(record, Mesh):
                    counts["meshes"] += 1
                    counts["triangles"] += len(record.triangles)
                elif isinstance(record, str):
                    counts["kept"] += 1
        took, cpu = time.perf_counter() - begun, _cpu_seconds() - cpu_begun
    return _Run(took, cpu, watch.peak_mb, hashes, counts)


class _Watch:
    """Notes the most memory that all children of this process have together."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        here = os.getpid()
        while not self._done.wait(0.1):
            with contextlib.suppress(OSError):  # a process ended while it was looked at
                found = sum(proportional_mb(pid) for pid in children(here) if pid != here)
                self.peak_mb = max(self.peak_mb, found)
