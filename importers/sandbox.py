"""Reading hostile files: in a child that can be killed, without network, secrets or more memory than it needs.

The source is copied into a job folder, hashed on the way, and that folder is all the child is pointed at. The child has
its own session, dies with its parent, is limited in memory, time, files and processes, and started by root it runs as
nobody. GDAL drivers other than those of the format found are switched off.
"""

import contextlib
import ctypes
import functools
import hashlib
import json
import os
import pwd
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any, NoReturn

import pyarrow as pa

from cim.errors import ImportRefused
from cim.model.bim import Placement
from cim.store.held_folders import held_folder, sweep_folders
from importers.bim.records import Record, decoded
from importers.importer import ReadOptions
from importers.inspection import Inspection, LayerInspection, inspection_from
from importers.osgb_folder import looks_like_model, model_parts, stands_for_its_size
from importers.shapes import Target
from importers.wire import KEPT_FOLDER, KNOWN_FILE, NO_ROWS, SHAPES_FILE

MEMORY_BYTES = 3 * 1024**3
"""Address space, of which far less is ever resident; the libraries alone map about one gigabyte."""
JOB = "cim-reading-"
LIMIT_S = 3_600
FILE_BYTES = 64 * 1024**3
OPEN_FILES = 256
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
PROJECT = Path(__file__).resolve().parents[1]
PART_SUFFIXES = {
    ".obj": frozenset({".mtl"}),
    ".shp": frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx"}),
    ".dbf": frozenset({".cpg"}),
    ".tif": frozenset({".tfw", ".tifw", ".wld"}),
    ".tiff": frozenset({".tfw", ".tifw", ".wld"}),
    ".asc": frozenset({".prj"}),
}
"""Files that belong to a source of a suffix and are read with it."""
LAYER_SUFFIXES = frozenset({".tif", ".tiff", ".asc", ".hgt", ".las", ".laz"})
"""Of rasters and point clouds, which a folder may hold several of as one layer."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """Whether the reading child can be cut off the network here, and how or why not."""

    isolated: bool
    how: str


@dataclass(slots=True)
class Source:
    """An opened source: what it holds, and its rows."""

    path: Path
    sha256: str
    inspection: Inspection
    options: ReadOptions
    _child: "ReadingChild" = field(repr=False)
    _file: Path = field(repr=False)
    _job: Path = field(repr=False)

    def written(self, name: str) -> Path:
        """A file the reading child wrote, such as the COG or LAZ a row names; plain names only."""
        if Path(name).name != name:
            raise ImportRefused("reader-failed", "the reader named a file elsewhere", where=self.path.name)
        return self._job / KEPT_FOLDER / name

    @property
    def shapes(self) -> Path:
        """The shapes of the city objects read last, as the reading child wrote them."""
        return self._job / SHAPES_FILE

    def batches(self, layer: LayerInspection, target: Target) -> Iterator[pa.RecordBatch]:
        """Record batches of a layer as ``importers.child`` describes them; ImportRefused when the child fails."""
        request = {
            "command": "read",
            "path": str(self._file),
            "driver": self.inspection.driver,
            "layer": asdict(layer),
            "target": asdict(target),
            "options": asdict(self.options),
        }
        return self._child.stream(request)

    def model(
        self, layer: LayerInspection, known: Mapping[str, bytes], placement: Placement | None = None
    ) -> Iterator[Record]:
        """The records of a building model; of objects whose source hash is ``known`` by GlobalId, that alone.

        ``placement`` is one fixed by control points, which counts more than the file's own. ImportRefused when the
        child fails.
        """
        names = self._job / KNOWN_FILE
        names.write_text(json.dumps({name: source.hex() for name, source in known.items()}), "utf-8")
        names.chmod(0o644)
        request = {
            "command": "model",
            "path": str(self._file),
            "driver": self.inspection.driver,
            "layer": asdict(layer),
            "options": asdict(self.options),
            "known": str(names),
            "placement": asdict(placement) if placement else None,
        }
        return self._decoded(request)

    def _decoded(self, request: dict[str, Any]) -> Iterator[Record]:
        try:
            yield from decoded(self._child.stream(request))
        except (ValueError, KeyError, TypeError) as error:
            raise ImportRefused(
                "reader-failed", "the reader sent what is no part of a model", where=self.path.name
            ) from error


class ReadingChild:
    """The confined process that reads one source; started again for the next layer after it has failed."""

    def __init__(self, job: Path, source_name: str) -> None:
        self._job = job
        self._source_name = source_name
        self._process: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    def ask(self, request: dict[str, Any]) -> bytes:
        """One line of answer; ImportRefused with what the child says when it refuses or dies."""
        line = self._send(request).readline()
        if not line:
            self._fail()
        return line

    def stream(self, request: dict[str, Any]) -> Iterator[pa.RecordBatch]:
        """The record batches of an answer; ImportRefused when the child refuses or dies on the way."""
        output = self._send(request)
        mark = output.read(1)
        if not mark:
            self._fail()
        if mark == NO_ROWS:
            return
        try:
            for batch in pa.ipc.open_stream(output):
                batch.validate()
                yield batch
        except (pa.ArrowInvalid, OSError, EOFError):
            self._fail()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._timer is not None:
            self._timer.cancel()
        process, self._process = self._process, None
        if process is None:
            return
        _kill(process)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def _send(self, request: dict[str, Any]) -> IO[bytes]:
        process = self.start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the child has no pipes")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
        return process.stdout

    def start(self) -> "subprocess.Popen[bytes]":
        """Start the child where it does not run yet, so that it gets ready while its parent does other things."""
        if self._process is not None:
            return self._process
        with (self._job / "errors").open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "importers.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._job,
                env=_environment(self._job),
                start_new_session=True,
                preexec_fn=functools.partial(_confine, os.getpid()),  # noqa: PLW1509 - it calls the kernel only
            )
        self._process = process
        self._timer = threading.Timer(LIMIT_S, _kill, [process])
        self._timer.daemon = True
        self._timer.start()
        return process

    def _fail(self) -> NoReturn:
        """Turn the child's end into the refusal it stands for."""
        process = self._process
        status = process.wait() if process else 1
        self.close()
        said = (self._job / "errors").read_text("utf-8", errors="replace").strip().splitlines()
        raise _refusal(status, said, self._source_name)


@contextlib.contextmanager
def open_source(path: Path, options: ReadOptions) -> Iterator[Source]:
    """Copy, inspect and offer a source; everything is gone again when the block ends.

    Raises ImportRefused with code, place and remedy when the file is not one that can be read.
    """
    isolation = network_isolation()
    if not isolation.isolated and not options.trust_file:
        raise ImportRefused(
            "no-isolation",
            f"the reading process cannot be cut off the network: {isolation.how}",
            where=path.name,
            remedy="if you trust the file, give --trust-file",
        )
    with held_folder(Path(tempfile.gettempdir()), JOB) as job:
        child = ReadingChild(job, path.name)
        try:
            child.start()
            copy, digest = _copy_in(path, job)
            answer = child.ask({"command": "inspect", "path": str(copy), "options": asdict(options)})
            yield Source(path, digest, inspection_from(json.loads(answer)), options, child, copy, job)
        finally:
            child.close()


def sweep_jobs() -> int:
    """Remove the job folders of imports that were killed; returns how many."""
    return sweep_folders(Path(tempfile.gettempdir()).glob(f"{JOB}*"))


@functools.cache
def network_isolation() -> Isolation:
    """Try once whether a child can have a network namespace of its own."""
    if _child_can_be_cut_off():
        return Isolation(True, "the reading process has an empty network namespace")
    return Isolation(False, "the kernel grants no network namespace to this account")


def _child_can_be_cut_off() -> bool:
    try:
        pid = os.fork()
    except OSError:
        return False
    if pid == 0:
        try:
            _cut_network()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _copy_in(path: Path, job: Path) -> tuple[Path, str]:
    """Copy a source with all its parts into the job folder; returns the copy and the SHA-256 of what was copied."""
    digest = hashlib.sha256()
    for part in _parts(path):
        copy = job / part.relative_to(path.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and stands_for_its_size(part):
            digest.update(f"{part.name} {part.stat().st_size}".encode())
            _announce(copy, part.stat().st_size)
            continue
        with part.open("rb") as source, copy.open("wb") as target:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                target.write(chunk)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for item in [job, *job.rglob("*")]:
            os.chown(item, nobody.pw_uid, nobody.pw_gid)
    return job / path.name, digest.hexdigest()


def _announce(copy: Path, size: int) -> None:
    """A file of a size that takes no room."""
    with copy.open("wb") as file:
        file.truncate(size)


def _parts(path: Path) -> list[Path]:
    """The files that make up a source: one, one with its companions, or those of a folder that is a source."""
    if path.is_dir() and (path.suffix.lower() == ".gdb" or _holds_sheets(path)):
        return [part for part in sorted(path.iterdir()) if part.is_file() and not part.is_symlink()]
    if path.is_dir() and (path / "tileset.json").is_file():
        return [part for part in sorted(path.rglob("*")) if part.is_file() and not part.is_symlink()]
    if looks_like_model(path):
        return model_parts(path)
    if not path.is_file():
        raise ImportRefused(
            "not-a-file",
            "this is a folder" if path.is_dir() else "this is not a file",
            where=path.name,
            remedy="name one file, for example a .shp",
        )
    suffixes = PART_SUFFIXES.get(path.suffix.lower(), frozenset())
    if not suffixes:
        return [path]
    others = (p for p in sorted(path.parent.iterdir()) if p.stem == path.stem and p != path and p.is_file())
    return [path, *(part for part in others if part.suffix.lower() in suffixes)]


def _holds_sheets(folder: Path) -> bool:
    return any(item.suffix.lower() in LAYER_SUFFIXES for item in folder.iterdir() if item.is_file())


def _environment(job: Path) -> dict[str, str]:
    """Nothing of the parent's environment reaches the child but what is named here."""
    return {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(PROJECT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "LANG": "C.UTF-8",
        "HOME": str(job),
        "TMPDIR": str(job),
        "GDAL_SKIP": ",".join(_SKIPPED_DRIVERS),
        "OGR_SKIP": ",".join(_SKIPPED_DRIVERS),
        "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
        "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",
        "GDAL_HTTP_MAX_RETRY": "0",
        "GML_DOWNLOAD_SCHEMA": "NO",
        "GML_SKIP_RESOLVE_ELEMS": "ALL",
        "OGR_SQLITE_LOAD_EXTENSIONS": "",
        "PROJ_NETWORK": "OFF",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "200",
        "OSM_MAX_TMPFILE_SIZE": "32",
        # GDAL's own way of FlatGeobuf to Arrow overwrites the first shapes of a batch where one is missing
        "OGR_FLATGEOBUF_STREAM_BASE_IMPL": "YES",
        "GDAL_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


_SKIPPED_DRIVERS = (
    "ADBC",
    "AIVector",
    "AVCBin",
    "AVCE00",
    "AmigoCloud",
    "CSV",
    "CSW",
    "Carto",
    "DGN",
    "DXF",
    "EDIGEO",
    "EEDA",
    "ESRIJSON",
    "Elasticsearch",
    "GDALG",
    "GPSBabel",
    "GPX",
    "GTFS",
    "GeoRSS",
    "HTTP",
    "Idrisi",
    "JML",
    "JSONFG",
    "LVBAG",
    "MBTiles",
    "MVT",
    "MapInfo File",
    "MapML",
    "MiraMonVector",
    "NGW",
    "OAPIF",
    "ODS",
    "OGCAPI",
    "OGR_GMT",
    "OGR_PDS",
    "OGR_VRT",
    "PCIDSK",
    "PDF",
    "PDS4",
    "PGDUMP",
    "PLSCENES",
    "PMTiles",
    "S57",
    "SQLite",
    "SXF",
    "Selafin",
    "TopoJSON",
    "VDV",
    "VFK",
    "VICAR",
    "VRT",
    "GTI",
    "STACTA",
    "STACIT",
    "WMS",
    "WMTS",
    "WCS",
    "WFS",
    "WAsP",
    "XLSX",
)


def _confine(parent: int) -> None:
    """Run in the child before anything else: die with the parent, lose network, rights and room."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    with contextlib.suppress(OSError):
        _cut_network()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    for kind, value in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, LIMIT_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def _cut_network() -> None:
    """Enter an empty network namespace, with a user namespace where root's right is missing; OSError when refused."""
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNET if os.geteuid() == 0 else CLONE_NEWNET | CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _kill(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _refusal(status: int, said: list[str], source_name: str) -> ImportRefused:
    with contextlib.suppress(ValueError, IndexError, KeyError, TypeError):
        fault = json.loads(said[-1])
        return ImportRefused(
            str(fault["code"]),
            str(fault["what"]),
            where=str(fault["where"] or source_name),
            remedy=str(fault["remedy"]),
        )
    if status == -signal.SIGKILL:
        cause = "it was killed, or took longer than it may"
    elif status < 0:
        cause = f"it crashed ({signal.Signals(-status).name})"
    else:
        cause = said[-1][:200] if said else f"it ended with status {status}"
    if any(word in cause for word in ("MemoryError", "malloc", "allocat")):
        cause = "it needs more memory than it may have"
    return ImportRefused(
        "reader-failed", f"reading failed: {cause}", where=source_name, remedy="check the file with its maker"
    )
