"""The data segment of HJ 212: its head fields and its data area."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cim.errors import FrameRefused
from cim.model.sensing import BEIJING
from cim.sensors.hj212.codes import PUBLISHED

_NAMES = frozenset({"QN", "ST", "CN", "PW", "MN", "Flag", "PNUM", "PNO", "RF"})
_KINDS = {
    "QN": (re.compile(r"[0-9]{17}"), "qn", "17 digits, YYYYMMDDhhmmsszzz"),
    "ST": (re.compile(r"[0-9A-Z]{2}"), "st", "two digits or capitals"),
    "CN": (re.compile(r"[0-9]{4}"), "cn", "four digits"),
    "MN": (re.compile(r"[0-9A-Za-z]{1,24}"), "mn", "up to 24 digits and letters"),
    "Flag": (re.compile(r"[0-9]{1,3}"), "flag", "a number up to 255"),
    "PW": (re.compile(r"[^;=,&]{0,16}"), "password", "up to 16 characters"),
}
_FIELD = re.compile(r"[A-Za-z0-9]{1,16}(-[A-Za-z]{1,16})?")


@dataclass(frozen=True, slots=True)
class Flag:
    """The bits of Flag: the edition's number, whether parts are numbered, whether an answer is wanted."""

    version: int
    parts: bool
    answer: bool

    @classmethod
    def of(cls, number: int) -> "Flag":
        """The bits of a number up to 255."""
        return cls(number >> 2, bool(number & 2), bool(number & 1))

    def number(self) -> int:
        """The number of the bits."""
        return self.version << 2 | self.parts << 1 | self.answer


Group = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """A data segment, read. ``groups`` are what ``;`` divides in the data area, each with its fields.

    ``part`` is (number, of how many) where parts are numbered; ``resent`` is the mark of 2025 for data sent later.
    """

    qn: str
    st: str
    cn: str
    mn: str
    flag: Flag
    groups: tuple[Group, ...]
    password: str = field(default="", repr=False)
    part: tuple[int, int] | None = None
    resent: bool = False

    def plain(self, name: str) -> str | None:
        """A field of the data area that belongs to no factor, such as DataTime."""
        return next((group[name] for group in self.groups if name in group), None)


def read_segment(segment: bytes) -> Message:
    """The message of a data segment whose CRC is right; FrameRefused names the field that is wrong."""
    try:
        text = segment.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FrameRefused(
            "encrypted" if b"CP=&&" in segment else "text",
            "the data segment is no text: encrypted (SM4) segments are not read",
            remedy="send without encryption inside the government network",
        ) from error
    head, mark, rest = text.partition("CP=&&")
    area, end, after = rest.rpartition("&&")
    if not mark or not end or after:
        raise FrameRefused("data-area", "there is no data area CP=&&…&&")
    if area.startswith("{0x"):
        raise FrameRefused("encrypted", "the data area is encrypted (SM4)", remedy="send it without encryption")
    fields = _head(head)
    flag = _flag(fields["Flag"])
    return Message(
        qn=fields["QN"],
        st=fields["ST"],
        cn=fields["CN"],
        mn=fields["MN"],
        flag=flag,
        groups=_groups(area),
        password=fields.get("PW", ""),
        part=_part(flag, fields),
        resent=_resent(fields),
    )


def _head(head: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for piece in head.split(";"):
        name, equals, value = piece.partition("=")
        if not piece:
            continue
        if not equals or name not in _NAMES or name in fields:
            raise FrameRefused("head", "a head field is unknown, doubled or without a value")
        fields[name] = value
    for name, (pattern, code, kind) in _KINDS.items():
        if name not in fields:
            raise FrameRefused(f"no-{code}", f"{name} is missing", where=name)
        if not pattern.fullmatch(fields[name]):
            raise FrameRefused(code, f"{name} is not {kind}", where=name)
    moment(fields["QN"][:14], "QN", "qn")
    return fields


def _flag(text: str) -> Flag:
    number = int(text)
    if number > 255:
        raise FrameRefused("flag", "Flag is not a number up to 255", where="Flag")
    flag = Flag.of(number)
    if flag.version not in PUBLISHED:
        raise FrameRefused(
            "version",
            f"Flag {number} names edition {flag.version}, which is not spoken",
            where="Flag",
            remedy="HJ 212-2017 (Flag 4 to 7) and HJ 212-2025 (Flag 8 to 11) are",
        )
    return flag


def _part(flag: Flag, fields: Mapping[str, str]) -> tuple[int, int] | None:
    given = [name for name in ("PNUM", "PNO") if name in fields]
    if not flag.parts:
        if given:
            raise FrameRefused("flag", "parts are numbered but Flag does not say so", where="Flag")
        return None
    if len(given) < 2 or not all(re.fullmatch(r"[0-9]{1,8}", fields[name]) for name in given):
        raise FrameRefused(
            "parts", "Flag says parts are numbered, PNUM and PNO are missing or no numbers", where="PNUM"
        )
    count, number = int(fields["PNUM"]), int(fields["PNO"])
    if not 1 <= number <= count:
        raise FrameRefused("parts", f"part {number} of {count} cannot be", where="PNO")
    return number, count


def _resent(fields: Mapping[str, str]) -> bool:
    if "RF" in fields and fields["RF"] != "1":
        raise FrameRefused("rf", "RF is 1 or not there", where="RF")
    return "RF" in fields


def _groups(area: str) -> tuple[Group, ...]:
    return tuple(_group(text) for text in area.split(";") if text.strip())


def _group(text: str) -> Group:
    group: dict[str, str] = {}
    for piece in text.split(","):
        name, equals, value = (part.strip() for part in piece.partition("="))
        if not equals or not _FIELD.fullmatch(name) or name in group:
            raise FrameRefused("data-area", "a field of the data area has no name or value, or comes twice")
        group[name] = value
    return group


def moment(text: str, name: str, code: str) -> datetime:
    """A time YYYYMMDDhhmmss of Beijing."""
    if re.fullmatch(r"[0-9]{14}", text) is None:
        raise FrameRefused(code, f"{name} is no time YYYYMMDDhhmmss", where=name)
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    except ValueError as error:
        raise FrameRefused(code, f"{name} is no time that exists", where=name) from error
