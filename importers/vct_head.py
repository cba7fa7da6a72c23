"""What a VCT file declares before its objects: the header, the feature codes and the tables of attributes.

The layout is that of GB/T 17798-2007, which land offices call version 3.0: ``key:value`` lines in the header, then
``code,name,kind,table`` for each kind of feature, then ``table,number of fields`` with a line ``name,type,width,
decimals`` for each field and 0 at the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cim.model.collection import FieldType
from cim.model.reference_systems import GEOGRAPHIC, ZONED_3_DEGREE, ZONED_6_DEGREE
from importers.vct_text import VctLines, shown

STANDARD = "17798-2007"
VERSION = "3.0"
KINDS = {"point": "Point", "line": "Line", "polygon": "Polygon", "annotation": "Annotation"}
FALSE_EASTING = 500_000.0
CGCS2000_AXIS, CGCS2000_FLATTENING = 6_378_137.0, 298.257222101
_AXES: dict[str, tuple[float, float]] = {"E": (1.0, 0.0), "W": (-1.0, 0.0), "N": (0.0, 1.0), "S": (0.0, -1.0)}
_TYPES: dict[str, FieldType] = {
    "int1": "integer",
    "int2": "integer",
    "int4": "integer",
    "int8": "bigint",
    "int": "bigint",
    "integer": "bigint",
    "float": "double",
    "double": "double",
    "date": "date",
    "datetime": "timestamp",
}
"""Types by their lower-case name; every other type, such as Char, Varchar, Time and Varbin, is text."""


@dataclass(frozen=True, slots=True)
class VctField:
    """A field of a table, with its type in ours."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class FeatureCode:
    """A kind of feature. ``kind`` is Point, Line, Polygon or Annotation, else as the file has it."""

    code: str
    name: str
    kind: str
    table: str


@dataclass(slots=True)
class VctHead:
    """The declarations of a file. ``values`` are the header's by lower-case key, ``tables`` by name."""

    values: dict[str, str] = field(default_factory=dict)
    codes: list[FeatureCode] = field(default_factory=list)
    tables: dict[str, tuple[VctField, ...]] = field(default_factory=dict)

    @property
    def separator(self) -> bytes:
        """What stands between values, a comma where the header names none."""
        return (self.values.get("separator") or ",").encode()

    @property
    def axes(self) -> NDArray[np.float64] | None:
        """The matrix that makes easting and northing of the file's X and Y; None where they are that already."""
        x, y = self._axis("x", "E"), self._axis("y", "N")
        matrix = np.array([_AXES[x], _AXES[y]], dtype=np.float64)
        return None if (x, y) == ("E", "N") else matrix

    def listed(self, key: str) -> list[str]:
        """A header value of several, separated by commas or as the file's values are."""
        return self.values.get(key, "").replace(self.separator.decode(), ",").replace("，", ",").split(",")

    def _axis(self, letter: str, default: str) -> str:
        return (self.values.get(f"{letter}axisdirection") or default)[:1].upper()

    def system(self, easting: float | None) -> tuple[int | None, str]:
        """The EPSG code and the header lines it comes from; ``easting`` is the least one, in metres."""
        kind = self.values.get("coordinatesystemtype", "").upper()[:1]
        spheroid = self.values.get("spheroid", "")
        said = f"CoordinateSystemType:{kind or 'none'}, Spheroid:{spheroid or 'none'}"
        if not _is_cgcs2000(self.listed("spheroid")):
            return None, f"header: {said}, which is not known as CGCS2000: give --crs"
        unit = (self.values.get("xyunit") or kind.replace("P", "M")).upper()
        if (kind, unit) == ("D", "D"):
            return GEOGRAPHIC, f"header: {said}"
        if (kind, unit) != ("P", "M"):
            return None, f"header: {said}, XYUnit:{unit or 'none'}, which is no known system: give --crs"
        parameters = self.values.get("parameters", "")
        said = f"{said}, Parameters:{parameters or 'none'}"
        srid, remark = _zone(self.listed("parameters"), easting)
        return srid, f"header: {said}{remark}"


def read_head(lines: VctLines, section: str) -> dict[str, str]:
    """The header's values by lower-case key; ImportRefused for another version or a shift of all coordinates."""
    values: dict[str, str] = {}
    while not is_end(line := lines.take(f"{section}Begin"), section):
        refuse_begin(lines, line, section)
        key, _, value = decoded(line).replace("：", ":", 1).partition(":")
        values.setdefault(key.strip().lower(), value.strip())
    _check_version(lines, values)
    head = VctHead(values)
    for letter in ("x", "y"):
        if head._axis(letter, "E") not in _AXES:  # noqa: SLF001 - of this module
            raise lines.fault(
                f"{letter.upper()}AxisDirection is {values[f'{letter}axisdirection'][:20]!r}", "give E, N, W or S"
            )
    if head.axes is not None and abs(float(np.linalg.det(head.axes))) < 1:
        raise lines.fault("XAxisDirection and YAxisDirection are not at right angles", "correct the header")
    if any(part.strip(" 0.+-") for part in head.listed("offset")):
        raise lines.fault(f"the header shifts coordinates by {values['offset'][:40]}", "ask for it with Offset:0,0")
    return values


def read_codes(lines: VctLines, section: str) -> list[FeatureCode]:
    """The feature codes; a code that names a table only is of a table without geometry."""
    codes = []
    while not is_end(line := lines.take(f"{section}Begin"), section):
        refuse_begin(lines, line, section)
        parts = [part.strip() for part in decoded(line).split(lines.separator.decode())]
        parts += [""] * (4 - len(parts))
        kind = KINDS.get(parts[2].lower(), parts[2])
        codes.append(FeatureCode(parts[0], parts[1], kind, parts[3]))
    return codes


def read_tables(lines: VctLines, section: str) -> dict[str, tuple[VctField, ...]]:
    """The tables with their fields; ImportRefused where a table has another number of fields than it says."""
    tables: dict[str, tuple[VctField, ...]] = {}
    while not is_end(line := lines.take(f"{section}Begin"), section):
        refuse_begin(lines, line, section)
        name, count, *_ = [*decoded(line).split(lines.separator.decode()), "", ""]
        if not count.strip().isdecimal():
            raise lines.fault(f"{shown(line)} is no table with its number of fields", "have the file written again")
        fields = []
        while (line := lines.take(f"table {name}")) != b"0":
            refuse_begin(lines, line, section)
            if is_end(line, section):
                raise lines.fault(f"table {name} does not end with 0", "have the file written again")
            fields.append(_field(decoded(line).split(lines.separator.decode())))
        if len(fields) != int(count):
            raise lines.fault(
                f"table {name} has {len(fields)} fields and says {int(count)}", "have the file written again"
            )
        tables[name.strip()] = _distinct(fields)
    return tables


def is_end(line: bytes, section: str) -> bool:
    """Whether a line ends a section."""
    return line.lower() == f"{section}End".lower().encode()


def refuse_begin(lines: VctLines, line: bytes, section: str) -> None:
    """ImportRefused where another section begins before this one has ended."""
    if line[:1].isalpha() and line.lower().endswith(b"begin"):
        raise lines.fault(f"{decoded(line)[:40]} stands before {section}End", "have the file written again")


def decoded(line: bytes) -> str:
    """A declaration as text: UTF-8 where it is valid as that, else GB18030."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("gb18030", errors="replace")


def _check_version(lines: VctLines, values: dict[str, str]) -> None:
    mark, version = values.get("datamark", ""), values.get("version", "")
    if "VCT" in mark.upper() and (version == VERSION or STANDARD in version):
        return
    raise lines.fault(
        f"the file is {mark[:40] or 'without Datamark'} of version {version[:40] or 'none'}, read is VCT {VERSION}",
        "ask for the delivery as VCT 3.0 (GB/T 17798-2007), or as a file geodatabase",
        code="vct-version",
    )


def _field(parts: Sequence[str]) -> VctField:
    name, kind, width, *_ = [*(part.strip() for part in parts), "", "", ""]
    ours = _TYPES.get(kind.lower(), "text")
    if kind.lower() in {"int", "integer"} and width.isdecimal() and int(width) <= 4:
        ours = "integer"
    return VctField(name, ours)


def _distinct(fields: Sequence[VctField]) -> tuple[VctField, ...]:
    """Fields with names of their own: a repeated or missing one gets its number."""
    named: dict[str, VctField] = {}
    for number, item in enumerate(fields, 1):
        name = item.name or f"field_{number}"
        while name in named:
            name = f"{name}_{number}"
        named[name] = VctField(name, item.type)
    return tuple(named.values())


def _is_cgcs2000(spheroid: Sequence[str]) -> bool:
    """By its name, or by the exact figure under a name that is no other system's."""
    name, axis, flattening, *_ = [*spheroid, "", "", ""]
    if "CGCS" in name.upper() or "2000" in name:
        return True
    close = abs(_number(flattening) - CGCS2000_FLATTENING) < 1e-7 and abs(_number(axis) - CGCS2000_AXIS) < 1e-3
    return close and "GRS" not in name.upper()


def _zone(parts: Sequence[str], easting: float | None) -> tuple[int | None, str]:
    """The EPSG code of a Gauss-Krüger zone from the central meridian, the false easting and the width of zones.

    The parameters are the meridian first, somewhere the false easting, and after it the false northing, the width and
    the number of the zone.
    """
    numbers = [_number(part) for part in parts]
    meridian = numbers[0]
    at = next((place for place, value in enumerate(numbers) if value >= FALSE_EASTING), None)
    if at is None or not np.isfinite(meridian):
        return None, ", without central meridian and false easting: give --crs"
    width = 6 if numbers[at + 2 : at + 3] == [6.0] else 3
    number, codes = (meridian / 3, ZONED_3_DEGREE) if width == 3 else ((meridian + 3) / 6, ZONED_6_DEGREE)
    first = 25 if width == 3 else 13
    if not number.is_integer() or not 0 <= int(number) - first < len(codes):
        return None, f", {meridian:g} is no central meridian of a {width}-degree zone of China: give --crs"
    zone = int(number)
    code = codes[zone - first]
    prefix, rest = divmod(numbers[at], 1e6)
    if rest != FALSE_EASTING or prefix not in {0, zone}:
        return None, f", {numbers[at]:.0f} is no false easting of zone {zone}: give --crs"
    if prefix:
        return code, ""
    if easting is not None and easting // 1e6 == zone:
        return code, f"; eastings begin with zone {zone}, though the false easting does not"
    return code + len(codes), ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
