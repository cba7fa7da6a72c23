"""What goes in comes out: any CityJSON, through bodies as they are kept, as document and as sequence."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from city_models import resolved
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cim.store.city_exporting import StoredObject
from importers.city.cityjson import Document
from importers.city.frames import Frame
from importers.city.rows import Looker
from importers.city.writing import CITYJSON, CITYJSONSEQ, CityOrder, write_city

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
NUMBERS = st.integers(-(10**6), 10**6)
COORDINATES = st.tuples(NUMBERS, NUMBERS, NUMBERS)
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, NAMES, st.lists(NAMES, max_size=2))
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3)
PICTURES = [{"type": "PNG", "image": f"p{n}.png"} for n in range(3)]
MATERIALS = [{"name": f"m{n}", "diffuseColor": [0.1, 0.2, 0.3]} for n in range(3)]


@st.composite
def geometries(draw: st.DrawFn, vertices: int) -> dict[str, Any]:
    place = st.integers(0, vertices - 1)
    ring = st.lists(place, min_size=3, max_size=5)
    surface = st.lists(ring, min_size=1, max_size=2)
    shell = st.lists(surface, min_size=1, max_size=3)
    solid = st.lists(shell, min_size=1, max_size=2)
    kinds = {
        "MultiPoint": st.lists(place, min_size=1, max_size=3),
        "MultiLineString": st.lists(st.lists(place, min_size=2, max_size=3), min_size=1, max_size=2),
        "MultiSurface": shell,
        "CompositeSurface": shell,
        "Solid": solid,
        "MultiSolid": st.lists(solid, min_size=1, max_size=2),
        "GeometryInstance": st.lists(place, min_size=1, max_size=1),
    }
    kind = draw(st.sampled_from(sorted(kinds)))
    boundaries = draw(kinds[kind])
    geometry: dict[str, Any] = {"type": kind, "boundaries": boundaries}
    if kind == "GeometryInstance":
        matrix = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        return geometry | {"template": draw(st.integers(0, 1)), "transformationMatrix": matrix}
    geometry["lod"] = draw(st.sampled_from(["0", "1.2", "2", "3"]))
    if kind in {"MultiSurface", "CompositeSurface", "Solid", "MultiSolid"}:
        _dress(draw, geometry)
    return geometry


def _dress(draw: st.DrawFn, geometry: dict[str, Any]) -> None:
    """Meanings, materials and pictures for every surface."""
    depth = {"Solid": 2, "MultiSolid": 3}.get(geometry["type"], 1)
    meaning = st.one_of(st.none(), st.integers(0, 1))
    if draw(st.booleans()):
        values = _each(geometry["boundaries"], depth, lambda _: draw(meaning))
        surfaces = [{"type": "RoofSurface", **draw(ATTRIBUTES), "id": "r"}, {"type": "WallSurface"}]
        geometry["semantics"] = {"surfaces": surfaces, "values": values}
    if draw(st.booleans()):
        number = st.one_of(st.none(), st.integers(0, 2))
        geometry["material"] = {"a": {"values": _each(geometry["boundaries"], depth, lambda _: draw(number))}}
        geometry["material"]["b"] = {"value": draw(st.integers(0, 2))}
    if draw(st.booleans()):
        pictured = _each(geometry["boundaries"], depth + 1, lambda ring: _picture(draw, ring))
        geometry["texture"] = {"winter": {"values": pictured}}


def _picture(draw: st.DrawFn, ring: list[int]) -> list[int | None]:
    if draw(st.booleans()):
        return [None]
    return [draw(st.integers(0, 2)), *(draw(st.integers(0, 3)) for _ in ring)]


def _each(held: Any, depth: int, make: Any) -> Any:
    return make(held) if depth == 0 else [_each(part, depth - 1, make) for part in held]


@st.composite
def models(draw: st.DrawFn) -> dict[str, Any]:
    vertices = draw(st.lists(COORDINATES, min_size=3, max_size=12))
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    objects: dict[str, Any] = {}
    for number, name in enumerate(names):
        content: dict[str, Any] = {"type": draw(st.sampled_from(["Building", "BuildingPart", "+Ours"]))}
        if draw(st.booleans()):
            content["attributes"] = draw(ATTRIBUTES)
        content["geometry"] = draw(st.lists(geometries(len(vertices)), max_size=2))
        if number and draw(st.booleans()):
            content["parents"] = [names[number - 1]]
            objects[names[number - 1]].setdefault("children", []).append(name)
        if draw(st.booleans()):
            location = {"type": "MultiPoint", "lod": "1", "boundaries": [draw(st.integers(0, len(vertices) - 1))]}
            content["address"] = [{"city": "彭州", "location": location}]
        objects[name] = content
    template = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {
            "scale": [draw(st.sampled_from([0.001, 0.01, 0.0005]))] * 3,
            "translate": list(draw(st.tuples(*[st.floats(-1e6, 1e6).map(lambda v: round(v, 3))] * 3))),
        },
        "metadata": {"title": draw(NAMES)},
        "CityObjects": objects,
        "vertices": [list(vertex) for vertex in vertices],
        "appearance": {
            "materials": MATERIALS,
            "textures": PICTURES,
            "vertices-texture": [[0.0, 0.0], [0.5, 0.0], [1.0, 0.25], [0.0, 1.0]],
            "default-theme-material": "a",
        },
        "geometry-templates": {
            "templates": [template, {**template, "material": {"a": {"value": 1}}}],
            "vertices-templates": [[0.0, 0.0, 0.0], [1.5, 0.0, 0.0], [0.0, 2.0, 1.0]],
        },
    }


@given(models(), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_model_comes_out_as_it_went_in(model: dict[str, Any], north_first: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "in.city.json"
        source.write_text(json.dumps(model, ensure_ascii=False), "utf-8")
        before = resolved(source)
        stored, document = kept(Document(source), north_first)
        for form, target in ((CITYJSON, folder / "out.city.json"), (CITYJSONSEQ, folder / "out.city.jsonl")):
            order = CityOrder(form, document, {one.id: one.parent for one in stored})
            assert write_city(order, lambda: pages(stored), target) == len(before)
            after = resolved(target)
            assert after == before
        again = kept(Document(folder / "out.city.json"), north_first)[0]
        assert {one.id: one.attributes for one in again} == {one.id: one.attributes for one in stored}


def test_a_template_used_twice_by_an_object_keeps_its_material(tmp_path: Path) -> None:
    turned = [1.0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    instance = {"type": "GeometryInstance", "boundaries": [0], "template": 0, "transformationMatrix": turned}
    shape = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]], "material": {"a": {"value": 1}}}
    model = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001] * 3, "translate": [0.0, 0.0, 0.0]},
        "CityObjects": {"a": {"type": "Building", "geometry": [instance, {**instance, "boundaries": [1]}]}},
        "vertices": [[0, 0, 0], [5000, 0, 0]],
        "appearance": {"materials": MATERIALS},
        "geometry-templates": {"templates": [shape], "vertices-templates": [[0, 0, 0], [1.5, 0, 0], [0, 2, 1]]},
    }
    source, target = tmp_path / "in.city.json", tmp_path / "out.city.json"
    source.write_text(json.dumps(model, ensure_ascii=False), "utf-8")
    stored, document = kept(Document(source), north_first=False)
    order = CityOrder(CITYJSON, document, {one.id: one.parent for one in stored})
    assert write_city(order, lambda: pages(stored), target) == 1
    assert resolved(target) == resolved(source)


def kept(source: Document, north_first: bool) -> tuple[list[StoredObject], dict[str, Any]]:
    """The objects as the store would have them, and what the import would note of the file."""
    frame = Frame(4544, None, None, north_first=north_first)
    stored = []
    for looked in Looker(source.head, frame).batches(source.families()):
        for one, row, body in zip(looked.objects, looked.rows, looked.bodies, strict=True):
            assert one.refused is None
            assert body is not None
            stored.append(
                StoredObject(row["object_id"], row["object_type"], row["parent"], row["attributes"], body.content)
            )
    scale = list(frame.order(source.head.scale))
    return stored, {"members": dict(source.head.members), "north_first": north_first, "scale": scale}


def pages(stored: Sequence[StoredObject]) -> Iterator[Sequence[StoredObject]]:
    """Two objects at a time."""
    return (stored[place : place + 2] for place in range(0, len(stored), 2))


def test_an_object_that_did_not_move_keeps_its_shape_whatever_file_it_comes_in(tmp_path: Path) -> None:
    square = {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]]]}
    head = {"type": "CityJSON", "version": "2.0", "CityObjects": {"a": {"type": "LandUse", "geometry": [square]}}}
    one = {**head, "vertices": [[5, 0, 0], [1005, 0, 0], [5, 700, 0]]}
    one["transform"] = {"scale": [0.001] * 3, "translate": [400_000.0, 3_430_000.0, 12.5]}
    two = {**head, "vertices": [[9, 9, 9], [1000, 200, 500], [2000, 200, 500], [1000, 900, 500]]}
    two["CityObjects"] = {"a": {"type": "LandUse", "geometry": [{**square, "boundaries": [[[1, 2, 3]]]}]}}
    two["transform"] = {"scale": [0.001] * 3, "translate": [399_999.005, 3_429_999.8, 12.0]}
    hashes = set()
    for number, model in enumerate((one, two)):
        path = tmp_path / f"{number}.city.json"
        path.write_text(json.dumps(model))
        source = Document(path)
        (looked,) = Looker(source.head, Frame(4544, None, None)).batches(source.families())
        hashes.add(looked.rows[0]["shape"])
    assert len(hashes) == 1
