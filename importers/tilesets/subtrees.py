"""Implicit tiling: which tiles, contents and further subtrees the bits of a subtree say there are."""

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from importers.tilesets.documents import Form, ImplicitTiling, MetadataEntity, json_of, told

MAGIC = b"subt"
HEADER_BYTES = 24
MOST_SUBTREE_BYTES = 64 * 1024**2
MOST_TILES = 20_000_000
Bits = NDArray[np.bool_]


class BadSubtree(ValueError):
    """Why a subtree cannot be read."""


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class Buffer(_Strict):
    """Some bytes: in the file itself, or in another one."""

    byteLength: Annotated[int, Field(ge=1)]  # noqa: N815
    uri: str | None = None


class BufferView(_Strict):
    """A part of a buffer."""

    buffer: Annotated[int, Field(ge=0)]
    byteOffset: Annotated[int, Field(ge=0)]  # noqa: N815
    byteLength: Annotated[int, Field(ge=1)]  # noqa: N815


class Availability(_Strict):
    """Whether things are there: all, none, or as bits say. ``bufferView`` is how drafts said ``bitstream``."""

    bitstream: Annotated[int, Field(ge=0)] | None = None
    bufferView: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    availableCount: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    constant: Annotated[int, Field(ge=0, le=1)] | None = None

    @property
    def view(self) -> int | None:
        """The buffer view of the bits."""
        return self.bitstream if self.bitstream is not None else self.bufferView


class Subtree(Form):
    """The JSON of a subtree."""

    buffers: list[Buffer] = Field(default_factory=list)
    bufferViews: list[BufferView] = Field(default_factory=list)  # noqa: N815
    tileAvailability: Availability  # noqa: N815
    contentAvailability: list[Availability] | Availability = Field(default_factory=list)  # noqa: N815
    childSubtreeAvailability: Availability  # noqa: N815
    subtreeMetadata: MetadataEntity | None = None  # noqa: N815

    @property
    def contents(self) -> list[Availability]:
        """Availability of each content; drafts had one alone."""
        found = self.contentAvailability
        return found if isinstance(found, list) else [found]


@dataclass(frozen=True, slots=True)
class Place:
    """A tile of an implicit tree: level, and the columns, rows and layers of that level."""

    level: int
    x: int
    y: int
    z: int

    def address(self, template: str) -> str:
        """An address with this place in it."""
        text = template
        for name in ("level", "x", "y", "z"):
            text = text.replace("{" + name + "}", str(getattr(self, name)))
        return text


@dataclass(frozen=True, slots=True)
class Read:
    """What a subtree holds: places of tiles, of each content, and of the roots of further subtrees.

    ``files`` are the addresses of the files its bits lie in.
    """

    tiles: int
    contents: tuple[tuple[Place, ...], ...]
    children: tuple[Place, ...]
    files: tuple[str, ...]


def read_subtree(data: bytes, at: Place, tiling: ImplicitTiling, other: Callable[[str], bytes]) -> Read:
    """The places of a subtree whose root is ``at``; ``other`` gives the bytes of a file by its address.

    Raises BadSubtree with the reason.
    """
    text, binary = _parts(data)
    try:
        subtree = Subtree.model_validate(text)
    except ValidationError as error:
        where, what = told(error, "subtree")[0]
        raise BadSubtree(f"{where}: {what}") from None
    bits = _Bits(subtree, binary, other)
    power = 2 if tiling.subdivisionScheme == "QUADTREE" else 3
    levels = tiling.subtreeLevels
    if (1 << power) ** levels > MOST_TILES:
        raise BadSubtree(f"{levels} levels in one subtree are more than can be read")
    count = ((1 << (power * levels)) - 1) // ((1 << power) - 1)
    tiles = bits.of(subtree.tileAvailability, count, "tiles")
    contents = [bits.of(one, count, "contents") for one in subtree.contents]
    children = bits.of(subtree.childSubtreeAvailability, 1 << (power * levels), "child subtrees")
    if any((content & ~tiles).any() for content in contents):
        raise BadSubtree("there is content where the same subtree says there is no tile")
    _check_levels(tiles, children, at, tiling, power)
    return Read(
        int(tiles.sum()),
        tuple(tuple(_places(content, at, power)) for content in contents),
        tuple(_at_level(np.flatnonzero(children), at, levels, power)),
        tuple(buffer.uri for buffer in subtree.buffers if buffer.uri is not None),
    )


def _parts(data: bytes) -> tuple[Any, bytes]:
    """JSON and binary of a subtree, which may be JSON alone."""
    try:
        if not data.startswith(MAGIC):
            return json_of(data), b""
        if len(data) < HEADER_BYTES:
            raise BadSubtree("the header is incomplete")
        version, text_bytes, binary_bytes = struct.unpack_from("<IQQ", data, 4)
        if version != 1:
            raise BadSubtree(f"it is of version {version}, 1 is known")
        if HEADER_BYTES + text_bytes + binary_bytes != len(data):
            announced = HEADER_BYTES + text_bytes + binary_bytes
            raise BadSubtree(f"it announces {announced} bytes, the file has {len(data)}")
        text = data[HEADER_BYTES : HEADER_BYTES + text_bytes]
        return json_of(text.rstrip(b"\x00 ")), data[HEADER_BYTES + text_bytes :]
    except (ValueError, json.JSONDecodeError) as error:
        raise BadSubtree(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Bits:
    subtree: Subtree
    binary: bytes
    other: Callable[[str], bytes]

    def of(self, availability: Availability, count: int, what: str) -> Bits:
        """The bits of an availability, ``count`` of them."""
        if availability.view is None:
            if availability.constant is None:
                raise BadSubtree(f"the availability of {what} is neither constant nor bits")
            return np.full(count, availability.constant == 1)
        views = self.subtree.bufferViews
        if availability.view >= len(views):
            raise BadSubtree(f"the bits of {what} name no buffer view")
        data = self._bytes(views[availability.view])
        if len(data) * 8 < count:
            raise BadSubtree(f"there are {len(data) * 8} bits for {count} {what}")
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")[:count].astype(np.bool_)
        if availability.availableCount is not None and availability.availableCount != int(bits.sum()):
            raise BadSubtree(f"{availability.availableCount} {what} are announced, the bits say {int(bits.sum())}")
        return bits

    def _bytes(self, view: BufferView) -> bytes:
        if view.buffer >= len(self.subtree.buffers):
            raise BadSubtree("a buffer view names no buffer")
        buffer = self.subtree.buffers[view.buffer]
        data = self.binary if buffer.uri is None else self.other(buffer.uri)
        if buffer.byteLength > len(data) or view.byteOffset + view.byteLength > buffer.byteLength:
            raise BadSubtree("a buffer is shorter than it says, or a view reaches over its end")
        return data[view.byteOffset : view.byteOffset + view.byteLength]


def _check_levels(tiles: Bits, children: Bits, at: Place, tiling: ImplicitTiling, power: int) -> None:
    """Nothing is deeper than the tree says, and every tile has its parent."""
    if not tiles[0]:
        raise BadSubtree("its own root is no tile")
    begin = 0
    for depth in range(tiling.subtreeLevels):
        size = 1 << (power * depth)
        here = tiles[begin : begin + size]
        if at.level + depth >= tiling.availableLevels and here.any():
            raise BadSubtree(f"it has tiles on level {at.level + depth}, the tree ends before")
        if depth:
            above = tiles[begin - (size >> power) : begin]
            if (here & ~np.repeat(above, 1 << power)).any():
                raise BadSubtree("there is a tile whose parent is none")
        begin += size
    if children.any() and at.level + tiling.subtreeLevels >= tiling.availableLevels:
        raise BadSubtree("it has subtrees below the level the tree ends at")


def _places(bits: Bits, at: Place, power: int) -> Iterator[Place]:
    begin, depth = 0, 0
    while begin < len(bits):
        size = 1 << (power * depth)
        yield from _at_level(np.flatnonzero(bits[begin : begin + size]), at, depth, power)
        begin, depth = begin + size, depth + 1


def _at_level(mortons: NDArray[np.intp], at: Place, depth: int, power: int) -> Iterator[Place]:
    """Places of Morton numbers so many levels below a subtree's root."""
    axes = np.zeros((3, len(mortons)), np.int64)
    for bit in range(depth):
        for axis in range(power):
            axes[axis] |= (mortons >> (bit * power + axis) & 1) << bit
    for x, y, z in axes.T.tolist():
        yield Place(at.level + depth, (at.x << depth) + x, (at.y << depth) + y, (at.z << depth) + z)
