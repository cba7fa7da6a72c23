"""Tiles of building models on demand: the sample's hospital and fire station, every tile made afresh in every round.

Times are from the question to the database to the finished GLB, in one process with nothing kept but the plan of
tiles; the plan's own time stands apart.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "data_samples" / "small"
MODELS = ("hospital", "fire-station")
REACH_S = 0.3
DRIVER = """
import asyncio, gzip, json, sys, time
from pathlib import Path
from cim.model.undulation import Undulation
from cim.store.cluster import Cluster
from cim.store.database import Database
from cim.store.identities import principal_for_role
from cim.store.migrating import migrate
from importers.importer import ReadOptions
from importers.run import ImportRequest, import_file
from layers.catalog import load_catalog
from tiles.scene.models_3d import ModelContent, ModelPlans

async def work(logins, samples, models, rounds):
    database = Database(logins.reader_url, logins.writer_url)
    async with database.writing("benchmark") as connection:
        who = await principal_for_role(connection, "administrator")
    found = {}
    for model in models:
        options = ReadOptions(trust_file=True)
        request = ImportRequest(samples / f"{model}.ifczip", "benchmark", "administrator", options=options)
        (report,) = await import_file(database, load_catalog(), request)
        content = ModelContent(database, ModelPlans(), model, 1, Undulation.constant(-39.5))
        begun = time.perf_counter()
        tree = await content.tree(who)
        planned_s = time.perf_counter() - begun
        planned = await content._planned(who)
        seconds, sizes, packed = [], {}, {}
        for _ in range(rounds):
            for path in planned.plan.tiles:
                begun = time.perf_counter()
                tile = await content.tile(who, path)
                seconds.append(time.perf_counter() - begun)
                sizes[path], packed[path] = len(tile.data), len(gzip.compress(tile.data, 6))
        found[model] = {
            "elements": tree.features, "tiles": len(sizes), "plan_s": planned_s, "seconds": seconds,
            "most_elements": max(len(one.rows) for one in planned.plan.tiles.values()),
            "mb": sum(sizes.values()) / 1e6, "gzipped_mb": sum(packed.values()) / 1e6,
        }
    await database.close()
    return found

with Cluster(Path(sys.argv[1]), durable=False) as logins:
    migrate(logins.owner_url)
    print(json.dumps(asyncio.run(work(logins, Path(sys.argv[2]), sys.argv[4:], int(sys.argv[3])))))
"""


def measure(_county: Path | None, rounds: int) -> dict[str, object]:
    """Median, p95 and most seconds of a tile, and the sizes of all of a model's tiles."""
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        command = [sys.executable, "-c", DRIVER, str(Path(name) / "data"), str(SAMPLES), str(rounds), *MODELS]
        said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[1])
    found = json.loads(said.stdout.splitlines()[-1])
    return {"reach_p95_s": REACH_S, "models": {model: _summed(held) for model, held in found.items()}}


def _summed(held: dict[str, object]) -> dict[str, object]:
    seconds = held.pop("seconds")
    assert isinstance(seconds, list)
    p95 = statistics.quantiles(seconds, n=20)[-1]
    spread = {"median_s": statistics.median(seconds), "p95_s": p95, "most_s": max(seconds)}
    return {**held, **{name: round(value, 4) for name, value in spread.items()}, "reached": p95 < REACH_S}
