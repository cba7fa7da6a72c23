"""What the catalogue says of the three-dimensional view: which layers have a tileset, and the terrain below them."""

from dataclasses import dataclass
from typing import Any

from cim.model.collection import BoundingBox
from cim.policy.policy import Decision, read_context
from cim.store.bim_models import models_by_id
from cim.store.scene_city_codes import buildings_of_city
from cim.store.selection import Selection
from tiles.scene.city_tile import COLUMNS as CITY_COLUMNS
from web.scene_contents import NO_UNDULATION, plan_of, terrain_layer
from web.state import Caller, ServerState

MODEL_FIELDS = ("global_id", "ifc_class", "name", "storey", "storey_number", "space", "kind")


CODE_FIELD = "building_code"
FILE_SCENES = {"tileset": "mesh", "pointcloud": "points"}
"""Kinds of layers whose tiles are files, and what the view calls them."""


@dataclass(frozen=True, slots=True)
class ScenePart:
    """A layer that the caller can draw in three dimensions."""

    id: str
    kind: str
    tileset: str
    fields: tuple[str, ...]
    bbox: BoundingBox

    def document(self) -> dict[str, Any]:
        """The member ``scene`` of a catalogue entry."""
        return {"tileset": self.tileset, "kind": self.kind, "fields": list(self.fields)}


def scene_part(state: ServerState, decision: Decision) -> ScenePart | None:
    """A layer's part of the scene; None where it has none."""
    held = decision.collection
    if held.schema.kind == "city":
        return _city_part(state, decision)
    if held.schema.kind in FILE_SCENES and held.version and held.bbox is not None:
        kind = FILE_SCENES[held.schema.kind]
        return ScenePart(held.id, kind, f"/3dtiles/{held.id}/tileset.json?v={held.version}", (), held.bbox)
    plan = plan_of(state, decision)
    if plan is None or not held.version or held.bbox is None or state.undulation is None:
        return None
    tileset = f"/3dtiles/{held.id}/tileset.json?v={held.version}"
    return ScenePart(held.id, plan.kind, tileset, plan.fields, held.bbox)


def _city_part(state: ServerState, decision: Decision) -> ScenePart | None:
    """A city layer's part of the scene; None where its shapes are not to be seen."""
    held = decision.collection
    if "shape" not in decision.field_names or not held.version or held.bbox is None or state.undulation is None:
        return None
    fields = tuple(name for name in CITY_COLUMNS if name in decision.field_names)
    return ScenePart(held.id, "city", f"/3dtiles/{held.id}/tileset.json?v={held.version}", fields, held.bbox)


async def hidden_by_cities(who: Caller) -> dict[str, list[str]]:
    """By city layer the codes of the buildings that it shows better than their blocks do.

    A layer that shows more buildings than are worth listing is left out.
    """
    found: dict[str, list[str]] = {}
    cities = [one for one in who.readable() if scene_part(who.state, one) and one.collection.schema.kind == "city"]
    if not cities:
        return found
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        for decision in cities:
            chosen = Selection(decision.collection, decision.field_names, decision.regions)
            codes = await buildings_of_city(connection, chosen)
            if codes is not None:
                found[decision.collection.id] = codes
    return found


def footprints_layer(who: Caller) -> str | None:
    """The layer whose areas tell the buildings of a mesh apart: the first of blocks with codes of buildings."""
    for decision in who.readable():
        part = scene_part(who.state, decision)
        if part is not None and part.kind == "extrusion" and CODE_FIELD in decision.field_names:
            return part.id
    return None


def scene_parts(who: Caller) -> list[ScenePart]:
    """All parts the caller may read, in drawing order."""
    found = (scene_part(who.state, decision) for decision in who.readable())
    return [part for part in found if part is not None]


def model_parts(who: Caller) -> list[ScenePart]:
    """The building models that the caller can draw, by id."""
    held = [decision.collection for decision in who.models()]
    return [
        ScenePart(one.id, "model", f"/3dtiles/{one.id}/tileset.json?v={one.version}", MODEL_FIELDS, one.bbox)
        for one in held
        if one.version and one.bbox is not None and who.state.undulation is not None
    ]


async def model_documents(who: Caller) -> list[dict[str, Any]]:
    """The models that the caller may read, and their parts of the scene."""
    versions = {decision.collection.id: decision.collection.version for decision in who.models()}
    parts = {part.id: part.document() for part in model_parts(who)}
    async with who.state.database.reading(read_context(who.principal, who.request_id)) as connection:
        rows = await models_by_id(connection, versions) if versions else []
    return [
        {
            "id": row.id,
            "name": row.name,
            "version": versions[row.id],
            "building_code": row.building_code,
            "scene": parts[row.id] | {"hides": [row.building_code] if row.building_code else []}
            if row.id in parts
            else None,
        }
        for row in rows
    ]


async def scene_document(who: Caller) -> dict[str, Any]:
    """The member ``scene`` of the catalogue: terrain, the joining tileset, and why there is none."""
    if who.state.undulation is None:
        return {"terrain": None, "tileset": None, "reason": NO_UNDULATION.model_dump()}
    ground = await terrain_layer(who)
    held = ground.collection if ground else None
    return {
        "terrain": f"/terrain/{held.id}/layer.json?v={held.version}" if held else None,
        "tileset": "/3dtiles/tileset.json" if scene_parts(who) or model_parts(who) else None,
        "reason": None,
    }
