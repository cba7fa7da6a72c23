"""What definitions say of low zooms, and what is made of layers that say nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cim.errors import DefinitionError
from cim.model.access import Grade
from cim.model.collection import Collection, CollectionSchema, Field
from cim.model.general import GeneralPlan, GeneralSum, hidden_attributes
from layers.catalog import load_catalog, schema_of
from layers.definition import load_definition
from layers.general_plan import general_plan

CATALOG = load_catalog()


def plan_of(layer: str) -> GeneralPlan:
    return general_plan(CATALOG, collection(schema_of(CATALOG.layers[layer], 4490)))


def collection(schema: CollectionSchema) -> Collection:
    return Collection(schema, Grade.PUBLIC, 1, 1, None, datetime.now(UTC))


@pytest.mark.parametrize(
    ("layer", "method"),
    [
        ("buildings", "cells"),
        ("land_status", "classes"),
        ("plan_parcels", "classes"),
        ("roads", "lines"),
        ("addresses", "points"),
        ("admin_town", "simplified"),
        ("eco_redline", "simplified"),
        ("organisations", "points"),
    ],
)
def test_the_method_fits_the_layer(layer: str, method: str) -> None:
    assert plan_of(layer).method == method


def test_every_shipped_definition_has_a_plan() -> None:
    for layer, definition in CATALOG.layers.items():
        plan = plan_of(layer)
        assert plan.method != "none" or definition.geometry == "none" or definition.content == "raster"
        assert set(plan.fields) <= {field.name for field in definition.fields}


def test_classes_have_the_names_of_their_code_list() -> None:
    plan = plan_of("land_status")
    assert plan.class_attributes("0101") == {"DLBM": "0101", "DLMC": "水田"}
    assert plan.class_attributes("9999") == {"DLBM": "9999"}
    assert plan.class_attributes(None) == {}


def test_a_layer_without_definition_follows_its_geometry() -> None:
    for geometry, method in (("Point", "points"), ("MultiLineString", "lines"), ("Polygon", "cells"), ("none", "none")):
        schema = CollectionSchema("draft", geometry, 4490, (Field("名称", "text"),))  # type: ignore[arg-type]
        plan = general_plan(CATALOG, collection(schema))
        assert (plan.method, plan.fields) == (method, ("名称",))


def test_figures_are_hidden_with_the_field_they_come_from() -> None:
    plan = GeneralPlan(
        "cells", 14, ("code",), "use", sums=(GeneralSum("floor_area_m2", "floors"),), means=("height_m",)
    )
    assert hidden_attributes(plan.sources, ["code", "use"]) == ["floor_area_m2", "height_m"]
    assert hidden_attributes(plan.sources, ["code", "use", "floors", "height_m"]) == []


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ('sums = [{ name = "x", field = "code" }]', "code is text"),
        ('class = "missing"', "missing"),
        ("full_zoom = 40", "18"),
        ('method = "magic"', "method"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, options: str, fault: str) -> None:
    path = tmp_path / "thing.toml"
    path.write_text(
        'id = "thing"\ntitle = { zh = "物", en = "T" }\nkind = { zh = "物", en = "t" }\ntheme = "base"\n'
        f'category = "spatio-temporal-base"\ngeometry = "Point"\n[general]\n{options}\n'
        '[[fields]]\nname = "code"\ntype = "text"\ntitle = { zh = "码", en = "C" }\n',
        "utf-8",
    )
    with pytest.raises(DefinitionError, match=fault):
        load_definition(path)
