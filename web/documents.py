"""Documents that the command line and HTTP answer alike."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from cim.model.collection import FeatureDifference, Version, VersionChange
from cim.model.scenarios import Scenario, ScenarioLayer


def version_document(version: Version) -> dict[str, Any]:
    """One version of a layer: what it is, by whom, and what it changed."""
    return {
        "version": version.number,
        "created_at": version.created_at.isoformat(),
        "origin": version.origin,
        "author": version.author,
        "feature_count": version.feature_count,
        "added": version.change.added,
        "changed": version.change.changed,
        "removed": version.change.removed,
        "run": version.run,
        "note": version.note,
    }


def difference_document(
    layer: str, older: int, newer: int, change: VersionChange, features: Iterable[FeatureDifference]
) -> dict[str, Any]:
    """What changed between two versions: exact counts, and the features by key with the fields that differ."""
    listed = [{"kind": f.kind, "key": f.key, "fid": f.fid, "fields": list(f.fields)} for f in features]
    counts = {"added": change.added, "changed": change.changed, "removed": change.removed}
    return {"layer": layer, "from": older, "to": newer, **counts, "features": listed}


def scenario_document(scenario: Scenario, layers: Iterable[ScenarioLayer], base: str | None = None) -> dict[str, Any]:
    """A scenario and what it does to some of its layers; with the server's address, where to read each under it."""
    listed = []
    for layer in layers:
        entry: dict[str, Any] = {
            "layer": layer.layer,
            "version": layer.version,
            "added": layer.change.added,
            "changed": layer.change.changed,
            "removed": layer.change.removed,
            "updated_at": layer.updated_at.isoformat(),
        }
        if base is not None:
            entry["items"] = f"{base}/collections/{layer.layer}/items?scenario={quote(scenario.name)}"
        listed.append(entry)
    return {"name": scenario.name, "created_at": scenario.created_at.isoformat(), "layers": listed}
