"""The tile of a layer from whatever serves it: prepared general content, rows reduced on request, or the rows."""

from dataclasses import dataclass, replace

from cim.model.access import ReadContext
from cim.model.general import GeneralPlan
from cim.model.grid import TileSquare
from cim.store.general_reduced import reduced_tile
from cim.store.general_tables import GeneralState
from cim.store.general_tiles import general_tile
from cim.store.selection import Selection
from cim.store.tile_connections import TileConnections
from cim.store.vector_tiles import RawTile, TileRows, narrowed_tile, vector_tile


@dataclass(frozen=True, slots=True)
class TileContent:
    """What fills the tiles of one layer for one kind of caller and request.

    ``plan`` says below which zoom, and how, the content is generalised.
    """

    selection: Selection
    plan: GeneralPlan

    @property
    def is_narrowed(self) -> bool:
        """Whether other rows than all current ones are asked for."""
        chosen = self.selection
        return bool(chosen.where) or chosen.version is not None or chosen.scenario is not None

    def is_general_at(self, zoom: int) -> bool:
        """Whether tiles of a zoom show generalised content."""
        return self.plan.method != "none" and zoom < self.plan.full_zoom


async def content_tile(
    connections: TileConnections,
    content: TileContent,
    state: GeneralState | None,
    zoom: int,
    square: TileSquare,
    context: ReadContext,
) -> RawTile:
    """One tile; ``state`` is what is known of the layer's prepared content, None for nothing.

    Raises AnswerTooLarge and StoreUnavailable as ``vector_tile`` does.
    """
    chosen = content.selection
    if content.is_general_at(zoom):
        prepared = not content.is_narrowed and chosen.regions is None
        if prepared and state is not None and state.plan == content.plan:
            layer = chosen.collection.id
            tile = await general_tile(connections, layer, state, chosen.fields, zoom, square, context)
            if tile is not None:
                return tile
        made = await reduced_tile(connections, chosen, content.plan, square, context)
        return replace(made, stand_in=prepared)
    if content.is_narrowed:
        return await narrowed_tile(connections, chosen, square, context)
    rows = TileRows(chosen.collection.schema, chosen.fields, chosen.regions)
    return await vector_tile(connections, rows, square, context)
