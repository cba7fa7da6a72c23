"""What an IFC file says of its place on the map, read as written: conversions, reference systems, the site."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.bim.ifc_units import Units, unit_factor

CONVERSION_SET, SYSTEM_SET = "epset_mapconversion", "epset_projectedcrs"
_NO_SHIFT = 1e-9


@dataclass(frozen=True, slots=True)
class Conversion:
    """A map conversion as written: offsets in units of the map, ``scale`` None where it is blank.

    ``map_unit_m`` is the unit of the map in metres, None where none is named. ``crs`` and ``vertical`` are the names
    of the systems, empty where blank. ``from_set`` tells that property sets said it, ``same`` that all contexts say the
    same, ``even`` that the factors of all axes are one.
    """

    eastings: float
    northings: float
    height: float
    abscissa: float
    ordinate: float
    scale: float | None
    crs: str
    vertical: str
    map_unit_m: float | None
    from_set: bool = False
    same: bool = True
    even: bool = True


@dataclass(frozen=True, slots=True)
class SitePlace:
    """Longitude and latitude in degrees and the height in metres of a site, and where in the model that is."""

    lon: float
    lat: float
    height_m: float | None
    origin_m: NDArray[np.float64]


def conversion_of(file: Any, units: Units) -> Conversion | None:
    """The map conversion of the file: of its contexts first, else of property sets; None where there is none."""
    found = [item for item in _operations(file) if item is not None]
    if found:
        first = found[0]
        others = {(c.eastings, c.northings, c.height, c.abscissa, c.ordinate, c.scale, c.crs) for c in found}
        return replace(first, same=len(others) == 1)
    return _from_sets(file, units)


def _operations(file: Any) -> Iterator[Conversion | None]:
    for name in ("IfcMapConversion", "IfcRigidOperation"):
        for operation in _all(file, name):
            yield _operation(operation)


def _all(file: Any, name: str) -> list[Any]:
    try:
        return list(file.by_type(name))
    except RuntimeError:  # the schema has no such class
        return []


def _operation(operation: Any) -> Conversion | None:
    target = operation.TargetCRS
    if target is None or not target.is_a("IfcProjectedCRS"):
        return None
    factors = tuple(_number(getattr(operation, name, 1.0)) for name in ("FactorX", "FactorY", "FactorZ"))
    if operation.is_a("IfcRigidOperation"):
        first, second = _number(operation.FirstCoordinate), _number(operation.SecondCoordinate)
        east, north, height, x, y, scale = first, second, _number(operation.Height), 1.0, 0.0, 1.0
    else:
        east, north = _number(operation.Eastings), _number(operation.Northings)
        height = _number(operation.OrthogonalHeight)
        x, y = operation.XAxisAbscissa, operation.XAxisOrdinate
        x, y = (1.0, 0.0) if x is None and y is None else (_number(x), _number(y))
        scale = operation.Scale
        if hasattr(operation, "FactorX"):
            scale = (1.0 if scale is None else _number(scale)) * factors[0]
    unit = unit_factor(target.MapUnit) if target.MapUnit is not None else None
    vertical = getattr(target, "VerticalDatum", None) or ""
    name, even = (target.Name or "").strip(), len(set(factors)) == 1
    return Conversion(east, north, height, x, y, scale, name, vertical.strip(), unit, even=even)


def _from_sets(file: Any, units: Units) -> Conversion | None:
    sets = {(item.Name or "").casefold(): _values(item) for item in _all(file, "IfcPropertySet")}
    values, system = sets.get(CONVERSION_SET), sets.get(SYSTEM_SET, {})
    if not values or not {"eastings", "northings"} <= values.keys():
        return None
    unit = {"metre": 1.0, "meter": 1.0, "m": 1.0, "millimetre": 1e-3, "mm": 1e-3}.get(
        str(system.get("mapunit", "")).casefold()
    )
    x, y = values.get("xaxisabscissa"), values.get("xaxisordinate")
    x, y = (1.0, 0.0) if x is None and y is None else (_number(x), _number(y))
    scale = values.get("scale")
    return Conversion(
        _number(values["eastings"]),
        _number(values["northings"]),
        _number(values.get("orthogonalheight")),
        x,
        y,
        _number(scale) if scale is not None else None,
        str(system.get("name") or "").strip(),
        str(system.get("verticaldatum") or "").strip(),
        unit,
        from_set=True,
    )


def _values(item: Any) -> dict[str, Any]:
    found = {}
    for prop in item.HasProperties or ():
        if prop.is_a("IfcPropertySingleValue") and prop.NominalValue is not None:
            found[prop.Name.casefold()] = prop.NominalValue.wrappedValue
    return found


def site_of(file: Any, units: Units) -> SitePlace | None:
    """The first site with longitude and latitude; None where none has both."""
    from ifcopenshell.util.placement import get_local_placement  # noqa: PLC0415 - see importers.bim.ifc_schema

    for site in file.by_type("IfcSite"):
        lat, lon = _degrees(site.RefLatitude), _degrees(site.RefLongitude)
        if lat is None or lon is None or not (abs(lat) <= 90 and abs(lon) <= 180) or (lat == 0 and lon == 0):
            continue
        origin = np.zeros(3)
        if site.ObjectPlacement is not None and site.ObjectPlacement.is_a("IfcLocalPlacement"):
            origin = np.asarray(get_local_placement(site.ObjectPlacement))[:3, 3] * units.length_m
        height = site.RefElevation
        return SitePlace(lon, lat, None if height is None else float(height) * units.length_m, origin)
    return None


def reference_of(file: Any, units: Units) -> NDArray[np.float64] | None:
    """The point of the model that a map conversion places, as a matrix in metres; None where that is its origin.

    It is the world coordinate system of the context: the map is reached from coordinates relative to it.
    """
    from ifcopenshell.util.placement import get_axis2placement  # noqa: PLC0415 - see importers.bim.ifc_schema

    contexts = file.by_type("IfcGeometricRepresentationContext", include_subtypes=False)
    found = [item for item in contexts if item.ContextType == "Model"] or list(contexts)[-1:]
    if not found or found[0].WorldCoordinateSystem is None:
        return None
    matrix = np.asarray(get_axis2placement(found[0].WorldCoordinateSystem), np.float64)
    matrix[:3, 3] *= units.length_m
    return None if not np.isfinite(matrix).all() or np.allclose(matrix, np.eye(4), rtol=0, atol=_NO_SHIFT) else matrix


def true_north_of(file: Any) -> tuple[float, float] | None:
    """The direction of true north in the plane of the model; None where no context says."""
    for context in file.by_type("IfcGeometricRepresentationContext", include_subtypes=False):
        if context.TrueNorth is not None:
            x, y = (float(part) for part in context.TrueNorth.DirectionRatios[:2])
            length = float(np.hypot(x, y))
            if length > 0:
                return x / length, y / length
    return None


def _degrees(parts: Any) -> float | None:
    """Degrees, minutes, seconds and millionths; all have the sign of the whole."""
    if not parts or len(parts) < 3:
        return None
    numbers = [float(part) for part in (*parts, 0)[:4]]
    sign = -1.0 if any(number < 0 for number in numbers) else 1.0
    degrees, minutes, seconds, millionths = (abs(number) for number in numbers)
    return sign * (degrees + minutes / 60 + (seconds + millionths / 1e6) / 3600)


def _number(value: Any) -> float:
    plain = getattr(value, "wrappedValue", value)
    return float(plain) if isinstance(plain, int | float) and np.isfinite(plain) else 0.0
