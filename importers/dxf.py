"""AutoCAD DXF: a drawing as layers of points, lines, areas and texts; the layer of the drawing is a field.

Survey software of China (CASS) keeps the feature code of an entity in its extended data under the application SOUTH;
it becomes ``cass_code``. Arcs and splines are drawn as lines within 1 cm; blocks are points with their name, and their
linework is drawn out as well.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from importers.importer import ReadOptions
from importers.inspection import LayerInspection

BINARY_MARK = b"AutoCAD Binary DXF"


class Dxf:
    """Reads a drawing, held whole and limited to 200 MB; a drawing declares no coordinate system."""

    name = "DXF"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The group code 0 with SECTION near the start, or the mark of a binary DXF."""
        lines = [line.strip() for line in head.replace(b"\r", b"\n").split(b"\n") if line.strip()]
        starts = any(lines[n : n + 2] == [b"0", b"SECTION"] for n in range(min(len(lines), 40)))
        return starts or head.startswith(BINARY_MARK)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The kinds the drawing has, each as a layer."""
        from importers.drawing import inspect_drawing  # noqa: PLC0415 - half a second, for drawings only

        return inspect_drawing(path, options)

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Entities in drawing order."""
        from importers.drawing import read_drawing  # noqa: PLC0415 - half a second, for drawings only

        return read_drawing(path, layer, options)
