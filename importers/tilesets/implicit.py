"""Trees of tiles told by bits: the tile that begins one, its subtrees, and the contents they say there are."""

import re
from typing import Any

from pydantic import ValidationError

from importers.tilesets.documents import ImplicitTiling, Tile, told
from importers.tilesets.faults import Faults
from importers.tilesets.looking import SetFiles
from importers.tilesets.subtrees import MOST_SUBTREE_BYTES, BadSubtree, Place, Read, read_subtree

DRAFT = "3DTILES_implicit_tiling"
MOST_SUBTREES = 1_000_000
_SLOT = re.compile(r"\{([^{}]*)\}")


def tiling_of(tile: Tile, where: str, faults: Faults) -> ImplicitTiling | None:
    """The tree a tile begins, by the specification of 1.1 or the extension before it."""
    if tile.implicitTiling is not None or DRAFT not in tile.extensions:
        return tile.implicitTiling
    draft: dict[str, Any] = dict(tile.extensions[DRAFT])
    draft.setdefault("availableLevels", draft.get("maximumLevel", 0) + 1 if "maximumLevel" in draft else None)
    try:
        return ImplicitTiling.model_validate(draft)
    except ValidationError as error:
        for place, what in told(error, f"{where}.{DRAFT}"):
            faults.add("tileset-form", place, what)
        return None


def check_implicit(tile: Tile, tiling: ImplicitTiling, where: str, faults: Faults) -> None:
    """What a tile that begins a tree may not have, and the places its addresses must."""
    if "children" in tile.model_fields_set:
        faults.add("tileset-implicit", where, "a tile that begins an implicit tree has no children of its own")
    if tile.metadata is not None:
        faults.add("tileset-implicit", where, "a tile that begins an implicit tree has no metadata of its own")
    axes = {"level", "x", "y"} | ({"z"} if tiling.subdivisionScheme == "OCTREE" else set())
    addresses = [("subtrees", tiling.subtrees.uri), *(("content", content.address) for content in tile.drawn)]
    for what, address in addresses:
        slots = set(_SLOT.findall(address))
        for unknown in sorted(slots - axes):
            faults.add("tileset-implicit", f"{where}.{what}.uri", f"there is no place {{{unknown[:40]}}} in a tree")
        for lacking in sorted(axes - slots):
            faults.add("tileset-implicit", f"{where}.{what}.uri", f"the address lacks {{{lacking}}}")


def walk_tree(files: SetFiles, document: str, tile: Tile, tiling: ImplicitTiling, where: str) -> int:
    """Read all subtrees of a tree and look at the contents they tell of; returns how many tiles there are."""
    tiles, subtrees = 0, 0
    open_ = [Place(0, 0, 0, 0)]
    while open_:
        at = open_.pop()
        subtrees += 1
        if subtrees > MOST_SUBTREES:
            files.faults.add("tileset-depth", document, f"more than {MOST_SUBTREES} subtrees are not read")
            break
        found = _subtree(files, document, at, tiling, where)
        if found is None:
            continue
        tiles += found.tiles
        open_ += found.children
        if len(found.contents) > len(tile.drawn) and any(found.contents[len(tile.drawn) :]):
            files.faults.add("tileset-implicit", where, "subtrees tell of more contents than the tile has addresses")
        for content, places in zip(tile.drawn, found.contents, strict=False):
            for place in places:
                files.content(place.address(content.address), document, f"{where} content {place}")
    return tiles


def _subtree(files: SetFiles, document: str, at: Place, tiling: ImplicitTiling, where: str) -> Read | None:
    name = files.named(at.address(tiling.subtrees.uri), document, f"{where} subtree {at}")
    if name is None:
        return None

    def other(address: str) -> bytes:
        beside = files.named(address, name, "its buffer")
        if beside is None:
            raise BadSubtree(f"{address[:80]} is not there")
        return files.bytes_of(beside, MOST_SUBTREE_BYTES)

    try:
        return read_subtree(files.bytes_of(name, MOST_SUBTREE_BYTES), at, tiling, other)
    except (ValueError, OSError) as error:
        files.faults.add("tileset-subtree", name, str(error))
        return None
