"""A whole tileset at once of content that is planned beforehand: building models and city objects, tile after tile."""

import asyncio
from collections.abc import Callable, Iterator

from cim.errors import StoreConflict
from cim.model.access import Principal
from tiles.scene.content import SceneContent, ScenePath, SceneTree
from tiles.scene.tile_folder import TileFolder
from tiles.scene.tileset import SceneNode


def paths_in(node: SceneNode) -> Iterator[ScenePath]:
    """The path of every content of a tree, as ``SceneTree`` writes them."""
    if node.content is not None:
        z, x, y = node.content.split("/")
        yield ScenePath(int(z), int(x), int(y))
    for child in node.children:
        yield from paths_in(child)


async def make_tree(
    content: SceneContent,
    principal: Principal,
    folder: TileFolder,
    progress: Callable[[int, int], None] = lambda made, of: None,
) -> SceneTree | None:
    """Write every tile; the tree they belong to, None where nothing is drawn.

    ``progress`` is told how many tiles are made, of how many. StoreConflict where the layer changed meanwhile, so that
    tiles of two states never lie beside each other.
    """
    tree = await content.tree(principal)
    if tree is None:
        return None
    paths = list(paths_in(tree.root))
    for number, path in enumerate(paths, 1):
        tile = await content.tile(principal, path)
        if tile.seq > tree.seq:
            raise StoreConflict("the layer was changed while it was written", where="layer", remedy="start again")
        await asyncio.to_thread(folder.put, path, tile.data)
        progress(number, len(paths))
    return tree
