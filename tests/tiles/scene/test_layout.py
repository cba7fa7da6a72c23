"""Places in squares, and the tree of tiles that they make."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import NotFound
from cim.model.scene import FAR, MIDDLE, NEAR, PLACE_ZOOM, Square, place_of, square_of
from cim.store.scene_rows import ScenePlaces, mercator_box
from tiles.scene.layout import MOST_FEATURES, Heights, Layout
from tiles.scene.layouts import squares_of
from tiles.scene.tileset import SceneNode

SIDE = 2**PLACE_ZOOM
X, Y = 206_752, 107_300
squares = st.builds(Square, st.just(PLACE_ZOOM), st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))


@given(squares, squares)
def test_a_place_is_a_square_and_coarser_squares_lead_it(one: Square, other: Square) -> None:
    place = place_of(one.x, one.y)
    assert square_of(place) == one
    for zoom, bits in ((FAR, 14), (MIDDLE, 10), (NEAR, 6)):
        same = place >> bits == place_of(other.x, other.y) >> bits
        assert same == (one.parent(zoom) == other.parent(zoom))


def places(rows: list[tuple[int, int, int, int]]) -> ScenePlaces:
    """Places from column, row, zoom and number of features."""
    boxes = [mercator_box(Square(PLACE_ZOOM, x, y)) for x, y, _, _ in rows]
    columns = np.array(rows, np.int64).reshape(-1, 4)
    ground = np.full(len(rows), 500.0)
    return ScenePlaces(
        np.array([place_of(x, y) for x, y, _, _ in rows], np.int64),
        columns[:, 2],
        columns[:, 3],
        ground,
        ground + 20,
        np.full(len(rows), 20.0),
        np.array(boxes).reshape(-1, 4),
    )


def layout(rows: list[tuple[int, int, int, int]]) -> Layout:
    found = places(rows)
    return Layout.of_places(found, Heights(found.ground_m, found.top_m))


def walked(node: SceneNode) -> list[SceneNode]:
    return [node, *(below for child in node.children for below in walked(child))]


near = st.tuples(
    st.integers(X, X + 300), st.integers(Y, Y + 300), st.sampled_from([FAR, MIDDLE, NEAR]), st.integers(1, 900)
)


@given(st.lists(near, min_size=1, max_size=60, unique_by=lambda row: row[:3]))
def test_every_feature_is_in_one_tile_of_the_tree_whose_region_holds_it(rows: list[tuple[int, int, int, int]]) -> None:
    made = layout(rows)
    root = made.tree()
    assert root is not None
    nodes = {node.content: node for node in walked(root) if node.content}
    assert len(nodes) == len([node for node in walked(root) if node.content])
    counted: dict[str, int] = {}
    for x, y, zoom, count in rows:
        tile = made.tile_of(place_of(x, y), zoom)
        counted[f"{tile.z}/{tile.x}/{tile.y}"] = counted.get(f"{tile.z}/{tile.x}/{tile.y}", 0) + count
        box = made.bounds(tile)
        west, _, east, _ = (np.degrees(side / 6_378_137) for side in mercator_box(Square(PLACE_ZOOM, x, y)))
        assert box[0] <= west + 1e-9
        assert east - 1e-9 <= box[2]
    assert set(counted) == set(nodes)
    for path, count in counted.items():
        assert count <= MOST_FEATURES or not path.startswith(("15/", "16/", "17/"))
    for node in walked(root):
        for child in node.children:
            assert child.error_m < node.error_m
            assert child.region[0] >= node.region[0] - 1e-12
            assert child.region[3] <= node.region[3] + 1e-12
            assert child.region[4] >= node.region[4]
            assert child.region[5] <= node.region[5]


def test_crowded_squares_are_quartered_until_no_more_than_a_tile_should_have_is_in_one() -> None:
    crowd = [(X + dx, Y + dy, NEAR, 120) for dx in range(8) for dy in range(8)]
    made = layout([*crowd, (X + 2_000, Y, NEAR, 3)])
    assert {square.z for square in made.squares()} == {NEAR, NEAR + 2}
    assert made.features == 64 * 120 + 3
    with pytest.raises(NotFound):
        made.bounds(Square(NEAR, 0, 0))


def test_a_layer_without_features_has_no_tree() -> None:
    assert layout([]).tree() is None


def test_boxes_touch_squares_and_too_many_are_not_listed() -> None:
    (one,) = squares_of([(103.9, 31.0, 103.9, 31.0)]) or []
    west, south, east, north = mercator_box(one)
    assert west <= np.radians(103.9) * 6_378_137 <= east
    assert south <= np.arcsinh(np.tan(np.radians(31.0))) * 6_378_137 <= north
    assert squares_of([(100.0, 28.0, 106.0, 33.0)]) is None
    assert squares_of([(-np.inf, -np.inf, np.inf, np.inf)]) is None
