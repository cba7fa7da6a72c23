"""The query options of a request, with their limits, and the token by which a page follows another."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa

from cim.errors import BadRequest, Unsupported
from cim.filters.odata_grammar import Expansion, Options, parsed, whole_number
from cim.model.sensing_entities import ENTITIES, Entity
from cim.store.observations import microseconds, moment
from cim.store.sensing_entities_reading import OrderKey

MOST_QUERY_BYTES = 40_000
DEFAULT_TOP, MOST_TOP, MOST_OBSERVATIONS = 100, 1_000, 10_000
MOST_SKIP = 1_000_000
MOST_DEPTH, MOST_EXPANSIONS = 5, 30
OF_ONE = frozenset({"$select", "$expand"})
OF_SETS = OF_ONE | {"$filter", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken"}
_LOST_PLUS = re.compile(r"(T\d\d:\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)")
"""A zone whose plus sign was taken for a space, as it is where an address is not encoded."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a set or an entity; ``given`` are its options as they stand in the address."""

    options: Options
    given: dict[str, str]
    token: str | None = None
    data_array: bool = False


def asked_of(query: bytes, entity: Entity, *, is_set: bool) -> Asked:
    """The options in a query string; BadRequest for those that are unreadable or over a limit.

    Unsupported for those that no address has: OGC 18-088 asks for 501, not 400.
    """
    given = _given(query)
    known = OF_SETS if is_set else OF_ONE
    for name in given:
        if name not in known:
            refusal = BadRequest if name in OF_SETS else Unsupported
            raise refusal(
                f"there is no query option {name[:40]!r} {'for a set' if is_set else 'for one entity'}",
                where=name[:40],
                remedy=f"there are {', '.join(sorted(known))} (OGC 18-088 clause 9.3)",
            )
    options = Options(
        filter=parsed(given["$filter"], "filter", "$filter") if "$filter" in given else None,
        orders=parsed(given["$orderby"], "orders", "$orderby") if "$orderby" in given else (),
        expand=parsed(given["$expand"], "expansions", "$expand") if "$expand" in given else (),
        select=parsed(given["$select"], "names", "$select") if "$select" in given else None,
        top=whole_number(given["$top"], "$top") if "$top" in given else None,
        skip=whole_number(given.get("$skip", "0"), "$skip"),
        count=_truth(given.get("$count", "false")),
    )
    data_array = _is_data_array(given.get("$resultFormat"), entity)
    return Asked(checked(options, entity), given, given.get("$skiptoken"), data_array)


def _given(query: bytes) -> dict[str, str]:
    if len(query) > MOST_QUERY_BYTES:
        raise BadRequest("the query is too long", where="query", remedy=f"keep it below {MOST_QUERY_BYTES} bytes")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError:
        raise BadRequest("the query cannot be read", where="query", remedy="encode it as a URL query") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if name.startswith("$"):
            if name in given:
                raise BadRequest(f"{name[:40]} is given twice", where=name[:40], remedy="give it once")
            given[name] = _LOST_PLUS.sub(r"\1+\2", value)
    return given


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise BadRequest("$count is neither true nor false", where="$count", remedy="write $count=true")
    return text == "true"


def _is_data_array(text: str | None, entity: Entity) -> bool:
    if text is None:
        return False
    if text != "dataArray" or entity.name != "Observation":
        raise BadRequest(
            f"there is no format {text[:40]!r} of {entity.plural}",
            where="$resultFormat",
            remedy="Observations come as dataArray, all else as JSON",
        )
    return True


def checked(options: Options, entity: Entity) -> Options:
    """Options with every expansion and selection looked up, and expansions by one link each; limits are kept."""
    found, count = _checked(options, entity, 0)
    if count > MOST_EXPANSIONS:
        raise BadRequest(
            f"$expand asks for {count} links, {MOST_EXPANSIONS} are followed at once",
            where="$expand",
            remedy="ask in several requests",
        )
    return found


def _checked(options: Options, entity: Entity, depth: int) -> tuple[Options, int]:
    if options.skip > MOST_SKIP:
        raise BadRequest(
            f"$skip is over {MOST_SKIP}", where="$skip", remedy="follow @iot.nextLink, or filter by a value"
        )
    for name in options.select or ():
        _check_selected(name, entity)
    if options.expand and depth == MOST_DEPTH:
        raise BadRequest(
            f"$expand goes deeper than {MOST_DEPTH} links", where="$expand", remedy="start from another entity"
        )
    expansions, count = [], 0
    for expansion in _by_first_link(options.expand):
        link = entity.links.get(expansion.path[0])
        if link is None:
            raise BadRequest(
                f"{entity.plural} have no link {expansion.path[0][:60]!r}",
                where="$expand",
                remedy=f"there are {', '.join(entity.links)}",
            )
        inner, more = _checked(expansion.options, ENTITIES[link.target], depth + 1)
        expansions.append(Expansion(expansion.path, inner))
        count += 1 + more
    return replace(options, expand=tuple(expansions)), count


def _check_selected(name: str, entity: Entity) -> None:
    head = name.split("/", maxsplit=1)[0]
    if head in entity.properties or name in entity.links or name in ("id", "@iot.id", "@iot.selfLink"):
        return
    raise BadRequest(
        f"{entity.plural} have no property {name[:60]!r}",
        where="$select",
        remedy=f"there are {', '.join(['id', *entity.properties, *entity.links])}",
    )


def _by_first_link(expansions: Sequence[Expansion]) -> list[Expansion]:
    """Expansions by one link each: ``A/B`` is B within A, and what is asked of one link twice is joined."""
    found: dict[str, Options] = {}
    for expansion in expansions:
        first, rest = expansion.path[0], expansion.path[1:]
        options = Options(expand=(Expansion(rest, expansion.options),)) if rest else expansion.options
        before = found.get(first)
        if before is None:
            found[first] = options
        else:
            head, other = (before, options) if rest else (options, before)
            found[first] = replace(head, expand=(*head.expand, *other.expand))
    return [Expansion((first,), options) for first, options in found.items()]


def page_size(entity: Entity, top: int | None) -> int:
    """How many entities a page has."""
    most = MOST_OBSERVATIONS if entity.name == "Observation" else MOST_TOP
    return min(DEFAULT_TOP if top is None else top, most)


def token_of(values: Sequence[Any]) -> str:
    """The values at the end of a page, as the text that the next one starts from."""
    text = json.dumps([_packed(value) for value in values], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def values_of(token: str, keys: Sequence[OrderKey]) -> list[Any]:
    """The values in a token; BadRequest where they are not of the order that is asked for."""
    try:
        packed = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        values = [_unpacked(value) for value in packed]
        good = len(values) == len(keys) and all(_fits(v, key) for v, key in zip(values, keys, strict=True))
    except (ValueError, TypeError, LookupError, OverflowError, ArithmeticError, RecursionError, binascii.Error):
        good, values = False, []
    if not good:
        raise BadRequest(
            "$skiptoken does not fit this request", where="$skiptoken", remedy="follow @iot.nextLink as it is"
        )
    return values


_PACK: tuple[tuple[type | tuple[type, ...], str, Callable[[Any], Any]], ...] = (
    (datetime, "at", microseconds),
    (date, "day", date.isoformat),
    (time, "clock", time.isoformat),
    (timedelta, "span", lambda value: value // timedelta(microseconds=1)),
    (Decimal, "number", str),
    ((list, dict), "json", lambda value: value),
)


def _packed(value: Any) -> Any:
    for kind, word, pack in _PACK:
        if isinstance(value, kind):
            return [word, pack(value)]
    return value


_UNPACK: dict[str, Any] = {
    "at": moment,
    "day": date.fromisoformat,
    "clock": time.fromisoformat,
    "span": lambda micros: timedelta(microseconds=micros),
    "number": Decimal,
    "json": lambda value: value,
}


def _unpacked(value: Any) -> Any:
    return _UNPACK[value[0]](value[1]) if isinstance(value, list) else value


_TYPES: tuple[tuple[type, tuple[type, ...]], ...] = (
    (sa.Integer, (int,)),
    (sa.Numeric, (int, float, Decimal)),
    (sa.Text, (str,)),
    (sa.TIMESTAMP, (datetime,)),
    (sa.Boolean, (bool,)),
    (sa.Date, (date,)),
    (sa.Time, (time,)),
    (sa.Interval, (timedelta,)),
)


def _fits(value: Any, key: OrderKey) -> bool:
    """Whether a value can be one of this key's; a document can be anything."""
    if value is None:
        return key.nullable
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        return False
    for kind, fitting in _TYPES:
        if isinstance(key.sql.type, kind):
            return isinstance(value, fitting) and (bool in fitting or not isinstance(value, bool))
    return True
