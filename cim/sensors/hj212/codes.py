"""The codes of HJ 212: commands and factors, from the tables beside this file."""

import functools
from pathlib import Path
from typing import Literal

from cim.sensors.tables import Entry, read_table

FOLDER = Path(__file__).parent
AMBIENT_AIR = "22"
"""The system code (ST) of stations that watch the air around."""
PUBLISHED = {1: 2017, 2: 2025}
"""Editions that are spoken by the version number in Flag; 0 was HJ/T 212-2005."""


class Command(Entry):
    """A command code (CN): what it means and what becomes of it; ``since`` is the edition that has it first."""

    zh: str
    en: str
    kind: Literal["values", "noted", "notice", "reply", "centre", "unsupported"]
    span: str = ""
    span_min: int = 0
    since: int = 2017


class Factor(Entry):
    """A factor code: its names, the unit of its values and that of its sums, its code in HJ/T 212-2005.

    ``ambient`` is the unit of GB 3095 for what is in the air around, where it is another.
    """

    zh: str
    en: str
    medium: Literal["water", "air", "noise"]
    unit: str
    ambient: str = ""
    amount: str = ""
    old: str = ""


@functools.cache
def commands() -> dict[str, Command]:
    """Command codes of both editions."""
    return read_table(FOLDER / "commands.toml", dict[str, Command])


@functools.cache
def factors() -> dict[str, Factor]:
    """Factor codes; the standard's list is open, so a station may send others."""
    return read_table(FOLDER / "factors.toml", dict[str, Factor])


def unit_of(factor: str, statistic: str) -> str | None:
    """The unit in which HJ 212 wants a factor's values, of sums that of the amount; None for an unlisted factor."""
    known = factors().get(factor)
    if known is None:
        return None
    return known.amount or None if statistic.endswith("-sum") else known.unit


def kept_unit(factor: str, statistic: str, *, ambient: bool) -> str | None:
    """The unit in which a factor's values are kept: of ambient air that of GB 3095, else that of HJ 212."""
    prescribed, known = unit_of(factor, statistic), factors().get(factor)
    if known is None or not ambient or statistic.endswith("-sum"):
        return prescribed
    return known.ambient or prescribed
