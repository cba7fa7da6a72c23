"""Frames of SL 651 in a TCP stream, in both forms."""

import re
from dataclasses import dataclass

from cim.errors import FrameRefused
from cim.sensors.sl651.crc import crc16
from cim.sensors.sl651.frames import ASCII, HEX, MOST_BODY, Control, Form, Frame, frame_of, unhexed

_STARTS = re.compile(rb"\x7e\x7e|\x01[0-9A-Fa-f]")
"""SOH alone is a common byte of the HEX form; digits follow it where an ASCII frame starts."""
_UP_ENDS = frozenset({Control.ETX, Control.ETB})


@dataclass(frozen=True, slots=True)
class Fault:
    """A stretch of the stream that is no good frame; its bytes are not shown, they may hold a password."""

    code: str
    message: str

    def refused(self) -> FrameRefused:
        """The same as an error."""
        return FrameRefused(self.code, self.message)


@dataclass(frozen=True, slots=True)
class _Read:
    """A frame at the beginning of some bytes, and how many it takes."""

    frame: Frame
    size: int


class FrameReader:
    """Takes the bytes of one connection as they come and gives frames and faults in their order.

    Bytes between frames are dropped and counted in ``skipped``; after a fault reading goes on at the next start mark. A
    frame whose length says more than there is does not hold up the next one: a good frame inside it ends the wait.
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
        held = self._from_start()
        size = _size(held)
        if size is None:
            return None
        if isinstance(size, Fault):
            return self._skip(size)
        read = _read(held, size) if len(held) >= size else None
        if isinstance(read, _Read):
            del self._held[: read.size]
            return read.frame
        if _good_inside(held[:size]):
            return self._skip(_INSIDE)
        return self._skip(read) if read else None

    def _skip(self, fault: Fault) -> Fault:
        """Go on behind a start mark that begins no good frame."""
        del self._held[:1]
        return fault

    def _from_start(self) -> bytes:
        """What is held from the next start mark on; what stands before it is dropped."""
        held = bytes(self._held)
        found = _STARTS.search(held)
        drop = found.start() if found else len(held) - (held[-1:] in (b"\x7e", b"\x01"))
        self.skipped += drop
        del self._held[:drop]
        return held[drop:] if found else b""


_INSIDE = Fault("length", "another frame begins before the text ends where its length says")


def _form(held: bytes) -> Form:
    return HEX if held.startswith(HEX.start) else ASCII


def _size(held: bytes) -> int | Fault | None:
    """How many bytes the frame at the beginning takes; None while its head is not there."""
    form = _form(held)
    if len(held) < form.head:
        return None
    told = form.number(held, 9, 2)
    begin = held[form.head - 1]
    if told is None or begin not in (Control.STX, Control.SYN):
        return Fault("head", "after the head there is no start of text")
    number = int.from_bytes(told)
    if begin == Control.STX and number >> 12:
        return Fault("direction", "the frame is not one from a station")
    if not 1 <= number <= MOST_BODY:
        return Fault("length", f"a text of {number} bytes, 1 to {MOST_BODY} are allowed")
    return form.head + number + 1 + 2 * form.width


def _read(held: bytes, size: int) -> _Read | Fault:
    """The frame that takes the first ``size`` bytes."""
    form = _form(held)
    end = size - 1 - 2 * form.width
    raw = held[end + 1 : size]
    check = raw if form is HEX else unhexed(raw)
    if held[end] not in _UP_ENDS or check is None:
        return Fault("length", "the text does not end where its length says")
    if int.from_bytes(check) != crc16(held[: end + 1]):
        return Fault("crc", "the CRC does not fit the frame")
    frame = frame_of(form, held[:size], end)
    return _Read(frame, size) if frame else Fault("head", "the head or the packet's number is no number")


def _good_inside(held: bytes) -> bool:
    """Whether a good frame begins and ends inside some bytes that begin with another one's start mark."""
    for found in _STARTS.finditer(held, 1):
        rest = held[found.start() :]
        size = _size(rest)
        if isinstance(size, int) and len(rest) >= size and isinstance(_read(rest, size), _Read):
            return True
    return False
