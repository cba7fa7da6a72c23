"""The pass over all rows makes the same tiles as the layout that is worked out before any row is read."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cim.model.scene import FAR, MIDDLE, NEAR, PLACE_ZOOM, Square, place_of
from cim.store.scene_rows import ScenePlaces, mercator_box
from tiles.scene.layout import Heights, Layout
from tiles.scene.whole import Row, tiles_of_rows

X, Y = 206_752, 107_300
features = st.tuples(st.integers(X, X + 150), st.integers(Y, Y + 150), st.sampled_from([FAR, MIDDLE, NEAR, NEAR]))
crowds = st.tuples(st.integers(X, X + 20), st.integers(Y, Y + 20), st.just(NEAR), st.integers(1, 900))


def laid_out(counts: Counter[tuple[int, int, int]]) -> Layout:
    boxes = [mercator_box(Square(PLACE_ZOOM, x, y)) for x, y, _ in counts]
    ground = np.zeros(len(counts))
    places = ScenePlaces(
        np.array([place_of(x, y) for x, y, _ in counts], np.int64),
        np.array([zoom for _, _, zoom in counts], np.int64),
        np.array(list(counts.values()), np.int64),
        ground,
        ground,
        ground,
        np.array(boxes).reshape(-1, 4),
    )
    return Layout.of_places(places, Heights(ground, ground))


async def passed(rows: list[tuple[int, int, int]], page: int) -> list[tuple[Square, list[Row]]]:
    async def pages() -> AsyncGenerator[Sequence[Row], None]:
        for start in range(0, len(rows), page):
            yield rows[start : start + page]

    return [tile async for tile in tiles_of_rows(pages())]


@given(st.lists(features, min_size=1, max_size=80), st.lists(crowds, max_size=6), st.integers(1, 500))
def test_a_pass_makes_the_tiles_of_the_layout(
    few: list[tuple[int, int, int]], many: list[tuple[int, int, int, int]], page: int
) -> None:
    counts = Counter(few)
    for x, y, zoom, count in many:
        counts[x, y, zoom] += count
    rows = [(zoom, place_of(x, y)) for (x, y, zoom), count in counts.items() for _ in range(count)]
    rows.sort(key=lambda row: row[1])
    made = [(zoom, place, fid) for fid, (zoom, place) in enumerate(rows)]
    tiles = asyncio.run(passed(made, page))
    layout = laid_out(counts)
    assert sorted(square for square, _ in tiles) == layout.squares()
    assert sorted(fid for _, held in tiles for _, _, fid in held) == list(range(len(rows)))
    for square, held in tiles:
        assert all(layout.tile_of(place, zoom) == square for zoom, place, _ in held)
