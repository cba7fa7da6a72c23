"""What fills the tiles of a request: attributes, generalisation and rows, with the name caches know it by."""

from dataclasses import dataclass, replace

import sqlalchemy as sa

from cim.errors import BadRequest
from cim.filters.compiler import LANGUAGES, compile_filter
from cim.filters.scope import FieldScope
from cim.model.access import Principal
from cim.policy.policy import Decision, read_context, readable
from cim.store.selection import Selection
from cim.store.tile_content import TileContent
from layers.general import general_plan
from tiles.request import TileRequest
from tiles.tilejson import tile_fields
from tiles.vector import content_name
from web.items import offered_srids
from web.looking import state_of
from web.parameters import parse_crs, parse_datetime
from web.state import ServerState

_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class NamedContent:
    """The content of one layer's tiles for one caller, and its name in caches."""

    decision: Decision
    content: TileContent
    name: str


class TileContents:
    """Contents by layer and policy class; what everybody asks for is worked out once."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._known: dict[tuple[str, str], NamedContent] = {}

    def plain(self, decision: Decision) -> NamedContent:
        """All current features with the attributes the layer's definition lists."""
        key = (decision.collection.id, decision.policy_class)
        known = self._known.get(key)
        if known is None or known.decision.collection is not decision.collection:
            known = self._named(decision, tile_fields(decision, self._state.catalog.layers.get(decision.collection.id)))
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = known
        return known

    def chosen(self, decision: Decision, properties: tuple[str, ...]) -> NamedContent:
        """All current features with the attributes of a request; those that the layer lacks are another layer's."""
        return self._named(decision, tuple(name for name in decision.field_names if name in properties), "chosen")

    async def narrowed(self, principal: Principal, decision: Decision, request: TileRequest) -> NamedContent:
        """The features that a filter leaves, of the state that ``datetime`` or ``scenario`` asks for.

        Raises what compiling the filter and looking up the state do: BadRequest, NotAllowed, NotFound.
        """
        plain = self.plain(decision) if request.properties is None else self.chosen(decision, request.properties)
        more = [f"{request.filter_lang}|{request.filter_crs}|{request.filter}"]
        chosen = plain.content.selection
        if request.filter is not None:
            chosen = replace(chosen, where=(_condition(decision, request),))
        if request.datetime is not None or request.scenario is not None:
            seen = frozenset(d.collection.id for d in readable(principal, self._state.live.collections.values()))
            instant = parse_datetime(request.datetime)
            async with self._state.database.reading(read_context(principal)) as connection:
                state = await state_of(connection, decision.collection.id, seen, instant, request.scenario)
            chosen = replace(chosen, version=state.version, scenario=state.scenario)
            more.append(state.tag)
        return self._content(decision, chosen, "|".join(more))

    def _named(self, decision: Decision, fields: tuple[str, ...], more: str = "") -> NamedContent:
        return self._content(decision, Selection(decision.collection, fields, decision.regions), more)

    def _content(self, decision: Decision, selection: Selection, more: str) -> NamedContent:
        content = TileContent(selection, general_plan(self._state.catalog, decision.collection))
        return NamedContent(decision, content, content_name(content, decision.policy_class, more))


def _condition(decision: Decision, request: TileRequest) -> sa.ColumnElement[bool]:
    language = request.filter_lang
    if language not in LANGUAGES:
        raise BadRequest(
            f"{language[:40]!r} is no language of filters", where="filter-lang", remedy=f"use {' or '.join(LANGUAGES)}"
        )
    srid = parse_crs(request.filter_crs, offered_srids(decision), "filter-crs")
    scope = FieldScope(decision.collection.schema, decision.field_names)
    return compile_filter(request.filter or "", scope, language, srid).condition
