"""Frames of HJ 212 in a TCP stream: ``##``, four digits of length, the data segment, four hex digits, CR LF."""

import re
from dataclasses import dataclass, field

from cim.errors import FrameRefused
from cim.sensors.hj212.crc import crc16
from cim.sensors.hj212.redaction import shown

START, END = b"##", b"\r\n"
MOST_SEGMENT = 1024
"""Bytes of a data segment (table 2 of 2017; longer ones come in parts)."""
_HEAD = len(START) + 4
_TAIL = 4 + len(END)
MOST_FRAME = _HEAD + MOST_SEGMENT + _TAIL
_LENGTH = re.compile(rb"[0-9]{4}")
_CHECK = re.compile(rb"[0-9A-Fa-f]{4}")


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch of the stream that is no good frame; ``frame`` may be shown."""

    code: str
    message: str
    frame: str = field(repr=False)

    def refused(self) -> FrameRefused:
        """The same as an error."""
        return FrameRefused(self.code, self.message)


def encode(segment: bytes) -> bytes:
    """The frame of a data segment; FrameRefused when it is longer than one may be."""
    if len(segment) > MOST_SEGMENT:
        raise FrameRefused("too-long", f"a data segment of {len(segment)} bytes", remedy="send it in parts")
    return b"##%04d%s%04X\r\n" % (len(segment), segment, crc16(segment))


class FrameReader:
    """Takes the bytes of one connection as they come and gives data segments and faults in their order.

    Bytes between frames are dropped and counted in ``skipped``. After a fault reading goes on at the next ``##``. No
    more than one frame's bytes are held.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.skipped = 0

    def feed(self, received: bytes) -> list[bytes | Fault]:
        """What the received bytes complete."""
        self._held += received
        found: list[bytes | Fault] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> bytes | Fault | None:
        self._to_start()
        if len(self._held) < _HEAD:
            return None
        digits = bytes(self._held[2:_HEAD])
        if not _LENGTH.fullmatch(digits):
            return self._fault("length", "the length is not four digits", _HEAD)
        length = int(digits)
        if length > MOST_SEGMENT:
            return self._fault("too-long", f"a data segment of {length} bytes, {MOST_SEGMENT} are allowed", _HEAD)
        return self._whole(_HEAD + length, bytes(self._held))

    def _whole(self, end: int, held: bytes) -> bytes | Fault | None:
        """The frame whose segment ends at ``end``, as soon as it is there."""
        early = held.find(END, 0, end + 5)
        if early >= 0:
            return self._fault("length", f"the length says {end - _HEAD} bytes, the frame ends elsewhere", early + 2)
        if len(held) < end + _TAIL:
            return None
        check = held[end : end + 4]
        if held[end + 4 : end + _TAIL] != END or not _CHECK.fullmatch(check):
            return self._fault("length", f"after {end - _HEAD} bytes there is no CRC and end of frame", end)
        segment = held[_HEAD:end]
        if int(check, 16) != crc16(segment):
            return self._fault("crc", "the CRC does not fit the data segment", end + _TAIL)
        del self._held[: end + _TAIL]
        return segment

    def _fault(self, code: str, message: str, until: int) -> Fault:
        """A fault; reading goes on at the next start mark inside it, if there is one."""
        if _encrypted(bytes(self._held[_HEAD:until])):
            code, message = "encrypted", "the data area is encrypted (SM4), which is not read"
        told = Fault(code, message, shown(bytes(self._held[_HEAD:until])))
        again = self._held.find(START, 1, until)
        rest = until - (self._held[until - 1 : until] == b"#")
        del self._held[: again if again >= 0 else rest]
        return told

    def _to_start(self) -> None:
        """Drop what stands before the next start mark."""
        at = self._held.find(START)
        drop = at if at >= 0 else len(self._held) - (self._held[-1:] == b"#")
        if drop > 0:
            self.skipped += drop
            del self._held[:drop]


def _encrypted(segment: bytes) -> bool:
    """Whether a stretch looks like a data area of ciphers; its CRC and length are those of the plain text."""
    area = segment.partition(b"CP=&&")[2]
    return area.startswith(b"{0x") or sum(byte > 126 or byte < 32 for byte in area) > max(8, len(area) // 4)
