"""What the reading child sends of a model arrives as it was."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.model.bim import Classification, Defect, Element, Material, Mesh, ModelHead, Placement
from importers.bim.records import decoded, encoded

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
placements = st.builds(
    Placement,
    srid=st.none() | st.integers(4491, 4554),
    wkt=st.none() | texts,
    east_m=st.floats(0, 1e6),
    north_m=st.floats(0, 1e7),
    height_m=st.floats(-100, 9000),
    abscissa=st.floats(-1, 1),
    ordinate=st.floats(-1, 1),
    scale=st.floats(0.9, 1.1),
    height_datum=st.none() | st.just("EPSG:5737"),
    evidence=st.sampled_from(["map-conversion", "property-set", "site", "control-points"]),
    notes=st.lists(texts, max_size=2).map(tuple),
)
heads = st.builds(
    ModelHead,
    name=texts,
    schema=texts,
    application=texts,
    length_unit_m=st.just(0.001),
    placement=placements,
    counts=st.dictionaries(texts, st.integers(0, 10), max_size=3),
)
elements = st.builds(
    Element,
    global_id=texts,
    kind=st.sampled_from(["spatial", "space", "group", "element"]),
    ifc_class=texts,
    name=st.none() | texts,
    storey_number=st.none() | st.integers(-5, 100),
    systems=st.lists(texts, max_size=2).map(tuple),
    classifications=st.lists(st.builds(Classification, system=texts, code=texts), max_size=2).map(tuple),
    properties=st.dictionaries(
        texts, st.dictionaries(texts, st.none() | st.booleans() | st.integers() | texts), max_size=2
    ),
    outline=st.none() | st.binary(max_size=30),
    mesh=st.none() | st.binary(min_size=16, max_size=16),
    matrix=st.none() | st.tuples(*[st.floats(-1, 1)] * 12),
    source_hash=st.binary(max_size=16),
)
defects = st.builds(Defect, global_id=texts, ifc_class=texts, code=texts, message=texts, rejected=st.booleans())


@settings(deadline=None)
@given(st.lists(st.one_of(heads, elements, defects, texts), max_size=8))
def test_a_round_trip_changes_nothing(records: list[ModelHead | Element | Defect | str]) -> None:
    assert list(decoded(encoded(records))) == records


def test_a_mesh_arrives_bit_by_bit() -> None:
    positions = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    triangles = np.array([[0, 1, 2], [2, 3, 4]], np.uint32)
    sent = Mesh(
        b"h" * 16, positions, triangles, np.array([0, 1], np.uint16), (Material("砖", (1.0, 0.5, 0.0, 1.0)),) * 2
    )
    (got,) = decoded(encoded([sent]))
    assert isinstance(got, Mesh)
    assert got.to_bytes() == sent.to_bytes()
    assert (got.hash, got.materials) == (sent.hash, sent.materials)


def test_a_placement_turns_scales_and_moves() -> None:
    placement = Placement(4543, None, 500_000, 3_400_000, 600, 0.0, 1.0, 2.0, None, "map-conversion")
    moved = placement.to_map(np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0]]))
    np.testing.assert_allclose(moved, [[500_000, 3_400_002, 603], [499_998, 3_400_000, 600]])
