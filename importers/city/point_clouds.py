"""Point clouds (LAS, LAZ, COPC): what they hold is told; keeping them is not built yet, and an import says so."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cim.errors import ImportRefused
from importers.city.frames import frame_of, height_datum
from importers.importer import ReadOptions
from importers.inspection import LayerInspection, Problem, SourceField

CHUNK_POINTS = 1_000_000
VLR_BYTES, EVLR_BYTES = 54, 60
LEAST_HEADER, HEADER_1_4 = 227, 375


class Las:
    """Inspects point clouds."""

    name = "LAS"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The mark of LAS."""
        return head.startswith(b"LASF")

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """Points, system, box and classes; the points are read once."""
        import laspy  # noqa: PLC0415 - only point clouds need it

        _check_counts(path)
        try:
            with laspy.open(path) as source:
                header = source.header
                crs = header.parse_crs()
                classes: dict[int, int] = {}
                for chunk in source.chunk_iterator(CHUNK_POINTS):
                    values, counts = np.unique(np.asarray(chunk.classification), return_counts=True)
                    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                        classes[value] = classes.get(value, 0) + count
        except Exception as error:  # laspy and lazrs raise whatever the bytes make them stumble over
            raise ImportRefused(
                "unreadable", "the file is damaged or not what it seems", where=path.name, remedy="ask for it again"
            ) from error
        reference = crs.to_wkt() if crs is not None else None
        frame = frame_of(reference, ReadOptions())
        west, south, low = header.mins.tolist()
        east, north, high = header.maxs.tolist()
        told = ", ".join(f"{number}: {count}" for number, count in sorted(classes.items()))
        about = f"LAS {header.version}, point format {header.point_format.id}, heights {low:.2f} to {high:.2f} m"
        problems = (
            Problem("point-cloud", 1, f"{about}; points by class {told}"),
            Problem("not-kept", 1, "point clouds are inspected, but not kept yet", refuses=True),
        )
        return [
            LayerInspection(
                name=path.stem.removesuffix(".copc"),
                geometry_type="Point",
                geometry_types=("Point",),
                feature_count=int(header.point_count),
                srid=frame.srid,
                crs_wkt=frame.wkt,
                crs_evidence="declared in the file" if reference else "none declared",
                encoding="none",
                bbox=(west, south, east, north),
                fields=tuple(SourceField(str(name), "double") for name in header.point_format.dimension_names),
                problems=problems,
                height_datum=height_datum(reference, options),
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Nothing: an inspection has refused it."""
        raise ImportRefused("not-kept", "point clouds are not kept yet", where=path.name, remedy="keep the file")


def _check_counts(path: Path) -> None:
    """Refuse a header that announces more records than there is room for: the reader would walk through them all."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER_1_4)
    sound = len(head) >= LEAST_HEADER
    if sound:
        header_bytes, points_at, records = struct.unpack_from("<HII", head, 94)
        sound = header_bytes <= points_at <= size and records * VLR_BYTES <= points_at - header_bytes
    if sound and head[25] >= 4 and len(head) == HEADER_1_4:
        starts_at, more = struct.unpack_from("<QI", head, 235)
        sound = more * EVLR_BYTES <= max(size - starts_at, 0)
    if not sound:
        raise ImportRefused(
            "unreadable", "the header and the size of the file disagree", where=path.name, remedy="ask for it again"
        )
