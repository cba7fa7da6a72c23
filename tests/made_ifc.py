"""A small IFC4 model for tests: two storeys, a wall with a door, a room with a chair, a stair of parts, a system."""

from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.aggregate as aggregate
import ifcopenshell.api.classification as classification
import ifcopenshell.api.context as contexts
import ifcopenshell.api.feature as feature
import ifcopenshell.api.geometry as geometry
import ifcopenshell.api.georeference as georeference
import ifcopenshell.api.group as group
import ifcopenshell.api.material as material
import ifcopenshell.api.pset as pset
import ifcopenshell.api.root as root
import ifcopenshell.api.spatial as spatial
import ifcopenshell.api.type as types
import ifcopenshell.api.unit as unit
import numpy as np

EAST_M, NORTH_M, HEIGHT_M = 35_401_234.5, 3_428_567.25, 489.5


def made_model() -> ifcopenshell.file:
    """The model, in millimetres, placed in EPSG:4523 and turned by 30 degrees."""
    file = ifcopenshell.file(schema="IFC4")
    project = root.create_entity(file, "IfcProject", name="试验")
    unit.assign_unit(file, units=[unit.add_si_unit(file, "LENGTHUNIT", "MILLI"), unit.add_si_unit(file, "AREAUNIT")])
    model = contexts.add_context(file, "Model")
    body = contexts.add_context(file, "Model", "Body", "MODEL_VIEW", parent=model)
    georeference.add_georeferencing(file)
    georeference.edit_georeferencing(
        file,
        projected_crs={"Name": "EPSG:4523", "VerticalDatum": "1985国家高程基准"},
        coordinate_operation={
            "Eastings": EAST_M * 1000,
            "Northings": NORTH_M * 1000,
            "OrthogonalHeight": HEIGHT_M * 1000,
            "XAxisAbscissa": float(np.cos(np.radians(30))),
            "XAxisOrdinate": 0.5,
            "Scale": 1.0,
        },
    )
    site = _made(file, "IfcSite", "场地")
    building = _made(file, "IfcBuilding", "楼")
    cellar, ground, first = (_made(file, "IfcBuildingStorey", name) for name in ("地下一层", "一层", "二层"))
    for storey, elevation in ((cellar, -3000.0), (ground, 0.0), (first, 3600.0)):
        storey.Elevation = elevation
        _put(file, storey, (0, 0, elevation))
    room = _made(file, "IfcSpace", "101")
    aggregate.assign_object(file, [site], project)
    aggregate.assign_object(file, [building], site)
    aggregate.assign_object(file, [cellar, ground, first], building)
    aggregate.assign_object(file, [room], ground)
    box = _box(file, body, 4000.0, 200.0, 3000.0)
    wall, other = _made(file, "IfcWall", "墙", box, (1000, 2000, 0)), _made(file, "IfcWall", "墙 2", box, (1000, 6000, 0))
    chair = _made(file, "IfcFurniture", "椅", _box(file, body, 500.0, 500.0, 800.0), (2000, 3000, 0))
    spatial.assign_container(file, [wall, other], ground)
    spatial.assign_container(file, [chair], room)
    opening = _made(file, "IfcOpeningElement", "洞", _box(file, body, 900.0, 400.0, 2100.0), (2000, 1900, 0))
    door = _made(file, "IfcDoor", "门", _box(file, body, 900.0, 50.0, 2100.0), (2000, 2000, 0))
    feature.add_feature(file, opening, wall)
    feature.add_filling(file, opening, door)
    stair = _made(file, "IfcStair", "梯")
    flight = _made(file, "IfcStairFlight", "梯段", _box(file, body, 3000.0, 1200.0, 3600.0), (0, 0, 3600))
    aggregate.assign_object(file, [flight], stair)
    spatial.assign_container(file, [stair], first)
    _describe(file, wall, other, door, chair)
    return file


def _describe(file: ifcopenshell.file, wall: Any, other: Any, door: Any, chair: Any) -> None:
    """Type and occurrence properties, quantities, a material of layers, a classification, a system."""
    door_type = root.create_entity(file, "IfcDoorType", name="甲级防火门", predefined_type="DOOR")
    types.assign_type(file, [door], door_type)
    of_type = pset.add_pset(file, door_type, "Pset_DoorCommon")
    pset.edit_pset(file, of_type, properties={"FireRating": "甲级", "IsExternal": False, "Reference": "M1"})
    own = pset.add_pset(file, door, "Pset_DoorCommon")
    pset.edit_pset(file, own, properties={"FireRating": "乙级"})
    quantities = pset.add_qto(file, wall, "Qto_WallBaseQuantities")
    pset.edit_qto(file, quantities, properties={"Length": 4000.0})
    layers = material.add_material_set(file, "外墙", "IfcMaterialLayerSet")
    for name in ("混凝土", "保温"):
        layer = material.add_layer(file, layers, material.add_material(file, name))
        layer.LayerThickness = 100.0
    material.assign_material(file, [wall, other], type="IfcMaterialLayerSet", material=layers)
    codes = classification.add_classification(file, "GB/T 51269")
    classification.add_reference(
        file, [door_type], identification="30-11.20", name="防火门", classification=codes, is_lightweight=True
    )
    group.assign_group(file, [chair], group.add_group(file, "送风"))


def _made(
    file: ifcopenshell.file, name: str, title: str, shape: Any = None, at: tuple[float, float, float] | None = None
) -> Any:
    thing = root.create_entity(file, name, name=title)
    if at is not None:
        _put(file, thing, at)
    if shape is not None:
        geometry.assign_representation(file, thing, shape)
    return thing


def _put(file: ifcopenshell.file, thing: Any, at: tuple[float, float, float]) -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = at
    geometry.edit_object_placement(file, thing, matrix, is_si=False)


def _box(file: ifcopenshell.file, context: Any, x: float, y: float, z: float) -> Any:
    centre = file.create_entity("IfcCartesianPoint", (x / 2, y / 2))
    place = file.create_entity("IfcAxis2Placement2D", centre)
    profile = file.create_entity("IfcRectangleProfileDef", "AREA", None, place, x, y)
    origin = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0)))
    solid = file.create_entity(
        "IfcExtrudedAreaSolid", profile, origin, file.create_entity("IfcDirection", (0.0, 0.0, 1.0)), z
    )
    return file.create_entity("IfcShapeRepresentation", context, "Body", "SweptSolid", [solid])


def write_made(path: Path) -> Path:
    """Write the model."""
    made_model().write(str(path))
    return path
