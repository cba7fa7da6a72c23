"""A video of the plainest kind: frames as H.264 without compression of what changes, in packets of MPEG-TS.

What a frame shows anew is sent as raw macroblocks (I_PCM), the rest is skipped. That needs no codec, is exact, and
every decoder of H.264 baseline shows it; it is meant for test pictures of which little moves.
"""

import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes8 = NDArray[np.uint8]
BLOCK = 16
TICKS_S = 90_000
PMT_PID, VIDEO_PID, H264 = 0x1000, 0x100, 0x1B
PACKET, ROOM = 188, 184
_START = b"\x00\x00\x00\x01"


class Bits:
    """Bits written one behind the other."""

    def __init__(self) -> None:
        self._done = bytearray()
        self._value, self._count = 0, 0

    def put(self, value: int, count: int) -> "Bits":
        """Write a number in so many bits."""
        self._value, self._count = self._value << count | value, self._count + count
        while self._count >= 8:
            self._count -= 8
            self._done.append(self._value >> self._count & 0xFF)
        self._value &= (1 << self._count) - 1
        return self

    def ue(self, *values: int) -> "Bits":
        """Write numbers in Exp-Golomb code; 0 is the same signed and unsigned."""
        for value in values:
            self.put(value + 1, 2 * (value + 1).bit_length() - 1)
        return self

    def raw(self, content: bytes) -> "Bits":
        """Write bytes at the next whole byte, zeros before them."""
        if self._count:
            self.put(0, 8 - self._count)
        self._done += content
        return self

    def ended(self) -> bytes:
        """All of it with the bit that ends a unit."""
        self.put(1, 1).raw(b"")
        return bytes(self._done)


def _unit(head: int, content: bytes) -> bytes:
    """A NAL unit; bytes that would look like its start are parted."""
    return _START + bytes([head]) + re.sub(rb"\x00\x00(?=[\x00-\x03])", b"\x00\x00\x03", content)


def parameters(width: int, height: int) -> bytes:
    """Sequence and picture parameter sets: baseline, level 3, one reference frame, shown in the order of decoding."""
    sequence = Bits().put(66, 8).put(0xC0, 8).put(30, 8).ue(0, 4, 2, 1).put(0, 1)
    sequence.ue(width // BLOCK - 1, height // BLOCK - 1).put(0b1100, 4)
    picture = Bits().ue(0, 0).put(0, 2).ue(0, 0, 0).put(0, 3).ue(0, 0, 0).put(0b100, 3)
    return _unit(0x67, sequence.ended()) + _unit(0x68, picture.ended())


def macroblocks(frame: Bytes8) -> Bytes8:
    """The macroblocks of a frame, n by 384: luma, then both chromas of half the size.

    ``frame`` is height by width by 3, YCbCr, sides multiples of 16.
    """
    high, wide = frame.shape[0] // BLOCK, frame.shape[1] // BLOCK
    limited = np.clip(frame, 16, 235)
    luma = limited[:, :, 0].reshape(high, 16, wide, 16).transpose(0, 2, 1, 3).reshape(-1, 256)
    chroma = limited[::2, ::2, 1:].reshape(high, 8, wide, 8, 2).transpose(0, 2, 4, 1, 3).reshape(-1, 128)
    return np.concatenate([luma, chroma], axis=1)


def whole_picture(blocks: Bytes8, number: int) -> bytes:
    """A picture that needs no other; ``number`` tells it from its neighbours of this kind."""
    bits = Bits().ue(0, 7, 0).put(0, 8).ue(number % 2).put(0, 2).ue(0, 1)
    for block in blocks:
        bits.ue(25).raw(block.tobytes())
    return _unit(0x65, bits.ended())


def changed_picture(blocks: Bytes8, before: Bytes8, number: int) -> bytes:
    """A picture of what is other than in the one before; ``number`` counts from the last whole one."""
    bits = Bits().ue(0, 5, 0).put(number % 256, 8).put(0, 3).ue(0, 1)
    last = -1
    for place in np.flatnonzero((blocks != before).any(axis=1)).tolist():
        bits.ue(place - last - 1, 30).raw(blocks[place].tobytes())
        last = place
    if last < len(blocks) - 1:
        bits.ue(len(blocks) - 1 - last)
    return _unit(0x41, bits.ended())


def coded(frames: Sequence[Bytes8], number: int) -> list[bytes]:
    """Frames of one size as access units of H.264, the first a whole picture with its parameter sets."""
    height, width = frames[0].shape[:2]
    blocks = [macroblocks(frame) for frame in frames]
    first = parameters(width, height) + whole_picture(blocks[0], number)
    rest = [changed_picture(now, before, place) for place, (before, now) in enumerate(pairwise(blocks), 1)]
    return [_unit(0x09, b"\xf0") + unit for unit in [first, *rest]]


def transport(units: Iterable[bytes], first_tick: int, ticks: int) -> bytes:
    """Access units as an MPEG transport stream, each shown ``ticks`` of 1/90000 s after the one before."""
    out = bytearray(_table(0, 0x00, struct.pack(">HH", 1, 0xE000 | PMT_PID)))
    out += _table(PMT_PID, 0x02, struct.pack(">HHBHH", 0xE000 | VIDEO_PID, 0xF000, H264, 0xE000 | VIDEO_PID, 0xF000))
    count = 0
    for place, unit in enumerate(units):
        tick = (first_tick + place * ticks) % 2**33
        clock = struct.pack(">BIH", 0x10, tick >> 1, (tick & 1) << 15 | 0x7E00)
        head = b"\x00\x00\x01\xe0\x00\x00\x80\x80\x05" + _stamp(tick)
        for packet in _packets(VIDEO_PID, count, head + unit, clock):
            out += packet
            count += 1
    return bytes(out)


def _stamp(tick: int) -> bytes:
    """A time of presentation in the five bytes of a packet's head."""
    parts = (2 << 4 | tick >> 30 << 1 | 1) << 32 | ((tick >> 15 & 0x7FFF) << 1 | 1) << 16 | (tick & 0x7FFF) << 1 | 1
    return parts.to_bytes(5, "big")


def _packets(pid: int, count: int, content: bytes, clock: bytes) -> Iterator[bytes]:
    """Content in packets: the clock in the first, filling in the last."""
    field: bytes | None = clock
    start = 0
    while start < len(content):
        room = ROOM - (0 if field is None else 1 + len(field))
        filling = room - (len(content) - start)
        if filling > 0 and field is None:
            field = (b"\x00" + b"\xff" * (filling - 2)) if filling > 1 else b""
        elif filling > 0 and field is not None:
            field += b"\xff" * filling
        part = content[start : start + room]
        yield _packet(pid, count, field, part, first=start == 0)
        start, count, field = start + len(part), count + 1, None


def _packet(pid: int, count: int, field: bytes | None, content: bytes, *, first: bool) -> bytes:
    """A packet; None is no adaptation field, as nothing is one of no bytes."""
    control = 0x10 if field is None else 0x30
    head = struct.pack(">BHB", 0x47, (0x4000 if first else 0) | pid, control | count & 0xF)
    return head + (b"" if field is None else bytes([len(field)]) + field) + content


def _table(pid: int, kind: int, content: bytes) -> bytes:
    """A packet with one program table."""
    body = struct.pack(">BHHBBB", kind, 0xB000 | len(content) + 9, 1, 0xC1, 0, 0) + content
    section = b"\x00" + body + _checksum(body).to_bytes(4, "big")
    return _packet(pid, 0, None, section.ljust(ROOM, b"\xff"), first=True)


def _checksum(content: bytes) -> int:
    """CRC-32 of MPEG-2."""
    value: Any = 0xFFFFFFFF
    for byte in content:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return int(value)
