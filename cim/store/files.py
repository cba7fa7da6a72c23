"""Files the database refers to: uploads, rasters, point clouds and sets of tiles, below the data folder's ``files``.

A file is written under a passing name, brought to the disk and then given its own name, so that a name always stands
for a whole file.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cim.errors import StoreFull
from cim.store.cluster_account import disk_floor, free_disk_problem, running_account
from cim.store.held_folders import held_folder, sweep_folders

PARTIAL = ".partial-"
MADE = "cloud-tiles"
"""The folder of what is made of other files and is no part of a backup."""


@dataclass(frozen=True, slots=True)
class FileStore:
    """The folder ``files`` of a deployment."""

    root: Path

    def upload_folder(self, upload: str) -> Path:
        """Where the files of one upload lie."""
        return self.root / "uploads" / upload

    def raster_path(self, name: str) -> Path:
        """Where a raster lies, by the name its rows give."""
        return self.root / "rasters" / name

    def cloud_path(self, name: str) -> Path:
        """Where a point cloud lies, by the name its rows give."""
        return self.root / "clouds" / name

    def tileset_path(self, name: str) -> Path:
        """Where a set of tiles lies, by the name its rows give."""
        return self.root / "tilesets" / name

    def cloud_tiles_path(self, name: str) -> Path:
        """Where the tiles made of a point cloud lie; they can be made again."""
        return self.root / MADE / name

    def require_room(self, more_bytes: int) -> None:
        """Raise StoreFull when writing ``more_bytes`` would take the disk below its floor."""
        problem = free_disk_problem(self.root, disk_floor() + more_bytes)
        if problem:
            raise StoreFull("there is not enough room on the server's disk", remedy="ask its operator to free some")

    def make_folder(self, folder: Path) -> None:
        """Make a folder below the root for the account that serves."""
        missing = [place for place in [folder, *folder.parents] if self.root in place.parents and not place.exists()]
        for place in reversed(missing):
            place.mkdir(mode=0o700, exist_ok=True)
            self._hand_over(place)

    @contextmanager
    def writing(self, path: Path) -> Iterator[Path]:
        """A passing path to write to; it becomes ``path`` when the block ends, and is gone when it raises."""
        try:
            self.make_folder(path.parent)
            with held_folder(path.parent, PARTIAL) as folder:
                partial = folder / path.name
                yield partial
                self._hand_over(partial)
                with partial.open("rb") as file:
                    os.fsync(file.fileno())
                partial.replace(path)
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise StoreFull("the server's disk is full", remedy="ask its operator to free some space") from error
            raise

    @contextmanager
    def passing_folder(self, more_bytes: int) -> Iterator[Path]:
        """A folder for files that are made, sent and forgotten; StoreFull without room for ``more_bytes`` in it."""
        self.require_room(more_bytes)
        results = self.root / "results"
        self.make_folder(results)
        with held_folder(results, PARTIAL) as folder:
            yield folder

    def take_raster(self, written: Path, name: str) -> None:
        """Move a finished raster in; one that is there already has the same content, as its name says."""
        self._take(written, self.raster_path(name))

    def take_cloud(self, written: Path, name: str) -> None:
        """Move a finished point cloud in, as ``take_raster``."""
        self._take(written, self.cloud_path(name))

    def take_tileset(self, written: Path, name: str) -> None:
        """Move a finished set of tiles in, as ``take_raster``."""
        self._take(written, self.tileset_path(name))

    def remove_rasters_but(self, named: set[str], older_than_s: float) -> int:
        """Remove rasters that are not named and older than some seconds, so that none on its way is hit; how many."""
        return _remove_but(self.raster_path("").glob("*.tif"), named, older_than_s)

    def remove_clouds_but(self, named: set[str], older_than_s: float) -> int:
        """Remove point clouds that are not named and older than some seconds; how many."""
        return _remove_but(self.cloud_path("").glob("*.laz"), named, older_than_s)

    def remove_tilesets_but(self, named: set[str], older_than_s: float) -> int:
        """Remove sets of tiles that are not named and older than some seconds; how many."""
        return _remove_but(self.tileset_path("").glob("*.3tz"), named, older_than_s)

    def remove_cloud_tiles_but(self, named: set[str], older_than_s: float) -> int:
        """Remove tiles of point clouds that are not named and older than some seconds; how many."""
        return _remove_but(self.cloud_tiles_path("").glob("*.3tz"), named, older_than_s)

    def sweep(self) -> int:
        """Remove what writers that were killed left half written; returns how many files."""
        kept = ("rasters", "clouds", "tilesets", MADE, "uploads/*", "results")
        return sum(sweep_folders(self.root.glob(f"{place}/{PARTIAL}*")) for place in kept)

    def remove_upload(self, upload: str) -> None:
        """Remove the files of an upload."""
        shutil.rmtree(self.upload_folder(upload), ignore_errors=True)

    def _take(self, written: Path, target: Path) -> None:
        if target.exists():
            return
        self.require_room(written.stat().st_size)
        with self.writing(target) as partial:
            shutil.move(written, partial)
            partial.chmod(0o600)

    def _hand_over(self, path: Path) -> None:
        if os.geteuid() == 0:
            account = running_account()
            os.chown(path, account.uid, account.gid)


def _remove_but(paths: Iterable[Path], named: set[str], older_than_s: float) -> int:
    gone = 0
    for path in paths:
        if path.name not in named and time.time() - path.stat().st_mtime > older_than_s:
            path.unlink()
            gone += 1
    return gone
