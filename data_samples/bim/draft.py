"""A building model in the making: project, storeys, elements, what they are related to, and the file at the end.

GlobalIds come from names and relations, dates are fixed and sets are sorted, so that the same model gives the same
bytes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.classification
import ifcopenshell.api.context
import ifcopenshell.api.georeference
import ifcopenshell.api.group
import ifcopenshell.api.material
import ifcopenshell.api.project
import ifcopenshell.api.pset
import ifcopenshell.api.root
import ifcopenshell.api.style
import ifcopenshell.api.system
import ifcopenshell.api.type
import ifcopenshell.guid

from data_samples.bim.settling import packed, settle
from data_samples.bim.shapes import Box, Entity, Shapes

api = ifcopenshell.api
DEMANDED = {
    "Door": {"OperationType": "NOTDEFINED"},
    "Window": {"PartitioningType": "NOTDEFINED"},
    "Furniture": {"AssemblyPlace": "FACTORY"},
}
"""What the schema wants of some types besides the rest."""
CLASSIFICATION = {
    "Name": "GB/T 51269-2017 建筑信息模型分类和编码标准",
    "Source": "住房和城乡建设部",
    "Edition": "2017",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a model stands: its corner in the projected system, the direction of its x axis, and heights of 1985."""

    epsg: int
    east_m: float
    north_m: float
    abscissa: float
    ordinate: float
    zero_m: float


@dataclass(frozen=True, slots=True)
class Product:
    """A type: its class without Ifc and Type, predefined type, boxes of its shape by material, properties by set."""

    entity: str
    name: str
    predefined: str
    boxes: Sequence[tuple[str, Box]] = ()
    psets: Mapping[str, Mapping[str, Any]] | None = None
    code: tuple[str, str] | None = None


class Draft:
    """The model; lengths are metres, whatever the unit of the file."""

    def __init__(self, key: str, project: str, building: str, ground: Ground, *, millimetres: bool) -> None:
        self.key = key
        self.file = api.project.create_file("IFC4")
        self.shapes = Shapes(self.file, 0.001 if millimetres else 1.0)
        self.made: defaultdict[str, int] = defaultdict(int)
        self.types: dict[str, Entity] = {}
        self.maps: dict[str, Entity] = {}
        self.colours: dict[str, Entity] = {}
        self.materials: dict[str, Entity] = {}
        self._of_type: defaultdict[str, list[Entity]] = defaultdict(list)
        self._of_material: defaultdict[str, list[Entity]] = defaultdict(list)
        self._of_system: defaultdict[tuple[str, str], list[Entity]] = defaultdict(list)
        self._of_code: defaultdict[tuple[str, str], list[Entity]] = defaultdict(list)
        self._within: defaultdict[Entity, list[Entity]] = defaultdict(list)
        self._parts: defaultdict[Entity, list[Entity]] = defaultdict(list)
        self.project = self.root("Project", project, project)
        self._units(millimetres)
        model = api.context.add_context(self.file, context_type="Model")
        self.body = api.context.add_context(
            self.file, context_type="Model", context_identifier="Body", target_view="MODEL_VIEW", parent=model
        )
        self._georeference(ground, millimetres)
        self.site = self.spatial("Site", "场地", self.project)
        self.building = self.spatial("Building", building, self.site)

    def root(self, entity: str, key: str, name: str | None = None, **attributes: object) -> Entity:
        """A named object whose GlobalId comes from the key."""
        made = api.root.create_entity(self.file, ifc_class=f"Ifc{entity}", name=name)
        made.GlobalId = self.global_id(f"{entity} {key}")
        for attribute, value in attributes.items():
            setattr(made, attribute, value)
        return made

    def global_id(self, key: str) -> str:
        """The GlobalId of a key within this model."""
        return str(
            ifcopenshell.guid.compress(hashlib.md5(f"{self.key} {key}".encode(), usedforsecurity=False).hexdigest())
        )

    def spatial(self, entity: str, name: str, parent: Entity, height_m: float = 0.0) -> Entity:
        """A part of the spatial tree, placed within its parent."""
        made = self.root(entity, name, name, CompositionType="ELEMENT")
        above = getattr(parent, "ObjectPlacement", None)
        made.ObjectPlacement = self.shapes.placement(above, (0.0, 0.0, height_m))
        self._parts[parent].append(made)
        return made

    def product(self, product: Product) -> None:
        """Make a type, once."""
        if product.name in self.types:
            return
        made = self.root(f"{product.entity}Type", product.name, product.name, PredefinedType=product.predefined)
        self.types[product.name] = made
        for attribute, value in DEMANDED.get(product.entity, {}).items():
            setattr(made, attribute, value)
        if product.boxes:
            items = [self._coloured(self.shapes.box(box), material) for material, box in product.boxes]
            shown = self.file.create_entity("IfcShapeRepresentation", self.body, "Body", "SweptSolid", items)
            origin = self.shapes.axes((0.0, 0.0, 0.0))
            self.maps[product.name] = self.file.create_entity("IfcRepresentationMap", origin, shown)
            made.RepresentationMaps = (self.maps[product.name],)
        for name, values in (product.psets or {}).items():
            self.properties(made, name, values)
        if product.code:
            self._of_code[product.code].append(made)

    def _coloured(self, item: Entity, material: str) -> Entity:
        if not item.StyledByItem:
            self.file.create_entity("IfcStyledItem", item, (self.colours[material],))
        return item

    def material(self, name: str, colour: tuple[float, float, float], opacity: float = 1.0) -> None:
        """A material and how its surface looks."""
        style = api.style.add_style(self.file, name=name)
        rgb = self.file.create_entity("IfcColourRgb", None, *colour)
        shading = self.file.create_entity("IfcSurfaceStyleShading", rgb, round(1.0 - opacity, 3))
        style.Styles = (shading,)
        self.colours[name] = style
        self.materials[name] = api.material.add_material(self.file, name=name)
        api.style.assign_material_style(self.file, material=self.materials[name], style=style, context=self.body)

    def element(
        self,
        entity: str,
        name: str,
        where: Entity | None,
        placement: Entity,
        shape: Entity | None = None,
        *,
        of: str | None = None,
        material: str | None = None,
        system: tuple[str, str] | None = None,
        whole: Entity | None = None,
        **attributes: object,
    ) -> Entity:
        """An element in a storey or space (``where``) or part of another (``whole``); its type gives the shape."""
        self.made[name] += 1
        label = f"{name} {self.made[name]:04d}"
        made = self.root(entity, label, label, **attributes)
        made.Tag = f"{self.key[:2].upper()}{sum(self.made.values()):06d}"
        made.ObjectPlacement = placement
        made.Representation = shape or (self.shapes.mapped(self.body, self.maps[of]) if of in self.maps else None)
        for key, lists in ((of, self._of_type), (material, self._of_material), (system, self._of_system)):
            if key is not None:
                lists[key].append(made)  # type: ignore[index]  # each list by its own kind of key
        if where is not None:
            self._within[where].append(made)
        if whole is not None:
            self._parts[whole].append(made)
        return made

    def space(
        self, number: str, title: str, storey: Entity, placement: Entity, shape: Entity, code: tuple[str, str]
    ) -> Entity:
        """A room of a storey."""
        made = self.root(
            "Space",
            f"{storey.Name} {number}",
            number,
            LongName=title,
            CompositionType="ELEMENT",
            PredefinedType="INTERNAL",
        )
        made.ObjectPlacement, made.Representation = placement, shape
        self._parts[storey].append(made)
        self._of_code[code].append(made)
        return made

    def properties(self, owner: Entity, name: str, values: Mapping[str, Any]) -> Entity:
        """A property set of an object or a type."""
        pset = api.pset.add_pset(self.file, product=owner, name=name)
        api.pset.edit_pset(self.file, pset=pset, properties=dict(values))
        return pset

    def quantities(self, owner: Entity, name: str, values: Mapping[str, float]) -> None:
        """A quantity set; lengths in metres are written in the unit of the file."""
        units = {"Length": True, "Width": True, "Height": True, "Depth": True, "Perimeter": True}
        given: dict[str, Any] = {
            key: self.shapes.length(value) if any(key.endswith(end) for end in units) else round(value, 4)
            for key, value in values.items()
        }
        qto = api.pset.add_qto(self.file, product=owner, name=name)
        api.pset.edit_qto(self.file, qto=qto, properties=given)

    def opening(self, wall: Entity, placement: Entity, box: Box, filler: Entity | None) -> None:
        """A hole in a wall or slab, with what fills it."""
        key = f"{wall.Name} {wall.HasOpenings and len(wall.HasOpenings)} {box}"
        hole = self.root("OpeningElement", f"{wall.Name} {placement.id()}", "洞口", PredefinedType="OPENING")
        hole.ObjectPlacement = placement
        hole.Representation = self.shapes.body(self.body, (self.shapes.box(box),))
        self.file.create_entity("IfcRelVoidsElement", self.global_id(f"voids {key}"), None, None, None, wall, hole)
        if filler is not None:
            self.file.create_entity(
                "IfcRelFillsElement", self.global_id(f"fills {filler.Name}"), None, None, None, hole, filler
            )

    def group(self, entity: str, name: str, members: Sequence[Entity]) -> None:
        """A zone or another group."""
        made = self.root(entity, name, name)
        api.group.assign_group(self.file, products=list(members), group=made)

    def write(self, path: Path) -> None:
        """Relate everything and write an .ifczip with one file in it."""
        self._relate()
        settle(self.file, self.global_id)
        path.write_bytes(packed(self.file, self.key))

    def _units(self, millimetres: bool) -> None:
        kinds = {"AREAUNIT": "SQUARE_METRE", "VOLUMEUNIT": "CUBIC_METRE", "PLANEANGLEUNIT": "RADIAN"}
        unit = self.file.create_entity
        units = [unit("IfcSIUnit", None, "LENGTHUNIT", "MILLI" if millimetres else None, "METRE")]
        units += [unit("IfcSIUnit", None, kind, None, name) for kind, name in kinds.items()]
        self.project.UnitsInContext = unit("IfcUnitAssignment", units)

    def _georeference(self, ground: Ground, millimetres: bool) -> None:
        api.georeference.add_georeferencing(self.file)
        metre = self.file.create_entity("IfcSIUnit", None, "LENGTHUNIT", None, "METRE")
        crs = {
            "Name": f"EPSG:{ground.epsg}",
            "Description": "CGCS2000 / 3-degree Gauss-Kruger zone 35",
            "GeodeticDatum": "CGCS2000",
            "VerticalDatum": "EPSG:5737",
            "MapProjection": "Gauss-Kruger",
            "MapZone": "35",
            "MapUnit": metre,
        }
        conversion = {
            "Eastings": ground.east_m,
            "Northings": ground.north_m,
            "OrthogonalHeight": ground.zero_m,
            "XAxisAbscissa": ground.abscissa,
            "XAxisOrdinate": ground.ordinate,
            "Scale": 0.001 if millimetres else 1.0,
        }
        api.georeference.edit_georeferencing(self.file, coordinate_operation=conversion, projected_crs=crs)

    def _relate(self) -> None:
        file = self.file
        for whole, parts in self._parts.items():  # by the interface every placement would be made anew
            file.create_entity("IfcRelAggregates", "", None, None, None, whole, parts)
        for where, members in self._within.items():
            file.create_entity("IfcRelContainedInSpatialStructure", "", None, None, None, members, where)
        for name, members in self._of_type.items():
            api.type.assign_type(
                file, related_objects=members, relating_type=self.types[name], should_map_representations=False
            )
        for name, members in self._of_material.items():
            api.material.assign_material(file, products=members, material=self.materials[name])
        for (entity, name), members in self._of_system.items():
            kind, _, predefined = entity.partition(".")
            system = self.root(kind, name, name, PredefinedType=predefined)
            api.system.assign_system(file, products=members, system=system)
            file.create_entity(
                "IfcRelServicesBuildings", self.global_id(f"serves {name}"), None, None, None, system, (self.building,)
            )
        scheme = api.classification.add_classification(file, classification=CLASSIFICATION["Name"])
        scheme.Source, scheme.Edition = CLASSIFICATION["Source"], CLASSIFICATION["Edition"]
        for (code, title), members in self._of_code.items():
            api.classification.add_reference(
                file, products=members, identification=code, name=title, classification=scheme
            )
