"""Text as documents can hold it."""

import re
from datetime import datetime

from web.reports.content import BEIJING

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: object) -> str:
    """A text without characters that documents cannot hold."""
    return _UNFIT.sub("\ufffd", str(text))


def local(at: datetime | None) -> str:
    """A moment in Beijing time."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}" if at else "—"
