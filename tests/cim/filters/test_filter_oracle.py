"""Filters against an evaluator of their own in Python: three-valued, over a thousand features with hostile names."""

import contextlib
import json
import operator
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.schema import CreateTable

from cim.errors import BadRequest
from cim.filters.compiler import Filter, compile_filter
from cim.filters.scope import FieldScope
from cim.model.collection import CollectionSchema, Field
from cim.store.collection_tables import collection_table
from cim.store.database import Database

NAMES = {
    "text": ("名称", 'a"b', "x", "select"),
    "number": ("a-b", "价格%", "Height:m"),
    "boolean": ("open?",),
    "date": ("建成;--",),
    "timestamp": ("at'",),
}
FIELDS = (
    *(Field(name, "text") for name in NAMES["text"]),
    Field("a-b", "integer"),
    Field("价格%", "bigint"),
    Field("Height:m", "double"),
    Field("open?", "boolean"),
    Field("建成;--", "date"),
    Field("at'", "timestamp"),
)
SCHEMA = CollectionSchema("odd", "Polygon", 4490, FIELDS)
SCOPE = FieldScope(SCHEMA, SCHEMA.field_names)
LETTERS = "aA1 甲路éÉ'\"\\%_;-()$:{}"
HOSTILE = ("' OR 1=1 --", "'; DROP TABLE history.odd; --", "%(x)s", "%s", ":x", "\\'", '"', "$1", "甲路", "A1", "é")
REQUEST = "filter-oracle"
FIRST_DAY = date(2020, 1, 1)
FIRST_INSTANT = datetime(2024, 2, 29, 23, 0, tzinfo=UTC)


Finder = Callable[[Filter], Awaitable[set[int]]]


@dataclass(frozen=True)
class Odd:
    """A feature as the oracle knows it."""

    fid: int
    values: dict[str, Any]
    shape: shapely.Polygon | None


def made_rows(count: int = 1000) -> list[Odd]:
    random = Random(4)
    rows = []
    for fid in range(1, count + 1):
        values: dict[str, Any] = {}
        for field in FIELDS:
            values[field.name] = None if random.random() < 0.1 else random_value(random, field)
        west, south = 103.9 + fid % 25 * 0.01, 30.9 + fid // 25 * 0.01
        shape = None if fid % 97 == 0 else shapely.box(west, south, west + 0.008, south + 0.008)
        rows.append(Odd(fid, values, shape))
    return rows


def random_value(random: Random, field: Field) -> Any:
    match field.type:
        case "text":
            some = "".join(random.choice(LETTERS) for _ in range(random.randrange(4)))
            return random.choice(HOSTILE) if random.random() < 0.3 else some
        case "integer":
            return random.randrange(-5, 6)
        case "bigint":
            return random.choice([0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63)])
        case "double":
            return random.choice([0.0, 0.5, -2.25, 3.0, 1e300, 1e-300])
        case "boolean":
            return random.random() < 0.5
        case "date":
            return FIRST_DAY + timedelta(days=random.randrange(10))
    return FIRST_INSTANT + timedelta(hours=random.randrange(10))


ROWS = made_rows()


@pytest.fixture
async def odd(database: Database) -> AsyncIterator[Finder]:
    """A function that gives the ids of the features a filter finds."""
    table = collection_table(SCHEMA)
    async with database.writing(REQUEST) as connection:
        await connection.execute(CreateTable(table))
        await connection.execute(
            sa.insert(table),
            [
                {
                    "fid": row.fid,
                    "key": str(row.fid),
                    "valid_from_version": 1,
                    **row.values,
                    "geom": None if row.shape is None else f"SRID=4490;{row.shape.wkt}",
                }
                for row in ROWS
            ],
        )
        await connection.execute(sa.text("UPDATE history.odd SET geom_3857 = ST_Transform(geom, 3857)"))

        async def found(compiled: Filter) -> set[int]:
            rows = await connection.execute(sa.select(table.c.fid).where(compiled.condition))
            return set(rows.scalars())

        yield found


# A tree is (operator, operands...); leaves are ("field", name), ("value", python value) and ("shape", geometry).
Tree = tuple[Any, ...]
COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
texts = st.one_of(st.sampled_from(HOSTILE), st.text(LETTERS, max_size=3))
numbers = st.one_of(
    st.integers(-6, 6), st.sampled_from([0.5, -2.25, 1e300, 2**53 + 1, 2**63 - 1, 2**63, 10**30, 1e-300])
)
days = st.integers(0, 10).map(lambda n: FIRST_DAY + timedelta(days=n))
instants = st.integers(0, 10).map(lambda n: FIRST_INSTANT + timedelta(hours=n))
VALUES: dict[str, st.SearchStrategy[Any]] = {"text": texts, "number": numbers, "date": days, "timestamp": instants}


def fields_of(kind: str) -> st.SearchStrategy[Tree]:
    return st.sampled_from(NAMES[kind]).map(lambda name: ("field", name))


def scalars(kind: str) -> st.SearchStrategy[Tree]:
    plain = st.one_of(fields_of(kind), VALUES[kind].map(lambda value: ("value", value)))
    if kind == "text":
        return st.one_of(plain, plain.map(lambda one: ("casei", one)), plain.map(lambda one: ("accenti", one)))
    if kind == "number":
        few = st.one_of(
            st.just(("field", "a-b")), st.integers(-6, 6).map(lambda n: ("value", n)), st.just(("value", 0.5))
        )
        return st.one_of(plain, st.tuples(st.sampled_from("+-*"), few, few))
    return plain


@st.composite
def shapes(draw: st.DrawFn) -> shapely.Polygon:
    """Boxes anywhere, and such as share an edge with a feature's shape or equal it."""
    if draw(st.booleans()):
        west, south = draw(st.floats(103.8, 104.2)), draw(st.floats(30.8, 31.4))
        return shapely.box(west, south, west + draw(st.floats(0.001, 0.3)), south + draw(st.floats(0.001, 0.3)))
    west, south, east, north = draw(st.sampled_from([row.shape.bounds for row in ROWS if row.shape is not None]))
    return draw(st.sampled_from([shapely.box(west, south, east, north), shapely.box(east, south, east + 0.1, north)]))


@st.composite
def leaves(draw: st.DrawFn) -> Tree:
    kind = draw(st.sampled_from(sorted(VALUES)))
    choice = draw(st.integers(0, 7))
    if choice == 0:
        return ("between", draw(scalars(kind)), draw(scalars(kind)), draw(scalars(kind)))
    if choice == 1:
        return (
            "in",
            draw(scalars(kind)),
            *(("value", v) for v in draw(st.lists(VALUES[kind], min_size=1, max_size=4))),
        )
    if choice == 2:
        pattern = draw(texts)
        return ("like", draw(scalars("text")), ("value", pattern + "\\" * (len(re.findall(r"\\*$", pattern)[0]) % 2)))
    if choice == 3:
        return (draw(st.sampled_from(sorted(SPATIAL))), ("shape", draw(shapes())))
    if choice == 4:
        when = draw(st.sampled_from(["date", "timestamp"]))
        ends = sorted(draw(st.tuples(VALUES[when], VALUES[when])))
        return (draw(st.sampled_from(sorted(TEMPORAL))), draw(fields_of(when)), *ends)
    if choice == 5:
        return ("isnull", draw(fields_of(draw(st.sampled_from(sorted(NAMES))))))
    if choice == 6:
        fold = draw(st.sampled_from(["casei", "accenti"]))
        some = draw(st.sampled_from(["a", "A", "é", "É", "e", "aA", "a%", "_É"]))
        return (draw(st.sampled_from(["=", "like"])), (fold, draw(fields_of("text"))), (fold, ("value", some)))
    return (draw(st.sampled_from(sorted(COMPARE))), draw(scalars(kind)), draw(scalars(kind)))


trees = st.recursive(
    st.one_of(leaves(), fields_of("boolean")),
    lambda inner: st.one_of(
        inner.map(lambda one: ("not", one)),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: ("and", *some)),
        st.lists(inner, min_size=2, max_size=4).map(lambda some: ("or", *some)),
    ),
    max_leaves=8,
)
SPATIAL = {
    "s_intersects": "intersects",
    "s_disjoint": "disjoint",
    "s_within": "within",
    "s_contains": "contains",
    "s_overlaps": "overlaps",
    "s_touches": "touches",
    "s_equals": "equals",
}
TEMPORAL: dict[str, Callable[[Any, Any, Any], bool]] = {
    "t_after": lambda v, _a, b: v > b,
    "t_before": lambda v, a, _b: v < a,
    "t_during": lambda v, a, b: a < v < b,
    "t_intersects": lambda v, a, b: a <= v <= b,
    "t_disjoint": lambda v, a, b: v < a or v > b,
    "t_equals": lambda v, a, b: v == a == b,
}


def evaluate(tree: Tree, row: Odd) -> Any:
    """What a tree is for a feature; None is unknown."""
    op, *args = tree
    if op == "field":
        return row.values[args[0]]
    if op == "value":
        return args[0]
    if op in SPATIAL:
        return None if row.shape is None else bool(getattr(row.shape, SPATIAL[op])(args[0][1]))
    if op in TEMPORAL:
        value = evaluate(args[0], row)
        return None if value is None else TEMPORAL[op](value, args[1], args[2])
    values = [evaluate(arg, row) for arg in args]
    if op == "isnull":
        return values[0] is None
    if op == "and":
        return False if False in values else None if None in values else True
    if op == "or":
        return True if True in values else None if None in values else False
    if op == "between":
        low = None if None in values[:2] else values[0] >= values[1]
        high = None if None in (values[0], values[2]) else values[0] <= values[2]
        return False if False in (low, high) else None if None in (low, high) else True
    if None in values:
        return None
    return evaluate_known(op, values)


def evaluate_known(op: str, values: list[Any]) -> Any:
    if op == "not":
        return not values[0]
    if op == "in":
        return values[0] in values[1:]
    if op == "like":
        return like(values[0], values[1])
    if op == "casei":
        return values[0].lower()
    if op == "accenti":
        apart = unicodedata.normalize("NFD", values[0])
        return unicodedata.normalize("NFC", re.sub("[\u0300-\u036f]", "", apart))
    if op in COMPARE:
        return COMPARE[op](*values)
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[op](*values)


def like(text: str, pattern: str) -> bool:
    parts, rest = "", iter(pattern)
    for letter in rest:
        parts += {"%": ".*", "_": "."}.get(letter) or re.escape(next(rest) if letter == "\\" else letter)
    return re.fullmatch(parts, text, re.DOTALL) is not None


def as_text(tree: Tree) -> str:
    op, *args = tree
    if op == "field":
        return '"' + args[0].replace('"', '""') + '"'
    if op == "value":
        return value_text(args[0])
    if op in SPATIAL:
        return f"{op.upper()}(geom, {shapely.to_wkt(args[0][1], rounding_precision=-1)})"
    if op in TEMPORAL:
        start, end = (f"'{moment_text(end)}'" for end in args[1:])
        return f"{op.upper()}({as_text(args[0])}, INTERVAL({start}, {end}))"
    parts = [as_text(arg) for arg in args]
    if op in ("casei", "accenti"):
        return f"{op.upper()}({parts[0]})"
    if op == "not":
        return f"NOT ({parts[0]})"
    if op == "in":
        return f"{parts[0]} IN ({', '.join(parts[1:])})"
    if op == "between":
        return f"{parts[0]} BETWEEN {parts[1]} AND {parts[2]}"
    if op == "isnull":
        return f"{parts[0]} IS NULL"
    return "(" + f" {op.upper()} ".join(parts) + ")"


def value_text(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, datetime):
        return f"TIMESTAMP('{moment_text(value)}')"
    return f"DATE('{moment_text(value)}')" if isinstance(value, date) else repr(value)


def moment_text(value: date) -> str:
    return value.isoformat().replace("+00:00", "Z")


def as_json(tree: Tree) -> Any:
    op, *args = tree
    if op == "field":
        return {"property": args[0]}
    if op == "value":
        value = args[0]
        if isinstance(value, date):
            return {"timestamp" if isinstance(value, datetime) else "date": moment_text(value)}
        return value
    if op in SPATIAL:
        return {"op": op, "args": [{"property": "geom"}, shapely.geometry.mapping(args[0][1])]}
    if op in TEMPORAL:
        interval = {"interval": [moment_text(end) for end in args[1:]]}
        return {"op": op, "args": [as_json(args[0]), interval]}
    parts = [as_json(arg) for arg in args]
    if op == "in":
        parts = [parts[0], parts[1:]]
    return {"op": "isNull" if op == "isnull" else op, "args": parts}


async def check(tree: Tree, found: Finder) -> None:
    expected = {row.fid for row in ROWS if evaluate(tree, row) is True}
    from_json = compile_filter(json.dumps(as_json(tree)), SCOPE, "cql2-json")
    assert await found(from_json) == expected
    if not any(re.search(r"\\('|$)", text) for text in texts_of(tree)):  # CQL2 text reads \\' as a quote
        assert await found(compile_filter(as_text(tree), SCOPE)) == expected


def texts_of(tree: Tree) -> Iterator[str]:
    for part in tree:
        if isinstance(part, tuple):
            yield from texts_of(part)
        elif isinstance(part, str) and tree[0] == "value":
            yield part


def refusals(logs: Path) -> list[str]:
    """What the database refused of this file's statements, by its own log."""
    lines = [line for path in logs.glob("postgresql-*.log") for line in path.read_text("utf-8").splitlines()]
    return [line for line in lines if f"cim {REQUEST} " in line and "ERROR" in line]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees)
async def test_filters_find_what_the_oracle_finds(tree: Tree, odd: Finder, run_folder: Path) -> None:
    await check(tree, odd)
    assert refusals(run_folder / "d" / "log") == []


async def test_each_relation_at_its_border(odd: Finder) -> None:
    """Shapes that equal, hold, meet or cut a feature's; intervals that begin and end at a feature's time."""
    west, south, east, north = next(row.shape.bounds for row in ROWS if row.shape is not None)
    for op in SPATIAL:
        for bounds in (
            (west, south, east, north),
            (west - 1e-4, south - 1e-4, east + 1e-4, north + 1e-4),
            (west + 1e-4, south + 1e-4, east - 1e-4, north - 1e-4),
            (east, south, east + 1e-4, north),
            (west, south - 1e-4, east - 1e-4, north - 1e-4),
        ):
            await check((op, ("shape", shapely.box(*bounds))), odd)
    for op in TEMPORAL:
        times = (("date", FIRST_DAY, timedelta(days=1)), ("timestamp", FIRST_INSTANT, timedelta(hours=1)))
        for kind, start, step in times:
            for length in (0, 1, 4):
                await check((op, ("field", NAMES[kind][0]), start + 2 * step, start + (2 + length) * step), odd)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=trees)
async def test_five_thousand_filters_find_what_the_oracle_finds(tree: Tree, odd: Finder, run_folder: Path) -> None:
    await check(tree, odd)
    assert refusals(run_folder / "d" / "log") == []


TOKENS = [
    "(",
    ")",
    ",",
    "and",
    "or",
    "not",
    "in",
    "between",
    "like",
    "is",
    "null",
    "=",
    "<",
    "+",
    "-",
    "/",
    "%",
    "^",
    "div",
    "1",
    "0",
    "2.5",
    "1e308",
    "'a'",
    "'%'",
    "'\\'",
    '"a-b"',
    '"Height:m"',
    "x",
    "select",
    '"名称"',
    "geom",
    "casei(",
    "date(",
    "timestamp(",
    "interval(",
    "s_intersects(",
    "t_after(",
    "point(1 2)",
    "bbox(1,2,3,4)",
    "'2020-01-01'",
    "true",
    '"open?"',
    '"建成;--"',
    ";",
    "--",
    "$1",
    "%(a)s",
    "pg_sleep(",
    "\0",
]


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(tokens=st.lists(st.sampled_from(TOKENS), min_size=1, max_size=14))
async def test_any_words_are_refused_or_run(tokens: list[str], odd: Finder, run_folder: Path) -> None:
    with contextlib.suppress(BadRequest):
        await odd(compile_filter(" ".join(tokens), SCOPE))
    assert refusals(run_folder / "d" / "log") == []
