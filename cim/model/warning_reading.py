"""Reading messages of CAP 1.2 from XML: hostile until checked, every fault with its place.

No document type, entity or network; at most ``MOST_BYTES``. Elements of other namespaces (signatures) are passed over:
the original stays as it came. ``where`` of an error is the path of the element and its line.
"""

import math
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from lxml import etree

from cim.errors import BadRequest, TooLarge
from cim.model.warning_elements import CAP, check_children, local_name, place
from cim.model.warnings import (
    CATEGORIES,
    CERTAINTIES,
    RESPONSES,
    SCOPES,
    SEVERITIES,
    URGENCIES,
    Alert,
    Area,
    Circle,
    Info,
    MessageType,
    Named,
    Position,
    Reference,
    Resource,
    Status,
)

MOST_BYTES = 2 * 1024 * 1024
MOST_VERTICES = 10_000
MOST_INFOS, MOST_AREAS = 20, 200
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", re.ASCII)
_NO_SEPARATORS = re.compile(r"[^\s,<&]+")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,20})?", re.ASCII)
_MOMENT_REMEDY = "write it as 2026-07-04T12:30:00+08:00; a zone without hours is -00:00, not Z"
Element = etree._Element  # noqa: SLF001 - lxml names its type so
Value = TypeVar("Value")


def read_alert(body: bytes) -> Alert:
    """The message in a document of CAP 1.2; BadRequest says what is wrong, where and what to do."""
    if len(body) > MOST_BYTES:
        raise TooLarge(
            f"the message has more than {MOST_BYTES} bytes", where="alert", remedy="send files as references (uri)"
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise BadRequest(
            "the document is no well-formed XML", where=f"line {line}", remedy="check it with an XML tool"
        ) from None
    if root.getroottree().docinfo.doctype:
        raise BadRequest("a document type is not taken", where="line 1", remedy="send the message without DOCTYPE")
    if root.tag != f"{{{CAP}}}alert":
        raise BadRequest(
            f"the document is no message of CAP 1.2, it begins with {str(root.tag)[:80]}",
            where="alert",
            remedy=f"send an alert of the namespace {CAP}",
        )
    return _alert(root)


def _alert(root: Element) -> Alert:
    check_children(root)
    identifier, sender = _token(root, "identifier"), _token(root, "sender")
    alert = Alert(
        identifier=identifier,
        sender=sender,
        sent=_required(root, "sent", _moment),
        status=Status(_word(root, "status", tuple(Status))),
        kind=MessageType(_word(root, "msgType", tuple(MessageType))),
        scope=_word(root, "scope", SCOPES),
        source=_text(root, "source"),
        restriction=_text(root, "restriction"),
        addresses=_text(root, "addresses"),
        codes=tuple(_of(one) for one in _all(root, "code")),
        note=_text(root, "note"),
        references=_references(root),
        incidents=_text(root, "incidents"),
        infos=tuple(_info(one) for one in _all(root, "info", MOST_INFOS)),
    )
    if alert.kind is not MessageType.ALERT and not alert.references:
        raise _fault(root, f"a message of the kind {alert.kind} names no other", "name what it refers to in references")
    if alert.kind in (MessageType.ALERT, MessageType.UPDATE) and not alert.infos:
        raise _fault(root, f"a message of the kind {alert.kind} has no info", "add an info with event and severity")
    return alert


def _info(one: Element) -> Info:
    check_children(one)
    return Info(
        event=_required(one, "event", _of),
        urgency=_word(one, "urgency", URGENCIES),
        severity=_word(one, "severity", SEVERITIES),
        certainty=_word(one, "certainty", CERTAINTIES),
        categories=_words(one, "category", CATEGORIES),
        language=_text(one, "language") or "en-US",
        responses=_words(one, "responseType", RESPONSES),
        audience=_text(one, "audience"),
        event_codes=_named(one, "eventCode"),
        effective=_optional(one, "effective", _moment),
        onset=_optional(one, "onset", _moment),
        expires=_optional(one, "expires", _moment),
        sender_name=_text(one, "senderName"),
        headline=_text(one, "headline"),
        description=_text(one, "description"),
        instruction=_text(one, "instruction"),
        web=_text(one, "web"),
        contact=_text(one, "contact"),
        parameters=_named(one, "parameter"),
        resources=tuple(_resource(found) for found in _all(one, "resource")),
        areas=tuple(_area(found) for found in _all(one, "area", MOST_AREAS)),
    )


def _resource(one: Element) -> Resource:
    check_children(one)
    size = _optional(one, "size", _number)
    return Resource(
        description=_required(one, "resourceDesc", _of),
        mime_type=_required(one, "mimeType", _of),
        size_bytes=None if size is None else int(size),
        uri=_text(one, "uri"),
        digest=_text(one, "digest"),
    )


def _area(one: Element) -> Area:
    check_children(one)
    return Area(
        description=_required(one, "areaDesc", _of),
        polygons=tuple(_polygon(found) for found in _all(one, "polygon")),
        circles=tuple(_circle(found) for found in _all(one, "circle")),
        geocodes=_named(one, "geocode"),
        altitude_ft=_optional(one, "altitude", _number),
        ceiling_ft=_optional(one, "ceiling", _number),
    )


def _polygon(one: Element) -> tuple[Position, ...]:
    pairs = _of(one).split()
    if len(pairs) > MOST_VERTICES:
        raise _fault(one, f"the polygon has more than {MOST_VERTICES} places", "simplify it")
    ring = tuple(_position(one, pair) for pair in pairs)
    if len(ring) < 4:
        raise _fault(one, "the polygon has fewer than four places", "write at least three and the first again")
    if ring[0] != ring[-1]:
        raise _fault(one, "the polygon is not closed", "let its last place be the first")
    return ring


def _circle(one: Element) -> Circle:
    parts = _of(one).split()
    if len(parts) != 2:
        raise _fault(one, "the circle is no place and radius", "write lat,lon radius, the radius in kilometres")
    radius = _finite(one, parts[1])
    if not 0 <= radius <= 20_100:
        raise _fault(one, f"the radius of {parts[1][:20]} km is none", "give kilometres, not below 0")
    return Circle(_position(one, parts[0]), radius)


def _position(one: Element, pair: str) -> Position:
    parts = pair.split(",")
    if len(parts) != 2:
        raise _fault(one, f"{pair[:40]!r} is no place", "write latitude,longitude with one comma and no blank")
    lat, lon = _finite(one, parts[0]), _finite(one, parts[1])
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        swapped = -90 <= lon <= 90 and -180 <= lat <= 180
        hint = "; latitude and longitude are swapped" if swapped else ""
        raise _fault(one, f"{pair[:40]!r} lies outside the world{hint}", "write the latitude first, in degrees")
    return lon, lat


def _references(root: Element) -> tuple[Reference, ...]:
    found = _all(root, "references")
    if not found:
        return ()
    references = []
    for text in _of(found[0]).split():
        parts = text.split(",")
        if len(parts) != 3 or not all(parts):
            raise _fault(
                found[0], f"{text[:60]!r} names no message", "write sender,identifier,sent, with blanks between"
            )
        references.append(Reference(parts[0], parts[1], _moment_of(found[0], parts[2])))
    return tuple(references)


def _named(one: Element, name: str) -> tuple[Named, ...]:
    pairs = []
    for found in _all(one, name):
        check_children(found)
        pairs.append((_required(found, "valueName", _of), _text(found, "value")))
    return tuple(pairs)


def _all(parent: Element, name: str, most: int = 10_000) -> Sequence[Element]:
    found = parent.findall(f"{{{CAP}}}{name}")
    if len(found) > most:
        raise _fault(found[most], f"there are more than {most} of {name}", "send several messages")
    return found


def _optional(parent: Element, name: str, read: Callable[[Element], Value]) -> Value | None:
    found = _all(parent, name)
    return read(found[0]) if found else None


def _required(parent: Element, name: str, read: Callable[[Element], Value]) -> Value:
    found = _all(parent, name)
    if not found:
        raise _fault(parent, f"{local_name(parent)} has no {name}", f"add the element {name}")
    value = read(found[0])
    if value == "":
        raise _fault(found[0], f"{name} is empty", "write something into it")
    return value


def _token(root: Element, name: str) -> str:
    text = _required(root, name, _of)
    if not _NO_SEPARATORS.fullmatch(text) or len(text) > 200:
        raise _fault(
            _all(root, name)[0], f"{name} holds blanks, commas, < or &, or is too long", "write one word without them"
        )
    return text


def _word(parent: Element, name: str, words: Sequence[str]) -> str:
    text = _required(parent, name, _of)
    return _one_of(_all(parent, name)[0], text, words)


def _words(parent: Element, name: str, words: Sequence[str]) -> tuple[str, ...]:
    found = _all(parent, name)
    if not found and name == "category":
        raise _fault(parent, "info has no category", "add the element category")
    return tuple(_one_of(one, _of(one), words) for one in found)


def _one_of(one: Element, text: str, words: Sequence[str]) -> str:
    if text not in words:
        raise _fault(one, f"{local_name(one)} cannot be {text[:40]!r}", f"write one of {', '.join(words)}")
    return text


def _text(parent: Element, name: str) -> str:
    return _optional(parent, name, _of) or ""


def _of(one: Element) -> str:
    if len(one):
        raise _fault(one, f"{local_name(one)} holds elements where text belongs", "write text only")
    return (one.text or "").strip()


def _moment(one: Element) -> datetime:
    return _moment_of(one, _of(one))


def _moment_of(one: Element, text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise _fault(one, f"{text[:40]!r} is no moment", _MOMENT_REMEDY)


def _number(one: Element) -> float:
    return _finite(one, _of(one))


def _finite(one: Element, text: str) -> float:
    if _NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    raise _fault(one, f"{text[:40]!r} is no number", "write a decimal number with a point")


def _fault(one: Element, what: str, remedy: str) -> BadRequest:
    return BadRequest(what, where=place(one), remedy=remedy)
