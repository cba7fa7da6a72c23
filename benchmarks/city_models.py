"""Import of a LoD2 city of 20 000 buildings, from file to published layer with its indexes.

The buildings are made here: gabled houses of seven surfaces with meaning, attributes and a unified code, as CityJSON
and as CityJSONSeq. Times are those of ``import_file`` in a running Python with a cluster of its own; memory is that of
all its processes but the database. A sequence of five times the size shows that its memory does not grow.
"""

import json
import math
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import children, proportional_mb, spread

BUILDINGS = 20_000
LONGER = 5
CRS = "https://www.opengis.net/def/crs/EPSG/0/4544"
ORIGIN_M = (395_000.0, 3_428_000.0, 560.0)
HEAD: dict[str, Any] = {
    "type": "CityJSON",
    "version": "2.0",
    "transform": {"scale": [0.001, 0.001, 0.001], "translate": list(ORIGIN_M)},
    "metadata": {"referenceSystem": CRS, "title": "gabled houses"},
}
FACES = [
    [[0, 3, 2, 1]],
    [[0, 1, 5, 4]],
    [[1, 2, 6, 9, 5]],
    [[2, 3, 7, 6]],
    [[3, 0, 4, 8, 7]],
    [[4, 5, 9, 8]],
    [[6, 7, 8, 9]],
]
MEANINGS = ["GroundSurface", "WallSurface", "WallSurface", "WallSurface", "WallSurface", "RoofSurface", "RoofSurface"]
DRIVER = """
import asyncio, os, sys, time
from pathlib import Path
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.migrating import migrate
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog

async def work(logins):
    database = Database(logins.reader_url, logins.writer_url)
    options = ReadOptions(height_datum="1985", trust_file=True)
    request = ImportRequest(Path(sys.argv[1]), "benchmark", "administrator", sys.argv[2], options=options)
    print("begin", flush=True)
    begun = time.perf_counter()
    (report,) = await import_file(database, load_catalog(), request)
    print(time.perf_counter() - begun if report.status == "published" else report.message, report.loaded, flush=True)
    await database.close()

with Cluster(Path(sys.argv[3])) as logins:
    migrate(logins.owner_url)
    asyncio.run(work(logins))
"""


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Seconds and buildings a second of both forms in every round, and the most memory."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        files = {
            "cityjson": written(folder / "city.city.json", BUILDINGS),
            "cityjsonseq": written(folder / "city.city.jsonl", BUILDINGS),
        }
        seconds: dict[str, list[float]] = {form: [] for form in files}
        memory: dict[str, list[float]] = {form: [] for form in files}
        for number in range(rounds):
            for form, path in files.items():
                taken, most = imported(folder / "d", path, f"{form}_{number}", BUILDINGS)
                seconds[form].append(taken)
                memory[form].append(most)
        longer = written(folder / "longer.city.jsonl", BUILDINGS * LONGER)
        longer_s, longer_mb = imported(folder / "d", longer, "longer", BUILDINGS * LONGER)
        sizes = {form: round(path.stat().st_size / 1e6, 1) for form, path in files.items()}
    rates = {form: spread([BUILDINGS / taken for taken in values]) for form, values in seconds.items()}
    return {
        "what": "LoD2 buildings of seven surfaces, file to published layer with indexes",
        "buildings": BUILDINGS,
        "file_mb": sizes,
        "rounds": rounds,
        "seconds": {form: spread(values) for form, values in seconds.items()},
        "buildings_per_second": rates,
        "peak_memory_mb": {form: spread(values) for form, values in memory.items()},
        "longer_sequence": {
            "buildings": BUILDINGS * LONGER,
            "buildings_per_second": round(BUILDINGS * LONGER / longer_s),
            "peak_memory_mb": round(longer_mb),
        },
        "reach": ">= 1 000 buildings a second; a sequence in bounded memory",
        "reached": min(rate["median"] for rate in rates.values()) >= 1_000
        and longer_mb < 1.5 * max(memory["cityjsonseq"]),
    }


def written(path: Path, count: int) -> Path:
    """A city of so many houses, as a document or, by the suffix, as a text sequence."""
    with path.open("w", encoding="utf-8") as file:
        if path.suffix == ".jsonl":
            file.write(json.dumps({**HEAD, "CityObjects": {}, "vertices": []}) + "\n")
            for number, (content, vertices) in enumerate(houses(count)):
                own = {"type": "CityJSONFeature", "id": f"B{number}", "CityObjects": {f"B{number}": content}}
                file.write(json.dumps({**own, "vertices": vertices}) + "\n")
            return path
        objects: dict[str, Any] = {}
        places: list[list[int]] = []
        for number, (content, vertices) in enumerate(houses(count)):
            shell = [[[place + len(places) for place in ring] for ring in face] for face in FACES]
            content["geometry"][0]["boundaries"] = [shell]
            objects[f"B{number}"] = content
            places += vertices
        json.dump({**HEAD, "CityObjects": objects, "vertices": places}, file)
    return path


def houses(count: int) -> Iterator[tuple[dict[str, Any], list[list[int]]]]:
    """Houses in rows, each with its object and its ten vertices in millimetres from the origin."""
    chance = random.Random(1)
    side = math.ceil(math.sqrt(count))
    for number in range(count):
        wide, deep = chance.randint(7_000, 18_000), chance.randint(7_000, 14_000)
        eaves, ridge = chance.randint(3_000, 12_000), chance.randint(1_500, 3_500)
        x, y = number % side * 30_000 + chance.randint(0, 9_000), number // side * 30_000 + chance.randint(0, 9_000)
        z = chance.randint(0, 20_000)
        ground = [[x, y, z], [x + wide, y, z], [x + wide, y + deep, z], [x, y + deep, z]]
        walls = [[px, py, z + eaves] for px, py, _ in ground]
        top = z + eaves + ridge
        roof = [[x, y + deep // 2, top], [x + wide, y + deep // 2, top]]
        attributes = {
            "measuredHeight": (eaves + ridge) / 1000,
            "storeysAboveGround": eaves // 3_000,
            "function": "1000",
            "roofType": "1030",
            "yearOfConstruction": chance.randint(1970, 2025),
            "building_code": f"510182{number:014d}",
            "大门": f"第{number}号",
        }
        semantics = {"surfaces": [{"type": meaning} for meaning in MEANINGS], "values": [list(range(7))]}
        geometry = {"type": "Solid", "lod": "2", "boundaries": [FACES], "semantics": semantics}
        yield {"type": "Building", "attributes": attributes, "geometry": [geometry]}, [*ground, *walls, *roof]


def imported(data: Path, path: Path, layer: str, count: int) -> tuple[float, float]:
    """Import as a new layer; the seconds of the import, and the MB its processes held at most, the database apart."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(path), layer, str(data)], stdout=subprocess.PIPE, text=True
    )
    if process.stdout is None or process.stdout.readline().strip() != "begin":
        raise RuntimeError("the import did not begin")
    most = [0.0]
    watching = threading.Thread(target=_watch, args=(process.pid, most), daemon=True)
    watching.start()
    output = process.communicate()[0]
    if process.returncode != 0 or not output.strip().endswith(f" {count}"):
        raise RuntimeError(f"the import failed: {output}")
    return float(output.split()[0]), most[0]


def _watch(pid: int, most: list[float]) -> None:
    """Python processes only: the cluster's are postgres."""
    while True:
        try:
            ours = [child for child in children(pid) if "python" in Path(f"/proc/{child}/comm").read_text()]
            most[0] = max(most[0], sum(proportional_mb(child) for child in ours))
        except OSError:
            if not Path(f"/proc/{pid}").exists():
                return
        time.sleep(0.1)
