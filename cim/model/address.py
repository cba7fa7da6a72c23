"""A Chinese address in parts, by the words that end them: 镇, 社区, 路, 组, 号, 栋.

No name is known here; what a part says is compared with names that exist in ``cim.model.gazetteer``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from cim.model.address_text import clean_address

_DOOR = re.compile(
    r"(?P<group>\d+)(?:村民小组|组|社(?!区)|队)"
    r"|(?P<building>\d+|[A-Za-z])(?:号楼|栋|幢|座)"
    r"|(?P<unit>\d+)单元"
    r"|(?P<floor>负?\d+)(?:楼|层)(?!社区|村)"
    r"|(?P<room>\d+)(?:室|房)"
    r"|(?<![A-Za-z\d])(?P<number>\d{1,9}+)(?!\d)(?P<letter>[甲乙丙丁])?+[号#]?+"
    r"(?:(?:附|之|-)(?P<sub>\d{1,9}+)(?!\d)(?:-(?P<third>\d{1,9}+)(?!\d))?+[号#]?+)?+"
    r"(?!国道|省道|县道|乡道|路|街|巷|环|大道|桥)"
)
_NAME = re.compile(
    r".+?(?:街道办事处|街道办|街道|大道|公路|社区居委会|社区|村委会|居委会|胡同"
    r"|村(?![村社路街巷]|委会)|镇(?![路街巷村社])|乡(?![路街巷村社])|路(?!口)|街(?![道路巷])|巷"
    r"|省|市(?![场民政中村镇乡路街社])|县(?![道城村镇乡路街])|(?<![社小园])区)"
)
_PART_OF = (
    ("town", ("街道办事处", "街道办", "街道", "镇", "乡")),
    ("village", ("社区居委会", "社区", "村委会", "居委会", "村")),
    ("street", ("大道", "公路", "路", "街", "巷", "胡同")),
    ("province", ("省",)),
    ("county", ("市", "县", "区")),
)


@dataclass(frozen=True, slots=True)
class DoorNumber:
    """A door number: ``main``, and ``sub`` of 附3号, 之三, -3 or 甲 (empty: none)."""

    main: int
    sub: str = ""

    def __str__(self) -> str:
        return f"{self.main}号" + (f"附{self.sub}号" if self.sub.isdigit() else self.sub)


@dataclass(frozen=True, slots=True)
class AddressParts:
    """The parts of an address; an empty text or None is a part that is not there.

    ``before`` and ``behind`` are the texts before the door number and behind it that are no numbers, in pieces: all
    names stand in them, whatever their order. ``notes`` stood in brackets.
    """

    text: str
    before: tuple[str, ...] = ()
    behind: tuple[str, ...] = ()
    province: str = ""
    city: str = ""
    county: str = ""
    town: str = ""
    village: str = ""
    street: str = ""
    group: str = ""
    number: DoorNumber | None = None
    building: str = ""
    unit: str = ""
    floor: str = ""
    room: str = ""
    tail: str = ""
    notes: tuple[str, ...] = ()


def parse_address(text: str) -> AddressParts:
    """The parts of an address; nothing is refused: what is not recognised stays in ``before`` and ``behind``."""
    cleaned, notes = clean_address(text)
    numbers: dict[str, str] = {}
    before: list[str] = []
    behind: list[str] = []
    door: DoorNumber | None = None
    end = 0
    for found in _DOOR.finditer(cleaned):
        (before if door is None else behind).append(cleaned[end : found.start()])
        end = found.end()
        door = _take(found, numbers, door)
    (before if door is None else behind).append(cleaned[end:])
    first, second = (tuple(piece.strip() for piece in side if piece.strip()) for side in (before, behind))
    named = _named(first, second)
    return AddressParts(cleaned, first, second, number=door, notes=notes, **numbers, **named)


@lru_cache(maxsize=100_000)
def parse_number(text: str) -> DoorNumber | None:
    """The door number in a text such as ``１２号附３号``; None when there is none."""
    return parse_address(text).number


def first_token(text: str) -> str:
    """The piece of a text without numbers up to the first word that ends a name; all of it where there is none."""
    found = _NAME.match(text)
    return found[0] if found else text


def name_tokens(text: str) -> list[str]:
    """A text without numbers cut behind the words that end names; what is left at the end is the last piece."""
    found = []
    while text:
        found.append(first_token(text))
        text = text[len(found[-1]) :]
    return found


def part_of(token: str) -> str:
    """Which part a token is by its ending; empty when it has none of them."""
    return next((part for part, endings in _PART_OF if token.endswith(endings)), "")


def _take(found: re.Match[str], numbers: dict[str, str], door: DoorNumber | None) -> DoorNumber | None:
    """Put what was found into ``numbers``, or make it the door number; further plain numbers are unit, floor, room."""
    if found["number"] is None:
        kind = str(found.lastgroup)
        numbers.setdefault(kind, found[kind])
        return door
    values = [found["number"], found["sub"], found["third"]]
    if door is None and not numbers.keys() & {"building", "unit"}:
        return DoorNumber(int(values[0]), found["letter"] or (str(int(values[1])) if values[1] else ""))
    given = [value for value in values if value]
    places = {1: ("room",), 2: ("unit", "room"), 3: ("unit", "floor", "room")}[len(given)]
    for place, value in zip(places, given, strict=True):
        numbers.setdefault(place, value)
    return door


def _named(before: tuple[str, ...], behind: tuple[str, ...]) -> dict[str, str]:
    """Names by the endings of their tokens; the first of each part counts, the last of the counties."""
    named: dict[str, str] = {}
    rest: list[str] = []
    tokens = [
        (token, place >= len(before)) for place, piece in enumerate((*before, *behind)) for token in name_tokens(piece)
    ]
    for token, is_behind in tokens:
        part = part_of(token)
        if part == "county":
            if named.get("county", token) != token:
                named.setdefault("city", named["county"])
            named["county"] = token
        elif part or not is_behind:
            named.setdefault(part or "street", token)
        else:
            rest.append(token)
    return {**named, "tail": "".join(rest)}
