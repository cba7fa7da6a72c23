"""The directory of contacts, a layer as any other, and the regions and points an area meets that they answer for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import AnswerTooLarge
from cim.model.warning_calls import DUTY_OF, Subject
from cim.model.warning_course import Contact
from cim.store.selection import Selection, selected_rows
from cim.store.warning_reach import features_met

CONTACTS = "contacts"
MOST_SUBJECTS = 5_000
_FIELDS = ("name", "duty", "phone", "region_code", "subject")


async def contacts_of(connection: AsyncConnection, directory: Selection, subjects: Sequence[str]) -> list[Contact]:
    """The contacts that answer for some subjects, of those a selection has; fields it has not are not known."""
    names = tuple(name for name in _FIELDS if name in directory.fields)
    if not {"name", "duty", "subject"} <= set(names) or not subjects:
        return []
    asked = sa.column("subject").in_(list(dict.fromkeys(subjects)))
    rows = selected_rows(replace(directory, fields=names, where=(*directory.where, asked)))
    columns = [rows.c.key, *(rows.c[name] for name in names)]
    found = (await connection.execute(sa.select(*columns).order_by(rows.c.key))).mappings()
    return [
        Contact(
            row["key"], row["name"] or "", row["duty"] or "", row.get("phone"), row.get("region_code"), row["subject"]
        )
        for row in found
    ]


async def subjects_met(
    connection: AsyncConnection, layers: Mapping[str, Selection], area: bytes
) -> tuple[list[Subject], list[str]]:
    """The regions and points somebody answers for that an area meets, and the layers that could not be looked at.

    AnswerTooLarge where it meets more than ``MOST_SUBJECTS`` of a layer.
    """
    found: list[Subject] = []
    missing = []
    for layer in DUTY_OF:
        if layer not in layers:
            missing.append(layer)
            continue
        names = tuple(name for name in layers[layer].fields if name == "name")
        met = await features_met(connection, replace(layers[layer], fields=names), area, limit=MOST_SUBJECTS)
        if met.count > MOST_SUBJECTS:
            raise AnswerTooLarge(
                f"the area meets {met.count} features of {layer}, more than {MOST_SUBJECTS}",
                where="warning",
                remedy="send several warnings with smaller areas",
            )
        found += [Subject(layer, row["key"], str(row.get("name") or row["key"])) for row in met.rows]
    return found, missing
