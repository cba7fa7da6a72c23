"""Extensions a document uses: declared, known, and needed for the contents it names."""

from collections.abc import Iterator
from typing import Any

from importers.tilesets.faults import Faults

SHOWN = frozenset(
    {
        "3DTILES_batch_table_hierarchy",
        "3DTILES_bounding_volume_S2",
        "3DTILES_content_conditional",
        "3DTILES_content_gltf",
        "3DTILES_draco_point_compression",
        "3DTILES_ellipsoid",
        "3DTILES_implicit_tiling",
        "3DTILES_metadata",
        "3DTILES_multiple_contents",
    }
)
"""Extensions that a viewer of today can be required to know."""
NEEDED = {".3tz": "MAXAR_content_3tz"}
NEEDED_BEFORE_1_1 = {".glb": "3DTILES_content_gltf", ".gltf": "3DTILES_content_gltf"}
MOST_NAMED = 5


def check_extensions(document: dict[str, Any], name: str, faults: Faults, *, shown: bool) -> None:
    """Compare what a document declares with what is in it; ``shown`` asks whether it can be shown as well."""
    used, required = (_names(document.get(key)) for key in ("extensionsUsed", "extensionsRequired"))
    for extension in sorted(required - used):
        faults.add("tileset-extension", name, f"{extension[:60]} is required and not among those used")
    met, uris = _met(document)
    for extension in sorted(met - used)[:MOST_NAMED]:
        faults.add("tileset-extension", name, f"{extension[:60]} is used and not declared")
    asset = document.get("asset")
    version = asset.get("version") if isinstance(asset, dict) else None
    needed = {extension for suffix, extension in NEEDED.items() if any(uri.endswith(suffix) for uri in uris)}
    for extension in sorted(needed - required):
        faults.add("tileset-extension", name, f"contents need {extension}, which is not among those required")
    if version == "1.0":
        before = {e for suffix, e in NEEDED_BEFORE_1_1.items() if any(uri.endswith(suffix) for uri in uris)}
        for extension in sorted(before - used):
            faults.add("tileset-extension", name, f"a set of 1.0 with glTF contents needs {extension}")
        needed |= before
    for extension in sorted(used - met - needed - required):
        faults.note("tileset-extension-note", name, f"{extension[:60]} is declared and nowhere used")
    if shown:
        for extension in sorted(required - SHOWN):
            faults.add("tileset-extension", name, f"{extension[:60]} is required, and not shown here")
    extras = document.get("extras")
    if extras is not None and not isinstance(extras, dict):
        faults.note("tileset-extras-note", name, "extras should be an object")


def _names(given: Any) -> frozenset[str]:
    return frozenset(one for one in given if isinstance(one, str)) if isinstance(given, list) else frozenset()


def _met(document: dict[str, Any]) -> tuple[frozenset[str], frozenset[str]]:
    """The names of all extensions in a document, and the addresses of all contents."""
    names: set[str] = set()
    uris: set[str] = set()
    for thing in _objects(document):
        extensions = thing.get("extensions")
        if isinstance(extensions, dict):
            names.update(extensions)
        uri = thing.get("uri")
        if isinstance(uri, str):
            uris.add(uri.partition("?")[0])
    return frozenset(names), frozenset(uris)


def _objects(document: Any) -> Iterator[dict[str, Any]]:
    open_ = [document]
    while open_:
        thing = open_.pop()
        if isinstance(thing, dict):
            yield thing
            open_.extend(value for key, value in thing.items() if key != "extras" and isinstance(value, dict | list))
        elif isinstance(thing, list):
            open_.extend(value for value in thing if isinstance(value, dict | list))
