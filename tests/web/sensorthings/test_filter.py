"""Filters against an evaluator in Python, and the functions of the standard.

http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/filter,
built-in-filter-operations, built-in-query-functions.
"""

import contextlib
import operator
from collections.abc import Callable
from typing import Any

import pytest
from entities import Service, datastream, hour, station, thing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cim.errors import BadRequest
from cim.filters.nodes import Call, Literal, Node, Property, call
from cim.filters.odata_compiler import ODataCompiler
from cim.filters.odata_grammar import parsed
from cim.filters.odata_writing import written
from cim.model.access import Grade, ReadContext
from cim.model.sensing_entities import ENTITIES
from cim.store.database import Database
from cim.store.sensing_entities import Rows, Seen, open_reaches
from cim.store.sensing_entities_reading import OrderKey, Wanted, read_page
from cim.store.sensing_entities_writing import insert_row

NAMES = ["甲", "a'b", "", "Zz", "%_\\", "甲乙"]
RANKS = [None, 0, 1, 2.5, -3, "x", True]
ROWS = [(number + 1, NAMES[number % 6], RANKS[number % 7]) for number in range(40)]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le,
}  # fmt: skip
numbers = st.one_of(
    st.just(Property("id")),
    st.just(Property("properties/rank")),
    st.integers(-5, 45).map(Literal),
    st.sampled_from([0.5, 2.5]).map(Literal),
)
texts: st.SearchStrategy[Node] = st.recursive(
    st.one_of(st.just(Property("name")), st.sampled_from(NAMES).map(Literal)),
    lambda inner: st.one_of(
        inner.map(lambda text: call("toupper", (text,))),
        st.tuples(inner, inner).map(lambda pair: call("concat", pair)),
        st.tuples(inner, st.integers(0, 2).map(Literal)).map(lambda pair: call("substring", pair)),
    ),
    max_leaves=3,
)
counted = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["add", "sub", "mul"]), inner, inner).map(lambda t: call(t[0], t[1:])),
        texts.map(lambda text: call("length", (text,))),
        inner.map(lambda value: call("floor", (value,))),
    ),
    max_leaves=4,
)
conditions = st.recursive(
    st.one_of(
        st.tuples(st.sampled_from(sorted(COMPARE)), counted, counted).map(lambda t: call(t[0], t[1:])),
        st.tuples(st.sampled_from(["eq", "ne"]), texts, texts).map(lambda t: call(t[0], t[1:])),
        st.tuples(st.sampled_from(["substringof", "startswith", "endswith"]), texts, texts).map(
            lambda t: call(t[0], t[1:])
        ),
        st.sampled_from(["eq", "ne"]).map(lambda op: call(op, (Property("properties/rank"), call("null", ())))),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(lambda t: call(t[0], t[1:])),
        inner.map(lambda node: call("not", (node,))),
    ),
    max_leaves=6,
)


def value_of(node: Node, row: tuple[int, str, Any]) -> Any:
    """The value of a node for a row; None where it is unknown."""
    match node:
        case Literal(value):
            return value
        case Property(name):
            if name == "properties/rank":
                number = isinstance(row[2], int | float) and not isinstance(row[2], bool)
                return row[2] if number else None
            return row[0] if name == "id" else row[1]
        case Call("null"):
            return None
        case Call(op, args):
            return computed(op, args, row)
    raise AssertionError(node)


def computed(op: str, args: tuple[Node, ...], row: tuple[int, str, Any]) -> Any:
    if op in ("eq", "ne") and isinstance(args[1], Call) and args[1].op == "null":
        return (row[2] is None) == (op == "eq")
    if op in COMPARE and args == (Property("properties/rank"), Property("properties/rank")):
        return None if row[2] is None else COMPARE[op](0, 0)
    values = [value_of(arg, row) for arg in args]
    if op in ("and", "or"):
        decisive = op == "or"
        return decisive if decisive in values else (None if None in values else not decisive)
    if any(value is None for value in values):
        return None
    functions: dict[str, Callable[..., Any]] = {
        **COMPARE,
        "not": operator.not_,
        "add": operator.add,
        "sub": operator.sub,
        "mul": operator.mul,
        "floor": lambda value: value // 1,
        "length": len,
        "concat": operator.add,
        "toupper": str.upper,
        "substring": lambda text, start: text[start:],
        "substringof": lambda part, text: part in text,
        "startswith": lambda text, part: text.startswith(part),
        "endswith": lambda text, part: text.endswith(part),
    }
    return functions[op](*values)


async def found_by(database: Database, text: str) -> set[int]:
    """The numbers of the things that a filter finds."""
    context = ReadContext(((Grade.INTERNAL, None),))
    async with database.reading(context) as connection:
        rows = Rows(ENTITIES["Thing"], Seen(await open_reaches(connection, context)))
        where = [ODataCompiler(rows).condition(parsed(text, "filter", "$filter"))]
        key = OrderKey(rows.c.id, descending=False, nullable=False)
        return {row["id"] for row in await read_page(connection, Wanted(rows, [rows.c.id], [key], where, 100))}


@pytest.fixture
async def filled(database: Database) -> Database:
    """Things with odd names and ranks of many kinds."""
    async with database.writing() as connection:
        for _, name, rank in ROWS:
            await insert_row(connection, "Thing", {"name": name, "properties": {"rank": rank}})
    return database


@given(node=conditions)
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_filter_finds_what_python_finds(filled: Database, node: Node) -> None:
    expected = {row[0] for row in ROWS if value_of(node, row) is True}
    assert await found_by(filled, written(node)) == expected


@given(text=st.text(alphabet="abeq nt()'/$,;0123456789.-TZ:@\\\"甲", max_size=60))
@settings(max_examples=200)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    for start in ("filter", "orders", "expansions", "names"):
        with contextlib.suppress(BadRequest):
            parsed(text, start, "$filter")


OF_OBSERVATIONS: list[tuple[str, list[int]]] = [
    ("result gt 1 and result le 3", [2, 3]),
    ("result mod 2 eq 1", [1, 3]),
    ("result div 2 ge 1.5", [3, 4]),
    ("result gt '2'", [3, 4]),
    ("result eq '2' or length(result) eq 1 and result gt '11' and result lt '4'", [2, 3]),
    ("hour(phenomenonTime) eq 2 and minute(phenomenonTime) eq 0 and second(phenomenonTime) eq 0", [2]),
    ("year(phenomenonTime) eq 2026 and month(phenomenonTime) eq 3 and day(phenomenonTime) eq 1", [0, 1, 2, 3, 4]),
    ("phenomenonTime ge 2026-03-01T03:00:00Z", [3, 4]),
    ("phenomenonTime ge 2026-03-01T11:00:00+08:00", [3, 4]),
    ("phenomenonTime sub duration'PT1H' eq 2026-03-01T02:00:00Z", [3]),
    ("phenomenonTime sub 2026-03-01T00:00:00Z gt duration'PT3H'", [4]),
    ("date(phenomenonTime) eq 2026-03-01 and time(phenomenonTime) lt 02:00:00", [0, 1]),
    ("totaloffsetminutes(phenomenonTime) eq 0 and fractionalseconds(phenomenonTime) eq 0 and result eq 4", [4]),
    ("phenomenonTime gt maxdatetime() or phenomenonTime lt mindatetime() or now() lt phenomenonTime", []),
    ("round(result add 0.5) eq 3", [2]),
    ("ceiling(result sub 0.5) eq 3 or floor(result add 0.5) eq 0", [0, 3]),
    ("resultTime eq null and resultQuality eq 'N' and parameters eq null and result lt 2", [0, 1]),
    (
        "Datastream/ObservedProperty/name eq '水温' and Datastream/Thing/Locations/name eq '桥头' and result eq 2",
        [2],
    ),
    ("Datastream/unitOfMeasurement/symbol eq '°C' and result lt 1", [0]),
    ("FeatureOfInterest/name eq '桥头' and result lt 1", [0]),
    ("id eq '1-1772323200000000'", [0]),
    ("Datastream/phenomenonTime ge 2026-03-01T00:00:00Z and result eq 0", [0]),
    ("Datastream/phenomenonTime lt 2026-03-01T02:00:00Z", []),
    ("not (result ne 4)", [4]),
]


async def test_operators_and_functions(service: Service) -> None:
    await service.make("Things", station(observations=[hour(n) for n in range(5)]))
    for condition, results in OF_OBSERVATIONS:
        found = (await service.get("Observations", filter=condition))["value"]
        assert [one["result"] for one in found] == results, condition


OF_PLACES: list[tuple[str, bool]] = [
    ("geo.distance(location, geography'POINT (103.94 30.981)') lt 112", True),
    ("geo.distance(location, geography'POINT (103.94 30.981)') lt 110", False),
    ("geo.distance(location, geometry'POINT (103.94 30.981)') lt 0.0011", True),
    ("geo.length(geography'LINESTRING (103.94 30.98, 103.94 30.99)') gt 1108", True),
    ("geo.intersects(location, geography'POLYGON ((103 30, 104 30, 104 31, 103 31, 103 30))')", True),
    ("st_within(location, geography'POLYGON ((103 30, 104 30, 104 31, 103 31, 103 30))')", True),
    ("st_contains(geography'POLYGON ((103 30, 104 30, 104 31, 103 31, 103 30))', location)", True),
    ("st_equals(location, geography'POINT (103.94 30.98)')", True),
    ("st_disjoint(location, geography'POINT (103.94 30.98)')", False),
    ("st_intersects(location, geography'POINT (103.94 30.98)')", True),
    ("st_touches(location, geography'LINESTRING (103.94 30.98, 104 31)')", True),
    ("st_crosses(location, geography'LINESTRING (103.94 30.98, 104 31)')", False),
    ("st_overlaps(location, geography'POINT (103.94 30.98)')", False),
    ("st_relate(location, geography'POINT (103.94 30.98)', '0FFFFFFF2')", True),
    ("substringof('头', name) and startswith(name, '桥') and endswith(name, '头')", True),
    ("indexof(name, '头') eq 1 and length(name) eq 2 and substring(name, 1, 1) eq '头'", True),
    ("trim(concat(concat(' ', name), ' ')) eq name and tolower('A') eq 'a' and toupper('a') eq 'A'", True),
]


async def test_places_and_texts(service: Service) -> None:
    await service.make("Things", station())
    for condition, found in OF_PLACES:
        assert bool((await service.get("Locations", filter=condition))["value"]) is found, condition


async def test_a_condition_through_many_holds_where_it_holds_for_any(service: Service) -> None:
    await service.make("Things", thing("甲", Datastreams=[datastream("a"), datastream("b")]))
    await service.make("Things", thing("乙"))
    assert await service.names("Things", filter="Datastreams/name eq 'a' and Datastreams/name eq 'b'") == ["甲"]
    assert await service.names("Things", filter="not (Datastreams/name eq 'a')") == ["乙"]
    assert await service.names("ObservedProperties", filter="Datastreams/Thing/name eq '甲'") == ["水温", "水温"]
