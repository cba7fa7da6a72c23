"""Making the tiles of point clouds: after imports, by the worker, one cloud after another in a process of its own."""

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import structlog

from cim.model.tilesets import KeptCloud
from cim.store.collections import all_collections
from cim.store.database import Database
from cim.store.files import FileStore
from cim.store.kept_clouds import kept_clouds
from tiles.clouds.naming import tiles_name

PROJECT = Path(__file__).resolve().parents[1]
BYTES_A_POINT = 80
"""Room on the disk for passing files and the set, from the points of a packed cloud's bytes."""
_log = structlog.get_logger()


async def clouds_of_all(database: Database) -> list[KeptCloud]:
    """The drawable clouds of all layers."""
    async with database.writing("worker") as connection:
        layers = [one for one in (await all_collections(connection)).values() if one.schema.kind == "pointcloud"]
        return [cloud for layer in layers if layer.version for cloud in await kept_clouds(connection, layer, None)]


def tiles_of(cloud: KeptCloud) -> str:
    """The name of the set made of a cloud."""
    return tiles_name(cloud.file, cloud.crs, cloud.low_m, cloud.high_m)


async def make_cloud_tiles(database: Database, files: FileStore) -> int:
    """Make the sets that clouds of any layer lack; returns how many. One process of all does it at a time.

    A cloud whose set cannot be made is noted beside the sets with the reason, and not tried again.
    """
    async with database.alone("tiles of point clouds") as mine:
        if not mine:
            return 0
        made = 0
        for cloud in await clouds_of_all(database):
            target = files.cloud_tiles_path(tiles_of(cloud))
            if target.exists() or target.with_suffix(".failed").exists() or not files.cloud_path(cloud.file).exists():
                continue
            reason = await _make(files, cloud, target)
            made += reason is None
            if reason is not None:
                _log.warning("a point cloud cannot be drawn", cloud=cloud.name, reason=reason)
                with files.writing(target.with_suffix(".failed")) as partial:
                    partial.write_text(reason, "utf-8")
        return made


async def _make(files: FileStore, cloud: KeptCloud, target: Path) -> str | None:
    """Make one set; None when it is there, else why not."""
    path = files.cloud_path(cloud.file)
    files.require_room(path.stat().st_size * BYTES_A_POINT // 8)
    with contextlib.suppress(_Undrawable), files.writing(target) as partial:
        folder = partial.with_name("points")
        folder.mkdir()
        answer = await _asked(
            {
                "path": str(path),
                "crs": cloud.crs,
                "low_m": cloud.low_m,
                "high_m": cloud.high_m,
                "target": str(partial),
                "folder": str(folder),
            }
        )
        if "reason" in answer:
            raise _Undrawable
        return None
    return str(answer["reason"])


class _Undrawable(Exception):
    """Takes back what was begun to be written."""


async def _asked(asked: dict[str, object]) -> dict[str, object]:
    """The answer of the process that makes tiles; it is ended when the worker is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tiles.clouds",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"},
    )
    try:
        out, _ = await process.communicate(json.dumps(asked).encode() + b"\n")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    with contextlib.suppress(ValueError):
        answer: dict[str, object] = json.loads(out)
        return answer
    return {"reason": f"the program that makes tiles ended with status {process.returncode}"}
