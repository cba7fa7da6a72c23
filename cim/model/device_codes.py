"""The county's own code of a device: readable, stable, and with a check character.

``510182AQ000017`` and a check character: the county (GB/T 2260), two letters for the kind of device
(``device_kinds.toml``), six digits that only count, and a check character by ISO 7064 MOD 37,36 (GB/T 17710), which
finds every single wrong character and nearly every swap of neighbours. Nothing in the code ever changes with the
device's place or owner; these are facts of the record. Decision 0018.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cim.errors import BadRequest

SCHEME = "cim"
LAST_SERIAL = 999_999
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FORM = re.compile(r"([0-9]{6})([A-Z]{2})([0-9]{6})([0-9A-Z])")
_SEPARATORS = str.maketrans("", "", " -·")


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A code in its parts: county, letters of the kind, serial number from 1."""

    county: str
    letters: str
    serial: int

    def __str__(self) -> str:
        body = f"{self.county}{self.letters}{self.serial:06d}"
        return body + check_character(body)


def check_character(body: str) -> str:
    """The check character of a text of digits and capital letters (ISO 7064 MOD 37,36)."""
    return _LETTERS[(1 - ((_checksum(body) or 36) * 2) % 37) % 36]


def has_right_check(text: str) -> bool:
    """Whether the last character of a text of digits and capital letters is the check of the others."""
    return _checksum(text) == 1


def parse_device_code(text: str) -> DeviceCode:
    """A code in its parts; blanks and hyphens are left out, small letters are taken as capital ones.

    BadRequest says what is wrong with it.
    """
    plain = normal_code(text)
    match = _FORM.fullmatch(plain)
    if match is None:
        raise _wrong(text, "a device code has 6 digits of the county, 2 letters, 6 digits and a check character")
    if not has_right_check(plain):
        raise _wrong(text, f"the check character should be {check_character(plain[:-1])}, a character was mistyped")
    if match[3] == "000000":
        raise _wrong(text, "serial numbers begin at 1")
    return DeviceCode(match[1], match[2], int(match[3]))


def is_device_code(text: str) -> bool:
    """Whether a text is a code of ours, exactly as it is stored."""
    try:
        return str(parse_device_code(text)) == text
    except BadRequest:
        return False


def normal_code(text: str) -> str:
    """A code as it is stored: without separators, in capital letters."""
    return text.translate(_SEPARATORS).upper()


def next_device_code(county: str, letters: str, used: Iterable[str]) -> str:
    """The code after the highest that is used in a county for a kind; a number is never given twice.

    ``used`` are codes of whatever form; BadRequest when all numbers have been given.
    """
    prefix = f"{county}{letters}"
    serials = [int(code[8:14]) for code in used if code.startswith(prefix) and code[8:14].isdecimal()]
    serial = max(serials, default=0) + 1
    if serial > LAST_SERIAL:
        raise BadRequest(
            f"all {LAST_SERIAL} numbers of {prefix} are given", where="code", remedy="use another kind of device"
        )
    return str(DeviceCode(county, letters, serial))


def _checksum(text: str) -> int:
    check = 18
    for letter in text:
        check = (((check or 36) * 2) % 37 + _LETTERS.index(letter)) % 36
    return check


def _wrong(text: str, what: str) -> BadRequest:
    return BadRequest(f"{text[:40]!r} is no device code: {what}", where="code", remedy="copy it from GET /devices")
