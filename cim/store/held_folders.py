"""Passing folders that a living process holds: one that nobody holds any more was left by a process that was killed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new empty folder for its maker alone; gone with all it holds when the block ends.

    It is locked while it is held, and the kernel unlocks it when the process dies, however that happens.
    """
    folder, descriptor = _made(parent, prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def sweep_folders(folders: Iterator[Path]) -> int:
    """Remove those of the folders that nobody holds; returns how many."""
    swept = 0
    for folder in folders:
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                swept += 1
            finally:
                os.close(descriptor)
    return swept


def _made(parent: Path, prefix: str) -> tuple[Path, int]:
    """A folder and the descriptor that holds it; made again when a sweep came between making and holding."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        descriptor = -1
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            folder.stat()
            return folder, descriptor
        if descriptor >= 0:
            os.close(descriptor)
