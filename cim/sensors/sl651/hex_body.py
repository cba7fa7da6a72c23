"""The text of a report in the HEX/BCD form: marks of two bytes, each followed by its data."""

from datetime import datetime

from cim.errors import FrameRefused
from cim.sensors.sl651.codes import Function, elements
from cim.sensors.sl651.report import Observed, Report, grouped, moment, step_minutes
from cim.sensors.sl651.text_body import manual_values

_TIME, _STATION, _MANUAL, _PICTURE, _STEP, _MORE, _BULK = 0xF0, 0xF1, 0xF2, 0xF3, 0x04, 0xFF, 0xFD
_GROUP_STEP_MIN = 5


def read_hex(body: bytes, station: str, function: Function) -> Report:
    """The report of a text; ``station`` is the address of the frame. FrameRefused where it cannot be followed."""
    if len(body) < 8:
        raise FrameRefused("text", "the text ends before serial number and time")
    report = Report(int.from_bytes(body[:2]), moment(body[2:8].hex(), "send time"))
    if function.kind == "link":
        return report
    reader = _Reader(body, station, report.sent_at, function)
    return Report(report.serial, report.sent_at, *reader.read())


class _Reader:
    """Goes through the marks of one text."""

    def __init__(self, body: bytes, station: str, sent_at: datetime, function: Function) -> None:
        self._body, self._at = body, 8
        self._station, self._time = station, sent_at if function.kind == "manual" else None
        self._even, self._step_min = function.even, 0
        self._observed: list[Observed] = []
        self._refused: list[FrameRefused] = []

    def read(self) -> tuple[tuple[Observed, ...], tuple[FrameRefused, ...]]:
        while self._at < len(self._body):
            mark = self._take(1)[0]
            if mark in (_TIME, _STATION, _MANUAL, _PICTURE):
                self._fixed(mark)
            else:
                self._element(mark)
        return tuple(self._observed), tuple(self._refused)

    def _take(self, count: int) -> bytes:
        if self._at + count > len(self._body):
            raise FrameRefused("text", "the text ends in the middle of a value")
        taken = self._body[self._at : self._at + count]
        self._at += count
        return taken

    def _fixed(self, mark: int) -> None:
        if self._take(1)[0] != mark:
            raise FrameRefused("text", f"the mark {mark:02X} is not written twice")
        if mark == _TIME:
            self._time = moment(self._take(5).hex(), "observation time")
        elif mark == _STATION:
            self._station = self._take(5).hex().upper()
            self._take(1)
        elif mark == _MANUAL:
            text = self._take(len(self._body) - self._at)
            seen, refused = manual_values(text, self._station, self._demand_time())
            self._observed += seen
            self._refused += refused
        else:
            raise FrameRefused("picture", "pictures are not taken")

    def _element(self, mark: int) -> None:
        code = f"{mark:02X}"
        if mark == _MORE:
            code += f"{self._take(1)[0]:02X}"
        if mark == _BULK:
            raise FrameRefused("element", "bulk velocities (FD) are not taken", where="FD")
        definition = self._take(1)[0]
        count, decimals = definition >> 3, definition & 7
        if mark == _STEP:
            self._step(count)
            return
        known = elements().get(code)
        if known is not None and known.silent:
            self._take(count)
        elif known is not None and known.group_bytes:
            values = grouped(self._take(count), known.group_bytes, known.decimals)
            self._seen(code, values, _GROUP_STEP_MIN)
        elif self._even:
            self._series(code, count, decimals)
        else:
            self._seen(code, self._values(code, [self._take(count)], decimals), 0)

    def _step(self, count: int) -> None:
        digits = self._take(count).hex()
        if len(digits) != 6 or not digits.isdigit():
            raise FrameRefused("time-step", "the time step is not three BCD bytes", where="04")
        self._step_min = step_minutes(int(digits[:2]), int(digits[2:4]), int(digits[4:]))

    def _series(self, code: str, count: int, decimals: int) -> None:
        """The values of an even-period report: all the rest of the text."""
        rest = len(self._body) - self._at
        if not self._step_min or not count or rest % count:
            raise FrameRefused("time-step", "an even-period report has no time step, or half a value", where=code)
        pieces = [self._take(count) for _ in range(rest // count)]
        self._seen(code, self._values(code, pieces, decimals), self._step_min)

    def _values(self, code: str, pieces: list[bytes], decimals: int) -> tuple[float | None, ...]:
        values: list[float | None] = []
        for piece in pieces:
            try:
                values.append(bcd(piece, decimals))
            except FrameRefused as error:
                self._refused.append(FrameRefused(error.code, error.what, where=code))
                values.append(None)
        return tuple(values)

    def _seen(self, code: str, values: tuple[float | None, ...], step_min: int) -> None:
        self._observed.append(Observed(code, self._demand_time(), values, self._station, step_min))

    def _demand_time(self) -> datetime:
        if self._time is None:
            raise FrameRefused("no-time", "values come before an observation time")
        return self._time


def bcd(piece: bytes, decimals: int) -> float | None:
    """A BCD number, ``FF`` in front meaning minus; None when all is ``F``."""
    if not piece or not piece.strip(b"\xff"):
        return None
    minus = piece[0] == 0xFF
    digits = piece[minus:].hex()
    if not digits.isdigit():
        raise FrameRefused("no-number", "a value is no BCD number")
    value = int(digits) / int(10**decimals)
    return -value if minus else value
