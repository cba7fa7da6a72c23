"""Footprints raised to blocks, against areas and volumes known beforehand and trimesh."""

import math

import numpy as np
import pyproj
import pytest
import shapely
import trimesh
from hypothesis import given
from hypothesis import strategies as st

from cim.model.ecef import LocalFrame
from tiles.scene.extrusion import Block, extruded

LON, LAT = 103.9, 31.0
FRAME = LocalFrame.at(LON, LAT, 0.0)
BACK = pyproj.Transformer.from_pipeline(
    f"+proj=pipeline +step +inv +proj=topocentric +ellps=GRS80 +lon_0={LON} +lat_0={LAT} +h_0=0"
    " +step +inv +proj=cart +ellps=GRS80 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
)


def on_earth(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape in metres around the frame's origin, in degrees."""

    def lonlat(points: np.ndarray) -> np.ndarray:
        lon, lat, _ = BACK.transform(points[:, 0], points[:, 1], np.zeros(len(points)))
        return np.column_stack([lon, lat])

    return shapely.transform(shape, lonlat)


def star(radii: list[float], turn: float) -> shapely.Polygon:
    angles = [turn + 2 * math.pi * number / len(radii) for number in range(len(radii))]
    return shapely.Polygon([(r * math.cos(a), r * math.sin(a)) for r, a in zip(radii, angles, strict=True)])


def raised(shapes: list[shapely.Geometry], bottom: float, top: float) -> Block:
    placed = np.array([on_earth(shape) for shape in shapes], dtype=object)
    return extruded(placed, np.full(len(shapes), bottom), np.full(len(shapes), top), FRAME)


def closed(block: Block, bottom: float, shape: shapely.Geometry) -> trimesh.Trimesh:
    """The block with a floor, so that it has a volume: the roof's triangles again, below and turned over."""
    roof = block.triangles[np.abs(block.normals[block.triangles[:, 0]][:, 2]) > 0.5]
    height = block.positions[:, 2].max() - block.positions[:, 2].min()
    floor = block.positions - [0, 0, height]
    points = np.concatenate([block.positions, floor])
    faces = np.concatenate([block.triangles, roof[:, ::-1] + len(block.positions)])
    return trimesh.Trimesh(points, faces, process=False)


radii = st.lists(st.floats(8, 40), min_size=3, max_size=14)


@given(radii, st.floats(0, 6), st.floats(1, 200), st.booleans())
def test_blocks_have_the_volume_of_their_footprint(sides: list[float], turn: float, height: float, court: bool) -> None:
    shape = star(sides, turn)
    if court:
        shape = shape.difference(shapely.Point(0, 0).buffer(1.5, quad_segs=3))
        if shape.geom_type != "Polygon" or not shape.is_valid or len(shape.interiors) != 1:
            return
    block = raised([shape], 460.0, 460.0 + height)
    # the earth's radius grows with the height: metres at 500 m are longer by 8e-5
    assert closed(block, 0, shape).volume == pytest.approx(shape.area * height, rel=4e-4)
    flat = shapely.area(shapely.polygons(block.positions[block.triangles][:, :, :2]))
    assert flat.sum() == pytest.approx(shape.area, rel=4e-4)


@given(radii, st.floats(0, 6))
def test_walls_look_outward_and_their_corners_go_round_with_them(sides: list[float], turn: float) -> None:
    shape = star(sides, turn)
    block = raised([shape], 0.0, 20.0)
    corners = block.positions[block.triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(across, axis=1)
    real = size > 1e-3
    turned = across[real] / size[real][:, None]
    normals = block.normals[block.triangles[real][:, 0]]
    assert np.einsum("ij,ij->i", turned, normals).min() > 0.999
    walls = np.abs(normals[:, 2]) < 0.5
    outside = corners[real].mean(axis=1)[walls] + normals[walls] * 1e-3
    assert not shapely.contains_xy(shape.buffer(-2e-4), outside[:, :2]).any()


def test_owners_follow_the_shapes_through_parts_and_holes() -> None:
    hole = shapely.box(0, 0, 30, 20).difference(shapely.box(5, 5, 10, 10))
    two = shapely.MultiPolygon([shapely.box(40, 0, 50, 10), shapely.box(60, 0, 70, 10)])
    block = raised([hole, two, shapely.box(100, 0, 110, 8)], 0.0, 5.0)
    roof = block.normals[block.triangles[:, 0]][:, 2] > 0.5
    areas = shapely.area(shapely.polygons(block.positions[block.triangles[roof]][:, :, :2]))
    found = np.bincount(block.owners[block.triangles[roof][:, 0]], weights=areas)
    assert np.allclose(found, [575, 200, 80], rtol=1e-4)
    edges = np.bincount(block.owners[block.triangles[~roof][:, 0]])
    assert (edges / 2).tolist() == [8, 8, 4]
