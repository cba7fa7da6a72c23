"""Building models in the three-dimensional view: a tileset for one version of one model."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import NotFound
from cim.model.access import Principal
from cim.model.bim import Placement
from cim.model.collection import BoundingBox
from cim.model.ellipsoidal_heights import LEVELLED, HeightWay, height_way
from cim.model.undulation import Undulation
from cim.policy.policy import read_context
from cim.store.bim_meshes import meshes_of
from cim.store.bim_models import models_by_id
from cim.store.database import Database
from cim.store.scene_models import drawn_elements, element_boxes
from cim.store.scene_rows import newest_change
from cim.store.vector_tiles import RawTile
from layers.text import Text
from tiles.scene.content import ScenePath, SceneTree
from tiles.scene.model_plan import ModelPlan, Part, PlannedTile, plan_of
from tiles.scene.model_tile import model_glb
from tiles.single_flight import SingleFlight

CONTENT_REVISION = 1
"""Raised when the same elements are drawn otherwise than before."""
MOST_MESH_BYTES = 64 * 1024**2
MOST_KEPT = 32
STATEMENT_MS = 15_000
UNDECLARED = Text(
    zh="模型没有说明高程基准，按 1985 国家高程基准显示；如不符，请用 --height-datum 重新导入。",
    en="The model does not say what its heights are above: they are taken as those of 1985. Import it again with "
    "--height-datum where they are not.",
)
LEFT_OUT = Text(
    zh="有构件的三角形超过一百万个，没有显示。", en="Elements of more than a million triangles are not drawn."
)


@dataclass(frozen=True, slots=True)
class PlacedPlan:
    """A version's tiles, how it lies on the map, and the newest change that was known when they were planned."""

    plan: ModelPlan
    placement: Placement
    heights: HeightWay
    seq: int


class ModelPlans:
    """The plans of models' versions that a process keeps, in bounded number, each made once however many ask."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, PlacedPlan] = OrderedDict()
        self._flights: SingleFlight[PlacedPlan] = SingleFlight()

    async def plan(self, name: str, make: Callable[[], Coroutine[Any, Any, PlacedPlan]]) -> PlacedPlan:
        """The plan of a content, kept or made."""
        known = self._kept.get(name)
        if known is None:
            known = self._kept[name] = await self._flights.join(name, make)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(name)
        return known


class ModelContent:
    """A version of a building model, for a caller whom the policy lets read it: all of it, as nobody reads a part.

    The plan is the same for all of them and kept; what the tiles hold is read with the caller's own openings.
    """

    def __init__(
        self, database: Database, plans: ModelPlans, model: str, version: int, undulation: Undulation | None
    ) -> None:
        self._database = database
        self._plans = plans
        self._model, self._version = model, version
        self._undulation = undulation
        seen = f"{CONTENT_REVISION}|{model}|{version}|{undulation.fingerprint if undulation else None}"
        self.name = hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()

    async def tree(self, principal: Principal) -> SceneTree | None:
        """The tree of tiles: storeys from the lowest, of each what is outside, inside, small, and its rooms.

        None where nothing of the model has a shape. NotFound where the caller may not read it, HeightsUnknown where its
        heights cannot be counted from the ellipsoid.
        """
        planned = await self._planned(principal)
        root = planned.plan.tree(_extras(planned))
        return SceneTree(root, planned.plan.elements, planned.seq) if root else None

    async def bounds(self, principal: Principal, path: ScenePath) -> BoundingBox:
        """What a tile is filled from, in degrees; NotFound where there is no such tile."""
        return _tile(await self._planned(principal), path).region[:4]

    async def tile(self, principal: Principal, path: ScenePath) -> RawTile:
        """The GLB of a tile; NotFound where there is no such tile."""
        planned = await self._planned(principal)
        tile = _tile(planned, path)
        async with self._reading(principal) as connection:
            seq = await newest_change(connection, self._model)
            elements = await drawn_elements(connection, self._model, tile.rows.tolist())
            if len(elements) < len(tile.rows):
                raise self._gone()
            meshes = await meshes_of(connection, self._model, (one.mesh for one in elements), MOST_MESH_BYTES)
        spaces = tile.part is Part.SPACES
        glb = await asyncio.to_thread(model_glb, elements, meshes, planned.placement, planned.heights, spaces=spaces)
        return RawTile(glb, seq)

    async def _planned(self, principal: Principal) -> PlacedPlan:
        return await self._plans.plan(self.name, lambda: self._plan(principal))

    async def _plan(self, principal: Principal) -> PlacedPlan:
        async with self._reading(principal) as connection:
            heads = await models_by_id(connection, {self._model: self._version})
            if not heads:
                raise self._gone()
            placement = heads[0].placement
            heights = height_way(placement.height_datum, self._undulation)
            seq = await newest_change(connection, self._model)
            boxes = await element_boxes(connection, self._model, self._version)
        return PlacedPlan(await asyncio.to_thread(plan_of, boxes, heights), placement, heights, seq)

    def _gone(self) -> NotFound:
        return NotFound(
            f"there is no version {self._version} of a model {self._model!r} that you may see",
            where="model",
            remedy="see GET /models",
        )

    def _reading(self, principal: Principal) -> AbstractAsyncContextManager[AsyncConnection]:
        return self._database.reading(read_context(principal, timeout_ms=STATEMENT_MS))


def _tile(planned: PlacedPlan, path: ScenePath) -> PlannedTile:
    found = planned.plan.tiles.get(path)
    if found is None:
        raise NotFound(f"there is no tile {path}", where="tile", remedy="read tileset.json")
    return found


def _extras(planned: PlacedPlan) -> dict[str, Any]:
    """What the tileset says of the model as a whole: how its heights were taken, and what is not drawn."""
    datum = planned.placement.height_datum
    said: dict[str, Any] = {"height_datum": datum, "heights_taken_as": datum or LEVELLED}
    notes = [UNDECLARED] if datum is None else []
    if planned.plan.left_out:
        said["left_out"] = planned.plan.left_out
        notes.append(LEFT_OUT)
    return said | ({"notes": [note.model_dump() for note in notes]} if notes else {})
