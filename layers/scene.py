"""How layers without a definition stand up in the three-dimensional view."""

from cim.model.collection import CollectionSchema
from cim.model.scene import ScenePlan

_CARRIED = ("building_code", "name", "height_m", "floors", "use", "year")
_STANDING = {"height": "height_m", "ground": "ground_m", "storeys": "floors"}


def usual_plan(schema: CollectionSchema) -> ScenePlan | None:
    """How such a layer stands: areas that have heights by the names heights usually have."""
    names = schema.field_names
    if schema.kind != "vector" or not schema.geometry.endswith("Polygon") or "height_m" not in names:
        return None
    standing = {what: name for what, name in _STANDING.items() if name in names}
    return ScenePlan("extrusion", **standing, fields=tuple(name for name in _CARRIED if name in names))
