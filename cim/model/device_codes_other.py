"""Codes that others give to devices, kept beside ours as aliases: what each must look like.

A scheme that is not listed here is kept as it comes, such as the numbering of a supplier.
"""

import re
from dataclasses import dataclass

from cim.errors import BadRequest
from cim.model.device_codes_gb28181 import SCHEME as GB28181
from cim.model.device_codes_gb28181 import parse_gb_code

OWN_LIST = "list"
"""The code a device has in the list it was imported from."""
_SCHEME = re.compile(r"[a-z][a-z0-9-]{1,29}")
_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")
_ECODE_LENGTHS = {"1": (4, 20), "2": (4, 28), "3": (5, 39)}
"""By version (the first digit): digits of the coding system, and the longest main code (GB/T 31866-2015)."""
MOST_LETTERS = 200


@dataclass(frozen=True, slots=True)
class Alias:
    """A code of a device in a scheme, with the scheme's edition where codes depend on one."""

    scheme: str
    code: str
    edition: str | None = None


def checked_alias(scheme: str, code: str, edition: str | None = None) -> Alias:
    """An alias in the form it is stored in; BadRequest where it is no code of its scheme."""
    name, text = scheme.strip().lower(), code.strip()
    if not _SCHEME.fullmatch(name):
        raise BadRequest(
            f"{scheme[:40]!r} is no name of a scheme", where="scheme", remedy="use gb28181, oid, ecode, hj212, sl651"
        )
    if not text or len(text) > MOST_LETTERS or not text.isprintable():
        raise BadRequest(
            f"the code has {len(text)} characters, or some that cannot be printed",
            where=name,
            remedy=f"write 1 to {MOST_LETTERS} printable characters",
        )
    if name == GB28181:
        found = parse_gb_code(text, edition)
        return Alias(name, str(found), found.edition)
    check = _CHECKS.get(name)
    if check is not None:
        text = check(text)
    return Alias(name, text, edition)


def checked_oid(text: str) -> str:
    """An object identifier in dotted numbers (GB/T 17969.1): two or more, the second below 40 after 0 and 1."""
    plain = text.removeprefix("urn:oid:")
    arcs = plain.split(".")
    if not _OID.fullmatch(plain) or (arcs[0] in "01" and int(arcs[1]) > 39):
        raise BadRequest(f"{text[:60]!r} is no OID", where="oid", remedy="write numbers with dots: 1.2.156.3008.1.17")
    return plain


def checked_ecode(text: str) -> str:
    """An Ecode in characters (GB/T 31866): version, coding system, main code."""
    version, rest = text[:1], text[1:]
    if version == "4":
        good = rest[:5].isdecimal() and len(rest) > 5
    else:
        system, longest = _ECODE_LENGTHS.get(version, (0, 0))
        main = rest[system:]
        letters = main.isascii() and (main.isalnum() if version == "3" else main.isdecimal())
        good = system > 0 and rest[:system].isdecimal() and 0 < len(main) <= longest and letters
    if not good:
        raise BadRequest(
            f"{text[:60]!r} is no Ecode",
            where="ecode",
            remedy="write version 1 to 4, the coding system (4 digits, 5 from version 3 on) and the main code",
        )
    return text


def checked_mn(text: str) -> str:
    """The number of a pollution source in HJ 212: 14 (2005) to 24 (2017) letters and digits."""
    if not re.fullmatch(r"[0-9A-Za-z]{14,24}", text):
        raise BadRequest(f"{text[:60]!r} is no MN of HJ 212", where="hj212", remedy="it has 14 to 24 letters, digits")
    return text


def checked_hydrology_address(text: str) -> str:
    """The address of a hydrology station in SL 651: five bytes as ten hexadecimal digits."""
    if not re.fullmatch(r"[0-9A-Fa-f]{10}", text):
        raise BadRequest(
            f"{text[:60]!r} is no station address of SL 651", where="sl651", remedy="it has ten hexadecimal digits"
        )
    return text.upper()


_CHECKS = {
    "oid": checked_oid,
    "ecode": checked_ecode,
    "hj212": checked_mn,
    "sl651": checked_hydrology_address,
}
