"""The frame of a model: what is read of it before its elements - units, placement, storeys, who wrote it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cim.errors import ImportRefused
from cim.model.bim import ModelHead, Placement
from importers.bim.ifc_declared import true_north_of
from importers.bim.ifc_relations import pairs_of
from importers.bim.ifc_schema import check_schema
from importers.bim.ifc_tree import Thing, Tree, tree_of
from importers.bim.ifc_units import Units, units_of
from importers.bim.ifc_values import plain_text
from importers.bim.scratch import Scratch
from importers.bim.step_hash import Hashes, content_hashes
from importers.bim.step_index import StepIndex, index_of
from importers.bim.step_part import Parts
from importers.bim.step_text import step_text

SAMPLE = 64
GROUND_M = -0.5
"""A storey lower than this under the building's zero is a basement."""
SAME_LEVEL_M = 0.05
FRAME_ROLES = frozenset({"project", "site", "building", "storey", "spatial", "group"})
_FAULTS = (RuntimeError, AttributeError, TypeError, ValueError)
_ALWAYS = (
    "IFCMAPCONVERSION",
    "IFCMAPCONVERSIONSCALED",
    "IFCRIGIDOPERATION",
    "IFCPROJECTEDCRS",
    "IFCAPPLICATION",
    "IFCGEOMETRICREPRESENTATIONCONTEXT",
)
_FRAME_RELATIONS = ("IFCRELDEFINESBYPROPERTIES", "IFCRELDEFINESBYTYPE", "IFCRELASSOCIATESCLASSIFICATION")


@dataclass(frozen=True, slots=True)
class Storey:
    """A storey: name, height over the building's zero in metres, and number (``cim.model.bim.Element``)."""

    name: str | None
    elevation_m: float
    number: int


@dataclass(frozen=True, slots=True)
class Model:
    """An opened file: its index, the hashes of its statements, its tree, and its frame opened by ifcopenshell.

    ``scratch`` holds what is written while it is read, and is gone with it.
    """

    path: Path
    scratch: Scratch
    index: StepIndex
    hashes: Hashes
    tree: Tree
    parts: Parts
    file: Any
    units: Units
    storeys: Mapping[int, Storey]
    reach_m: NDArray[np.float64]
    encoding: str

    def entity(self, thing: Thing) -> Any:
        """The object of the frame; RuntimeError where it is not of the frame."""
        return self.file.by_id(int(self.index.ids[thing.place]))


_kept: dict[tuple[str, int], Model] = {}


def open_model(path: Path) -> Model:
    """Open a file, once in this process; ImportRefused says why it is none that can be read."""
    key = (str(path), path.stat().st_size)
    if key not in _kept:
        _kept.clear()
        _kept[key] = _opened(path)
    return _kept[key]


def _opened(path: Path) -> Model:
    scratch = Scratch()
    text = step_text(path, scratch.path)
    check_schema(text.schema, path.name)
    index = index_of(text, path)
    hashes = content_hashes(index)
    tree = tree_of(index, hashes)
    projects = [thing.place for thing in tree.things.values() if thing.role == "project"]
    parts = Parts(index, projects)
    frame = scratch.path / "frame.ifc"
    sample = _sample(index, tree)
    parts.write(*_frame_places(index, tree, sample), frame)
    file = opened_part(frame, path.name)
    units = units_of(file)
    reach = np.array([_origin(file.by_id(int(index.ids[place])), units) for place in sample] or [np.zeros(3)])
    return Model(
        path, scratch, index, hashes, tree, parts, file, units, _storeys(file, index, tree, units), reach, text.encoding
    )


def opened_part(part: Path, name: str) -> Any:
    """A part opened by ifcopenshell; ImportRefused, naming the file it is of, where its text is faulty."""
    import ifcopenshell  # noqa: PLC0415 - see importers.bim.ifc_schema

    try:
        return ifcopenshell.open(str(part), format=".ifc")
    except (ifcopenshell.Error, RuntimeError, OSError) as error:
        said = str(error)[:80]
    # raised outside, so that what the failed object prints when it goes does not come after the refusal
    raise ImportRefused(
        "unreadable",
        f"a statement of the file has values that cannot be read: {said}",
        where=name,
        remedy="export the model again as IFC (STEP physical file)",
    )


def _sample(index: StepIndex, tree: Tree) -> list[int]:
    """Places of the placements of some elements, evenly over the file."""
    placements = frozenset(index.of("IFCLOCALPLACEMENT").tolist())
    elements = [thing.place for thing in tree.things.values() if thing.role == "element"]
    chosen = elements[:: max(1, len(elements) // SAMPLE)]
    found = [[place for place in index.refs(element).tolist() if place in placements] for element in chosen]
    return [places[0] for places in found if places]


def _frame_places(index: StepIndex, tree: Tree, sample: Iterable[int]) -> tuple[list[int], list[int]]:
    places = [thing.place for thing in tree.things.values() if thing.role in FRAME_ROLES]
    places += [*index.of(*_ALWAYS).tolist(), *sample, *_placement_sets(index)]
    inside = frozenset(places)
    relations = pairs_of(index, *_FRAME_RELATIONS)
    chosen: set[int] = set()
    for statement, relating, related in zip(
        relations.statements.tolist(), relations.relating.tolist(), relations.related.tolist(), strict=True
    ):
        if related in inside:
            chosen.add(statement)
            places.append(relating)
    return places, list(chosen)


def _placement_sets(index: StepIndex) -> list[int]:
    """Property sets that may place a model, whatever they belong to."""
    return [place for place in index.of("IFCPROPERTYSET").tolist() if b"epset_" in index.text(place)[:400].lower()]


def _origin(placement: Any, units: Units) -> NDArray[np.float64]:
    from ifcopenshell.util.placement import get_local_placement  # noqa: PLC0415 - see importers.bim.ifc_schema

    try:
        matrix = np.asarray(get_local_placement(placement), np.float64)
    except _FAULTS:
        return np.zeros(3)
    return matrix[:3, 3] * units.length_m


def _storeys(file: Any, index: StepIndex, tree: Tree, units: Units) -> dict[int, Storey]:
    """The storeys by place, numbered in each building."""
    levels: defaultdict[int | None, list[tuple[float, int, str | None]]] = defaultdict(list)
    for thing in tree.things.values():
        if thing.role == "storey":
            entity = file.by_id(int(index.ids[thing.place]))
            building = tree.above(thing, "building")
            level = _elevation(entity, units), thing.place, plain_text(entity.Name) or None
            levels[building.place if building else None].append(level)
    found = {}
    for storeys in levels.values():
        elevations = sorted({_level(elevation) for elevation, _, _ in storeys})
        for elevation, place, name in storeys:
            found[place] = Storey(name, elevation, _number(_level(elevation), elevations))
    return found


def _level(elevation: float) -> float:
    return round(elevation / SAME_LEVEL_M) * SAME_LEVEL_M


def _number(elevation: float, all_elevations: list[float]) -> int:
    below = [level for level in all_elevations if level < GROUND_M]
    if elevation < GROUND_M:
        return -(len(below) - below.index(elevation))
    return all_elevations.index(elevation) - len(below) + 1


def _elevation(storey: Any, units: Units) -> float:
    if storey.Elevation is not None:
        return float(storey.Elevation) * units.length_m
    placement = storey.ObjectPlacement
    if placement is None or not placement.is_a("IfcLocalPlacement"):
        return 0.0
    return float(_origin(placement, units)[2])


def head_of(model: Model, placement: Placement, counts: Mapping[str, int], name: str) -> ModelHead:
    """What the model says of itself as a whole."""
    file = model.file
    project = next(iter(file.by_type("IfcProject")), None)
    north = true_north_of(file)
    application = next(iter(file.by_type("IfcApplication")), None)
    said = (application.ApplicationFullName, application.Version) if application is not None else ()
    return ModelHead(
        name=plain_text(getattr(project, "LongName", None)) or plain_text(getattr(project, "Name", None)) or name,
        schema=model.index.schema,
        application=" ".join(plain_text(part) for part in said if part),
        length_unit_m=model.units.length_m,
        placement=placement,
        project=plain_text(getattr(project, "Name", None)) or None,
        site_address=_address(file),
        true_north_deg=round(float(np.degrees(np.arctan2(north[0], north[1]))), 6) if north else None,
        counts=dict(counts),
    )


def _address(file: Any) -> str | None:
    for site in file.by_type("IfcSite"):
        if site.SiteAddress is not None:
            lines = [*(site.SiteAddress.AddressLines or ()), site.SiteAddress.Town, site.SiteAddress.Country]
            return ", ".join(plain_text(line) for line in lines if line) or None
    return None
