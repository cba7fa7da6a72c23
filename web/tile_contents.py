"""What fills the tiles of a request: attributes, generalisation and rows, with the name caches know it by."""

from dataclasses import dataclass, replace

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.filters.compiler import LANGUAGES, compile_filter
from cim.filters.scope import FieldScope
from cim.model.access import Principal
from cim.policy.policy import Decision, decide, read_context, readable
from cim.store.selection import Selection
from cim.store.tile_content import TileContent
from layers.general_plan import general_plan
from tiles.cache import TileKey
from tiles.grid import Grid
from tiles.request import TileRequest
from tiles.tilejson import tile_fields
from tiles.vector import content_name
from web.items import offered_srids
from web.looking import State, state_of
from web.parameters import parse_crs, parse_datetime
from web.state import Caller, ServerState

_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class NamedContent:
    """The content of one layer's tiles for one caller, and its name in caches."""

    principal: Principal
    decision: Decision
    content: TileContent
    name: str


class TileContents:
    """Contents by layer and caller; what everybody asks for is worked out once.

    A principal is looked up anew every two seconds, and a collection replaced when its grade or version changes; both
    are values that never change themselves.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._known: dict[tuple[str, int], NamedContent] = {}

    def plain(self, principal: Principal, layer: str) -> NamedContent:
        """All current features the principal sees, with the attributes the layer's definition lists.

        Raises NotFound as ``decide`` does, and BadRequest for a layer without geometry.
        """
        collection = self._state.live.collections.get(layer)
        known = self._known.get((layer, id(principal)))
        if known is not None and known.principal is principal and known.decision.collection is collection:
            return known
        decision = decide(principal, collection, layer)
        if decision.collection.schema.geometry == "none":
            raise BadRequest(
                f"layer {layer} is a table without geometry",
                where="layer",
                remedy=f"read it at /collections/{layer}/items",
            )
        fields = tile_fields(decision, self._state.catalog.layers.get(layer))
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        known = self._named(principal, decision, fields)
        self._known[(layer, id(principal))] = known
        return known

    def chosen(self, plain: NamedContent, properties: tuple[str, ...]) -> NamedContent:
        """The same features with the attributes of a request; those that the layer lacks are another layer's."""
        fields = tuple(name for name in plain.decision.field_names if name in properties)
        return self._named(plain.principal, plain.decision, fields, "chosen")

    async def narrowed(self, plain: NamedContent, request: TileRequest) -> NamedContent:
        """The features that a filter leaves, of the state that ``datetime`` or ``scenario`` asks for.

        Raises what compiling the filter and looking up the state do: BadRequest, NotAllowed, NotFound.
        """
        base = plain if request.properties is None else self.chosen(plain, request.properties)
        decision, chosen = plain.decision, base.content.selection
        more = [f"{request.filter_lang}|{request.filter_crs}|{request.filter}"]
        if request.filter is not None:
            chosen = replace(chosen, where=(_condition(decision, request),))
        if request.datetime is not None or request.scenario is not None:
            state = await self._state_of(plain.principal, decision, request)
            chosen = replace(chosen, version=state.version, scenario=state.scenario)
            more.append(state.tag)
        return self._content(plain.principal, decision, chosen, "|".join(more))

    async def _state_of(self, principal: Principal, decision: Decision, request: TileRequest) -> State:
        seen = frozenset(d.collection.id for d in readable(principal, self._state.live.collections.values()))
        instant = parse_datetime(request.datetime)
        async with self._state.database.reading(read_context(principal)) as connection:
            return await state_of(connection, decision.collection.id, seen, instant, request.scenario)

    def _named(self, principal: Principal, decision: Decision, fields: tuple[str, ...], more: str = "") -> NamedContent:
        selection = Selection(decision.collection, fields, decision.regions)
        return self._content(principal, decision, selection, more)

    def _content(self, principal: Principal, decision: Decision, selection: Selection, more: str) -> NamedContent:
        content = TileContent(selection, general_plan(self._state.catalog, decision.collection))
        return NamedContent(principal, decision, content, content_name(content, decision.policy_class, more))


async def layer_tile(who: Caller, layer: str, one: Grid, z: int, x: int, y: int) -> bytes:
    """The gzipped tile of one layer as the caller sees it, empty where it has nothing."""
    named = TileContents(who.state).plain(who.principal, layer)
    tile = await who.state.tiles.tile(who.principal, named.content, TileKey(layer, named.name, one.id, z, x, y))
    return tile.data


def _condition(decision: Decision, request: TileRequest) -> sa.ColumnElement[bool]:
    language = request.filter_lang
    if language not in LANGUAGES:
        raise BadRequest(
            f"{language[:40]!r} is no language of filters", where="filter-lang", remedy=f"use {' or '.join(LANGUAGES)}"
        )
    srid = parse_crs(request.filter_crs, offered_srids(decision), "filter-crs")
    scope = FieldScope(decision.collection.schema, decision.field_names)
    return compile_filter(request.filter or "", scope, language, srid).condition
