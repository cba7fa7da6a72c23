"""What became of single rows, kept small: an import of millions may note something of every one of them."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar, overload

import numpy as np

Note = TypeVar("Note")
KEPT_TEXTS = 10_000
"""Different texts kept; rows beyond them are still listed, with ``UNTOLD`` as their text."""
UNTOLD = "like rows before; the detail is not kept"


class RowNotes(Sequence[Note], Generic[Note]):
    """Notes in the order of rows, as numbers and references to texts; ``make`` turns a row and its text into a note."""

    def __init__(self, make: Callable[[int, str], Note]) -> None:
        self._make = make
        self._rows = array("q")
        self._places = array("i")
        self._texts: list[str] = []
        self._place_of: dict[str, int] = {}

    @property
    def rows(self) -> Sequence[int]:
        """The numbers of the rows."""
        return self._rows

    def add(self, notes: Iterable[tuple[int, str]]) -> None:
        """Note further rows, in the order given."""
        for row, text in notes:
            self._rows.append(row)
            self._places.append(self._place(text))

    def merge(self, notes: Iterable[tuple[int, str]]) -> None:
        """Note rows from anywhere, and put all in the order of rows again."""
        self.add(notes)
        if self._rows:
            rows, places = np.frombuffer(self._rows, np.int64), np.frombuffer(self._places, np.int32)
            order = np.argsort(rows, kind="stable")
            self._rows, self._places = array("q", rows[order].tobytes()), array("i", places[order].tobytes())

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Note: ...
    @overload
    def __getitem__(self, index: slice) -> list[Note]: ...
    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            pairs = zip(self._rows[index], self._places[index], strict=True)
            return [self._make(row, self._texts[place]) for row, place in pairs]
        return self._make(self._rows[index], self._texts[self._places[index]])

    def _place(self, text: str) -> int:
        place = self._place_of.get(text)
        if place is None:
            if len(self._texts) >= KEPT_TEXTS and text != UNTOLD:
                return self._place(UNTOLD)
            place = self._place_of[text] = len(self._texts)
            self._texts.append(text)
        return place
