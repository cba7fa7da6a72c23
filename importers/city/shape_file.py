"""Shapes on their way from the reading child to the store: a file of COPY rows (hash, levels of detail, body)."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa

from importers.city.bodies import Body
from importers.copy_rows import HEADER, TRAILER, CopyColumn, rows_payload

CHUNK_BYTES = 1 << 20


class ShapeFile:
    """Written as a context; a shape that several objects have is written once for each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.write(HEADER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.write(TRAILER)
            self._file.close()

    def add(self, bodies: Iterable[Body | None]) -> None:
        """Write some bodies; they are in the file when this returns."""
        held = [body for body in bodies if body is not None]
        if not held or self._file is None:
            return
        columns = [
            CopyColumn("bytea", pa.array([body.hash for body in held], pa.large_binary())),
            CopyColumn("text", pa.array([",".join(body.lods) for body in held], pa.string())),
            CopyColumn("bytea", pa.array([body.content for body in held], pa.large_binary())),
        ]
        self._file.write(rows_payload(columns))
        self._file.flush()


def shape_payloads(path: Path) -> Iterator[bytes]:
    """The file in pieces, as COPY takes it."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
