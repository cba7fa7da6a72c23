"""The protocol every format obeys. An importer runs only inside the reading child and touches no database."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from importers.inspection import LayerInspection

HEAD_BYTES = 4096
BATCH_ROWS = 16_384
GEOMETRY_COLUMN = "__geometry"


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says of a source.

    ``crs`` overrides a missing or wrong declaration; ``encoding`` that of its texts; ``split`` makes one layer for each
    kind of geometry; ``trust_file`` reads without network isolation where the machine has none; ``height_datum`` names
    the vertical reference system of heights: 1985, egm96, ellipsoidal, local or an EPSG code. ``place`` is where a mesh
    stands: longitude and latitude of its origin, the height of that in metres, and the heading of its north in degrees.
    ``timezone`` is that of moments written without one.
    """

    crs: str | None = None
    encoding: str | None = None
    split: bool = False
    trust_file: bool = False
    height_datum: str | None = None
    place: tuple[float, float, float, float] | None = None
    timezone: str | None = None


class Importer(Protocol):
    """One outside format. Siblings have the same three methods and are listed in ``importers.registry``."""

    @property
    def name(self) -> str:
        """The format's name as inspections give it."""

    def recognises(self, head: bytes, path: Path) -> bool:
        """Whether the first bytes are of this format; the suffix decides only between formats of equal content."""

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The layers of a source, without checks that are the same for every format."""

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Arrow record batches of at most ``BATCH_ROWS`` rows in file order.

        Geometry is WKB in ``GEOMETRY_COLUMN``; the other columns are the layer's fields.
        """
