"""Reading messages of CAP 1.2 from XML: hostile until checked, every fault with its place.

No document type, entity or network; at most ``MOST_BYTES``. Elements of other namespaces (signatures) are passed over:
the original stays as it came. ``where`` of an error is the path of the element and its line.
"""

from lxml import etree

from cim.errors import BadRequest, TooLarge
from cim.model.warning_elements import CAP, check_children
from cim.model.warning_values import (
    all_in,
    fault,
    moment_of,
    named_in,
    number_of,
    optional_in,
    parsed_moment,
    parsed_number,
    required_in,
    text_in,
    text_of,
    token_in,
    word_in,
    words_in,
)
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
    Position,
    Reference,
    Resource,
    Status,
)

MOST_BYTES = 2 * 1024 * 1024
MOST_VERTICES = 10_000
MOST_INFOS, MOST_AREAS = 20, 200
Element = etree._Element  # noqa: SLF001 - lxml names its type so


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
            "the document is no well-formed XML", where=f"alert (line {line})", remedy="check it with an XML tool"
        ) from None
    if root.getroottree().docinfo.doctype:
        raise BadRequest(
            "a document type is not taken", where="alert (line 1)", remedy="send the message without DOCTYPE"
        )
    if root.tag != f"{{{CAP}}}alert":
        raise BadRequest(
            f"the document is no message of CAP 1.2, it begins with {str(root.tag)[:80]}",
            where="alert",
            remedy=f"send an alert of the namespace {CAP}",
        )
    return _alert(root)


def _alert(root: Element) -> Alert:
    check_children(root)
    identifier, sender = token_in(root, "identifier"), token_in(root, "sender")
    alert = Alert(
        identifier=identifier,
        sender=sender,
        sent=required_in(root, "sent", moment_of),
        status=Status(word_in(root, "status", tuple(Status))),
        kind=MessageType(word_in(root, "msgType", tuple(MessageType))),
        scope=word_in(root, "scope", SCOPES),
        source=text_in(root, "source"),
        restriction=text_in(root, "restriction"),
        addresses=text_in(root, "addresses"),
        codes=tuple(text_of(one) for one in all_in(root, "code")),
        note=text_in(root, "note"),
        references=_references(root),
        incidents=text_in(root, "incidents"),
        infos=tuple(_info(one) for one in all_in(root, "info", MOST_INFOS)),
    )
    if alert.kind is not MessageType.ALERT and not alert.references:
        raise fault(root, f"a message of the kind {alert.kind} names no other", "name what it refers to in references")
    if alert.kind in (MessageType.ALERT, MessageType.UPDATE) and not alert.infos:
        raise fault(root, f"a message of the kind {alert.kind} has no info", "add an info with event and severity")
    return alert


def _info(one: Element) -> Info:
    check_children(one)
    return Info(
        event=required_in(one, "event", text_of),
        urgency=word_in(one, "urgency", URGENCIES),
        severity=word_in(one, "severity", SEVERITIES),
        certainty=word_in(one, "certainty", CERTAINTIES),
        categories=words_in(one, "category", CATEGORIES),
        language=text_in(one, "language") or "en-US",
        responses=words_in(one, "responseType", RESPONSES),
        audience=text_in(one, "audience"),
        event_codes=named_in(one, "eventCode"),
        effective=optional_in(one, "effective", moment_of),
        onset=optional_in(one, "onset", moment_of),
        expires=optional_in(one, "expires", moment_of),
        sender_name=text_in(one, "senderName"),
        headline=text_in(one, "headline"),
        description=text_in(one, "description"),
        instruction=text_in(one, "instruction"),
        web=text_in(one, "web"),
        contact=text_in(one, "contact"),
        parameters=named_in(one, "parameter"),
        resources=tuple(_resource(found) for found in all_in(one, "resource")),
        areas=tuple(_area(found) for found in all_in(one, "area", MOST_AREAS)),
    )


def _resource(one: Element) -> Resource:
    check_children(one)
    size = optional_in(one, "size", number_of)
    return Resource(
        description=required_in(one, "resourceDesc", text_of),
        mime_type=required_in(one, "mimeType", text_of),
        size_bytes=None if size is None else int(size),
        uri=text_in(one, "uri"),
        digest=text_in(one, "digest"),
    )


def _area(one: Element) -> Area:
    check_children(one)
    return Area(
        description=required_in(one, "areaDesc", text_of),
        polygons=tuple(_polygon(found) for found in all_in(one, "polygon")),
        circles=tuple(_circle(found) for found in all_in(one, "circle")),
        geocodes=named_in(one, "geocode"),
        altitude_ft=optional_in(one, "altitude", number_of),
        ceiling_ft=optional_in(one, "ceiling", number_of),
    )


def _polygon(one: Element) -> tuple[Position, ...]:
    pairs = text_of(one).split()
    if len(pairs) > MOST_VERTICES:
        raise fault(one, f"the polygon has more than {MOST_VERTICES} places", "simplify it")
    ring = tuple(_position(one, pair) for pair in pairs)
    if len(ring) < 4:
        raise fault(one, "the polygon has fewer than four places", "write at least three and the first again")
    if ring[0] != ring[-1]:
        raise fault(one, "the polygon is not closed", "let its last place be the first")
    return ring


def _circle(one: Element) -> Circle:
    parts = text_of(one).split()
    if len(parts) != 2:
        raise fault(one, "the circle is no place and radius", "write lat,lon radius, the radius in kilometres")
    radius = parsed_number(one, parts[1])
    if not 0 <= radius <= 20_100:
        raise fault(one, f"the radius of {parts[1][:20]} km is none", "give kilometres, not below 0")
    return Circle(_position(one, parts[0]), radius)


def _position(one: Element, pair: str) -> Position:
    parts = pair.split(",")
    if len(parts) != 2:
        raise fault(one, f"{pair[:40]!r} is no place", "write latitude,longitude with one comma and no blank")
    lat, lon = parsed_number(one, parts[0]), parsed_number(one, parts[1])
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        swapped = -90 <= lon <= 90 and -180 <= lat <= 180
        hint = "; latitude and longitude are swapped" if swapped else ""
        raise fault(one, f"{pair[:40]!r} lies outside the world{hint}", "write the latitude first, in degrees")
    return lon, lat


def _references(root: Element) -> tuple[Reference, ...]:
    found = all_in(root, "references")
    if not found:
        return ()
    references = []
    for text in text_of(found[0]).split():
        parts = text.split(",")
        if len(parts) != 3 or not all(parts):
            raise fault(
                found[0], f"{text[:60]!r} names no message", "write sender,identifier,sent, with blanks between"
            )
        references.append(Reference(parts[0], parts[1], parsed_moment(found[0], parts[2])))
    return tuple(references)
