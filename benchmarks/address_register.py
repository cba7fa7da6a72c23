"""A register of addresses in parts, and which of its rows a written address can equally mean."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pypinyin import lazy_pinyin

_SHORTER = re.compile(r"(街道|镇|乡|社区|村|大道|路|街|巷)$")
_DOOR = re.compile(r"^(?P<place>.*?)(?:(?P<group>\d+)组)?(?P<number>\d+)号$")


@dataclass(frozen=True, slots=True)
class Row:
    """An address of the register; ``street`` is empty where the number counts within the village."""

    id: str
    town: str
    village: str
    street: str
    group: str
    number: str


@dataclass(frozen=True, slots=True)
class Written:
    """An address as somebody writes it. ``kept`` names the parts that still say what they said.

    ``name`` is the disturbed part with its written form, to be compared with the rows' names by ``could_be``.
    """

    kind: str
    truth: Row
    parts: tuple[str, ...]
    kept: frozenset[str]
    name: tuple[str, str] | None = None
    could_be: Callable[[str, str], bool] | None = None
    finish: tuple[Callable[[str], str], ...] = ()

    @property
    def text(self) -> str:
        """The address in one piece."""
        text = "".join(self.parts)
        for change in self.finish:
            text = change(text)
        return text


def rows_of(records: Sequence[dict[str, str]], towns: dict[str, str], villages: dict[str, str]) -> list[Row]:
    """Rows of the layer ``addresses`` in parts; ``towns`` and ``villages`` are names by code."""
    found = []
    for record in records:
        match = _DOOR.match(record["address"])
        if match is None:
            raise ValueError(f"not an address of the sample: {record['address']}")
        town, village = towns[record["town_code"]], villages[record["village_code"]]
        found.append(Row(record["address_id"], town, village, record["street"], match["group"] or "", match["number"]))
    return found


class Register:
    """The rows, and which of them share parts."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.names = {part: {getattr(row, part) for row in rows} for part in ("town", "village", "street")}
        self._by_number: dict[tuple[str, str], list[Row]] = {}
        for row in rows:
            self._by_number.setdefault((row.group, row.number), []).append(row)

    def fits(self, written: Written) -> frozenset[str]:
        """Ids of the rows that the address can equally mean, the true one among them."""
        truth = written.truth
        same = [
            row
            for row in self._by_number[truth.group, truth.number]
            if bool(row.street) == bool(truth.street)
            and all(getattr(row, part) == getattr(truth, part) for part in written.kept)
        ]
        if written.name and written.could_be:
            part, form = written.name
            same = [row for row in same if written.could_be(getattr(row, part), form)]
        return frozenset(row.id for row in same)

    def has(self, row: Row, **other: str) -> bool:
        """Whether there is an address such as the row's but for some parts."""
        asked = replace(row, **other)
        parts = ("town", "street") if row.street else ("town", "village")
        return any(
            all(getattr(one, part) == getattr(asked, part) for part in parts)
            for one in self._by_number[row.group, row.number]
        )


def one_off(name: str, form: str) -> bool:
    """Whether a form comes from a name by one wrong, missing or additional character."""
    if len(name) == len(form):
        return sum(a != b for a, b in zip(name, form, strict=True)) <= 1
    short, long = sorted((name, form), key=len)
    return len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def sounds_alike(name: str, form: str) -> bool:
    """Whether two names are read the same, without tones."""
    return lazy_pinyin(list(name)) == lazy_pinyin(list(form))


def same_but_for_kind(name: str, form: str) -> bool:
    """Whether two names differ in nothing but their kind: 天彭 and 天彭街道, 文庙街 and 文庙路."""
    return _SHORTER.sub("", name) in (form, _SHORTER.sub("", form))
