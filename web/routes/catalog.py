"""The layer catalogue as the viewer's tree needs it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from cim.model.access import Grade, Operation
from cim.model.collection import BoundingBox
from cim.policy.policy import Decision
from layers.definition import LayerDefinition
from layers.kinds import FEATURE, WORDS, described
from web.catalog_scene import footprints_layer, hidden_by_cities, model_documents, scene_document, scene_part
from web.state import Caller, caller

router = APIRouter(tags=["catalogue"])
DRAFT_THEME = {"id": "drafts", "title": {"zh": "待发布图层", "en": "Drafts"}}


@router.get("/catalog", summary="Themes and layers the caller may read")
async def catalog(who: Annotated[Caller, Depends(caller)]) -> dict[str, Any]:
    """Themes in order, layers with titles, fields, code meanings, tile and style addresses."""
    decisions = who.readable()
    hidden = await hidden_by_cities(who)
    themes = [{"id": t.id, "title": t.title.model_dump()} for t in who.state.catalog.themes]
    return {
        "themes": [*themes, DRAFT_THEME],
        "layers": [_layer(who, decision, hidden.get(decision.collection.id)) for decision in decisions],
        "view": {"bbox": _view(decisions)},
        "models": await model_documents(who),
        "scene": await scene_document(who),
        "definitions": _definitions(who) if _imports(who) else [],
    }


def _imports(who: Caller) -> bool:
    return any(Operation.IMPORT in right.operations for right in who.principal.rights)


def _definitions(who: Caller) -> list[dict[str, Any]]:
    """What a delivery can be imported as: every defined layer with its fields and the other names they go by."""
    return [
        {
            "id": definition.id,
            "title": definition.title.model_dump(),
            "geometry": definition.geometry,
            "key": definition.key,
            "fields": [
                {"name": field.name, "title": field.title.model_dump(), "aliases": list(field.aliases)}
                for field in definition.fields
            ],
        }
        for definition in sorted(who.state.catalog.layers.values(), key=lambda one: one.order)
    ]


def _layer(who: Caller, decision: Decision, hides: list[str] | None) -> dict[str, Any]:
    held = decision.collection
    definition = who.state.catalog.layers.get(held.id)
    entry: dict[str, Any] = {
        "id": held.id,
        "grade": str(held.grade),
        "geometry": held.schema.geometry,
        "content": held.schema.kind,
        "version": held.version,
        "feature_count": held.feature_count,
        "bbox": held.bbox,
        "draft": held.grade is Grade.DRAFT,
        "tiles": f"/tiles/{held.id}/{{z}}/{{x}}/{{y}}.mvt?v={held.version}",
        "style": f"/styles/{held.id}.json",
    }
    part = scene_part(who.state, decision)
    if part is not None:
        entry["scene"] = part.document() | ({} if hides is None else {"hides": hides})
        if part.kind == "mesh":
            entry["scene"]["footprints"] = footprints_layer(who)
    return entry | (_defined(who, decision, definition) if definition else _undefined(decision))


def _defined(who: Caller, decision: Decision, definition: LayerDefinition) -> dict[str, Any]:
    visible = set(decision.field_names)
    fields = []
    for field in definition.fields:
        if field.name in visible:
            codes = who.state.catalog.code_names(definition.id, field.name)
            fields.append(
                {
                    "name": field.name,
                    "type": field.type,
                    "title": field.title.model_dump(),
                    "unit": field.unit,
                    "codes": {code: text.model_dump() for code, text in codes.items()} if codes else None,
                }
            )
    return {
        "title": definition.title.model_dump(),
        "description": described(definition.description, decision.collection.schema.kind).model_dump(),
        "category": definition.category,
        "theme": definition.theme,
        "kind": definition.kind.model_dump(),
        "attribution": definition.attribution,
        "minzoom": definition.tiles.minzoom,
        "maxzoom": definition.tiles.maxzoom,
        "order": definition.order,
        "default_visible": definition.default_visible,
        "fields": fields,
    }


def _undefined(decision: Decision) -> dict[str, Any]:
    name, kind = decision.collection.id, decision.collection.schema.kind
    return {
        "title": {"zh": name, "en": name},
        "description": described(None, kind).model_dump(),
        "category": "cim-results",
        "theme": DRAFT_THEME["id"],
        "kind": WORDS.get(kind, FEATURE).model_dump(),
        "attribution": "",
        "minzoom": 0,
        "maxzoom": 16,
        "order": 1000,
        "default_visible": False,
        "fields": [
            {"name": f.name, "type": f.type, "title": {"zh": f.name, "en": f.name}, "unit": "", "codes": None}
            for f in decision.fields
        ],
    }


def _view(decisions: list[Decision]) -> BoundingBox | None:
    named = {d.collection.id: d.collection.bbox for d in decisions if d.collection.bbox}
    if "admin_county" in named:
        return named["admin_county"]
    boxes = list(named.values())
    if not boxes:
        return None
    sides = list(zip(*boxes, strict=True))
    return (min(sides[0]), min(sides[1]), max(sides[2]), max(sides[3]))
