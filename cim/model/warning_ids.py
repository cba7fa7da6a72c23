"""The national identifier of a warning: ``ZZZZZZDDDUUUXX_YYYYMMDDhhmmss_N``, 31 characters.

Who issues (six digits of GB/T 2260, three of the sector by GB/T 4657, three of the unit, 000 where none is named, and
two more, mostly 00), when it was entered by Beijing time, and a serial digit.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from cim.errors import BadRequest
from cim.model.sensing import BEIJING

LENGTH = 31
SERIALS = 10
_FORM = re.compile(r"(\d{6})(\d{3})(\d{3})(\d{2})_(\d{14})_(\d)", re.ASCII)
_ISSUER = re.compile(r"\d{14}", re.ASCII)
_MOMENT = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class NationalId:
    """The parts of an identifier."""

    area: str
    sector: str
    unit: str
    extension: str
    entered_at: datetime
    serial: int

    def __str__(self) -> str:
        moment = self.entered_at.astimezone(BEIJING).strftime(_MOMENT)
        return f"{self.issuer}_{moment}_{self.serial}"

    @property
    def issuer(self) -> str:
        """The fourteen digits of who issues."""
        return f"{self.area}{self.sector}{self.unit}{self.extension}"


def national_id(issuer: str, entered_at: datetime, serial: int = 0) -> NationalId:
    """Make an identifier; BadRequest where the issuer has no fourteen digits or the serial is none of 0 to 9."""
    if not _ISSUER.fullmatch(issuer):
        raise BadRequest(
            f"{issuer[:40]!r} is no code of an issuer",
            where="issuer",
            remedy="give 14 digits: 6 of the area, 3 of the sector, 3 of the unit (000), 2 more (00)",
        )
    if not 0 <= serial < SERIALS:
        raise BadRequest(f"{serial} is no serial digit", where="serial", remedy="try again in a second")
    parts = issuer[:6], issuer[6:9], issuer[9:12], issuer[12:]
    return NationalId(*parts, entered_at.astimezone(BEIJING).replace(microsecond=0), serial)


def parsed_id(text: str) -> NationalId | None:
    """The parts of a national identifier; None for one of another form, or whose moment is none."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    area, sector, unit, extension, moment, serial = found.groups()
    try:
        entered_at = datetime.strptime(moment, _MOMENT).replace(tzinfo=BEIJING)
    except ValueError:
        return None
    return NationalId(area, sector, unit, extension, entered_at, int(serial))
