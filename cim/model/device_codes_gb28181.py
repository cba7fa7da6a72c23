"""The 20 digits by which GB/T 28181 names cameras, recorders, platforms and users (coding rule A).

``51018200 08 132 6 000001``: 8 digits of the centre (GB/T 2260 and unit), 2 of the industry, 3 of the type, 1 of the
network, 6 of the serial number. What industry, type and network mean differs between editions, so an edition goes with
every code. The tables are ``device_codes_gb28181.toml``.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cim.errors import BadRequest

SCHEME = "gb28181"
EDITIONS = ("2016", "2022")
LAST_SERIAL = 999_999
_TABLES = Path(__file__).with_name("device_codes_gb28181.toml")
_REMEDY = "write 20 digits: centre 8, industry 2, type 3, network 1, serial 6"


@dataclass(frozen=True, slots=True)
class GbCode:
    """A code in its parts, with the edition by which they are meant."""

    centre: str
    industry: str
    type: str
    network: str
    serial: str
    edition: str

    def __str__(self) -> str:
        return self.centre + self.industry + self.type + self.network + self.serial

    def document(self) -> dict[str, Any]:
        """The parts with what each stands for, as JSON."""
        meant = _tables()[self.edition]
        return {
            "centre": self.centre,
            "industry": {"code": self.industry, "name": _meaning(meant["industry"], self.industry)},
            "type": {"code": self.type, "name": _meaning(meant["type"], self.type)},
            "network": {"code": self.network, "name": _meaning(meant["network"], self.network)},
            "serial": self.serial,
            "edition": self.edition,
        }


def parse_gb_code(text: str, edition: str | None = None) -> GbCode:
    """A code in its parts; without an edition the first one by whose tables it is right.

    BadRequest names the part that no table has.
    """
    plain = text.strip()
    if not re.fullmatch(r"[0-9]{20}", plain):
        raise BadRequest(f"{text[:40]!r} is no code of GB/T 28181", where="code", remedy=_REMEDY)
    if edition is not None and edition not in EDITIONS:
        raise BadRequest(
            f"there is no edition {edition[:20]!r}", where="edition", remedy=f"use one of {', '.join(EDITIONS)}"
        )
    faults = {}
    for each in (edition,) if edition else EDITIONS:
        code = GbCode(plain[:8], plain[8:10], plain[10:13], plain[13], plain[14:], each)
        fault = _fault(code)
        if not fault:
            return code
        faults[each] = fault
    told = "; ".join(f"by {each}: {fault}" for each, fault in faults.items())
    raise BadRequest(f"{plain} is no code of GB/T 28181 ({told})", where="code", remedy=_REMEDY)


def next_gb_code(
    centre: str, industry: str, type_: str, network: str, used: Iterable[str], edition: str = "2022"
) -> GbCode:
    """The first code of a centre, industry, type and network that nobody uses; BadRequest when none is left."""
    prefix = centre + industry + type_ + network
    first = parse_gb_code(f"{prefix}000001", edition)
    taken = {int(code[14:]) for code in used if len(code) == 20 and code.startswith(prefix)}
    serial = next((number for number in range(1, LAST_SERIAL + 1) if number not in taken), None)
    if serial is None:
        raise BadRequest(f"all numbers of {prefix} are given", where="serial", remedy="use another network or centre")
    return GbCode(first.centre, first.industry, first.type, first.network, f"{serial:06d}", edition)


def gb_tables(edition: str) -> Mapping[str, Mapping[str, str]]:
    """What industry, type and network mean in an edition: names by code or range of codes."""
    return _tables()[edition]


def _fault(code: GbCode) -> str:
    if code.centre[:2] == "00":
        return "the centre has no province"
    meant = _tables()[code.edition]
    for part in ("industry", "type", "network"):
        if _meaning(meant[part], getattr(code, part)) is None:
            return f"no {part} {getattr(code, part)}"
    return ""


def _meaning(table: Mapping[str, str], code: str) -> str | None:
    """The name of a code; a key ``12-39`` stands for a range."""
    if code in table:
        return table[code]
    for key, name in table.items():
        first, dash, last = key.partition("-")
        if dash and first <= code <= last:
            return name
    return None


@cache
def _tables() -> dict[str, dict[str, dict[str, str]]]:
    given = tomllib.loads(_TABLES.read_text("utf-8"))
    return {edition: {**given["common"], **given[f"edition-{edition}"]} for edition in EDITIONS}
