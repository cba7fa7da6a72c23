"""Who is called about a warning: a contact for each region and point that its area meets, and who is next (叫应).

The directory is a layer of contacts. Each has a duty and a subject: the code of the village, town or county, or the key
of the point (geological hazard, school, major hazard source) he answers for; ``region_code`` is where that lies.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.model.warning_course import Contact, NewCall

DUTY_OF = {
    "admin_village": "village",
    "admin_town": "town",
    "geohazards": "monitor",
    "schools": "school",
    "hazards": "firm",
}
"""The duty that answers for features of a layer."""
LADDER = (("village", 12), ("town", 9), ("county", 6))
"""Duties of the levels above, and how many digits of a region's code theirs has."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A region or point that the area meets."""

    layer: str
    key: str
    name: str

    def document(self) -> dict[str, str]:
        """The subject as calls keep it."""
        return {"layer": self.layer, "key": self.key, "name": self.name}


@dataclass(frozen=True, slots=True)
class CallList:
    """The calls to make, one a person, and the subjects nobody answers for."""

    calls: tuple[NewCall, ...]
    without: tuple[Subject, ...]


def call_list(subjects: Iterable[Subject], contacts: Sequence[Contact]) -> CallList:
    """Who is called for which subjects; several of one person make one call."""
    directory: dict[tuple[str, str], list[Contact]] = {}
    for contact in contacts:
        directory.setdefault((contact.duty, contact.subject), []).append(contact)
    called: dict[str, tuple[Contact, list[Subject]]] = {}
    without = []
    for subject in subjects:
        found = directory.get((DUTY_OF[subject.layer], subject.key), [])
        if not found:
            without.append(subject)
        for contact in found:
            called.setdefault(contact.key, (contact, []))[1].append(subject)
    calls = [
        NewCall(contact, tuple(one.document() for one in of), _ladder(contact, directory))
        for contact, of in called.values()
    ]
    return CallList(tuple(calls), tuple(without))


def ladder_codes(codes: Iterable[str]) -> list[str]:
    """The codes of regions whose officers may be called next for contacts in some regions."""
    found = {code[:digits] for code in codes for _, digits in LADDER if len(code) >= digits}
    return sorted(found)


def _ladder(contact: Contact, directory: Mapping[tuple[str, str], Sequence[Contact]]) -> tuple[dict[str, Any], ...]:
    """Who is called next, level by level: officers of the village, the town, the county above."""
    levels = [duty for duty, _ in LADDER]
    above = LADDER[levels.index(contact.duty) + 1 :] if contact.duty in levels else LADDER
    code = contact.region_code or ""
    found = [
        one for duty, digits in above if len(code) >= digits for one in directory.get((duty, code[:digits]), [])[:1]
    ]
    return tuple(one.document() for one in found if one.key != contact.key)
