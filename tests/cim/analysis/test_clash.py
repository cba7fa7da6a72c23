"""The clash test against boxes, of which it is known whether and how deep they are in one another."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import EAST_M, NORTH_M, box_mesh, building, import_made, placement

from cim.analysis.analysis import Analysis
from cim.analysis.clash.clash import ANALYSIS
from cim.analysis.clash.solids import Body, meeting
from cim.errors import BadRequest
from cim.model.access import Grade, Operation, Principal, Right
from cim.store.collections import all_models
from cim.store.database import Database
from layers.catalog import load_catalog
from web.analysis_context import analysis_context

TOLERANCE_M = 0.01


def body(corner: tuple[float, float, float], size: tuple[float, float, float], turn_deg: float = 0.0) -> Body:
    """A box, turned about the vertical axis through the origin."""
    mesh = box_mesh(*size)
    points = mesh.positions.astype(float) + np.array(corner)
    turn = np.radians(turn_deg)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return Body((points @ matrix.T)[mesh.triangles])


sides = st.sampled_from([0.3, 0.5, 1.0, 2.0, 3.5])
places = st.sampled_from([-1.5, -1.0, -0.5, -0.25, 0.0, 0.2, 0.5, 0.75, 1.0, 2.0])


@settings(max_examples=150, deadline=None)
@given(st.tuples(places, places, places), st.tuples(sides, sides, sides), st.sampled_from([0.0, 17.0, 45.0, 90.0]))
def test_boxes_clash_when_their_overlap_is_deeper_than_the_tolerance(
    corner: tuple[float, float, float], size: tuple[float, float, float], turn_deg: float
) -> None:
    """Both are turned alike, so that the overlap is that of intervals; sharing faces, edges or nothing is none."""
    one, other = body((0, 0, 0), (1, 1, 1), turn_deg), body(corner, size, turn_deg)
    depth_m = min(min(1, corner[k] + size[k]) - max(0, corner[k]) for k in range(3))
    found = meeting(one, other, TOLERANCE_M)
    assert (found is not None) == (depth_m > 2 * TOLERANCE_M)
    assert (meeting(other, one, TOLERANCE_M) is not None) == (found is not None)


@pytest.mark.parametrize(
    ("one", "other", "clashes"),
    [
        pytest.param(body((0, 0, 0), (1, 1, 1)), body((0, 0, 0), (1, 1, 1)), True, id="the same twice"),
        pytest.param(body((0, 0, 0), (4, 4, 4)), body((1, 1, 1), (1, 1, 1)), True, id="one inside"),
        pytest.param(body((0, 0, 0), (5, 0.2, 3)), body((2, -1, 1), (0.1, 3, 0.1)), True, id="a pipe through a wall"),
        pytest.param(body((0, 0, 0), (5, 0.2, 3)), body((2, 0.2, 0), (0.2, 3, 3)), False, id="walls meet in a T"),
        pytest.param(body((0, 0, 0), (5, 0.2, 3)), body((2, 0.195, 0), (0.2, 3, 3)), False, id="within tolerance"),
        pytest.param(body((0, 0, 0), (5, 0.2, 3)), body((2, 0.17, 0), (0.2, 3, 3)), True, id="three centimetres in"),
        pytest.param(body((0, 0, 0), (5, 5, 0.2)), body((0, 0, 0.2), (5, 5, 0.002)), False, id="a thin sheet on top"),
        pytest.param(body((0, 0, 0), (1, 1, 1), 45), body((1.0, 0, 0), (1, 1, 1)), False, id="boxes overlap only"),
    ],
)
def test_what_is_in_one_another(one: Body, other: Body, clashes: bool) -> None:
    assert (meeting(one, other, TOLERANCE_M) is not None) == clashes


def reader(*grades: Grade) -> Principal:
    return Principal("读者", "viewer", tuple(Right(grade, frozenset({Operation.READ})) for grade in grades))


async def ask(database: Database, principal: Principal, **inputs: object) -> dict[str, object]:
    analysis: Analysis[object] = ANALYSIS  # type: ignore[assignment]  # any parameters
    async with database.writing() as connection:
        models = await all_models(connection)
    context = analysis_context(database, load_catalog(), {}, principal, author=None, inputs=inputs, models=models)
    return (await analysis.answer(dict(inputs), context)).document()


async def test_a_pipe_through_the_walls_of_another_model_is_found(database: Database) -> None:
    """The pipe's model is turned and placed elsewhere; on the map it runs through two walls of each side."""
    house = building("楼", storeys=1)
    await import_made(database, house, "house")
    pipes = building("管", storeys=0, at=placement(EAST_M + 20, NORTH_M + 4, 180.0))
    pipes.box("IfcPipeSegment", "横管", (5, 0, 1.5), (18, 0.1, 0.1))
    pipes.box("IfcPipeSegment", "远管", (5, 200, 1.5), (18, 0.1, 0.1))
    await import_made(database, pipes, "pipes")
    found = await ask(
        database, reader(Grade.INTERNAL), model_a="house", model_b="pipes", classes_a=["IfcWall"], tolerance_m=0.005
    )
    (table,) = found["tables"]  # type: ignore[misc]
    assert {(row["a_name"], row["b_name"]) for row in table["rows"]} == {("墙 1-3", "横管"), ("墙 1-4", "横管")}
    for row in table["rows"]:
        assert row["depth_m"] == pytest.approx(0.1, abs=0.01)
        assert row["north_m"] == pytest.approx(NORTH_M + 3.95, abs=0.06)
        assert row["height_m"] == pytest.approx(501.55, abs=0.06)
    assert found["summary"]["clashes"] == 2  # type: ignore[index]


async def test_a_sound_building_has_no_clashes_with_itself(database: Database) -> None:
    await import_made(database, building("楼", storeys=2), "house")
    found = await ask(
        database,
        reader(Grade.INTERNAL),
        model_a="house",
        classes_a=["IfcWall", "IfcSlab"],
        classes_b=["IfcWall", "IfcSlab"],
    )
    assert found["summary"]["box_pairs"] > 0  # type: ignore[index]
    assert found["summary"]["clashes"] == 0  # type: ignore[index]


async def test_models_that_may_not_be_seen_or_compared_are_refused(database: Database) -> None:
    await import_made(database, building("楼", storeys=1), "house", grade=Grade.RESTRICTED)
    with pytest.raises(BadRequest, match="no model"):
        await ask(database, reader(Grade.PUBLIC), model_a="house")
    with pytest.raises(BadRequest, match="no IFC class"):
        await ask(database, reader(Grade.RESTRICTED), model_a="house", classes_a=["Wall'"])
