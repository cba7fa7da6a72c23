"""The elements of CAP 1.2: which stand in which, which only once, and where one was met."""

from lxml import etree

from cim.errors import BadRequest

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
Element = etree._Element  # noqa: SLF001 - lxml names its type so
ALERT = (
    *("identifier", "sender", "sent", "status", "msgType", "source", "scope", "restriction", "addresses"),
    *("code", "note", "references", "incidents", "info"),
)
INFO = (
    *("language", "category", "event", "responseType", "urgency", "severity", "certainty", "audience"),
    *("eventCode", "effective", "onset", "expires", "senderName", "headline", "description", "instruction"),
    *("web", "contact", "parameter", "resource", "area"),
)
RESOURCE = ("resourceDesc", "mimeType", "size", "uri", "derefUri", "digest")
AREA = ("areaDesc", "polygon", "circle", "geocode", "altitude", "ceiling")
NAMED = ("valueName", "value")
CHILDREN: dict[str, tuple[str, ...]] = {"alert": ALERT, "info": INFO, "resource": RESOURCE, "area": AREA}
CHILDREN |= dict.fromkeys(("eventCode", "parameter", "geocode"), NAMED)
REPEATED = frozenset({"code", "info", "category", "responseType", "eventCode", "parameter", "resource", "area"})
REPEATED |= {"polygon", "circle", "geocode"}
"""Elements that may come several times; all others at most once in their parent."""


def local_name(one: Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(one).localname)


def place(one: Element) -> str:
    """Where an element stands: ``alert/info[1]/area[1]/polygon[1] (line 12)``."""
    parts = []
    step: Element | None = one
    while step is not None:
        above = step.getparent()
        name = local_name(step)
        if above is not None:
            name += f"[{1 + len(list(step.itersiblings(str(step.tag), preceding=True)))}]"
        parts.append(name)
        step = above
    return f"{'/'.join(reversed(parts))} (line {one.sourceline})"


def check_children(parent: Element) -> None:
    """BadRequest for an element of CAP that does not belong there, or that comes twice where it may once."""
    known, seen = CHILDREN[local_name(parent)], set()
    for one in parent:
        if not isinstance(one.tag, str):
            raise BadRequest("an entity is not taken", where=place(parent), remedy="write its text instead")
        if etree.QName(one).namespace != CAP:
            continue
        name = local_name(one)
        if name not in known:
            raise BadRequest(
                f"the element {local_name(parent)} has no element {name[:40]!r}",
                where=place(one),
                remedy="see CAP 1.2, section 3.2",
            )
        if name in seen and name not in REPEATED:
            raise BadRequest(f"the element {name} comes twice", where=place(one), remedy="write it once")
        seen.add(name)
