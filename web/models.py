"""Building models as documents."""

import json
from collections.abc import Iterable
from typing import Any

from cim.policy.policy import Decision
from cim.store.bim_models import ModelRow

PARTS = ("storeys", "spaces", "systems", "elements")


def model_document(base: str, decision: Decision, row: ModelRow, *, whole: bool) -> dict[str, Any]:
    """A model: what it is called and belongs to, where it stands, its parts; ``whole`` adds what its file says."""
    held = decision.collection
    href = f"{base}/models/{held.id}"
    links = [{"rel": "self", "href": href, "type": "application/json"}]
    links += [{"rel": part, "href": f"{href}/{part}", "type": "application/json"} for part in PARTS]
    links.append({"rel": "glb", "href": f"{href}/elements.glb", "type": "model/gltf-binary"})
    document: dict[str, Any] = {
        "id": held.id,
        "name": row.name,
        "grade": str(held.grade),
        "version": held.version,
        "updated_at": held.updated_at.isoformat(),
        "building_code": row.building_code,
        "cim_level": row.cim_level,
        "element_count": held.feature_count,
        "bbox": held.bbox,
        "z_min_m": row.z_min_m,
        "z_max_m": row.z_max_m,
        "height_datum": row.head["placement"]["height_datum"],
        "links": links,
    }
    if whole:
        names = ("schema", "application", "project", "site_address", "length_unit_m", "true_north_deg", "placement")
        document |= {name: row.head.get(name) for name in (*names, "counts")}
        document["footprint"] = json.loads(row.footprint) if row.footprint else None
    return document


def footprint_feature(base: str, decision: Decision, row: ModelRow) -> dict[str, Any]:
    """A model as a GeoJSON feature: its footprint."""
    properties = model_document(base, decision, row, whole=False)
    geometry = json.loads(row.footprint) if row.footprint else None
    return {"type": "Feature", "id": row.id, "geometry": geometry, "properties": properties}


def tree_of(nodes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The spatial structure as nested nodes; those whose parent is not there stand at the top."""
    by_id = {node["global_id"]: {**node, "children": []} for node in nodes}
    top: list[dict[str, Any]] = []
    for node in by_id.values():
        parent = by_id.get(node["parent"])
        if parent is None or _is_above(node, parent, by_id):
            top.append(node)
        else:
            parent["children"].append(node)
    return top


def _is_above(node: dict[str, Any], other: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> bool:
    """Whether one node is another or stands above it, so that hanging it there would make a ring."""
    seen: set[str] = set()
    current: dict[str, Any] | None = other
    while current is not None and current["global_id"] not in seen:
        if current["global_id"] == node["global_id"]:
            return True
        seen.add(current["global_id"])
        current = by_id.get(current["parent"])
    return False
