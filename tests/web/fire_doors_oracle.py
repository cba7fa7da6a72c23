"""Fire doors on a storey of an IFC file, found by plain ifcopenshell: ``python fire_doors_oracle.py FILE STOREY``.

It shares nothing with the project, so that answers of the project can be held against it. A fire door has a fire rating
in Pset_DoorCommon, its own or that of its type where it has none of its own. Storeys count from 1 at the ground up and
from -1 down. A door is in the storey that it, what it is part of, the room it is in or the wall it is set into is in.
"""

import sys
import zipfile
from pathlib import Path

import ifcopenshell

NO_RATING = {"", "无", "-", "none", "no", "0"}


def opened(path: Path) -> ifcopenshell.file:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return ifcopenshell.file.from_string(archive.read(archive.namelist()[0]).decode())
    return ifcopenshell.open(str(path))


def rating_in(definitions: tuple[ifcopenshell.entity_instance, ...]) -> str | None:
    for definition in definitions:
        if definition.is_a("IfcPropertySet") and definition.Name == "Pset_DoorCommon":
            for held in definition.HasProperties:
                if held.Name == "FireRating" and held.NominalValue is not None:
                    return str(held.NominalValue.wrappedValue)
    return None


def rating_of(door: ifcopenshell.entity_instance) -> str | None:
    own = rating_in(
        tuple(rel.RelatingPropertyDefinition for rel in door.IsDefinedBy if rel.is_a("IfcRelDefinesByProperties"))
    )
    if own is not None:
        return own
    typed = getattr(door, "IsTypedBy", ()) or tuple(rel for rel in door.IsDefinedBy if rel.is_a("IfcRelDefinesByType"))
    return rating_in(tuple(typed[0].RelatingType.HasPropertySets or ())) if typed else None


def above(thing: ifcopenshell.entity_instance) -> ifcopenshell.entity_instance | None:
    """One step towards the storey."""
    for rel in getattr(thing, "ContainedInStructure", ()):
        return rel.RelatingStructure
    for rel in getattr(thing, "Decomposes", ()):
        return rel.RelatingObject
    for rel in getattr(thing, "FillsVoids", ()):
        for void in rel.RelatingOpeningElement.VoidsElements:
            return void.RelatingBuildingElement
    return None


def storey_of(thing: ifcopenshell.entity_instance) -> ifcopenshell.entity_instance | None:
    at: ifcopenshell.entity_instance | None = thing
    while at is not None and not at.is_a("IfcBuildingStorey"):
        at = above(at)
    return at


def numbered(model: ifcopenshell.file) -> dict[int, ifcopenshell.entity_instance]:
    storeys = sorted(model.by_type("IfcBuildingStorey"), key=lambda storey: storey.Elevation)
    up = [storey for storey in storeys if storey.Elevation >= -1e-6]
    down = [storey for storey in reversed(storeys) if storey.Elevation < -1e-6]
    return {**dict(enumerate(up, 1)), **{-number: storey for number, storey in enumerate(down, 1)}}


def fire_doors(path: Path, number: int) -> list[str]:
    model = opened(path)
    storey = numbered(model)[number]
    return sorted(
        door.GlobalId
        for door in model.by_type("IfcDoor")
        if (rating_of(door) or "").strip().lower() not in NO_RATING and storey_of(door) == storey
    )


if __name__ == "__main__":
    print("\n".join(fire_doors(Path(sys.argv[1]), int(sys.argv[2]))))
