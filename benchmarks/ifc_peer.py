"""The peer of reading building models: one thread of ifcopenshell's iterator, writing GLB by its own serializer.

``measured(path)`` runs it in a process of its own with each kernel. ``python -m benchmarks.ifc_peer FILE`` prints that.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

DEFAULT, HYBRID = "opencascade", "hybrid-cgal-simple-opencascade"
KERNELS = (DEFAULT, HYBRID)


@dataclass(frozen=True, slots=True)
class PeerRun:
    """One run: seconds to open the file and in all, products with a shape, triangles, peak memory, size of the GLB."""

    kernel: str
    open_seconds: float
    seconds: float
    products: int
    triangles: int
    peak_mb: float
    glb_mb: float


def measured(path: Path, kernels: tuple[str, ...] = KERNELS) -> list[PeerRun]:
    """Each kernel once over a file, each in a process of its own."""
    runs = []
    for kernel in kernels:
        command = [sys.executable, "-m", "benchmarks.ifc_peer", str(path), "--kernel", kernel]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(PeerRun(**json.loads(done.stdout.splitlines()[-1])))
    return runs


def convert(path: Path, kernel: str) -> PeerRun:
    """Tessellate everything but openings and write GLB, in this process."""
    import ifcopenshell  # noqa: PLC0415  # the measuring process stays without it
    import ifcopenshell.geom  # noqa: PLC0415

    geom: Any = ifcopenshell.geom
    begun = time.perf_counter()
    model = ifcopenshell.open(str(path))
    opened = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "model.glb"
        settings, writing = geom.settings(), geom.serializer_settings()
        settings.set("weld-vertices", True)
        serializer = geom.serializers.gltf(str(out), settings, writing)
        serializer.setFile(model)
        serializer.writeHeader()
        iterator = geom.iterator(settings, model, 1, exclude=["IfcOpeningElement"], geometry_library=kernel)
        products = triangles = 0
        if iterator.initialize():
            while True:
                shape = iterator.get()
                serializer.write(shape)
                products, triangles = products + 1, triangles + len(shape.geometry.faces) // 3
                if not iterator.next():
                    break
        serializer.finalize()
        size = out.stat().st_size
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return PeerRun(
        kernel, round(opened - begun, 2), round(seconds, 2), products, triangles, round(peak_mb), round(size / 1e6, 2)
    )


def main() -> None:
    """Measure every kernel, or run one in this process where it is named."""
    path, *rest = sys.argv[1:]
    runs = [convert(Path(path), rest[1])] if rest[:1] == ["--kernel"] else measured(Path(path))
    for run in runs:
        print(json.dumps(asdict(run)))


if __name__ == "__main__":
    main()
