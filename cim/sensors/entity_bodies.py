"""JSON of entities to drafts: names are looked up, kinds and required properties are checked, all before any is stored.

Places in errors are as in ``Datastreams[0].unitOfMeasurement.symbol``.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from cim.errors import BadRequest, NotFound
from cim.model.sensing_entities import ENTITIES, Draft, Entity, EntityProperty, Link, PropertyKind, Reference

MOST_TEXT, MOST_NAME = 20_000, 500
MOST_NESTING = 32
MOST_ID = 2**31 - 1
UNIT_PARTS = ("name", "symbol", "definition")
_ID_NAMES = frozenset({"@iot.id", "id"})


def read_draft(
    entity: Entity, body: Any, where: str = "body", *, partial: bool = False, filled: frozenset[str] = frozenset()
) -> Draft:
    """The draft of an entity.

    ``partial`` is for changes: nothing need be there, and links lead to what exists. ``filled`` are links that the
    address or the entity around it gives. Raises BadRequest for the first thing that is wrong.
    """
    if not isinstance(body, dict):
        raise BadRequest(f"a {entity.name} is a JSON object", where=where, remedy="see docs/sensorthings.md")
    draft = Draft(entity, where=where)
    for name, value in body.items():
        if name in entity.properties:
            _take(draft, entity.properties[name], value, f"{where}.{name}", partial=partial)
        elif name in entity.links:
            draft.links[name] = _linked(entity.links[name], value, f"{where}.{name}", entity, partial=partial)
        elif not (name.startswith("@iot.") or "@iot." in name or name in ("id", "@context")):
            known = ", ".join([*entity.properties, *entity.links])
            raise BadRequest(
                f"a {entity.name} has no {name[:60]!r}",
                where=where,
                remedy=f"there are {known}; all else goes to properties",
            )
    if not partial:
        _require(draft, filled)
    return draft


def _require(draft: Draft, filled: frozenset[str]) -> None:
    """Raise where something is missing that every entity of the kind has (OGC 18-088 clauses 8.2 and 10.2)."""
    missing = [one.name for one in draft.entity.properties.values() if one.required and one.name not in draft.values]
    missing += [
        link.name
        for link in draft.entity.links.values()
        if link.required and not draft.links.get(link.name) and link.name not in filled
    ]
    if missing:
        raise BadRequest(
            f"a {draft.entity.name} lacks {', '.join(missing)}",
            where=draft.where,
            remedy="give it; OGC 18-088 clause 8.2 lists what each entity must have",
        )


def _take(draft: Draft, prop: EntityProperty, value: Any, where: str, *, partial: bool) -> None:
    if not prop.given or (value is None and not prop.required):
        if value is None and prop.given:
            draft.values[prop.name] = None
        return
    check = _document if partial and prop.kind is PropertyKind.UNIT else _CHECKS.get(prop.kind)
    draft.values[prop.name] = check(value, where) if check else plain_json(value, where)


def _linked(link: Link, value: Any, where: str, entity: Entity, *, partial: bool) -> list[Reference | Draft]:
    target = ENTITIES[link.target]
    if link.many != isinstance(value, list):
        wanted = "a list of" if link.many else "one"
        raise BadRequest(f"{link.name} is {wanted} {target.name}", where=where, remedy='write {"@iot.id": 1}')
    items = value if link.many else [value]
    places = [f"{where}[{place}]" if link.many else where for place in range(len(items))]
    return [_one(target, item, place, link, partial=partial) for item, place in zip(items, places, strict=True)]


def _one(target: Entity, item: Any, where: str, link: Link, *, partial: bool) -> Reference | Draft:
    if is_reference(item) or (partial and isinstance(item, dict) and "@iot.id" in item):
        return Reference(reference_id(item.get("@iot.id", item.get("id")), target, where))
    if partial:
        raise BadRequest(
            f"a change of {link.name} leads to entities that exist",
            where=where,
            remedy='write {"@iot.id": 1}, or make the new one with POST (OGC 18-088 clause 10.3)',
        )
    return read_draft(target, item, where, filled=frozenset({link.inverse}))


def is_reference(item: object) -> bool:
    """Whether this is the id of an entity that exists; one that is written out is a new one, whatever id it has."""
    if not isinstance(item, dict) or not item:
        return False
    return item.keys() <= _ID_NAMES or all("@iot." in name or name == "id" for name in item)


def reference_id(value: Any, target: Entity, where: str) -> int:
    """The number in an ``@iot.id``; texts of digits are taken as well."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= MOST_ID):
        raise NotFound(f"there is no {target.name} {text[:40]!r}", where=where, remedy="write the @iot.id of one")
    return int(text)


def _text(value: Any, where: str) -> str:
    most = MOST_NAME if where.endswith(".name") else MOST_TEXT
    if not isinstance(value, str) or len(value) > most:
        raise BadRequest(f"this is no text of at most {most} characters", where=where, remedy="write a JSON string")
    return str(plain_json(value, where))


def _document(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadRequest("this is no JSON object", where=where, remedy='write {"name": "value"}')
    plain_json(value, where)
    return value


def unit_of(value: Any, where: str) -> dict[str, Any]:
    """A unit has name, symbol and definition; each may be null where there is no unit (OGC 18-088 clause 8.2.4)."""
    unit = _document(value, where)
    for part in UNIT_PARTS:
        if part not in unit or not (unit[part] is None or isinstance(unit[part], str)):
            raise BadRequest(
                f"the unit has no {part} that is a text or null",
                where=f"{where}.{part}",
                remedy='write {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}',
            )
    return unit


def _instant(value: Any, where: str) -> datetime:
    start, end = read_moment(value, where)
    if end is not None:
        raise BadRequest("this is an interval, not an instant", where=where, remedy="write 2026-01-31T08:00:00Z")
    return start


def _interval(value: Any, where: str) -> str:
    read_moment(value, where)
    return str(value)


def read_moment(value: Any, where: str) -> tuple[datetime, datetime | None]:
    """An instant, or the two ends of an interval ``start/end``; each with its zone."""
    try:
        first, slash, last = value.partition("/")
        start = datetime.fromisoformat(first)
        end = datetime.fromisoformat(last) if slash else None
    except (ValueError, AttributeError, TypeError):
        raise BadRequest(
            f"{str(value)[:40]!r} is no time", where=where, remedy="write 2026-01-31T08:00:00Z, or start/end"
        ) from None
    if start.tzinfo is None or (end is not None and end.tzinfo is None):
        raise BadRequest(
            f"the time {str(value)[:60]} has no zone", where=where, remedy="write Z or an offset such as +08:00"
        )
    if end is not None and end < start:
        raise BadRequest("the time ends before it begins", where=where, remedy="write start/end")
    return start, end


def plain_json(value: Any, where: str, depth: int = 0) -> Any:
    """A JSON value as it is, where the database can hold it: no letter NUL, not nested too deep."""
    if depth > MOST_NESTING:
        raise BadRequest(f"this is nested deeper than {MOST_NESTING} levels", where=where, remedy="write it flatter")
    if isinstance(value, str):
        if "\0" in value:
            raise BadRequest("a text holds a letter that no stored text can hold", where=where, remedy="leave it out")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            plain_json(name, where)
            plain_json(inner, where, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            plain_json(inner, where, depth + 1)
    return value


_CHECKS: Mapping[PropertyKind, Any] = {
    PropertyKind.TEXT: _text,
    PropertyKind.DOCUMENT: _document,
    PropertyKind.UNIT: unit_of,
    PropertyKind.INSTANT: _instant,
    PropertyKind.INTERVAL: _interval,
    PropertyKind.MOMENT: read_moment,
}
