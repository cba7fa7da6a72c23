"""A message of CAP on its way in: its area, who may see it, and what is to be said of it."""

from datetime import UTC, datetime

import shapely
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.access import Grade
from cim.model.warning_areas import alert_shape, geocodes_of
from cim.model.warnings import SEVERITY_COLOUR as COLOURS
from cim.model.warnings import Alert, Status, colour_of, named_colour
from cim.store.warning_reach import area_of_regions, county_code, regions_met
from cim.store.warning_writing import NewWarning, references_told

NO_PLACE = "it names no place: what it affects is not known"
NO_COLOUR = "it names no colour, and its severity is Unknown"
OVER = "it had expired when it came"
NEVER_OVER = "it does not expire by itself"
OUTSIDE = "its area meets no region of this county"


async def judged(
    connection: AsyncConnection,
    alert: Alert,
    original: bytes,
    author: str,
    *,
    action: str = "received",
    alarm: str | None = None,
    more: tuple[str, ...] = (),
) -> NewWarning:
    """A message ready to be kept; BadRequest where it cannot be meant. The lock of warnings is held."""
    findings = [*more]
    area = await _area(connection, alert, findings)
    region = await _region(connection, area, findings)
    findings += _said(alert)
    findings += await references_told(connection, alert)
    grade = grade_of(alert)
    return NewWarning(alert, original, area, grade, region, author, tuple(findings), alarm, action)


def grade_of(alert: Alert) -> Grade:
    """Who may see a message: a real public one all, a drill the own people, others and drafts fewer."""
    if alert.status is Status.DRAFT:
        return Grade.DRAFT
    if alert.scope != "Public":
        return Grade.RESTRICTED
    return Grade.INTERNAL if alert.drill else Grade.PUBLIC


async def _area(connection: AsyncConnection, alert: Alert, findings: list[str]) -> bytes | None:
    """The shape of a message: its polygons and circles, else the regions whose codes it names."""
    shape, codes = alert_shape(alert), geocodes_of(alert)
    if shape is not None:
        return bytes(shapely.to_wkb(shape))
    area, unknown = await area_of_regions(connection, codes) if codes else (None, [])
    if unknown:
        findings.append(f"no region is held of the codes {', '.join(unknown)[:200]}")
    if area is None and alert.infos:
        findings.append(NO_PLACE)
    return area


async def _region(connection: AsyncConnection, area: bytes | None, findings: list[str]) -> str | None:
    """The town that holds all of an area, else the county."""
    if area is None:
        return None
    county = await county_code(connection)
    met = await regions_met(connection, area)
    if not met:
        if county:
            findings.append(OUTSIDE)
        return None
    towns = [code for level, code in met if level == "town"]
    return towns[0] if len(towns) == 1 else county


def _said(alert: Alert) -> list[str]:
    found = []
    if alert.infos and alert.colour is None:
        found.append(NO_COLOUR)
    for info in alert.infos:
        named, by_severity = named_colour(info), COLOURS.get(info.severity)
        if named and by_severity and named is not by_severity:
            found.append(f"it names the colour {colour_of(info)}, its severity {info.severity} would be {by_severity}")
    if alert.infos and alert.expires is None:
        found.append(NEVER_OVER)
    if alert.expires is not None and alert.expires <= datetime.now(UTC):
        found.append(OVER)
    return list(dict.fromkeys(found))


def require_media(content_type: str) -> str:
    """``xml`` or ``json``; BadRequest for anything else."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/cap+xml", "application/xml", "text/xml"):
        return "xml"
    if kind == "application/json":
        return "json"
    raise BadRequest(
        f"{kind[:60] or 'nothing'!r} is not taken",
        where="Content-Type",
        remedy="send application/cap+xml, or the form as application/json",
    )
