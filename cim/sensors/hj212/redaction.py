"""Frames as they may be shown: whatever could be a password is left out, in broken frames as well."""

import re

MOST_SHOWN = 600
_HIDDEN = "***"
_HEAD = {
    "QN": re.compile(r"\d{1,17}"),
    "ST": re.compile(r"[0-9A-Z]{1,2}"),
    "CN": re.compile(r"\d{1,4}"),
    "MN": re.compile(r"[0-9A-Za-z]{1,24}"),
    "Flag": re.compile(r"\d{1,3}"),
    "PNUM": re.compile(r"\d{1,8}"),
    "PNO": re.compile(r"\d{1,8}"),
    "RF": re.compile(r"\d"),
}
_VALUE = re.compile(r"[\w-]{1,24}=[\w.:+-]{0,32}")
_SECRET = re.compile(r"(?i)pw|sk\b|key")


def shown(segment: bytes) -> str:
    """A data segment with the fields that are known to be harmless; all else is ``***``."""
    text = segment.decode("ascii", "replace")
    head, mark, area = text.partition("CP=&&")
    pieces = [_head_piece(piece) for piece in head.split(";") if piece]
    if mark:
        pieces.append(f"CP=&&{_area(area)}&&")
    said = ";".join(pieces)
    return said if len(said) <= MOST_SHOWN else f"{said[:MOST_SHOWN]}…"


def _head_piece(piece: str) -> str:
    name, _, value = piece.partition("=")
    kind = _HEAD.get(name)
    return piece if kind and kind.fullmatch(value) else _HIDDEN


def _area(area: str) -> str:
    pieces = re.split(r"([;,])", area.removesuffix("&&"))
    return "".join(piece if piece in ";," or _harmless(piece) else _HIDDEN for piece in pieces)


def _harmless(piece: str) -> bool:
    return _VALUE.fullmatch(piece) is not None and _SECRET.search(piece) is None
