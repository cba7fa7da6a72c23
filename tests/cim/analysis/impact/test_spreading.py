"""Which cells flood, against a fill cell by cell."""

from collections import deque
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cim.analysis.impact.spreading import nearest_values, reached, rising

GROUNDS = arrays(
    np.float64,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.one_of(st.integers(0, 6).map(float), st.just(np.nan)),
)


def filled(ground: Any, surface: Any, wet: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Breadth first, from the wet cells below the water over neighbours by sides."""
    queue = deque(cell for cell in wet if ground[cell] < surface[cell])
    found = set(queue)
    while queue:
        row, column = queue.popleft()
        for near in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= near[0] < ground.shape[0] and 0 <= near[1] < ground.shape[1]
            if inside and near not in found and ground[near] < surface[near]:
                found.add(near)
                queue.append(near)
    return found


@given(GROUNDS, st.data())
def test_a_flood_is_what_a_fill_cell_by_cell_finds(ground: Any, data: st.DataObject) -> None:
    surface = data.draw(arrays(np.float64, ground.shape, elements=st.integers(-2, 2).map(float)))
    seeds = data.draw(arrays(bool, ground.shape))
    offsets = sorted(data.draw(st.lists(st.integers(0, 7), min_size=1, max_size=4)))
    wet = {(int(r), int(c)) for r, c in zip(*np.nonzero(seeds), strict=True)}
    for step, offset in zip(rising(ground, surface, seeds, offsets), offsets, strict=True):
        wet |= filled(ground, surface + offset, wet)
        below = {cell for cell in wet if ground[cell] < surface[cell] + offset}
        assert {(int(r), int(c)) for r, c in zip(*np.nonzero(step.flooded), strict=True)} == below
        assert np.array_equal(np.isfinite(step.depth_m), step.flooded)
        assert np.allclose(step.depth_m[step.flooded], (surface + offset - ground)[step.flooded])


def test_water_does_not_pass_a_corner_and_a_dike_holds() -> None:
    ground = np.full((5, 5), 1.0)
    ground[:, 2] = 5.0
    seeds = np.zeros((5, 5), dtype=bool)
    seeds[2, 0] = True
    assert reached(ground < 3, seeds).sum() == 10
    assert reached(ground < 6, seeds).all()
    assert not reached(ground < 1, seeds).any()
    assert reached(np.eye(4, dtype=bool), np.eye(4, dtype=bool)[:1].repeat(4, 0) & np.eye(4, dtype=bool)).sum() == 1


@given(arrays(bool, st.tuples(st.integers(1, 8), st.integers(1, 8))).filter(lambda at: bool(at.any())))
def test_the_value_of_the_nearest_cell(at: Any) -> None:
    values = np.arange(at.size, dtype=float).reshape(at.shape)
    found = nearest_values(values, at)
    rows, columns = np.nonzero(at)
    for row in range(at.shape[0]):
        for column in range(at.shape[1]):
            away = np.hypot(rows - row, columns - column)
            chosen = divmod(int(found[row, column]), at.shape[1])
            assert np.hypot(chosen[0] - row, chosen[1] - column) == away.min()
