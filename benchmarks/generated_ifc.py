"""A big IFC4 file of any size, always the same, written as STEP text.

``python -m benchmarks.generated_ifc --mb 100 --out FILE`` writes a site of office buildings of twelve storeys: walls of
many lengths with openings, doors and windows of a few shapes each placed many times, slabs, columns, beams, rooms,
furniture, ducts, sprinklers, parts with a mesh of their own, property sets and quantities of each element, types,
materials, systems, millimetres, and a map conversion in EPSG:4523. ``--changed 0.01`` alters about that share of the
elements, their mark and the height of those with a shape of their own, and leaves every other byte as it was.
"""

import argparse
from pathlib import Path

from benchmarks.generated_model import Model
from benchmarks.generated_shapes import add_shared
from benchmarks.generated_storey import write_storey
from benchmarks.step_text import Raw, Ref, StepFile

STOREYS = 12
STOREY_MM = 3600.0
BUILDING_STEP_MM = 60_000.0
EAST_M, NORTH_M, HEIGHT_M = 35_401_200.0, 3_428_600.0, 489.5
HEAD = """ISO-10303-21;
HEADER;
FILE_DESCRIPTION(('ViewDefinition [ReferenceView]'),'2;1');
FILE_NAME('generated.ifc','2026-01-01T00:00:00',(''),(''),'generated_ifc','generated_ifc','');
FILE_SCHEMA(('IFC4'));
ENDSEC;
DATA;
"""
TAIL = "ENDSEC;\nEND-ISO-10303-21;\n"


def write(path: Path, mb: float, changed: float = 0.0) -> int:
    """Write a file of about ``mb`` megabytes, at least one storey; returns its elements."""
    with path.open("w", encoding="ascii", newline="\n") as out:
        step = StepFile(out)
        step.write(HEAD)
        model, site = _begin(step, changed)
        buildings: list[Ref] = []
        while step.written_bytes < mb * 1e6:
            buildings.append(_building(model, site, len(buildings), mb))
        site_ref = site[0]
        model.rooted("IFCRELAGGREGATES", "buildings", None, None, site_ref, buildings)
        model.relate()
        step.write(TAIL)
    return model.elements


def _begin(step: StepFile, changed: float) -> tuple[Model, tuple[Ref, Ref]]:
    """Owner, units, contexts, place on the map, project and site; the model and the site with its placement."""
    add = step.add
    firm = add("IFCORGANIZATION", None, "generated", None, None, None)
    person = add("IFCPERSON", None, "generated", None, None, None, None, None, None)
    user = add("IFCPERSONANDORGANIZATION", person, firm, None)
    program = add("IFCAPPLICATION", firm, "1", "generated_ifc", "generated_ifc")
    owner = add("IFCOWNERHISTORY", user, program, None, Raw(".ADDED."), None, None, None, 1767225600)
    kinds = ("LENGTHUNIT", "AREAUNIT", "VOLUMEUNIT", "PLANEANGLEUNIT", "MASSUNIT")
    names = (
        (".MILLI.", ".METRE."),
        ("$", ".SQUARE_METRE."),
        ("$", ".CUBIC_METRE."),
        ("$", ".RADIAN."),
        (".KILO.", ".GRAM."),
    )
    units = [
        add("IFCSIUNIT", Raw("*"), Raw(f".{kind}."), Raw(a), Raw(b)) for kind, (a, b) in zip(kinds, names, strict=True)
    ]
    metre = add("IFCSIUNIT", Raw("*"), Raw(".LENGTHUNIT."), None, Raw(".METRE."))
    zero = add("IFCCARTESIANPOINT", (0.0, 0.0, 0.0))
    origin = add("IFCAXIS2PLACEMENT3D", zero, None, None)
    north = add("IFCDIRECTION", (0.0, 1.0))
    context = add("IFCGEOMETRICREPRESENTATIONCONTEXT", None, "Model", 3, 1e-05 * 1000, origin, north)
    body, axis = (
        add(
            "IFCGEOMETRICREPRESENTATIONSUBCONTEXT",
            name,
            "Model",
            *[Raw("*")] * 4,
            context,
            None,
            Raw(f".{view}."),
            None,
        )
        for name, view in (("Body", "MODEL_VIEW"), ("Axis", "GRAPH_VIEW"))
    )
    crs = add(
        "IFCPROJECTEDCRS",
        "EPSG:4523",
        "CGCS2000 / 3-degree Gauss-Kruger zone 35",
        "CGCS2000",
        "EPSG:5737",
        "Gauss-Kruger",
        "35",
        metre,
    )
    add("IFCMAPCONVERSION", context, crs, EAST_M, NORTH_M, HEIGHT_M, 0.9659258262890683, 0.25881904510252074, 0.001)
    model = Model(step, changed, owner, body, axis, origin)
    assignment = add("IFCUNITASSIGNMENT", units)
    project = model.rooted("IFCPROJECT", "project", "生成的办公园区", None, None, None, None, (context,), assignment)
    placement = add("IFCLOCALPLACEMENT", None, origin)
    site = model.rooted(
        "IFCSITE", "site", "园区", None, None, placement, None, None, Raw(".ELEMENT."), None, None, None, None, None
    )
    model.rooted("IFCRELAGGREGATES", "site of project", None, None, project, (site,))
    add_shared(model)
    return model, (site, placement)


def _building(model: Model, site: tuple[Ref, Ref], number: int, mb: float) -> Ref:
    add = model.step.add
    place = add("IFCCARTESIANPOINT", (0.0, number * BUILDING_STEP_MM, 0.0))
    placement = add("IFCLOCALPLACEMENT", site[1], add("IFCAXIS2PLACEMENT3D", place, None, None))
    name = f"{number + 1}号楼"
    building = model.rooted(
        "IFCBUILDING", name, name, None, None, placement, None, None, Raw(".ELEMENT."), None, None, None
    )
    storeys: list[Ref] = []
    for level in range(STOREYS):
        if storeys and model.step.written_bytes >= mb * 1e6:
            break
        height = level * STOREY_MM
        point = add("IFCCARTESIANPOINT", (0.0, 0.0, height))
        own = add("IFCLOCALPLACEMENT", placement, add("IFCAXIS2PLACEMENT3D", point, None, None))
        title = f"{level + 1}层"
        storey = model.rooted(
            "IFCBUILDINGSTOREY", f"{name} {title}", title, None, None, own, None, None, Raw(".ELEMENT."), height
        )
        write_storey(model, storey, own, f"{name} {title}")
        storeys.append(storey)
    model.rooted("IFCRELAGGREGATES", f"{name} storeys", None, None, building, storeys)
    return building


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generated_ifc")
    parser.add_argument("--mb", type=float, default=100.0, help="megabytes, about")
    parser.add_argument("--changed", type=float, default=0.0, help="share of elements that differ, 0 to 1")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    print(f"{write(given.out, given.mb, given.changed)} elements")


if __name__ == "__main__":
    main()
