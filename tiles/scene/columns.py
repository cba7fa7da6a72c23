"""The property table of a tile: attributes of features, written with EXT_structural_metadata."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

ColumnKind = Literal["uint32", "int32", "float32", "float64", "string"]
CLASS = "feature"
SCHEMA_ID = "onemap_cim"
NOTHING: dict[ColumnKind, float | int | str] = {
    "uint32": 4294967295,
    "int32": -2147483648,
    "float32": -9999.0,
    "float64": -9999.0,
    "string": "",
}
"""What stands where a feature has no value; declared as noData."""


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of all features of a tile, in the order of their ids; None where there is no value."""

    name: str
    kind: ColumnKind
    values: Sequence[Any]
    title: str = ""

    def schema(self) -> dict[str, Any]:
        """What the metadata class says of the attribute."""
        said: dict[str, Any] = {"noData": NOTHING[self.kind]}
        if self.title:
            said["description"] = self.title
        if self.kind == "string":
            return {"type": "STRING", **said}
        return {"type": "SCALAR", "componentType": self.kind.upper(), **said}

    def buffers(self) -> dict[str, bytes]:
        """The values, and for texts where each begins, by the member of the property that names them."""
        nothing = NOTHING[self.kind]
        held = [nothing if value is None else value for value in self.values] if None in self.values else self.values
        if self.kind != "string":
            return {"values": np.array(held, dtype=self.kind).astype(f"<{_LITTLE[self.kind]}").tobytes()}
        texts = list(map(str, held))
        data = "".join(texts).encode()
        encoded = texts if data.isascii() else [text.encode() for text in texts]
        offsets = np.zeros(len(texts) + 1, dtype="<u4")
        np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=offsets[1:])
        return {"values": data, "stringOffsets": offsets.tobytes()}


_LITTLE = {"uint32": "u4", "int32": "i4", "float32": "f4", "float64": "f8"}


def fid_kind(fids: Sequence[int]) -> ColumnKind:
    """How features' ids are written: as whole numbers that browsers count exactly."""
    return "uint32" if max(fids, default=0) < NOTHING["uint32"] else "float64"  # type: ignore[operator]  # a number


def schema_of(columns: Sequence[Column]) -> dict[str, Any]:
    """The metadata schema with its one class."""
    properties = {column.name: column.schema() for column in columns}
    return {"id": SCHEMA_ID, "classes": {CLASS: {"properties": properties}}}
