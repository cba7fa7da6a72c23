"""The header of a LAS, LAZ or COPC file, believed only as far as the size of the file bears it out."""

import struct
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cim.errors import ImportRefused

VLR_BYTES, EVLR_BYTES = 54, 60
LEAST_HEADER, HEADER_1_4 = 227, 375
VERSIONS = frozenset({(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)})
FORMATS = frozenset({0, 1, 2, 3, 6, 7, 8})
WAVEFORMS = frozenset({4, 5, 9, 10})
PACKED, FORMAT_BITS = 0xC0, 0x3F
EARLIEST_YEAR = 1990
LARGEST, COARSEST = 1e15, 1e6
"""No coordinate and no step of coordinates, in any unit, is as large as these."""
UNPACKED_RATIO, FREE_BYTES = 2_000, 2 * 1024**3
RECORDS_BYTES = 256 * 1024**2
"""The most that records before or after the points may take, all of which are held in memory."""

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class CloudHeader:
    """What a header says. ``low`` and ``high`` are its box in units of the file; ``point_bytes`` those of a point."""

    path: Path
    version: str
    point_format: int
    point_bytes: int
    points: int
    packed: bool
    copc: bool
    prefers_wkt: bool
    scales: Triple
    offsets: Triple
    low: Triple
    high: Triple
    made_at: str | None


def header_of(path: Path) -> CloudHeader:
    """Read a header; ImportRefused where it contradicts the file's size, has impossible numbers or a form not read."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER_1_4 + VLR_BYTES)
    if len(head) < LEAST_HEADER or not head.startswith(b"LASF"):
        raise _damaged(path, "the header is incomplete")
    _check_records(path, head, size)
    version = (head[24], head[25])
    format_, point_bytes, points = struct.unpack_from("<BHI", head, 104)
    if version == (1, 4):
        (points,) = struct.unpack_from("<Q", head, 247)
    packed = bool(format_ & PACKED)
    _check_form(path, version, format_ & FORMAT_BITS)
    _check_points(path, head, size, points * point_bytes, packed=packed)
    numbers = struct.unpack_from("<12d", head, 131)
    scales, offsets, (east, west, north, south, top, bottom) = numbers[:3], numbers[3:6], numbers[6:]
    if not all(abs(number) < LARGEST for number in numbers) or not 0 < min(scales) <= max(scales) < COARSEST:
        raise _damaged(path, "scales, offsets or box in the header are no usable numbers")
    return CloudHeader(
        path,
        f"{version[0]}.{version[1]}",
        format_ & FORMAT_BITS,
        point_bytes,
        points,
        packed,
        copc=head[377:381] == b"copc",
        prefers_wkt=bool(head[6] & 0x10),
        scales=scales,
        offsets=offsets,
        low=(west, south, bottom),
        high=(east, north, top),
        made_at=_made_at(*struct.unpack_from("<HH", head, 90)),
    )


def _check_records(path: Path, head: bytes, size: int) -> None:
    """Refuse a header that announces more records than there is room for: the reader would walk through them all."""
    header_bytes, points_at, records = struct.unpack_from("<HII", head, 94)
    room = points_at - header_bytes
    sound = header_bytes <= points_at <= size and records * VLR_BYTES <= room <= RECORDS_BYTES
    if sound and head[25] >= 4:
        if len(head) < HEADER_1_4:
            raise _damaged(path, "the header is incomplete")
        starts_at, more = struct.unpack_from("<QI", head, 235)
        room = max(size - starts_at, 0)
        sound = more == 0 or (more * EVLR_BYTES <= room <= RECORDS_BYTES)
    if not sound:
        raise _damaged(path, "the header and the size of the file disagree")


def _check_form(path: Path, version: tuple[int, int], format_: int) -> None:
    if format_ in WAVEFORMS:
        raise ImportRefused(
            "waveforms",
            f"point format {format_} has waveforms, which cannot be packed as LAZ here",
            where=path.name,
            remedy="have it delivered in a point format without them, for example 6",
        )
    if version not in VERSIONS or format_ not in FORMATS:
        raise ImportRefused(
            "las-form",
            f"LAS {version[0]}.{version[1]} with point format {format_} is not read",
            where=path.name,
            remedy="deliver LAS 1.0 to 1.4 with point formats 0 to 3 or 6 to 8",
        )


def _check_points(path: Path, head: bytes, size: int, unpacked_bytes: int, *, packed: bool) -> None:
    (points_at,) = struct.unpack_from("<I", head, 96)
    if unpacked_bytes == 0:
        raise ImportRefused(
            "no-points", "the point cloud has no points", where=path.name, remedy="ask for the file again"
        )
    if not packed and points_at + unpacked_bytes > size:
        raise _damaged(path, "the header announces more points than the file has: they disagree")
    if packed and unpacked_bytes > max(FREE_BYTES, UNPACKED_RATIO * size):
        raise ImportRefused(
            "too-large",
            f"{size / 1e6:.1f} MB would unpack to {unpacked_bytes / 1e9:.0f} GB",
            where=path.name,
            remedy="ask for the file again, its number of points is not credible",
        )


def _made_at(day: int, year: int) -> str | None:
    """The date of making, where it can be one."""
    if not (EARLIEST_YEAR <= year <= date.max.year and 1 <= day <= 366):
        return None
    try:
        return (date(year, 1, 1) + timedelta(days=day - 1)).isoformat()
    except OverflowError:
        return None


def _damaged(path: Path, what: str) -> ImportRefused:
    return ImportRefused("unreadable", what, where=path.name, remedy="ask for it again")
