"""Warnings that are made here: who issues them, their identifiers, drafts from alarms, and issuing a draft."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.model.alarms import Alarm
from cim.model.warning_ids import SERIALS, national_id
from cim.model.warnings import COLOUR_SEVERITY, Alert, Area, Circle, Info, MessageType, Reference, Status
from cim.store.warning_reach import county_code
from cim.store.warning_writing import free_serial
from cim.store.warnings import the_warning
from web.warnings.forms import COLOUR_PARAMETER, NAMES, DraftForm, IssueForm, WarningForm

NO_SECTOR = "its issuer names no sector: set CIM_WARNING_ISSUER to the office's 14 digits"


async def issuer_of(connection: AsyncConnection, given: str | None, setting: str) -> tuple[str, tuple[str, ...]]:
    """The fourteen digits of who issues, and what is to be said of them.

    What the form gives, else the setting, else the county's code with sector and unit 000.
    """
    if given or setting:
        return given or setting, ()
    county = await county_code(connection)
    if county is None or len(county) < 6:
        raise BadRequest(
            "it is not known who issues the warning", where="issuer", remedy="give issuer, or set CIM_WARNING_ISSUER"
        )
    return f"{county[:6]}00000000", (NO_SECTOR,)


async def new_identifier(connection: AsyncConnection, issuer: str, now: datetime) -> str:
    """The national identifier that is free for this second; BadRequest after ten of one issuer."""
    first = str(national_id(issuer, now))
    serial = await free_serial(connection, first[:-1])
    if serial >= SERIALS:
        raise BadRequest("ten warnings were issued in this second", where="issuer", remedy="try again in a second")
    return str(national_id(issuer, now, serial))


async def filled_in(connection: AsyncConnection, form: WarningForm, setting: str) -> tuple[Alert, tuple[str, ...]]:
    """The message that a form says, and what is to be said of it; NotFound for references that are not held."""
    held = [await the_warning(connection, code) for code in form.references]
    references = tuple(Reference(one.sender, one.identifier, one.sent) for one in held)
    issuer, said = await issuer_of(connection, form.issuer, setting)
    now = datetime.now(UTC).replace(microsecond=0)
    identifier = await new_identifier(connection, issuer, now)
    return form.alert(identifier, form.sender or issuer, now, references), said


async def drafted(
    connection: AsyncConnection, alarm: Alarm, form: DraftForm, setting: str
) -> tuple[Alert, tuple[str, ...]]:
    """The draft of a warning that an alarm gives: its event, its colour, a circle around its device."""
    if alarm.lon is None or alarm.lat is None:
        raise BadRequest(
            f"the alarm {alarm.code} has no place", where="alarm", remedy="POST /warnings with an area of its own"
        )
    issuer, said = await issuer_of(connection, form.issuer, setting)
    now = datetime.now(UTC).replace(microsecond=0)
    event = form.event or alarm.title
    area = Area(f"{alarm.title}周边 {form.radius_km:g} 千米", circles=(Circle((alarm.lon, alarm.lat), form.radius_km),))
    info = Info(
        event=event,
        urgency="Immediate",
        severity=COLOUR_SEVERITY[alarm.severity],
        certainty="Observed",
        categories=(form.category,),
        language="zh-CN",
        effective=now,
        expires=now + form.lasts,
        headline=form.headline or f"{event}{NAMES[alarm.severity]}预警",
        description=_description(alarm),
        instruction=form.instruction,
        parameters=((COLOUR_PARAMETER, NAMES[alarm.severity]),),
        areas=(area,),
    )
    identifier = await new_identifier(connection, issuer, now)
    alert = Alert(identifier, issuer, now, Status.DRAFT, MessageType.ALERT, "Public", infos=(info,))
    return replace(alert, source=f"alarm {alarm.code}"), said


def issued(draft: Alert, form: IssueForm) -> Alert:
    """A draft as it is issued now; BadRequest where it would be over already."""
    now = datetime.now(UTC).replace(microsecond=0)
    infos = []
    for info in draft.infos:
        one = replace(
            info,
            effective=now,
            expires=form.expires.replace(microsecond=0) if form.expires else info.expires,
            headline=_or(form.headline, info.headline),
            description=_or(form.description, info.description),
            instruction=_or(form.instruction, info.instruction),
        )
        if form.colour:
            others = tuple(pair for pair in info.parameters if pair[0] != COLOUR_PARAMETER)
            named = (*others, (COLOUR_PARAMETER, NAMES[form.colour]))
            one = replace(one, severity=COLOUR_SEVERITY[form.colour], parameters=named)
        infos.append(one)
    alert = replace(draft, sent=now, status=Status(form.status), infos=tuple(infos))
    if alert.expires is not None and alert.expires <= now:
        raise BadRequest("the warning would be over already", where="expires", remedy="give a moment to come")
    return alert


def _or(given: str | None, held: str) -> str:
    return held if given is None else given.strip()


def _description(alarm: Alarm) -> str:
    parts = [alarm.text.strip()]
    if alarm.last_value is not None or alarm.value is not None:
        value = alarm.last_value if alarm.last_value is not None else alarm.value
        parts.append(f"监测值 {value:g}")
    return "；".join(part for part in parts if part)
