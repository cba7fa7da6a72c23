"""Kinds of geometry in WKB, and what a layer of mixed kinds can be stored as."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cim.model.collection import GeometryType

NAMES = {
    1: "Point",
    2: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
    7: "GeometryCollection",
}
FAMILIES: dict[str, tuple[str, ...]] = {
    "point": ("Point", "MultiPoint"),
    "line": ("LineString", "MultiLineString"),
    "area": ("Polygon", "MultiPolygon"),
}


def kinds_of(column: pa.Array) -> tuple[dict[str, int], int]:
    """Counts of each kind of geometry in a WKB column, and how many have heights; nulls are not counted."""
    codes = _type_codes(column)
    with_z = ((codes & 0x80000000) != 0) | ((codes & 0xFFFF) // 1000 % 2 == 1)
    plain = (codes & 0xFFFF) % 1000
    kinds: dict[str, int] = {}
    for code, count in zip(*np.unique(plain, return_counts=True), strict=True):
        name = NAMES.get(int(code), "GeometryCollection")
        kinds[name] = kinds.get(name, 0) + int(count)
    return kinds, int(with_z.sum())


def little_endian(column: pa.Array) -> bool:
    """Whether every WKB value starts with the mark of little-endian bytes."""
    values = column.drop_null().cast(pa.large_binary())
    if not len(values):
        return True
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values)]
    return bool((np.frombuffer(values.buffers()[2], dtype=np.uint8)[offsets] == 1).all())


def _type_codes(column: pa.Array) -> NDArray[np.uint32]:
    """The type numbers of WKB values: the four bytes after the byte-order mark, in that order."""
    values = column.drop_null().cast(pa.large_binary())
    if not len(values):
        return np.zeros(0, dtype=np.uint32)
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values)]
    content = np.frombuffer(values.buffers()[2], dtype=np.uint8)
    marks = content[offsets]
    four = content[offsets[:, None] + np.arange(1, 5)]
    little = four.copy().view("<u4")[:, 0]
    codes: NDArray[np.uint32] = np.where(marks == 1, little, four.copy().view(">u4")[:, 0]).astype(np.uint32)
    return codes


def family_of(kind: str) -> str | None:
    """point, line or area; None for a collection of several."""
    return next((family for family, kinds in FAMILIES.items() if kind in kinds), None)


def stored_kind(kinds: Mapping[str, int]) -> GeometryType:
    """The one kind that holds all; multi where single and multi are mixed; ``none`` for no or mixed families."""
    families = {family_of(kind) for kind in kinds}
    if len(families) != 1 or None in families:
        return "none"
    single, multi = FAMILIES[families.pop() or ""]
    return single if set(kinds) == {single} else multi  # type: ignore[return-value]  # names of GeometryType
