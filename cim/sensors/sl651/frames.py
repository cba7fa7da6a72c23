"""Frames of SL 651, HEX/BCD (7E 7E ...) and ASCII (SOH ...): their fields, and frames written."""

import re
from dataclasses import dataclass, field
from enum import IntEnum

from cim.errors import FrameRefused
from cim.sensors.sl651.crc import crc16

MOST_BODY = 4095
_DIGITS = re.compile(rb"[0-9A-Fa-f]+")


class Control(IntEnum):
    """Control characters (table 10)."""

    STX = 0x02
    ETX = 0x03
    EOT = 0x04
    ENQ = 0x05
    ACK = 0x06
    NAK = 0x15
    SYN = 0x16
    ETB = 0x17
    ESC = 0x1B


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a station, or one to it.

    ``station`` are the ten hex digits of its address, ``body`` the bytes between start and end of the text (of the
    ASCII form as they are, without the numbers of a packet); ``packet`` is (number, of how many) in mode M3.
    """

    ascii: bool
    centre: int
    station: str
    function: int
    body: bytes
    end: Control
    password: str = field(default="", repr=False)
    packet: tuple[int, int] | None = None

    @property
    def more(self) -> bool:
        """Whether the station has more to send (ETB)."""
        return self.end == Control.ETB


@dataclass(frozen=True, slots=True)
class Form:
    """How one form writes numbers: ``width`` bytes of the stream for each byte."""

    start: bytes
    width: int

    @property
    def head(self) -> int:
        """Bytes of a frame before its text."""
        return len(self.start) + 11 * self.width + 1

    def number(self, held: bytes, at: int, count: int) -> bytes | None:
        """``count`` bytes that stand ``at`` bytes after the start mark; None when they are no hex digits."""
        begin = len(self.start) + at * self.width
        raw = held[begin : begin + count * self.width]
        if self.width == 1:
            return raw
        return bytes.fromhex(raw.decode()) if _DIGITS.fullmatch(raw) else None

    def written(self, raw: bytes) -> bytes:
        """Bytes as they stand in the stream."""
        return raw if self.width == 1 else raw.hex().upper().encode()


HEX, ASCII = Form(b"\x7e\x7e", 1), Form(b"\x01", 2)
MOST_FRAME = ASCII.head + MOST_BODY + 1 + 4


def unhexed(raw: bytes) -> bytes | None:
    """The bytes of hex digits; None when they are none."""
    return bytes.fromhex(raw.decode()) if _DIGITS.fullmatch(raw) else None


def frame_of(form: Form, held: bytes, end: int) -> Frame | None:
    """The frame of a station whose text ends before ``end``; None when its head cannot be."""
    head = form.number(held, 0, 9)
    body = held[form.head : end]
    packet: tuple[int, int] | None = None
    if held[form.head - 1] == Control.SYN:
        raw = body[: 3 * form.width]
        numbers = raw if form.width == 1 else unhexed(raw)
        if numbers is None or len(numbers) != 3:
            return None
        number = int.from_bytes(numbers)
        packet, body = (number & 0xFFF, number >> 12), body[3 * form.width :]
        if not 1 <= packet[0] <= packet[1]:
            return None
    if head is None or head[0] == 0:
        return None
    return Frame(
        ascii=form is ASCII,
        centre=head[0],
        station=head[1:6].hex().upper(),
        password=head[6:8].hex().upper(),
        function=head[8],
        body=body,
        end=Control(held[end]),
        packet=packet,
    )


def encode(frame: Frame, *, down: bool = False) -> bytes:
    """A frame as bytes, ``down`` from the centre to the station, else from the station."""
    form = ASCII if frame.ascii else HEX
    numbers = b""
    if frame.packet:
        numbers = form.written((frame.packet[1] << 12 | frame.packet[0]).to_bytes(3))
    length = len(numbers) + len(frame.body)
    if not 1 <= length <= MOST_BODY:
        raise FrameRefused("too-long", f"a text of {length} bytes", remedy="send it in packets")
    station, centre = bytes.fromhex(frame.station), bytes([frame.centre])
    head = (station + centre if down else centre + station) + bytes.fromhex(frame.password) + bytes([frame.function])
    head += (length | 0x8000 * down).to_bytes(2)
    begin = Control.SYN if frame.packet else Control.STX
    told = form.start + form.written(head) + bytes([begin]) + numbers + frame.body + bytes([frame.end])
    return told + form.written(crc16(told).to_bytes(2))
