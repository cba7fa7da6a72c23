"""Placing a model by control points over HTTP: the fit, what remains, and who may ask."""

import numpy as np
import pytest
from serving import Served

from cim.model.bim import Placement

MODEL = np.array([(0.0, 0.0, 0.0), (40.0, 0.0, 0.0), (40.0, 25.0, 12.0), (0.0, 25.0, 3.0)])
WANTED = Placement(4523, None, 35_401_200.5, 3_428_600.25, 489.5, 0.6, 0.8, 1.0, "EPSG:5737", "control-points")


def body(on_map: np.ndarray, crs: str = "EPSG:4523", **more: object) -> dict[str, object]:
    points = [{"model": list(m), "map": list(e)} for m, e in zip(MODEL.tolist(), on_map.tolist(), strict=True)]
    return {"crs": crs, "points": points, "height_datum": "1985", **more}


async def test_the_placement_and_what_remains(served: Served) -> None:
    on_map = WANTED.to_map(MODEL)
    answer = await served.technician.post("/models/placements", json=body(on_map))
    assert answer.status_code == 200, answer.text
    found = answer.json()
    for name in ("east_m", "north_m", "height_m", "abscissa", "ordinate", "scale"):
        assert found["placement"][name] == pytest.approx(getattr(WANTED, name), abs=1e-6)
    assert (found["placement"]["srid"], found["placement"]["height_datum"]) == (4523, "EPSG:5737")
    assert np.abs(found["residuals_m"]).max() == 0.0
    on_map[0, 0] += 0.4
    off = (await served.technician.post("/models/placements", json=body(on_map))).json()
    assert 0.05 < off["rms_plan_m"] < 0.4
    assert np.argmax(np.abs(off["residuals_m"]).max(axis=1)) == 0


async def test_points_that_fix_nothing_and_strange_systems_are_refused(served: Served) -> None:
    same = np.repeat(WANTED.to_map(MODEL)[:1], 4, axis=0)
    for given, word in (
        (body(same), "fix no direction"),
        (body(WANTED.to_map(MODEL), crs="EPSG:4490"), "no projected system"),
        (body(WANTED.to_map(MODEL), crs="nowhere"), "not a known reference system"),
    ):
        answer = await served.technician.post("/models/placements", json=given)
        assert answer.status_code == 400, answer.text
        assert word in answer.json()["detail"]


async def test_only_who_may_import_places_models(served: Served) -> None:
    answer = await served.anonymous.post("/models/placements", json=body(WANTED.to_map(MODEL)))
    assert answer.status_code == 401
