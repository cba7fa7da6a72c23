"""How a layer's definition says that its features stand up in the three-dimensional view."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from cim.model.collection import CollectionSchema
from cim.model.scene import SceneKind, ScenePlan


class SceneOptions(BaseModel):
    """The fields that say how features stand, as ``cim.model.scene.ScenePlan`` has them, and those that tiles carry."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: SceneKind
    height: str | None = None
    ground: str | None = None
    storeys: str | None = None
    diameter_mm: str | None = None
    depth_start: str | None = None
    depth_end: str | None = None
    fields: tuple[str, ...] = ()

    @property
    def named_fields(self) -> frozenset[str]:
        """Every field the options name."""
        standing = (self.height, self.ground, self.storeys, self.diameter_mm, self.depth_start, self.depth_end)
        return frozenset({*self.fields, *(name for name in standing if name)})

    def plan(self, seen: Iterable[str]) -> ScenePlan | None:
        """The plan for somebody who sees these fields; None where how features stand is not to be seen."""
        known = frozenset(seen)

        def of(name: str | None) -> str | None:
            return name if name in known else None

        if (self.kind != "tube" and of(self.height) is None) or (self.kind == "tube" and of(self.diameter_mm) is None):
            return None
        return ScenePlan(
            self.kind,
            of(self.height),
            of(self.ground),
            of(self.storeys),
            of(self.diameter_mm),
            of(self.depth_start),
            of(self.depth_end),
            tuple(name for name in self.fields if name in known),
        )


def usual_options(schema: CollectionSchema) -> SceneOptions | None:
    """How a layer without a definition of its own stands: areas that have heights by the names heights usually have."""
    names = schema.field_names
    if schema.kind != "vector" or not schema.geometry.endswith("Polygon") or "height_m" not in names:
        return None

    def of(name: str) -> str | None:
        return name if name in names else None

    carried = ("building_code", "name", "height_m", "floors", "use", "year")
    fields = tuple(name for name in carried if name in names)
    return SceneOptions(kind="extrusion", height="height_m", ground=of("ground_m"), storeys=of("floors"), fields=fields)
