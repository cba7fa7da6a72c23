"""Frames of SL 651 in a TCP stream, HEX/BCD (7E 7E ...) and ASCII (SOH ...), and frames written."""

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


_UP_ENDS = frozenset({Control.ETX, Control.ETB})


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
class Fault:
    """A stretch of the stream that is no good frame; its bytes are not shown, they may hold a password."""

    code: str
    message: str
    bytes: int

    def refused(self) -> FrameRefused:
        """The same as an error."""
        return FrameRefused(self.code, self.message)


@dataclass(frozen=True, slots=True)
class _Form:
    """How one form writes numbers: ``width`` bytes of the stream for each byte."""

    start: bytes
    width: int

    @property
    def head(self) -> int:
        return len(self.start) + 11 * self.width + 1

    def number(self, held: bytes, at: int, count: int) -> bytes | None:
        """``count`` bytes that stand ``at`` bytes after the start mark; None when they are no hex digits."""
        begin = len(self.start) + at * self.width
        raw = held[begin : begin + count * self.width]
        if self.width == 1:
            return raw
        return bytes.fromhex(raw.decode()) if _DIGITS.fullmatch(raw) else None

    def written(self, raw: bytes) -> bytes:
        return raw if self.width == 1 else raw.hex().upper().encode()


HEX, ASCII = _Form(b"\x7e\x7e", 1), _Form(b"\x01", 2)
_STARTS = re.compile(rb"\x7e\x7e|\x01[0-9A-Fa-f]")
"""SOH alone is a common byte of the HEX form; digits follow it where an ASCII frame starts."""
MOST_FRAME = ASCII.head + MOST_BODY + 1 + 4


class FrameReader:
    """Takes the bytes of one connection as they come and gives frames and faults in their order.

    Bytes between frames are dropped and counted in ``skipped``; after a fault reading goes on at the next start mark.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self.skipped = 0

    def feed(self, received: bytes) -> list[Frame | Fault]:
        """What the received bytes complete."""
        self._held += received
        found: list[Frame | Fault] = []
        while (one := self._next()) is not None:
            found.append(one)
        return found

    def _next(self) -> Frame | Fault | None:
        form = self._to_start()
        if form is None or len(self._held) < form.head:
            return None
        held = bytes(self._held)
        told = form.number(held, 9, 2)
        begin = held[form.head - 1]
        if told is None or begin not in (Control.STX, Control.SYN):
            return self._fault("head", "after the head there is no start of text", form.head)
        number = int.from_bytes(told)
        if begin == Control.STX and number >> 12:
            return self._fault("direction", "the frame is not one from a station", form.head)
        if not 1 <= number <= MOST_BODY:
            return self._fault("length", f"a text of {number} bytes, 1 to {MOST_BODY} are allowed", form.head)
        end = form.head + number
        whole = end + 1 + 2 * form.width
        if len(held) < whole:
            return None
        return self._checked(form, held[:whole], end)

    def _checked(self, form: _Form, held: bytes, end: int) -> Frame | Fault:
        check = held[end + 1 :] if form.width == 1 else _unhexed(held[end + 1 :])
        if held[end] not in _UP_ENDS or check is None:
            return self._fault("length", "the text does not end where its length says", len(held))
        if int.from_bytes(check) != crc16(held[: end + 1]):
            return self._fault("crc", "the CRC does not fit the frame", len(held))
        frame = _frame(form, held, end)
        if frame is None:
            return self._fault("head", "the head or the packet's number is no number", len(held))
        del self._held[: len(held)]
        return frame

    def _fault(self, code: str, message: str, until: int) -> Fault:
        del self._held[:1]
        return Fault(code, message, until)

    def _to_start(self) -> _Form | None:
        """Drop what stands before the next start mark; the form that begins there."""
        found = _STARTS.search(bytes(self._held))
        drop = found.start() if found else len(self._held) - (bytes(self._held[-1:]) in (b"\x7e", b"\x01"))
        self.skipped += drop
        del self._held[:drop]
        return None if not found else HEX if found.group().startswith(HEX.start) else ASCII


def _unhexed(raw: bytes) -> bytes | None:
    return bytes.fromhex(raw.decode()) if _DIGITS.fullmatch(raw) else None


def _frame(form: _Form, held: bytes, end: int) -> Frame | None:
    head = form.number(held, 0, 9)
    body = held[form.head : end]
    packet: tuple[int, int] | None = None
    if held[form.head - 1] == Control.SYN:
        raw = body[: 3 * form.width]
        numbers = raw if form.width == 1 else _unhexed(raw)
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
