"""What one layer or model gives to the three-dimensional view, for one kind of caller and one state of its rows."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.store.vector_tiles import RawTile
from tiles.scene.tileset import SceneNode


class ScenePath(NamedTuple):
    """Which tile of a layer: for what lies on the map a square of WebMercatorQuad, else as the layer counts them."""

    z: int
    x: int
    y: int

    def __str__(self) -> str:
        return f"{self.z}/{self.x}/{self.y}"


@dataclass(frozen=True, slots=True)
class SceneTree:
    """The tiles of a layer, and how many of its features are in them.

    Contents in ``root`` are the texts of their paths without a suffix. ``seq`` is the newest change it may show.
    """

    root: SceneNode
    features: int
    seq: int


class SceneContent(Protocol):
    """One layer's content: ``name`` is what caches know it by, for everything that decides its bytes."""

    name: str

    async def tree(self, principal: Principal) -> SceneTree | None:
        """The tree of tiles; None where there is nothing to draw."""

    async def bounds(self, principal: Principal, path: ScenePath) -> BoundingBox:
        """What a tile is filled from, in degrees; NotFound where there is no such tile."""

    async def tile(self, principal: Principal, path: ScenePath) -> RawTile:
        """The GLB of a tile, as yet without compression; NotFound where there is no such tile."""
