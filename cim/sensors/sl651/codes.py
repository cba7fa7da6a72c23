"""The codes of SL 651: functions and elements, from the tables beside this file."""

import functools
from pathlib import Path
from typing import Literal

from cim.errors import FrameRefused
from cim.sensors.tables import Entry, read_table

_FOLDER = Path(__file__).parent


class Function(Entry):
    """A function code and what becomes of its reports; ``even`` reports have one time step for many values."""

    zh: str
    en: str
    kind: Literal["values", "test", "manual", "link", "reply", "unsupported"]
    even: bool = False


class Element(Entry):
    """An element: its mark in the ASCII form, names, unit, and ``N(digits, decimals)``.

    ``period_min`` is the length of the period whose sum it is; ``group_bytes`` the size of each value of an hour's
    twelve; ``silent`` ones carry no value.
    """

    ascii: str
    zh: str
    en: str
    unit: str
    digits: int
    decimals: int
    period_min: int = 0
    group_bytes: int = 0
    silent: bool = False

    @property
    def statistic(self) -> str:
        """What the value is the statistic of."""
        named = {0: "real-time", 60: "hour-sum", 1440: "day-sum"}
        return named.get(self.period_min, f"{self.period_min}-minute-sum")


@functools.cache
def functions() -> dict[str, Function]:
    """Functions by two hex digits."""
    return read_table(_FOLDER / "functions.toml", dict[str, Function])


@functools.cache
def elements() -> dict[str, Element]:
    """Elements by two hex digits, the factor codes of readings."""
    return read_table(_FOLDER / "elements.toml", dict[str, Element])


@functools.cache
def by_ascii() -> dict[str, str]:
    """Hex digits of elements by their mark in the ASCII form."""
    return {element.ascii: code for code, element in elements().items()}


def function_of(code: int) -> Function:
    """The function of a report; FrameRefused when it is unknown or not taken."""
    found = functions().get(f"{code:02X}")
    if found is None:
        raise FrameRefused("unknown-function", f"there is no function {code:02X}", where="function")
    if found.kind == "unsupported":
        raise FrameRefused("function", f"function {code:02X} ({found.en}) is not taken", where="function")
    return found
