"""Warnings as a feed of Atom (RFC 4287) for platforms that look now and then; each entry leads to its document."""

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from lxml import etree

from cim.model.warning_course import HeldWarning
from cim.model.warning_xml import MEDIA_TYPE

ATOM = "http://www.w3.org/2005/Atom"
ATOM_TYPE = "application/atom+xml"


def atom_feed(warnings: Sequence[HeldWarning], base: str) -> bytes:
    """The feed of some warnings, the newest first; drills have the category ``drill`` and a marked title."""
    address = f"{base}/warnings.atom"
    newest = max((one.changed_at for one in warnings), default=datetime.now(UTC))
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _texts(root, id=address, title="预警 Warnings", updated=newest.isoformat())
    etree.SubElement(root, f"{{{ATOM}}}link", rel="self", href=address)
    etree.SubElement(etree.SubElement(root, f"{{{ATOM}}}author"), f"{{{ATOM}}}name").text = "OneMap CIM"
    for one in warnings:
        href = f"{base}/warnings/{quote(one.code)}"
        entry = etree.SubElement(root, f"{{{ATOM}}}entry")
        _texts(entry, id=href, title=one.title, updated=one.changed_at.isoformat(), published=one.sent.isoformat())
        etree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", type=MEDIA_TYPE, href=f"{href}?f=cap")
        for term in ("drill" if one.drill else "actual", one.state, *([one.colour] if one.colour else [])):
            etree.SubElement(entry, f"{{{ATOM}}}category", term=str(term))
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _texts(parent: "etree._Element", **texts: str) -> None:
    for name, text in texts.items():
        etree.SubElement(parent, f"{{{ATOM}}}{name}").text = text
