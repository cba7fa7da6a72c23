"""The change log against a plain search through all changes."""

from datetime import UTC, datetime

import morecantile
from hypothesis import given
from hypothesis import strategies as st

from cim.model.change import Change, ChangeHead
from cim.model.collection import BoundingBox
from tiles.changes import ChangeLog, reach_deg
from tiles.grid import tile_square

NOW = datetime(2026, 1, 1, tzinfo=UTC)
sides = st.integers(0, 20).map(float)
boxes = st.builds(lambda w, s, width, height: (w, s, w + width, s + height), sides, sides, sides, sides)
layers = st.sampled_from(["a", "b", "*"])


def touches(one: BoundingBox | None, other: BoundingBox) -> bool:
    if one is None:
        return True
    return one[0] <= other[2] and one[2] >= other[0] and one[1] <= other[3] and one[3] >= other[1]


def heads(changes: list[Change], first: int = 0) -> dict[str, ChangeHead]:
    return {change.layer: ChangeHead(change.seq, first) for change in changes}


@given(st.lists(st.tuples(layers, st.none() | boxes), max_size=30), boxes, st.integers(0, 30), st.integers(0, 30))
def test_it_finds_what_a_search_finds(
    given_changes: list[tuple[str, BoundingBox | None]], place: BoundingBox, after: int, taken: int
) -> None:
    changes = [Change(seq, layer, 1, box, NOW) for seq, (layer, box) in enumerate(given_changes, 1)]
    log = ChangeLog()
    for part in (changes[:taken], changes[taken:]):
        log.follow(heads(changes[: part[-1].seq]) if part else {}, part)
    expected = [c.seq for c in changes if c.seq > after and c.layer in ("a", "*") and touches(c.bbox, place)]
    assert log.last_touched("a", place, after=after) == max(expected, default=0)
    until = [seq for seq in expected if seq <= after + 5]
    assert log.last_touched("a", place, after=after, until=after + 5) == max(until, default=0)
    assert log.newest("a") == max((c.seq for c in changes if c.layer in ("a", "*")), default=0)


def test_what_is_put_together_stands_for_a_change_anywhere() -> None:
    changes = [Change(seq, "a", seq, (seq, 0, seq, 0), NOW) for seq in range(1, 11)]
    log = ChangeLog()
    log.follow(heads(changes), changes)
    assert log.last_touched("a", (50, 50, 60, 60)) == 0
    log.follow(heads(changes, first=4), [])
    fresh = ChangeLog()
    fresh.follow(heads(changes, first=4), [Change(4, "a", 4, None, NOW), *changes[4:]])
    for place in ((50.0, 50.0, 60.0, 60.0), (7.0, 0.0, 7.0, 0.0), (2.0, 0.0, 2.0, 0.0)):
        assert log.last_touched("a", place) == fresh.last_touched("a", place)
    assert log.last_touched("a", (50, 50, 60, 60)) == 4


@given(st.integers(0, 18), st.floats(-180, 179), st.floats(-85, 84))
def test_the_reach_of_a_tile_is_its_bounds_and_a_buffer(z: int, lon: float, lat: float) -> None:
    grid = morecantile.tms.get("WebMercatorQuad")
    tile = grid.tile(lon, lat, z)
    bounds = grid.bounds(tile)
    west, south, east, north = reach_deg(tile_square(z, tile.x, tile.y))
    margin = (bounds.right - bounds.left) / 64
    assert abs(west - (bounds.left - margin)) < 1e-9 * 360
    assert abs(east - (bounds.right + margin)) < 1e-9 * 360
    assert south < bounds.bottom < bounds.top < north
