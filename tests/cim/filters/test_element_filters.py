"""Conditions on properties inside documents against an evaluator in Python."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import building, import_made
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest
from cim.filters.compiler import compile_filter
from cim.filters.elements import ElementScope
from cim.store.bim_elements import ElementQuery, element_rows
from cim.store.database import Database, run

NAMES = ("P.a", "P.b", "Q.a", "P.a.b", "P'x.\"y", "属性.名")
VALUES = ("甲级", "x'y", "", "7", 7, 7.5, -1, 0, True, False, None, [1, 2], {"b": 7})
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}
Sets = dict[str, dict[str, Any]]


def held(sets: Sets, name: str) -> Any:
    """The value of a name: the first way to part it at a dot that finds one."""
    parts = name.split(".")
    for cut in range(1, len(parts)):
        value: Any = sets
        for step in (".".join(parts[:cut]), ".".join(parts[cut:])):
            value = value.get(step, ...) if isinstance(value, dict) else ...
        if value is not ...:
            return value
    return None


def kind(value: Any) -> str:
    """text, number, boolean, or other."""
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, (int, float)) else "text" if isinstance(value, str) else "other"


def truth(sets: Sets, name: str, op: str, literal: Any) -> bool | None:
    """What a comparison says; None is unknown: the value is missing or of another type."""
    value = held(sets, name)
    return COMPARE[op](value, literal) if kind(value) == kind(literal) else None


conditions = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(sorted(COMPARE)),
    st.sampled_from(["甲级", "x'y", "7", 7, 7.5, 0, True, False]),
).filter(lambda c: not isinstance(c[2], bool) or c[1] in ("=", "<>"))
rows = st.lists(
    st.dictionaries(
        st.sampled_from(("P", "Q", "P.a", "P'x", "属性")),
        st.dictionaries(st.sampled_from(("a", "b", "a.b", '"y', "名")), st.sampled_from(VALUES), max_size=3),
        max_size=3,
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture
async def table(database: Database) -> None:
    """One model with elements enough to take any properties."""
    await import_made(database, building(storeys=1))


async def found(connection: AsyncConnection, sets: list[Sets], text: str) -> set[int]:
    """The numbers of the property documents that a filter finds."""
    documents = sa.text(
        "SELECT n - 1 AS n, v AS properties, '{}'::jsonb AS quantities FROM"
        " jsonb_array_elements(CAST(:sets AS jsonb)) WITH ORDINALITY AS each (v, n)"
    )
    rows = documents.bindparams(sets=json.dumps(sets)).columns(sa.column("n", sa.Integer)).subquery("rows")
    compiled = compile_filter(text, ElementScope())
    return set((await connection.execute(sa.select(rows.c.n).where(compiled.condition))).scalars())


def written(name: str, op: str, literal: Any) -> str:
    """A condition as CQL2 text."""
    quoted = '"' + name.replace('"', '""') + '"'
    value = str(literal).upper() if isinstance(literal, bool) else literal
    return f"{quoted} {op} " + (f"'{value}'".replace("x'y", "x''y") if isinstance(literal, str) else str(value))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows, conditions, conditions)
def test_filters_on_properties_find_what_python_finds(
    urls: Any, sets: list[Sets], one: tuple[str, str, Any], other: tuple[str, str, Any]
) -> None:
    async def work() -> None:
        database = Database(urls.reader_url, urls.writer_url, pool_size=1)
        try:
            async with database.writing() as connection:
                plain = await found(connection, sets, written(*one))
                both = await found(connection, sets, f"{written(*one)} AND NOT ({written(*other)})")
        finally:
            await database.close()
        assert plain == {n for n, each in enumerate(sets) if truth(each, *one)}
        assert both == {n for n, each in enumerate(sets) if truth(each, *one) and truth(each, *other) is False}

    run(work())


async def test_hostile_names_are_values_and_nothing_else(database: Database, table: None) -> None:
    query = ElementQuery(("hospital",))
    for name in ("a'.b", 'a"".b', "a;DROP TABLE bim.element.b", "{a,b}.c", "a\\.b", "%s.%(x)s", "a..b", ".", "a."):
        compiled = compile_filter(f"\"{name}\" = 'x'", ElementScope())
        where = ElementQuery(query.models, None, (compiled.condition,))
        async with database.writing() as connection:
            count = await connection.scalar(sa.select(sa.func.count()).select_from(element_rows(where)))
        assert count == 0
    for text in (
        '"a\x00.b" = 1',
        "\"P.a\" = DATE('2026-01-01')",
        "\"P.a\" + 'x' = 1",
        'S_INTERSECTS("P.a", POINT(1 2))',
    ):
        with pytest.raises(BadRequest):
            compile_filter(text, ElementScope())
