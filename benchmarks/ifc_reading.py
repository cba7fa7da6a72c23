"""Reading an IFC file to records and meshes, against ifcopenshell's iterator in one thread writing GLB.

``records`` is timed in a running Python from opening the source in the sandbox to the last record: copy, hash, the
start of the reading child, its workers, inspection and elements with all properties are part of it. The peers start
their Python too, open the file, tessellate everything but openings and write GLB, without properties: with the default
kernel and with ours. ``again`` is the same file with one element in a hundred changed and all hashes known. Memory is
the proportional share of all processes of the reading child together, looked at ten times a second.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.generated_ifc import write
from benchmarks.machine import children, proportional_mb, spread
from cim.model.bim import Element, Mesh
from importers.importer import ReadOptions
from importers.sandbox import open_source

MEGABYTES = 100
CHANGED = 0.01
PEER = """
import multiprocessing, sys, time
import ifcopenshell, ifcopenshell.geom as geom
path, target, kernel = sys.argv[1:]
file = ifcopenshell.open(path)
settings, serial = geom.settings(), geom.serializer_settings()
settings.set("dimensionality", 1)
serializer = geom.serializers.gltf(target, settings, serial)
serializer.setFile(file)
serializer.writeHeader()
openings = file.by_type("IfcFeatureElementSubtraction")
iterator = geom.iterator(settings, file, 1, exclude=openings or None, geometry_library=kernel)
count = 0
if iterator.initialize():
    while True:
        serializer.write(iterator.get())
        count += 1
        if not iterator.next():
            break
serializer.finalize()
print(count)
"""
KERNELS = {"iterator_opencascade": "opencascade", "iterator_hybrid": "hybrid-cgal-simple-opencascade"}


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Interleaved rounds over one generated file."""
    with tempfile.TemporaryDirectory(prefix="cim-bench-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        source, changed = folder / "building.ifc", folder / "changed.ifc"
        write(source, MEGABYTES)
        write(changed, MEGABYTES, CHANGED)
        seconds: dict[str, list[float]] = {"records": [], "again": [], **{peer: [] for peer in KERNELS}}
        peaks: list[float] = []
        counts: dict[str, int] = {}
        for _ in range(rounds):
            took, peak, known, counts = _read(source, {})
            seconds["records"].append(took)
            peaks.append(peak)
            seconds["again"].append(_read(changed, known)[0])
            for peer, kernel in KERNELS.items():
                seconds[peer].append(_peer(source, folder / "peer.glb", kernel))
        size = source.stat().st_size
    ratios = {
        peer: [theirs / ours for theirs, ours in zip(seconds[peer], seconds["records"], strict=True)] for peer in KERNELS
    }
    return {
        "bytes": size,
        "rounds": rounds,
        "counts": counts,
        "seconds": {what: spread(values) for what, values in seconds.items()},
        "times_faster_than": {peer: spread(values) for peer, values in ratios.items()},
        "again_share": spread([a / b for a, b in zip(seconds["again"], seconds["records"], strict=True)]),
        "peak_mb": spread(peaks),
        "aims": {
            "times_faster_than": 2.0,
            "seconds": 180,
            "again_share": 0.1,
            "peak_mb": min(400 + 10 * size / 1e6, 2000),
        },
    }


def _read(path: Path, known: dict[str, bytes]) -> tuple[float, float, dict[str, bytes], dict[str, int]]:
    """Seconds, peak of memory, hashes by GlobalId, and what was counted."""
    counts = {"elements": 0, "kept": 0, "meshes": 0, "triangles": 0}
    hashes = dict(known)
    with _Watch() as watch:
        begun = time.perf_counter()
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
        took = time.perf_counter() - begun
    return took, watch.peak_mb, hashes, counts


class _Watch:
    """Notes the most memory that all children of this process have together."""

    def __init__(self) -> None:
        self.peak_mb = 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        here = os.getpid()
        while not self._done.wait(0.1):
            self.peak_mb = max(self.peak_mb, sum(proportional_mb(pid) for pid in children(here) if pid != here))


def _peer(path: Path, target: Path, kernel: str) -> float:
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", PEER, path, target, kernel], capture_output=True, text=True, check=True)
    took = time.perf_counter() - begun
    if json.loads(done.stdout.splitlines()[-1]) == 0 or not target.stat().st_size:
        raise RuntimeError("the peer wrote nothing")
    target.unlink()
    return took
