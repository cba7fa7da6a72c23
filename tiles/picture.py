"""Pictures of layers: what the WMS, the WMTS and other outputs draw, all by the layers' MapLibre styles.

``Pictures`` reads what a caller may see and hands it to a drawing process. A layer is shown from the zoom its tiles
begin at and as its style says, so a picture and the map in the browser show the same.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cim.errors import BadRequest, StoreUnavailable
from cim.model.access import Principal
from cim.model.general import GeneralPlan
from cim.policy.policy import Decision, read_context
from cim.store.database import Database
from cim.store.general_tables import GeneralState
from cim.store.selection import Selection
from cim.store.tile_content import TileContent
from cim.store.window_content import content_in_window
from cim.store.window_features import WindowQuery
from tiles import picture_work
from tiles.picture_job import LayerJob, LegendJob, NoteJob, PictureFormat, PictureJob
from tiles.picture_pool import PicturePool
from tiles.picture_style import style_fields
from tiles.picture_window import Window

MAX_SIDE_PIXELS = 4_096
MAX_LAYERS = 40
MAX_FEATURES = 100_000
MAX_SHAPE_BYTES = 128 * 1024 * 1024
DRAW_S = 8.0
TOTAL_S = 20.0
STATEMENT_MS = 6_000
LABEL_MARGIN_PIXELS = 96.0

RasterWindow = Callable[[Principal, Decision, Window, str], Awaitable[bytes]]
"""Gives the RGBA bytes of a raster layer in a window, for a style's name ("" for its usual one)."""


@dataclass(frozen=True, slots=True)
class PictureLayer:
    """One layer as the caller sees it, with its style.

    ``fields`` are those its tiles carry, ``plan`` says how they are generalised, ``minzoom`` the zoom they begin at,
    ``seamless`` that it tiles its area; ``version`` is an older version (None: the current one).
    """

    decision: Decision
    style: tuple[Mapping[str, Any], ...]
    fields: tuple[str, ...]
    plan: GeneralPlan
    minzoom: int = 0
    seamless: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """Encoded bytes. ``stand_in`` says that prepared content, once it is there, makes another picture of the same."""

    data: bytes
    stand_in: bool = False


def check_size(width: int, height: int) -> None:
    """Refuse a picture that is too large, before any work is done for it."""
    for name, value in (("width", width), ("height", height)):
        if not 1 <= value <= MAX_SIDE_PIXELS:
            raise BadRequest(
                f"a picture cannot be {value} pixels {'wide' if name == 'width' else 'high'}",
                where=name,
                remedy=f"ask for 1 to {MAX_SIDE_PIXELS} pixels",
            )


def _check_bytes(jobs: Sequence[LayerJob]) -> None:
    if sum(len(shape) for job in jobs for shape in job.shapes) > MAX_SHAPE_BYTES:
        raise BadRequest(
            "the shapes in this picture are too large together",
            where="layers",
            remedy="ask for a smaller area or fewer layers",
        )


class Pictures:
    """The one renderer of a server process.

    ``general_state`` tells what is known of a layer's generalised content; ``rasters`` draws raster layers, without it
    their outlines are drawn.
    """

    def __init__(
        self,
        database: Database,
        pool: PicturePool,
        general_state: Callable[[str], GeneralState | None],
        rasters: RasterWindow | None = None,
    ) -> None:
        self._database = database
        self._pool = pool
        self._general_state = general_state
        self.rasters = rasters

    async def picture(
        self,
        principal: Principal,
        layers: Sequence[PictureLayer],
        window: Window,
        *,
        background: tuple[int, int, int] | None = None,
        kind: PictureFormat = "png",
        request_id: str = "",
    ) -> Picture:
        """An encoded picture of the layers, the first lowest.

        Raises BadRequest for a size, box or number of features that is too large, DefinitionError for a style that
        says what cannot be drawn, StoreUnavailable when the budget of time is used up.
        """
        check_size(window.width, window.height)
        zoom = window.zoom
        shown = [layer for layer in layers if math.floor(zoom) >= layer.minzoom]
        try:
            async with asyncio.timeout(TOTAL_S):
                return await self._drawn(principal, shown, window, background, kind, request_id)
        except TimeoutError:
            raise StoreUnavailable(
                "reading and drawing the picture took longer than it may",
                remedy="ask for a smaller area or fewer layers",
            ) from None

    async def _drawn(
        self,
        principal: Principal,
        shown: Sequence[PictureLayer],
        window: Window,
        background: tuple[int, int, int] | None,
        kind: PictureFormat,
        request_id: str,
    ) -> Picture:
        jobs, stand_in = await self.jobs(principal, shown, window, request_id=request_id)
        whole = PictureJob(window, tuple(jobs), background, kind, DRAW_S)
        return Picture(await self._pool.run(picture_work.picture, whole, DRAW_S), stand_in)

    async def jobs(
        self,
        principal: Principal,
        layers: Sequence[PictureLayer],
        window: Window,
        *,
        fineness: float = 1.0,
        request_id: str = "",
    ) -> tuple[list[LayerJob], bool]:
        """What a drawing process needs of the layers, and whether some of it stands in for prepared content.

        ``fineness`` is how many points of the output lie in a pixel of the window, where it is printed.
        """
        jobs: list[LayerJob] = []
        stand_in = False
        for layer in layers:
            room = MAX_FEATURES - sum(len(job.shapes) for job in jobs)
            job, made_on_request = await self._layer_job(principal, layer, window, room, fineness, request_id)
            jobs.append(job)
            stand_in |= made_on_request
            _check_bytes(jobs)
        return jobs, stand_in

    async def legend(self, job: LegendJob) -> bytes:
        """An encoded legend."""
        return await self._pool.run(picture_work.legend, job, DRAW_S)

    async def note(self, job: NoteJob) -> bytes:
        """An encoded picture of some lines of text."""
        return await self._pool.run(picture_work.note, job, DRAW_S)

    def close(self) -> None:
        """End the drawing processes."""
        self._pool.close()

    async def _layer_job(
        self, principal: Principal, layer: PictureLayer, window: Window, room: int, fineness: float, request_id: str
    ) -> tuple[LayerJob, bool]:
        """The features of a layer, and whether they stand in for prepared content."""
        collection, decision = layer.decision.collection, layer.decision
        if collection.schema.kind == "raster" and self.rasters is not None:
            size = round(window.width * fineness), round(window.height * fineness)
            fine = replace(window, width=size[0], height=size[1])
            return LayerJob((), [], [], False, await self.rasters(principal, decision, fine, ""), size), False
        used = style_fields(layer.style)
        selection = Selection(collection, layer.fields, decision.regions, (), layer.version)
        visible = tuple(name for name in layer.fields if name in used and name in decision.field_names)
        query = WindowQuery(
            replace(selection, fields=visible),
            window.mercator_bounds(LABEL_MARGIN_PIXELS),
            window.srid,
            min(abs(side) for side in window.cell) / fineness,
            room,
        )
        content = TileContent(selection, layer.plan)
        state, zoom = self._general_state(collection.id), max(0, math.floor(window.zoom + math.log2(fineness)))
        async with self._database.reading(read_context(principal, request_id, STATEMENT_MS)) as connection:
            found = await content_in_window(connection, query, content, state, zoom)
        return LayerJob(layer.style, found.shapes, found.attributes, layer.seamless), found.stand_in
