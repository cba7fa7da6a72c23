"""Names of layers and fields as XML names. Chinese letters are legal in XML; what is not becomes ``_xHHHH_``."""

import re

_START = (
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c-\u200d\u2070-\u218f\u2c00-\u2fef"
    "\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_ILLEGAL = re.compile(f"[^{_START}0-9.\u00b7\u0300-\u036f\u203f-\u2040-]")
_ILLEGAL_START = re.compile(f"^[^{_START}]")
_ESCAPED = re.compile(r"_x([0-9a-f]{4,6})_")


def xml_name(name: str) -> str:
    """A legal XML name for a field; equal to it wherever it is legal itself."""
    escaped = _ILLEGAL.sub(_code, name)
    return _ILLEGAL_START.sub(_code, escaped)


def plain_name(name: str) -> str:
    """The field's name for the XML name that ``xml_name`` gave it; a namespace prefix is left out."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name.rsplit("/", 1)[-1].rsplit(":", 1)[-1])


def _code(match: re.Match[str]) -> str:
    return f"_x{ord(match[0]):04x}_"
