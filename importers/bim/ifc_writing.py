"""Elements of a building model as an IFC file again.

Written are the spatial tree above the elements, the elements with class, GlobalId, sets, materials, classifications and
systems, their shapes as triangles (one for all elements that share it), and where all of it lies on the map. Openings
and curves are not written. A class the schema does not know becomes an IfcBuildingElementProxy that names it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.model.bim import Mesh, Placement
from importers.bim.ifc_writing_facts import write_facts
from importers.bim.ifc_writing_shapes import Shapes, local_placement

Record = Mapping[str, Any]
PROXY = "IfcBuildingElementProxy"


@dataclass(frozen=True, slots=True)
class IfcOrder:
    """What to write: records of elements, those of the spatial structure and of systems, meshes, the model's head."""

    elements: Sequence[Record]
    frame: Sequence[Record]
    meshes: Mapping[bytes, Mesh]
    head: Mapping[str, Any]
    placement: Placement


def ifc_bytes(order: IfcOrder) -> bytes:
    """The file; it takes some seconds for thousands of elements."""
    import ifcopenshell  # noqa: PLC0415 - it takes a second and a hundred megabytes, which only exports need

    newer = str(order.head.get("schema", "")).startswith("IFC4X3")
    schema: Any = "IFC4X3_ADD2" if newer else "IFC4"  # ifcopenshell's own annotation lacks the addenda
    file = ifcopenshell.file(schema=schema)
    file.header.file_name.name = f"{order.head.get('name') or 'model'}.ifc"
    file.header.file_name.originating_system = "OneMap CIM"
    _Writer(file, order).write()
    return str(file.to_string()).encode()


class _Writer:
    """One file being written; ``made`` are its objects by GlobalId."""

    def __init__(self, file: Any, order: IfcOrder) -> None:
        import ifcopenshell  # noqa: PLC0415 - see ifc_bytes

        self.file, self.order = file, order
        self.new_id = ifcopenshell.guid.new
        self.schema = ifcopenshell.schema_by_name(file.schema_identifier)
        self.made: dict[str, Any] = {}
        self.above = {record["global_id"]: record for record in (*order.frame, *order.elements)}

    def write(self) -> None:
        context = self._context()
        self.shapes = Shapes(self.file, context, self.order.meshes)
        project = self._project(context)
        wanted = [record for record in self.order.elements if record["class"] != "IfcProject"]
        for record in [*self._frame(wanted), *wanted]:
            if record["global_id"] not in self.made:
                self.made[record["global_id"]] = self._object(record)
        self._hang(project, wanted)
        write_facts(self.file, self.new_id, wanted, self.made)

    def _context(self) -> Any:
        file = self.file
        origin = file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0))
        system = file.create_entity("IfcAxis2Placement3D", origin)
        context = file.create_entity("IfcGeometricRepresentationContext", None, "Model", 3, 1e-5, system, None)
        place = self.order.placement
        if place.srid is not None:
            crs = file.create_entity("IfcProjectedCRS", Name=f"EPSG:{place.srid}", VerticalDatum=place.height_datum)
            file.create_entity(
                "IfcMapConversion",
                SourceCRS=context,
                TargetCRS=crs,
                Eastings=place.east_m,
                Northings=place.north_m,
                OrthogonalHeight=place.height_m,
                XAxisAbscissa=place.abscissa,
                XAxisOrdinate=place.ordinate,
                Scale=place.scale,
            )
        return context

    def _project(self, context: Any) -> Any:
        units = [
            self.file.create_entity("IfcSIUnit", UnitType=kind, Name=name)
            for kind, name in (
                ("LENGTHUNIT", "METRE"),
                ("AREAUNIT", "SQUARE_METRE"),
                ("VOLUMEUNIT", "CUBIC_METRE"),
                ("PLANEANGLEUNIT", "RADIAN"),
            )
        ]
        units.append(self.file.create_entity("IfcSIUnit", UnitType="MASSUNIT", Prefix="KILO", Name="GRAM"))
        known = next((record for record in self.order.frame if record["class"] == "IfcProject"), None)
        project = self.file.create_entity(
            "IfcProject",
            GlobalId=known["global_id"] if known else self.new_id(),
            Name=(known["name"] if known else None) or self.order.head.get("name"),
            RepresentationContexts=[context],
            UnitsInContext=self.file.create_entity("IfcUnitAssignment", units),
        )
        if known:
            self.made[known["global_id"]] = project
        return project

    def _frame(self, wanted: Sequence[Record]) -> Iterator[Record]:
        """The spatial objects above what is wanted, and the systems it belongs to."""
        needed: set[str] = set()
        for record in wanted:
            needed.update(record["systems"])
            for start in (record["parent"], record["storey"], record["building"]):
                current = self.above.get(start)
                while current is not None and current["global_id"] not in needed:
                    needed.add(current["global_id"])
                    current = self.above.get(current["parent"])
        yield from (record for record in self.order.frame if record["global_id"] in needed)

    def _object(self, record: Record) -> Any:
        file, name = self.file, record["class"]
        known = self._known(name)
        shape = self.shapes.of(record) if record["kind"] != "group" else None
        values: dict[str, Any] = {"GlobalId": record["global_id"], "Name": record["name"]}
        values |= {"Description": record["description"]}
        values["ObjectType"] = record["object_type"] if known == name else name
        made = file.create_entity(known, **values)
        if hasattr(made, "Tag"):
            made.Tag = record["tag"]
        if hasattr(made, "LongName"):
            made.LongName = record["long_name"]
        if hasattr(made, "ObjectPlacement"):
            made.ObjectPlacement = shape.placement if shape else local_placement(file)
            made.Representation = shape.representation if shape else None
        if hasattr(made, "Elevation") and record["elevation_m"] is not None:
            made.Elevation = record["elevation_m"]
        return made

    def _known(self, name: str) -> str:
        """The class itself where the schema has it and things can be of it, else that of a proxy."""
        try:
            declared = self.schema.declaration_by_name(name).as_entity()
        except RuntimeError:
            return PROXY
        return PROXY if declared is None or declared.is_abstract() else name

    def _hang(self, project: Any, wanted: Sequence[Record]) -> None:
        """Every object below what it hangs on: parts aggregated, built things contained, members grouped."""
        parts: dict[Any, list[Any]] = {}
        contained: dict[Any, list[Any]] = {}
        for global_id, made in self.made.items():
            if made.is_a("IfcProject") or made.is_a("IfcGroup"):
                continue
            self._place(made, self.above[global_id], project, parts, contained)
        for whole, children in parts.items():
            self._relate("IfcRelAggregates", RelatingObject=whole, RelatedObjects=children)
        for structure, children in contained.items():
            self._relate("IfcRelContainedInSpatialStructure", RelatedElements=children, RelatingStructure=structure)
        groups: dict[Any, list[Any]] = {}
        for record in wanted:
            for system in record["systems"]:
                if system in self.made:
                    groups.setdefault(self.made[system], []).append(self.made[record["global_id"]])
        for group, members in groups.items():
            self._relate("IfcRelAssignsToGroup", RelatedObjects=members, RelatingGroup=group)

    def _place(
        self, made: Any, record: Record, project: Any, parts: dict[Any, list[Any]], contained: dict[Any, list[Any]]
    ) -> None:
        parent = self.made.get(record["parent"])
        spatial = made.is_a("IfcSpatialStructureElement") or made.is_a("IfcSpatialElement")
        if spatial:
            parts.setdefault(parent or project, []).append(made)
            return
        if parent is not None and record["parent_relation"] == "aggregates" and not _is_space(parent):
            parts.setdefault(parent, []).append(made)
            return
        structure = self._structure(record)
        if structure is not None:
            contained.setdefault(structure, []).append(made)

    def _structure(self, record: Record) -> Any | None:
        """The nearest spatial object that an element is in."""
        for name in (record["parent"], record["space"], record["storey"], record["building"]):
            made = self.made.get(name)
            if made is not None and made.is_a("IfcSpatialElement"):
                return made
        return next((made for made in self.made.values() if made.is_a("IfcSpatialElement")), None)

    def _relate(self, kind: str, **ends: Any) -> None:
        self.file.create_entity(kind, GlobalId=self.new_id(), **ends)


def _is_space(made: Any) -> bool:
    return bool(made.is_a("IfcSpatialElement"))
