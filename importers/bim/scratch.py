"""A folder for what is written while a file is read; never beside the file itself."""

import os
import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A new folder under the temporary one, which in the reading child is the job's; gone with this object."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="cim-model-"))
        weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(path: Path, maker: int) -> None:
    """Remove the folder; not from a process forked from the one that made it."""
    if os.getpid() == maker:
        shutil.rmtree(path, ignore_errors=True)
