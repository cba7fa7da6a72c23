"""Property sets and quantities read from their text, without opening them: the plain ones, which most are.

Plain are sets of single values and quantities without units of their own, with texts in ASCII or the long escapes of
ISO 10303-21. All others are read by ``ifc_values``, to the same values.
"""

import math
import re
from typing import Any

from importers.bim.ifc_units import KIND_OF, Units
from importers.bim.ifc_values import QUANTITY_UNITS, plain_text
from importers.bim.step_hash import OWNERS
from importers.bim.step_index import StepIndex

PlainSet = tuple[str, dict[str, Any], bool]
"""Name, values, and whether they are quantities."""
_TEXT = rb"'((?:[^'\x00-\x1f]|'')*+)'"
_ANY = rb"(?:\$|'(?:[^']|'')*+')"
_REAL = rb"[-+]?\d+\.\d*(?:[eE][-+]?\d+)?"
_SET = re.compile(rb"(IFCPROPERTYSET|IFCELEMENTQUANTITY)\(\s*'[^']*'\s*,\s*(\$|#\d+)\s*,\s*(?:\$|%b)\s*," % _TEXT)
_SINGLE = re.compile(
    rb"IFCPROPERTYSINGLEVALUE\(\s*%b\s*,\s*%b\s*,\s*(?:\$|([A-Z]+)\(\s*(?:%b|(%b)|([-+]?\d+)|\.([TFU])\.)\s*\))\s*,\s*\$\s*\)"
    % (_TEXT, _ANY, _TEXT, _REAL)
)
_QUANTITY = re.compile(
    rb"IFCQUANTITY([A-Z]+)\(\s*%b\s*,\s*%b\s*,\s*\$\s*,\s*(%b)\s*(?:,\s*%b\s*)?\)" % (_TEXT, _ANY, _REAL, _ANY)
)
_ESCAPE = re.compile(r"\\X2\\((?:[0-9A-F]{4})*)\\X0\\|\\X4\\((?:[0-9A-F]{8})*)\\X0\\|\\(\\)|(\\)")
_KINDS = {b"IFCPROPERTYSET": "IfcPropertySet", b"IFCELEMENTQUANTITY": "IfcElementQuantity"}
_TEXTS = frozenset({b"IFCLABEL", b"IFCTEXT", b"IFCIDENTIFIER"})
_TRUTHS = frozenset({b"IFCBOOLEAN", b"IFCLOGICAL"})
_UNIT_OF = {name.upper().encode(): kind for name, kind in KIND_OF.items()}
_NO_REALS = frozenset({b"IFCCOUNTMEASURE", b"IFCDESCRIPTIVEMEASURE", b"IFCCOMPOUNDPLANEANGLEMEASURE"})
_TEXTS_LIMIT = 20_000


class _NotPlain(Exception):
    """The text is to be read by a parser of the schema."""


class PlainSets:
    """The plain sets of one file by place; each is read once."""

    def __init__(self, index: StepIndex, units: Units) -> None:
        self._index = index
        self._units = units
        self._owners = frozenset(kind for kind, name in enumerate(index.names) if name in OWNERS)
        self._known: dict[int, PlainSet | None] = {}
        self._texts: dict[bytes, str] = {}

    def read(self, place: int) -> PlainSet | None:
        """A set; None where it is none or not plain."""
        if place not in self._known:
            try:
                self._known[place] = self._fresh(place)
            except _NotPlain:
                self._known[place] = None
        return self._known[place]

    def _fresh(self, place: int) -> PlainSet:
        index = self._index
        head = _SET.match(index.text(place))
        if head is None:
            raise _NotPlain
        is_quantity = head[1] == b"IFCELEMENTQUANTITY"
        read = self._quantity if is_quantity else self._single
        values = {}
        refs = index.refs(place).tolist()
        for item in refs[1:] if head[2] != b"$" else refs:
            if item < 0:
                raise _NotPlain
            name, value = read(index.text(item))
            if value is not None:
                values[name] = value
        return (self._text(head[3]) if head[3] else "") or _KINDS[head[1]], values, is_quantity

    def _single(self, text: bytes) -> tuple[str, Any]:
        found = _SINGLE.fullmatch(text)
        if found is None:
            raise _NotPlain
        name, kind, written, real, whole, truth = found.groups()
        return self._text(name) or "IfcPropertySingleValue", self._value(kind, written, real, whole, truth)

    def _value(
        self, kind: bytes | None, written: bytes | None, real: bytes | None, whole: bytes | None, truth: bytes | None
    ) -> Any:
        if kind is None:
            return None
        if written is not None and kind in _TEXTS:
            value = self._text(written)
            return None if value == "UNKNOWN" else value
        if real is not None and kind not in _NO_REALS and (kind == b"IFCREAL" or kind.endswith(b"MEASURE")):
            return self._number(real, _UNIT_OF.get(kind, ""))
        if whole is not None and kind == b"IFCINTEGER":
            return int(whole)
        if truth is not None and kind in _TRUTHS:
            return None if truth == b"U" else truth == b"T"
        raise _NotPlain

    def _quantity(self, text: bytes) -> tuple[str, float | None]:
        found = _QUANTITY.fullmatch(text)
        unit = QUANTITY_UNITS.get(found[1]) if found is not None else None
        if found is None or unit is None:
            raise _NotPlain
        return self._text(found[2]), self._number(found[3], unit)

    def _number(self, written: bytes, unit: str) -> float | None:
        value = float(written)
        if not math.isfinite(value):
            return None
        factor = self._units.factors.get(unit, 1.0) if unit else 1.0
        return value if factor == 1.0 else value * factor

    def _text(self, written: bytes) -> str:
        known = self._texts.get(written)
        if known is None:
            if len(self._texts) > _TEXTS_LIMIT:
                self._texts.clear()
            known = self._texts[written] = _decoded(written)
        return known


def _decoded(written: bytes) -> str:
    """A text of ISO 10303-21 as it is meant."""
    if not written.isascii():
        raise _NotPlain
    text = written.decode("ascii").replace("''", "'")
    if "\\" in text:
        text = _ESCAPE.sub(_unescaped, text)
        if "\x00" in text:
            raise _NotPlain
    return plain_text(text)


def _unescaped(found: re.Match[str]) -> str:
    two, four, slash, other = found.groups()
    if two is not None:
        return bytes.fromhex(two).decode("utf-16-be", "surrogatepass")
    if four is not None:
        return bytes.fromhex(four).decode("utf-32-be", "replace")
    if other:
        raise _NotPlain
    return slash or ""
