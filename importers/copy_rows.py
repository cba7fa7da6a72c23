"""Rows as PostgreSQL's binary COPY format, built from Arrow columns without a Python step for each value.

Each field is a four-byte length and its bytes. Lengths and bytes are Arrow binary arrays, and one Arrow call joins
them row by row; the joined column's buffer is the payload.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cim.model.collection import FieldType

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
_NOTHING = pa.scalar(b"", pa.large_binary())
_NULL = b"\xff\xff\xff\xff"
_FAR = 2**40
_EPOCH_DAYS = 10_957
_EPOCH_MICROSECONDS = 946_684_800_000_000
_FIXED: dict[str, str] = {
    "integer": ">i4",
    "bigint": ">i8",
    "double": ">f8",
    "boolean": "u1",
    "date": ">i4",
    "timestamp": ">i8",
}


@dataclass(frozen=True, slots=True)
class CopyColumn:
    """One column of a COPY: a field type, ``bytea``, or ``geometry`` (WKB, little endian) with its SRID."""

    kind: FieldType | str
    values: pa.Array
    srid: int = 0


def rows_payload(columns: Sequence[CopyColumn]) -> memoryview:
    """The COPY bytes of some rows, to stand between ``HEADER`` and ``TRAILER``."""
    rows = len(columns[0].values)
    parts: list[pa.Array] = [_repeated(len(columns).to_bytes(2, "big"), rows)]
    for column in columns:
        parts += _field(column)
    joined = pc.binary_join_element_wise(*parts, _NOTHING)
    return _content(joined)


def content_hashes(columns: Sequence[CopyColumn]) -> pa.Array:
    """A 16-byte BLAKE2b of each row's typed values, the same whatever batch or order the row comes in."""
    parts: list[pa.Array] = []
    for column in columns:
        parts += _field(column)
    joined = pc.binary_join_element_wise(*parts, _NOTHING) if parts else _repeated(b"", 0)
    content, offsets = _content(joined), _offsets(joined)
    digests = [
        hashlib.blake2b(content[start:end], digest_size=16).digest()
        for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    return pa.array(digests, pa.large_binary())


def _field(column: CopyColumn) -> list[pa.Array]:
    if column.kind in _FIXED:
        return [_fixed(column)]
    if column.kind == "geometry":
        return _geometry(column)
    values = column.values.cast(pa.large_binary())
    lengths = pc.binary_length(values)
    return [_lengths(lengths), pc.fill_null(values, b"")]


def _fixed(column: CopyColumn) -> pa.Array:
    """Length and value of a fixed-size type in one binary array."""
    kind = np.dtype(_FIXED[column.kind])
    values = _numbers(column)
    width = 4 + kind.itemsize
    table = np.empty((len(values), width), dtype=np.uint8)
    table[:, :4] = np.frombuffer(kind.itemsize.to_bytes(4, "big"), np.uint8)
    table[:, 4:] = values.astype(kind).view(np.uint8).reshape(len(values), kind.itemsize)
    packed = _from_table(table)
    if not column.values.null_count:
        return packed
    return pc.if_else(column.values.is_valid(), packed, pa.scalar(_NULL, pa.large_binary()))


def _numbers(column: CopyColumn) -> NDArray[Any]:
    values = column.values
    if column.kind == "date":
        return _plain(values.cast(pa.date32()).cast(pa.int32())) - _EPOCH_DAYS
    if column.kind == "timestamp":
        return _plain(values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64())) - _EPOCH_MICROSECONDS
    types = {"integer": pa.int32(), "bigint": pa.int64(), "double": pa.float64(), "boolean": pa.uint8()}
    return _plain(values.cast(types[column.kind]))


def _plain(values: pa.Array) -> NDArray[Any]:
    """The numbers, with 0 for nulls."""
    numbers: NDArray[Any] = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    return numbers


def _geometry(column: CopyColumn) -> list[pa.Array]:
    """EWKB: the byte order, the type with the SRID flag, the SRID, and the rest of the WKB."""
    values = column.values.cast(pa.large_binary())
    filled = pc.fill_null(values, bytes(5))
    lengths = pc.add(pc.binary_length(values), 4)
    offsets = _offsets(filled)[:-1]
    content = np.frombuffer(_content(filled), dtype=np.uint8)
    table = np.empty((len(values), 9), dtype=np.uint8)
    table[:, :5] = content[offsets[:, None] + np.arange(5)]
    table[:, 4] |= 0x20
    table[:, 5:] = np.frombuffer(column.srid.to_bytes(4, "little"), np.uint8)
    head = _from_table(table)
    rest = pc.binary_slice(filled, 5, _FAR)
    if values.null_count:
        head = pc.if_else(values.is_valid(), head, pa.scalar(b"", pa.large_binary()))
    return [_lengths(lengths), head, rest]


def _lengths(lengths: pa.Array) -> pa.Array:
    """Four-byte lengths, -1 where the value is null."""
    numbers = pc.fill_null(lengths.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    return _from_table(numbers.astype(">i4").view(np.uint8).reshape(len(numbers), 4))


def _repeated(value: bytes, rows: int) -> pa.Array:
    return _from_table(np.tile(np.frombuffer(value, np.uint8), (rows, 1)))


def _from_table(table: NDArray[np.uint8]) -> pa.Array:
    """Equal-length binary values from the rows of a byte table."""
    rows, width = table.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int64) if width else np.zeros(rows + 1, np.int64)
    content = pa.py_buffer(np.ascontiguousarray(table))
    return pa.Array.from_buffers(pa.large_binary(), rows, [None, pa.py_buffer(offsets), content])


def _offsets(array: pa.Array) -> NDArray[np.int64]:
    return np.frombuffer(array.buffers()[1], dtype=np.int64)[array.offset : array.offset + len(array) + 1]


def _content(array: pa.Array) -> memoryview:
    """The bytes of all values one after another, whatever slice of a buffer the array is."""
    offsets = _offsets(array)
    buffer = array.buffers()[2]
    if buffer is None:
        return memoryview(b"")
    if int(offsets[0]) == 0:
        return memoryview(buffer)[: int(offsets[-1])]
    return memoryview(buffer)[: int(offsets[-1])]
