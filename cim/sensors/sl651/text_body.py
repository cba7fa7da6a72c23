"""The text of a report in the ASCII form, and the text of values set by hand: marks and data between blanks."""

import re
from collections.abc import Sequence
from datetime import datetime

from cim.errors import FrameRefused
from cim.sensors.sl651.codes import Element, Function, by_ascii, elements
from cim.sensors.sl651.report import Observed, Report, grouped, moment, step_minutes

_NUMBER = re.compile(r"[+-]?[0-9]{1,12}(\.[0-9]{1,7})?")
_STEP = re.compile(r"DR([DHN])([0-9]{2})")
_HEX = re.compile(r"([0-9A-Fa-f]{2})+")
_NO_VALUE = "M"
_GROUP_STEP_MIN = 5


def read_text(body: bytes, station: str, function: Function) -> Report:
    """The report of a text in the ASCII form; ``station`` is the address of the frame."""
    text = body.decode("ascii", "replace")
    if not re.fullmatch(r"[0-9A-Fa-f]{4}[0-9]{12}", text[:16]):
        raise FrameRefused("text", "the text does not begin with serial number and time")
    report = Report(int(text[:4], 16), moment(text[4:16], "send time"))
    if function.kind == "link":
        return report
    words = text[16:].split()
    if function.kind == "manual":
        return Report(report.serial, report.sent_at, *_manual(words, station, report.sent_at))
    return Report(report.serial, report.sent_at, *_Words(words, station, None, even=function.even).read())


def manual_values(
    text: bytes, station: str, sent_at: datetime
) -> tuple[tuple[Observed, ...], tuple[FrameRefused, ...]]:
    """Values set by hand: marks of the ASCII form with decimal numbers; without TT they are of the sending time."""
    return _manual(text.decode("ascii", "replace").split(), station, sent_at)


def _manual(
    words: Sequence[str], station: str, sent_at: datetime
) -> tuple[tuple[Observed, ...], tuple[FrameRefused, ...]]:
    begun = words[1:] if words[:1] == ["RGZS"] else words
    return _Words(begun, station, sent_at, even=False).read()


class _Words:
    """Goes through the words of one text."""

    def __init__(self, words: Sequence[str], station: str, time: datetime | None, *, even: bool) -> None:
        self._words, self._next = words, 0
        self._station, self._time, self._step_min, self._even = station, time, 0, even
        self._observed: list[Observed] = []
        self._refused: list[FrameRefused] = []

    def read(self) -> tuple[tuple[Observed, ...], tuple[FrameRefused, ...]]:
        while self._next < len(self._words):
            word = self._take()
            step = _STEP.fullmatch(word)
            if step:
                number = int(step[2])
                self._step_min = step_minutes(*(number if step[1] == unit else 0 for unit in "DHN"))
            elif word == "ST":
                self._begin_station()
            elif word == "TT":
                self._time = moment(self._take(), "observation time")
            elif self._even and not _grouped(word):
                self._series(word)
            else:
                self._value(word, self._take())
        return tuple(self._observed), tuple(self._refused)

    def _take(self) -> str:
        if self._next >= len(self._words):
            raise FrameRefused("text", "the text ends after a mark without data")
        word = self._words[self._next]
        self._next += 1
        return word

    def _begin_station(self) -> None:
        address = self._take()
        if not re.fullmatch(r"[0-9A-Fa-f]{10}", address):
            raise FrameRefused("station", "a station's address is not ten digits", where="ST")
        self._station = address.upper()
        if self._next < len(self._words) and re.fullmatch(r"[A-Z]", self._words[self._next]):
            self._take()

    def _value(self, mark: str, word: str) -> None:
        try:
            code, element = _element(mark)
            values = _values_of(element, word, mark)
        except FrameRefused as error:
            self._refused.append(error)
            return
        if values:
            self._seen(code, values, _GROUP_STEP_MIN if element.group_bytes else 0)

    def _series(self, first: str) -> None:
        """Marks of an even-period report, then rows of values, to the end."""
        marks = [first]
        while self._next < len(self._words) and self._words[self._next] in by_ascii():
            marks.append(self._take())
        rest = self._words[self._next :]
        self._next = len(self._words)
        if not self._step_min or not rest or len(rest) % len(marks):
            raise FrameRefused("time-step", "an even-period report has no time step, or half a row", where=first)
        for place, mark in enumerate(marks):
            code, _ = _element(mark)
            self._seen(code, tuple(_number(word, mark) for word in rest[place :: len(marks)]), self._step_min)

    def _seen(self, code: str, values: tuple[float | None, ...], step_min: int) -> None:
        if self._time is None:
            raise FrameRefused("no-time", "values come before an observation time")
        self._observed.append(Observed(code, self._time, values, self._station, step_min))


def _grouped(mark: str) -> bool:
    return mark in by_ascii() and elements()[by_ascii()[mark]].group_bytes > 0


def _element(mark: str) -> tuple[str, Element]:
    code = by_ascii().get(mark)
    if code is None:
        raise FrameRefused("element", f"there is no element {mark[:12]!r}", where=mark[:12])
    return code, elements()[code]


def _values_of(element: Element, word: str, mark: str) -> tuple[float | None, ...]:
    if element.silent:
        return ()
    if not element.group_bytes:
        return (_number(word, mark),)
    if not _HEX.fullmatch(word):
        raise FrameRefused("no-number", "the groups of an hour are no hex digits", where=mark)
    return grouped(bytes.fromhex(word), element.group_bytes, element.decimals)


def _number(word: str, mark: str) -> float | None:
    if word == _NO_VALUE:
        return None
    if not _NUMBER.fullmatch(word):
        raise FrameRefused("no-number", f"{word[:20]!r} is no number", where=mark)
    return float(word)
