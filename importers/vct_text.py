"""The lines of a VCT file (GB/T 17798-2007), read as bytes one after another with their number and place.

A VCT file is text in sections ``NameBegin`` ... ``NameEnd``; comments between ``CommentBegin`` and ``CommentEnd`` and
blank lines mean nothing. Numbers are ASCII in every encoding it comes in, so only texts have to be decoded.
"""

import os
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cim.errors import ImportRefused

LINE_LIMIT = 1024 * 1024
CHUNK_POINTS = 8_192
END_OF_OBJECT = b"0"
WIDTHS = range(2, 5)
FARTHEST = 1e12
_BOM = b"\xef\xbb\xbf"
_COMMENT = (b"commentbegin", b"commentend")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something begins in a file: the byte, and the number of the line before it."""

    offset: int
    line: int


class VctLines:
    """The lines that mean something, without white space at their ends.

    ``separator`` stands between values. ``number`` and ``place`` are of the line taken last.
    """

    def __init__(self, file: BinaryIO, name: str, separator: bytes = b",") -> None:
        self.separator = separator
        self.number = 0
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._name = name
        self._next = 0
        self._start = 0
        self._kept: bytes | None = None

    @property
    def place(self) -> Place:
        """Where the line taken last begins."""
        return Place(self._start, self.number - 1)

    def go(self, place: Place) -> None:
        """Continue with the line at a place."""
        self._file.seek(place.offset)
        self._next, self.number, self._kept = place.offset, place.line, None

    def take(self, within: str) -> bytes:
        """The next line; ImportRefused when the file ends, saying within what."""
        line = self.take_any()
        if line is None:
            raise self.fault(f"the file ends within {within}", "ask for the whole file again")
        return line

    def take_any(self) -> bytes | None:
        """The next line, or None at the end of the file."""
        if self._kept is not None:
            line, self._kept = self._kept, None
            return line
        while (raw := self._raw()) is not None:
            if raw.lower() == _COMMENT[0]:
                self._pass_comment()
            elif raw:
                return raw
        return None

    def take_text(self, within: str) -> bytes:
        """The next line whatever it is, blank too: a text of its own."""
        raw = self._raw()
        if raw is None:
            raise self.fault(f"the file ends within {within}", "ask for the whole file again")
        return raw

    def keep(self, line: bytes) -> None:
        """Put back the line taken last."""
        self._kept = line

    def whole_number(self, what: str) -> int:
        """The next line as a whole number of at most 18 digits; ImportRefused names what it should have been."""
        line = self.take(what)
        try:
            value = int(line)
        except ValueError:
            value = None
        if value is None or abs(value) >= 10**18:
            raise self.fault(f"{shown(line)} is no {what}", "have the file written again; lines are missing or moved")
        return value

    def number_of(self, what: str) -> float:
        """The next line as one number; ImportRefused names what it should have been."""
        line = self.take(what)
        values = _numbers([line])
        if not values:
            raise self.fault(f"{shown(line)} is no {what}", "have the file written again")
        return values[0]

    def count(self, what: str) -> int:
        """The next line as the number of lines or values that follow, which the rest of the file can hold."""
        value = self.whole_number(what)
        if not 0 <= value <= (self.size - self._next) // 2 + 1:
            raise self.fault(f"{value} is no {what}", "have the file written again")
        return value

    def is_coordinate(self) -> bool:
        """Whether the next line holds several values, as coordinates do and counts do not."""
        line = self.take("an object")
        self.keep(line)
        return self.separator in line

    def points(self, count: int) -> NDArray[np.float64] | None:
        """``count`` lines of coordinates, one row each; None when one of them is not a number.

        ImportRefused when fewer lines are coordinates than announced.
        """
        parts: list[NDArray[np.float64] | None] = []
        while count > 0:
            many = min(count, CHUNK_POINTS)
            parts.append(self._chunk(many))
            count -= many
        good = [part for part in parts if part is not None]
        if len(good) != len(parts) or len({part.shape[1] for part in good}) != 1:
            return None
        return np.concatenate(good) if len(good) > 1 else good[0]

    def fault(self, what: str, remedy: str, code: str = "unreadable") -> ImportRefused:
        """A refusal that names the line taken last."""
        return ImportRefused(code, what, where=f"{self._name}:{self.number}", remedy=remedy)

    def _raw(self) -> bytes | None:
        raw = self._file.readline(LINE_LIMIT)
        if not raw:
            return None
        if self._next == 0:
            raw = raw.removeprefix(_BOM)
            self._next = self._file.tell() - len(raw)
        self._start = self._next
        self._next += len(raw)
        self.number += 1
        if len(raw) == LINE_LIMIT and not raw.endswith(b"\n"):
            raise self.fault("a line is longer than 1 MB", "ask for the file as text in lines")
        return raw.strip(b" \r\n")

    def _pass_comment(self) -> None:
        began = self.number
        while (raw := self._raw()) is not None:
            if raw.lower() == _COMMENT[1]:
                return
        raise self.fault(f"the comment of line {began} has no CommentEnd", "ask for the whole file again")

    def _chunk(self, count: int) -> NDArray[np.float64] | None:
        if self._kept is not None:
            return self._chunk_by_lines(count)
        before = Place(self._next, self.number)
        rows = [self._file.readline(LINE_LIMIT) for _ in range(count)]
        separators = rows[0].count(self.separator)
        if separators + 1 in WIDTHS and all(row.count(self.separator) == separators for row in rows):
            try:
                values = list(map(float, self.separator.join(rows).split(self.separator)))
            except ValueError:
                values = []
            if values and bool((np.abs(values) < FARTHEST).all()):
                self._next += sum(map(len, rows))
                self.number += count
                return np.array(values, dtype=np.float64).reshape(count, separators + 1)
        self.go(before)
        return self._chunk_by_lines(count)

    def _chunk_by_lines(self, count: int) -> NDArray[np.float64] | None:
        rows: list[list[float]] = []
        for _ in range(count):
            line = self.take("coordinates")
            if self.separator not in line:
                raise self.fault(f"{shown(line)} stands where a coordinate should", "have the file written again")
            rows.append(_numbers(line.split(self.separator)))
        widths = {len(row) for row in rows}
        if len(widths) != 1 or min(widths) not in WIDTHS:
            return None
        return np.array(rows, dtype=np.float64)


def shown(line: bytes) -> str:
    """A line for people, at most 40 characters of it."""
    return repr(line.decode("gb18030", errors="replace")[:40])


def _numbers(values: list[bytes]) -> list[float]:
    """The values as numbers that may be coordinates, or no numbers at all."""
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return []
    return numbers if all(abs(number) < FARTHEST for number in numbers) else []
