"""What the parts of a generated IFC file share: the file, and the elements by type, material and system."""

import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.step_text import Raw, Ref, StepFile, Value, global_id, typed

Properties = Mapping[str, tuple[str, Value]]
"""Values by name, each with its IFC type."""
QUANTITIES = {"Length": "LENGTH", "Width": "LENGTH", "Height": "LENGTH", "Area": "AREA", "Volume": "VOLUME"}


def _lists() -> defaultdict[str, list[Ref]]:
    return defaultdict(list)


@dataclass(slots=True)
class Model:
    """The file with its contexts; what is related at its end is collected by name."""

    step: StepFile
    changed: float
    owner: Ref
    body: Ref
    axis: Ref
    origin: Ref
    maps: dict[str, Ref] = field(default_factory=dict)
    types: dict[str, Ref] = field(default_factory=dict)
    materials: dict[str, Ref] = field(default_factory=dict)
    of_type: defaultdict[str, list[Ref]] = field(default_factory=_lists)
    of_material: defaultdict[str, list[Ref]] = field(default_factory=_lists)
    of_system: defaultdict[str, list[Ref]] = field(default_factory=_lists)
    elements: int = 0

    def rooted(self, entity: str, key: str, *values: Value) -> Ref:
        """An entity with the owner and a GlobalId made from its key."""
        return self.step.add(entity, global_id(key), self.owner, *values)

    def altered(self, key: str) -> bool:
        """Whether the element of a key is one of those that change."""
        return zlib.crc32(key.encode()) % 100_000 < self.changed * 100_000

    def property_set(self, key: str, name: str, values: Properties) -> Ref:
        """A property set, not yet of any element."""
        single = [
            self.step.add("IFCPROPERTYSINGLEVALUE", title, None, typed(kind, value), None)
            for title, (kind, value) in values.items()
        ]
        return self.rooted("IFCPROPERTYSET", f"{key} {name}", name, None, single)

    def quantity_set(self, key: str, name: str, values: Mapping[str, float]) -> Ref:
        """A quantity set; lengths in millimetres, areas and volumes in metres."""
        single = []
        for title, value in values.items():
            kind = next(kind for ending, kind in QUANTITIES.items() if title.endswith(ending))
            single.append(self.step.add(f"IFCQUANTITY{kind}", title, None, None, value, None))
        return self.rooted("IFCELEMENTQUANTITY", f"{key} {name}", name, None, None, single)

    def relate(self) -> None:
        """Write which elements are of which type, material and system."""
        for name, members in self.of_type.items():
            self.rooted("IFCRELDEFINESBYTYPE", f"of type {name}", None, None, members, self.types[name])
        for name, members in self.of_material.items():
            self.rooted("IFCRELASSOCIATESMATERIAL", f"of material {name}", None, None, members, self.materials[name])
        for name, members in self.of_system.items():
            system = self.rooted("IFCDISTRIBUTIONSYSTEM", name, name, None, None, None, Raw(".NOTDEFINED."))
            self.rooted("IFCRELASSIGNSTOGROUP", f"in {name}", None, None, members, None, system)

    def place(self, parent: Ref, at: Sequence[float], along: Sequence[float] | None = None) -> Ref:
        """A placement in millimetres within another; ``along`` is where its x axis points in the plan."""
        add = self.step.add
        point = add("IFCCARTESIANPOINT", at)
        if along is None:
            return add("IFCLOCALPLACEMENT", parent, add("IFCAXIS2PLACEMENT3D", point, None, None))
        up = add("IFCDIRECTION", (0.0, 0.0, 1.0))
        across = add("IFCDIRECTION", (*along, 0.0))
        return add("IFCLOCALPLACEMENT", parent, add("IFCAXIS2PLACEMENT3D", point, up, across))
