"""Calling people about a warning: whom, by when, over which channels, and what is said of it."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotAllowed
from cim.model.warning_calls import CallList, call_list, ladder_codes
from cim.policy.policy import Decision
from cim.store.warning_contacts import CONTACTS, contacts_of, subjects_met
from web.warnings.affected import selection_of

MOST_CALLS = 2_000
_NEEDED = ("name", "duty", "subject", "phone", "region_code")


@dataclass(frozen=True, slots=True)
class Called:
    """Whom to call, the layers that could not be looked at, and the grade of the directory."""

    calls: CallList
    missing: tuple[str, ...]
    grade: str


async def whom_to_call(
    connection: AsyncConnection, decisions: dict[str, Decision], directory: Decision, area: bytes
) -> Called:
    """Contacts of the regions and points an area meets, as far as the caller may see both.

    NotAllowed where the caller sees no phones; BadRequest where the area meets more than ``MOST_CALLS`` people.
    """
    hidden = [name for name in _NEEDED if name not in directory.field_names]
    if hidden:
        raise NotAllowed(
            f"you may not see the field {hidden[0]} of the contacts",
            where=CONTACTS,
            remedy="ask somebody who may call people",
        )
    layers = {name: selection_of(decision) for name, decision in decisions.items()}
    subjects, missing = await subjects_met(connection, layers, area)
    whole = layers[CONTACTS]
    first = await contacts_of(connection, whole, [one.key for one in subjects])
    codes = ladder_codes(one.region_code or "" for one in first)
    above = await contacts_of(connection, whole, codes)
    known = {one.key: one for one in (*first, *above)}
    found = call_list(subjects, list(known.values()))
    if len(found.calls) > MOST_CALLS:
        raise BadRequest(
            f"the area calls for more than {MOST_CALLS} people", where="warning", remedy="send several warnings"
        )
    return Called(found, tuple(missing), directory.collection.grade)
