"""Pages of lists that go from the newest back: a page ended at a moment and a code."""

from datetime import datetime
from urllib.parse import urlencode

from fastapi import Request

from cim.errors import BadRequest


def place_after(text: str | None) -> tuple[datetime, str] | None:
    """Where the page before ended, as ``next_href`` wrote it; BadRequest for anything else."""
    if text is None:
        return None
    moment, _, code = text.partition("~")
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not code or "\0" in code:
        raise BadRequest(f"{text[:60]!r} is not where a page ended", where="after", remedy="follow the link next")
    return at, code


def next_href(request: Request, address: str, at: datetime, code: str) -> str:
    """The address of the page that follows, with the conditions of this one."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return f"{address}?{urlencode([*asked, ('after', f'{at.isoformat()}~{code}')])}"
