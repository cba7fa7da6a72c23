"""What filters refuse before and while they are read: depth, length, and JSON that is no filter."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import BadRequest, NotAllowed
from cim.filters.compiler import Language, compile_filter
from cim.filters.limits import MOST_BYTES
from cim.filters.nodes import MOST_NESTING
from cim.filters.scope import FieldScope
from cim.model.access import Grade
from cim.model.collection import CollectionSchema, Field

SCHEMA = CollectionSchema(
    "odd",
    "Polygon",
    4490,
    (Field("名称", "text"), Field("n", "integer"), Field("owner", "text", Grade.RESTRICTED), Field("built", "date")),
)
SCOPE = FieldScope(SCHEMA, SCHEMA.field_names)
NARROW = FieldScope(SCHEMA, ("名称", "n"))


def nested(kind: str, depth: int) -> tuple[str, Language]:
    tree: Any = {"op": "=", "args": [{"property": "n"}, 1]}
    for _ in range(depth):
        tree = {"op": "not", "args": [tree]}
    forms = {
        "parentheses": "(" * depth + "n = 1" + ")" * depth,
        "not": "NOT " * depth + "n = 1",
        "minus": "n = " + "-" * depth + "n",
        "functions": "CASEI(" * depth + "名称" + ")" * depth + " = 'a'",
        "sums": "n" + " + n" * depth + " = 1",
        "power": "n" + " ^ n" * depth + " = 1",
        "collections": "S_INTERSECTS(geom, " + "GEOMETRYCOLLECTION(" * depth + "POINT(1 1)" + ")" * depth + ")",
        "open": "(" * depth,
        "brackets": "[" * depth,
    }
    if kind == "json":
        return (json.dumps(tree) if depth < 300 else '{"op":"not","args":[' * depth), "cql2-json"
    return forms[kind], "cql2-json" if kind == "brackets" else "cql2-text"


KINDS = ["parentheses", "not", "minus", "functions", "sums", "power", "collections", "open", "brackets", "json"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("depth", [MOST_NESTING + 60, 1_000, 3_000, 10_000])
def test_what_is_nested_too_deep_is_refused(kind: str, depth: int) -> None:
    text, language = nested(kind, depth)
    with pytest.raises(BadRequest, match=r"nested|longer"):
        compile_filter(text, SCOPE, language)


@pytest.mark.parametrize("kind", ["parentheses", "not", "functions", "sums", "json"])
def test_what_is_nested_as_deep_as_allowed_is_read(kind: str) -> None:
    text, language = nested(kind, MOST_NESTING - 3)
    assert compile_filter(text, SCOPE, language).fields <= {"n", "名称"}


def test_many_conditions_side_by_side_are_not_deep() -> None:
    text = " OR ".join(f"n = {number}" for number in range(1_300))
    assert len(text) < MOST_BYTES
    assert compile_filter(text, SCOPE).fields == {"n"}


def test_brackets_in_texts_do_not_count() -> None:
    compile_filter("名称 = '" + "(" * 200 + "'", SCOPE)
    compile_filter(json.dumps({"op": "=", "args": [{"property": "名称"}, "[" * 200]}), SCOPE, "cql2-json")


def test_the_fields_of_a_filter_are_told() -> None:
    found = compile_filter("名称 = '甲' AND T_AFTER(built, DATE('2020-01-01'))", SCOPE)
    assert (found.fields, found.spatial) == ({"名称", "built"}, False)
    assert compile_filter("S_INTERSECTS(geom, POINT(1 1))", SCOPE).spatial


@pytest.mark.parametrize(
    "form", ["{} = 'a'", "{} IS NULL", "n = 1 OR {} LIKE '%'", "T_AFTER(INTERVAL({}, '..'), built)"]
)
def test_hidden_and_missing_fields_are_refused_alike(form: str) -> None:
    told = []
    for name in ("owner", "missing"):
        with pytest.raises(NotAllowed) as refused:
            compile_filter(form.format(name), NARROW)
        told.append(str(refused.value).replace(name, ""))
    assert told[0] == told[1]


keys = st.sampled_from(["op", "args", "property", "date", "timestamp", "interval", "bbox", "type", "coordinates", "x"])
NAMES = ["and", "not", "=", "in", "between", "like", "isNull", "casei", "s_within", "t_during", "名称", "n", "geom"]
TYPES = ["Point", "Polygon", "GeometryCollection", "2020-01-01", "..", "\ud800", "\0", "%"]
words = st.sampled_from(NAMES + TYPES)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=12,
)
operators = st.fixed_dictionaries({"op": words, "args": st.lists(values, max_size=3)})


@settings(max_examples=1_500, deadline=None)
@given(value=st.one_of(values, operators))
def test_any_json_is_compiled_or_refused(value: Any) -> None:
    check_refusal(json.dumps(value), "cql2-json")


@settings(max_examples=1_500, deadline=None)
@given(text=st.one_of(st.text(max_size=60), st.binary(max_size=60).map(lambda b: b.decode("latin-1"))))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    check_refusal(text, "cql2-text")


def check_refusal(text: str, language: Language) -> None:
    """What is refused is told in text that can be sent."""
    try:
        compile_filter(text, SCOPE, language)
    except BadRequest as refused:
        told = f"{refused.what} {refused.remedy}"
    else:
        told = "compiled"
    told.encode()
