"""Writing messages of CAP 1.2 as XML; what is read again is equal."""

from collections.abc import Iterable
from datetime import datetime

from lxml import etree

from cim.model.sensing import BEIJING
from cim.model.warning_elements import CAP
from cim.model.warnings import Alert, Area, Circle, Info, Named, Position, Resource

MEDIA_TYPE = "application/cap+xml"
Element = etree._Element  # noqa: SLF001 - lxml names its type so


def alert_xml(alert: Alert) -> bytes:
    """A message as a document; moments are Beijing time, to the second."""
    root = etree.Element(f"{{{CAP}}}alert", nsmap={None: CAP})
    _put(root, "identifier", alert.identifier)
    _put(root, "sender", alert.sender)
    _put(root, "sent", cap_moment(alert.sent))
    _put(root, "status", alert.status)
    _put(root, "msgType", alert.kind)
    _put(root, "source", alert.source)
    _put(root, "scope", alert.scope)
    _put(root, "restriction", alert.restriction)
    _put(root, "addresses", alert.addresses)
    for code in alert.codes:
        _put(root, "code", code)
    _put(root, "note", alert.note)
    named = (f"{one.sender},{one.identifier},{cap_moment(one.sent)}" for one in alert.references)
    _put(root, "references", " ".join(named))
    _put(root, "incidents", alert.incidents)
    for info in alert.infos:
        _info(etree.SubElement(root, f"{{{CAP}}}info"), info)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def cap_moment(moment: datetime) -> str:
    """A moment as CAP writes it, Beijing time."""
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def _info(to: Element, info: Info) -> None:
    _put(to, "language", info.language)
    for category in info.categories:
        _put(to, "category", category)
    _put(to, "event", info.event)
    for response in info.responses:
        _put(to, "responseType", response)
    for name in ("urgency", "severity", "certainty", "audience"):
        _put(to, name, getattr(info, name))
    _named(to, "eventCode", info.event_codes)
    for name in ("effective", "onset", "expires"):
        moment = getattr(info, name)
        _put(to, name, "" if moment is None else cap_moment(moment))
    _put(to, "senderName", info.sender_name)
    for name in ("headline", "description", "instruction", "web", "contact"):
        _put(to, name, getattr(info, name))
    _named(to, "parameter", info.parameters)
    for resource in info.resources:
        _resource(etree.SubElement(to, f"{{{CAP}}}resource"), resource)
    for area in info.areas:
        _area(etree.SubElement(to, f"{{{CAP}}}area"), area)


def _resource(to: Element, resource: Resource) -> None:
    _put(to, "resourceDesc", resource.description)
    _put(to, "mimeType", resource.mime_type)
    _put(to, "size", "" if resource.size_bytes is None else str(resource.size_bytes))
    _put(to, "uri", resource.uri)
    _put(to, "digest", resource.digest)


def _area(to: Element, area: Area) -> None:
    _put(to, "areaDesc", area.description)
    for ring in area.polygons:
        _put(to, "polygon", " ".join(map(_pair, ring)))
    for circle in area.circles:
        _put(to, "circle", _circle(circle))
    _named(to, "geocode", area.geocodes)
    for name, height in (("altitude", area.altitude_ft), ("ceiling", area.ceiling_ft)):
        _put(to, name, "" if height is None else _number(height))


def _circle(circle: Circle) -> str:
    return f"{_pair(circle.centre)} {_number(circle.radius_km)}"


def _pair(position: Position) -> str:
    lon, lat = position
    return f"{_number(lat)},{_number(lon)}"


def _number(value: float) -> str:
    """A number without exponent, to 8 decimals: a millimetre in degrees."""
    return f"{value:.8f}".rstrip("0").rstrip(".")


def _named(to: Element, name: str, pairs: Iterable[Named]) -> None:
    for value_name, value in pairs:
        one = etree.SubElement(to, f"{{{CAP}}}{name}")
        etree.SubElement(one, f"{{{CAP}}}valueName").text = value_name
        etree.SubElement(one, f"{{{CAP}}}value").text = value


def _put(to: Element, name: str, text: str) -> None:
    if text:
        etree.SubElement(to, f"{{{CAP}}}{name}").text = str(text)
