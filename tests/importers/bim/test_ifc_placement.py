"""Where a model lies: every source of a placement, every fault of one, in the order of what counts more."""

import re
from typing import Any

import ifcopenshell
import ifcopenshell.api.context as contexts
import ifcopenshell.api.root as root
import ifcopenshell.api.unit as unit
import ifcopenshell.util.geolocation as geolocation
import numpy as np
import pyproj
import pytest

from cim.errors import ImportRefused
from importers.bim.ifc_placement import Placed, placed
from importers.bim.ifc_units import units_of
from importers.importer import ReadOptions

HERE = np.array([[0.0, 0.0, 0.0], [10.0, 5.0, 3.0]])
EAST, NORTH = 35_401_234.5, 3_428_567.25
LON = 103.95


def project(prefix: str | None = None, schema: Any = "IFC4") -> ifcopenshell.file:
    file = ifcopenshell.file(schema=schema)
    file.create_entity("IfcProject", ifcopenshell.guid.new(), Name="p")
    unit.assign_unit(file, units=[unit.add_si_unit(file, "LENGTHUNIT", prefix)])
    file.create_entity("IfcGeometricRepresentationContext", ContextType="Model", CoordinateSpaceDimension=3)
    return file


def converted(
    file: ifcopenshell.file, east: float, north: float, scale: float | None, crs: str = "EPSG:4523", **more: Any
) -> None:
    system = file.create_entity("IfcProjectedCRS", crs, VerticalDatum=more.get("datum"))
    if "map_unit" in more:
        system.MapUnit = file.create_entity("IfcSIUnit", None, "LENGTHUNIT", more["map_unit"], "METRE")
    context = file.by_type("IfcGeometricRepresentationContext")[0]
    axis = more.get("axis", (1.0, 0.0))
    file.create_entity("IfcMapConversion", context, system, east, north, more.get("height", 0.0), *axis, scale)


def site(file: ifcopenshell.file, lat: Any = (30, 58, 48, 0), lon: Any = (103, 57, 0, 0), height: float = 500.0) -> Any:
    made = root.create_entity(file, "IfcSite")
    made.RefLatitude, made.RefLongitude, made.RefElevation = lat, lon, height
    return made


def found(file: ifcopenshell.file, reach: np.ndarray = HERE, **options: Any) -> Placed:
    return placed(file, units_of(file), ReadOptions(**options), reach)


def codes(result: Placed) -> set[str]:
    return {problem.code for problem in result.problems}


@pytest.mark.parametrize(
    ("prefix", "factor", "scale", "more", "expected"),
    [
        (None, 1.0, 1.0, {}, set()),
        (None, 1.0, None, {}, set()),
        (None, 1.0, 0.9999, {}, set()),
        ("MILLI", 1000.0, 1.0, {}, set()),
        ("MILLI", 1000.0, None, {}, set()),
        ("MILLI", 1.0, 0.001, {"map_unit": None}, set()),
        ("MILLI", 1.0, 1.0, {"map_unit": None}, {"scale-units"}),
        ("MILLI", 1.0, 1000.0, {"map_unit": None}, {"scale-units"}),
        ("MILLI", 1.0, None, {"map_unit": None}, {"scale-blank"}),
        ("MILLI", 1.0, 1.0, {}, {"map-unit"}),
        ("MILLI", 1000.0, None, {"map_unit": None}, {"scale-blank", "map-unit"}),
        (None, 1.0, 7.5, {}, {"scale-wrong"}),
    ],
)
def test_units_and_scales_lead_to_metres_and_faults_are_told(
    prefix: str | None, factor: float, scale: float | None, more: dict[str, Any], expected: set[str]
) -> None:
    file = project(prefix)
    converted(file, EAST * factor, NORTH * factor, scale, datum="EPSG:5737", height=500.0 * factor, **more)
    result = found(file)
    assert codes(result) == expected
    placement = result.required
    assert (placement.east_m, placement.north_m, placement.height_m) == pytest.approx((EAST, NORTH, 500.0), abs=1e-6)
    assert placement.scale == (0.9999 if scale == 0.9999 else pytest.approx(1.0))
    assert placement.height_datum == "EPSG:5737"


def test_a_direction_need_not_be_of_length_one_and_zero_is_told() -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, axis=(3.0, 4.0))
    assert (found(file).required.abscissa, found(file).required.ordinate) == pytest.approx((0.6, 0.8))
    file = project()
    converted(file, EAST, NORTH, 1.0, axis=(0.0, 0.0))
    assert "map-axis" in codes(found(file))


@pytest.mark.parametrize("crs", ["", "EPSG:1234", "EPSG:4490", "本地坐标系"])
def test_a_system_that_is_none_is_refused_by_name_and_can_be_given(crs: str) -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, crs)
    with pytest.raises(ImportRefused) as refused:
        _ = found(file).required
    assert refused.value.code == "crs-unknown"
    assert crs in str(refused.value)
    assert "--crs" in str(refused.value)
    assert found(file, crs="EPSG:4523").required.srid == 4523


def test_property_sets_count_in_any_case_and_after_a_conversion() -> None:
    file = project("MILLI", "IFC2X3")
    made = file.create_entity("IfcSite", ifcopenshell.guid.new())
    for name, values in (
        ("EPSET_MapConversion", {"eastings": EAST, "NORTHINGS": NORTH, "OrthogonalHeight": 2.0, "Scale": 0.001}),
        ("epset_projectedcrs", {"NAME": "EPSG:4523", "VerticalDatum": "1985", "MapUnit": "METRE"}),
    ):
        entries = [
            file.create_entity(
                "IfcPropertySingleValue",
                Name=key,
                NominalValue=file.create_entity("IfcLabel" if isinstance(value, str) else "IfcReal", value),
            )
            for key, value in values.items()
        ]
        file.create_entity("IfcPropertySet", ifcopenshell.guid.new(), Name=name, HasProperties=entries)
    assert made is not None
    placement = found(file).required
    assert (placement.evidence, placement.srid, placement.height_datum) == ("property-set", 4523, "EPSG:5737")
    assert (placement.east_m, placement.scale) == pytest.approx((EAST, 1.0))


def test_a_site_places_in_the_zone_of_its_longitude_with_true_north() -> None:
    file = project()
    file.by_type("IfcGeometricRepresentationContext")[0].TrueNorth = file.create_entity(
        "IfcDirection", (0.5, 3**0.5 / 2)
    )
    site(file)
    result = found(file)
    placement = result.required
    assert (placement.srid, placement.evidence, placement.height_m) == (4523, "site", 500.0)
    assert codes(result) == {"placed-by-site", "height-datum"}
    back = pyproj.Transformer.from_crs(4523, 4490, always_xy=True)
    ends = placement.to_map(np.array([[0.0, 0.0, 0.0], [50.0, 100 * 3**0.5 / 2, 0.0]]))
    (lon, north_lon), (lat, north_lat) = back.transform(ends[:, 0], ends[:, 1])
    assert (lon, lat) == pytest.approx((LON, 30.98), abs=1e-9)
    assert pyproj.Geod(ellps="GRS80").inv(lon, lat, north_lon, north_lat)[0] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(
    ("lat", "lon", "srid"),
    [
        ((-33, -52, -4, 0), (151, 12, 26, 0), 32756),
        ((51, 30, 0), (0, -7, -34, -450321), 32630),
    ],
)
def test_a_site_elsewhere_is_in_its_utm_zone(lat: Any, lon: Any, srid: int) -> None:
    file = project()
    site(file, lat, lon)
    assert found(file).required.srid == srid


def test_a_site_far_from_the_conversion_is_told() -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, datum="1985国家高程基准")
    site(file, (42, 21, 31), (-71, -3, -24))
    assert codes(found(file)) == {"site-disagrees"}


def test_offsets_in_both_places_and_places_outside_a_system_are_told() -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0)
    assert "offset-twice" in codes(found(file, HERE + np.array([EAST, NORTH, 0.0])))
    file = project()
    converted(file, 500.0, 900.0, 1.0)
    assert "outside-area" in codes(found(file))


def test_map_coordinates_in_the_model_need_their_system_named() -> None:
    far = HERE + np.array([EAST, NORTH, 0.0])
    file = project()
    with pytest.raises(ImportRefused, match="control points"):
        _ = found(file, far).required
    placement = found(file, far, crs="EPSG:4523").required
    assert (placement.evidence, placement.east_m, placement.srid) == ("coordinates", 0.0, 4523)
    with pytest.raises(ImportRefused, match="outside"):
        _ = found(file, HERE + 20_000.0, crs="EPSG:4523").required


def test_a_site_whose_elements_are_elsewhere_does_not_place_them() -> None:
    file = project()
    site(file)
    with pytest.raises(ImportRefused, match="--crs"):
        _ = found(file, HERE + np.array([EAST, NORTH, 0.0])).required


def test_nothing_is_no_place() -> None:
    file = project()
    root.create_entity(file, "IfcSite")
    with pytest.raises(ImportRefused) as refused:
        _ = found(file).required
    assert refused.value.code == "no-placement"
    assert "control points" in refused.value.remedy


@pytest.mark.parametrize(
    ("given", "written", "expected"),
    [
        ("1985", "", "EPSG:5737"),
        ("local", "EPSG:5737", "local"),
        (None, "EPSG:5773", "EPSG:5773"),
        (None, "EPSG:4490", None),
        (None, "1985 国家高程基准", "EPSG:5737"),
        (None, "NAP", "EPSG:5709"),
        (None, "Zero", None),
    ],
)
def test_the_height_system_is_given_named_or_said_to_be_unknown(
    given: str | None, written: str, expected: str | None
) -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, datum=written)
    result = found(file, height_datum=given)
    assert result.required.height_datum == expected
    assert ("height-datum" in codes(result)) == (expected is None)


def test_feet_become_metres() -> None:
    file = ifcopenshell.file(schema="IFC4")
    root.create_entity(file, "IfcProject")
    contexts.add_context(file, "Model")
    foot = unit.add_conversion_based_unit(file, "foot")
    unit.assign_unit(file, units=[foot])
    units = units_of(file)
    assert units.length_m == pytest.approx(0.3048)
    assert units.factor("AREAUNIT") == pytest.approx(0.3048**2)


def conversion_4x3(kind: str, values: str) -> ifcopenshell.file:
    """A small IFC4X3 file in metres whose map conversion is of another kind, by a change of its text."""
    file = project(schema="IFC4X3")
    converted(file, EAST, NORTH, 1.0, datum="EPSG:5737", height=500.0)
    text = re.sub(
        r"IFCMAPCONVERSION\((#\d+),(#\d+),[^)]*\)",
        lambda had: f"{kind}({had[1]},{had[2]},{values})",
        file.to_string(),
    )
    return ifcopenshell.file.from_string(text)


@pytest.mark.parametrize(
    ("kind", "values", "scale", "expected"),
    [
        ("IFCMAPCONVERSIONSCALED", f"{EAST},{NORTH},500.,1.,0.,1.,0.9999,0.9999,1.", 0.9999, {"map-factors"}),
        ("IFCMAPCONVERSIONSCALED", f"{EAST},{NORTH},500.,1.,0.,$,0.9999,0.9999,0.9999", 0.9999, set()),
        ("IFCMAPCONVERSIONSCALED", f"{EAST},{NORTH},500.,1.,0.,0.9998,1.0001,1.0001,1.0001", 0.9998 * 1.0001, set()),
        ("IFCRIGIDOPERATION", f"IFCLENGTHMEASURE({EAST}),IFCLENGTHMEASURE({NORTH}),500.", 1.0, set()),
    ],
)
def test_scaled_conversions_and_rigid_operations_place_too(
    kind: str, values: str, scale: float, expected: set[str]
) -> None:
    file = conversion_4x3(kind, values)
    result = found(file)
    placement = result.required
    assert (placement.east_m, placement.north_m, placement.height_m) == pytest.approx((EAST, NORTH, 500.0), abs=1e-6)
    assert (placement.scale, placement.evidence) == (pytest.approx(scale, abs=1e-12), "map-conversion")
    assert codes(result) == expected
    if not expected and kind != "IFCRIGIDOPERATION":
        theirs = geolocation.auto_xyz2enh(file, 100.0, 50.0, 0.0)
        assert placement.to_map(np.array([[100.0, 50.0, 0.0]]))[0, :2] == pytest.approx(theirs[:2], abs=1e-6)


def with_reference(file: ifcopenshell.file, at: tuple[float, float, float], x: Any = None, z: Any = None) -> None:
    """Give the context a world coordinate system."""
    point = file.create_entity("IfcCartesianPoint", at)
    axes = [file.create_entity("IfcDirection", axis) if axis else None for axis in (z, x)]
    context = file.by_type("IfcGeometricRepresentationContext")[0]
    context.WorldCoordinateSystem = file.create_entity("IfcAxis2Placement3D", point, *axes)


@pytest.mark.parametrize("prefix", [None, "MILLI"])
@pytest.mark.parametrize("turned", [None, (0.8, 0.6, 0.0)])
def test_a_conversion_places_the_world_coordinate_system_as_ifcopenshell_does(prefix: str | None, turned: Any) -> None:
    factor = 1.0 if prefix is None else 1000.0
    file = project(prefix)
    converted(file, EAST, NORTH, 1 / factor, axis=(0.6, 0.8), height=500.0, map_unit=None, datum="EPSG:5737")
    with_reference(file, (200.0 * factor, -300.0 * factor, 4.0 * factor), turned)
    result = found(file)
    assert not codes(result)
    points = np.array([[0.0, 0.0, 0.0], [200.0, -300.0, 4.0], [35.0, 70.0, 12.5]])
    theirs = [geolocation.auto_xyz2enh(file, *(point * factor)) for point in points]
    assert result.required.to_map(points) == pytest.approx(np.array(theirs), abs=1e-6)


def test_a_world_coordinate_system_of_map_coordinates_is_not_applied_twice() -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, datum="EPSG:5737")
    with_reference(file, (EAST, NORTH, 0.0))
    in_model = found(file, HERE + np.array([EAST, NORTH, 0.0]))
    assert not codes(in_model)
    assert in_model.required.to_map(np.array([[EAST + 7.0, NORTH, 0.0]]))[0, 0] == pytest.approx(EAST + 7.0)
    around_zero = found(file)
    assert codes(around_zero) == {"reference-unused"}
    assert around_zero.required.to_map(np.array([[7.0, 0.0, 0.0]]))[0, 0] == pytest.approx(EAST + 7.0)


def test_a_tilted_world_coordinate_system_is_told() -> None:
    file = project()
    converted(file, EAST, NORTH, 1.0, datum="EPSG:5737")
    with_reference(file, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.6, 0.8))
    assert codes(found(file)) == {"reference-tilted"}


def test_a_world_coordinate_system_does_not_move_a_model_placed_by_its_site() -> None:
    file = project()
    site(file)
    plain = found(file).required
    with_reference(file, (200.0, -300.0, 4.0))
    assert found(file).required == plain
