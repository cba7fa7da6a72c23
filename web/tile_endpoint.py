"""GET /tiles/{layer}/{z}/{x}/{y}.mvt without the framework: identify, ask the policy, answer from the cache.

Versioned URLs (``?v=`` the current version) of layers open to anyone are immutable; all others are checked again
by ETag, which names the last change that touched the tile. A tile of a graded layer is never stored by a shared cache.
"""

import structlog
from starlette.types import Receive, Scope, Send

from cim.errors import BadRequest, CimError, StoreError
from cim.model.access import Grade, Principal
from cim.policy.policy import Decision, decide
from tiles.cache import Tile, TileKey
from tiles.composite import composite_etag, composite_tile
from tiles.request import TileRequest
from tiles.tilejson import tile_fields
from tiles.vector import VectorTiles, content_of
from web.client_gone import while_connected
from web.identity import credential_of
from web.state import ServerState
from web.tile_answer import send_not_modified, send_problem, send_tile
from web.tile_request import tile_request

IMMUTABLE = b"public, max-age=31536000, immutable"
_WANTED = frozenset({b"authorization", b"cookie", b"if-none-match", b"accept-encoding"})
_MOST_DECIDED = 10_000
_log = structlog.get_logger()


class TileEndpoint:
    """The ASGI application for vector tiles."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._decided: dict[tuple[str, int], _Decided] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one tile request; every failure is a problem document."""
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise BadRequest("tiles can only be read", where="method", remedy="use GET")
            await self._answer(scope, receive, send)
        except CimError as error:
            if isinstance(error, StoreError):
                _log.warning("tile failed", id=scope.get("request_id", ""), reason=str(error))
            await send_problem(send, scope, error)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value for name, value in scope["headers"] if name in _WANTED}
        query: bytes = scope["query_string"]
        request = tile_request(scope["path"], b"" if query.startswith(b"v=") and query[2:].isdigit() else query)
        principal = await self._principal(headers)
        wanted = [self._part(principal, layer, request) for layer in request.layers]
        if request.narrowing is not None or request.properties is not None:
            _refuse_what_is_not_offered(request, [part.decision for part in wanted])
        caching = _caching(principal, [part.decision for part in wanted], query)
        tiles = self._tiles(request)
        kept = [tiles.kept(part.key) for part in wanted]
        known = headers.get(b"if-none-match")
        if known is not None:
            etags = [one.etag if one else tiles.etag(part.key) for one, part in zip(kept, wanted, strict=True)]
            etag = etags[0] if len(etags) == 1 else composite_etag(etags)
            if known == etag:
                await send_not_modified(send, etag, caching)
                return
        if len(wanted) == 1 and kept[0] is not None:
            tile: Tile | None = kept[0]
        else:
            tile = await while_connected(receive, self._joined(tiles, principal, wanted))
        if tile is not None:
            await send_tile(send, tile, caching, headers, head=scope["method"] == "HEAD")

    async def _principal(self, headers: dict[bytes, bytes]) -> Principal:
        authorization = headers.get(b"authorization")
        cookie = headers.get(b"cookie")
        credential = credential_of(
            authorization.decode("latin-1") if authorization else None,
            cookie.decode("latin-1") if cookie else None,
        )
        known = self._state.identities.remembered(credential)
        return known if known is not None else await self._state.identities.principal(credential)

    def _part(self, principal: Principal, layer: str, request: TileRequest) -> "_Part":
        decided = self._decision(principal, layer)
        decision, fields, content = decided.decision, decided.fields, decided.content
        if request.properties is not None:
            fields, content = _chosen(decision, request)
        return _Part(decision, fields, TileKey(layer, content, request.grid, request.z, request.x, request.y))

    def _decision(self, principal: Principal, layer: str) -> "_Decided":
        """What the policy decides; asked once for the same principal and collection, both values that never change.

        A principal is looked up anew every two seconds, and a collection replaced when its grade or version changes.
        """
        collection = self._state.live.collections.get(layer)
        known = self._decided.get((layer, id(principal)))
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
        if len(self._decided) >= _MOST_DECIDED:
            self._decided.clear()
        decided = _Decided(principal, decision, fields, content_of(decision, fields))
        self._decided[(layer, id(principal))] = decided
        return decided

    def _tiles(self, request: TileRequest) -> VectorTiles:
        """Where a request's tiles are kept: those with chosen attributes never crowd out what everybody asks for."""
        return self._state.tiles if request.properties is None else self._state.chosen_tiles

    @staticmethod
    async def _joined(tiles: VectorTiles, principal: Principal, wanted: "list[_Part]") -> Tile:
        made = [await tiles.tile(principal, part.decision, part.fields, part.key) for part in wanted]
        return made[0] if len(made) == 1 else await composite_tile(tiles.cache, made)


class _Decided:
    """What one principal sees of a layer's tiles."""

    __slots__ = ("content", "decision", "fields", "principal")

    def __init__(self, principal: Principal, decision: Decision, fields: tuple[str, ...], content: str) -> None:
        self.principal = principal
        self.decision = decision
        self.fields = fields
        self.content = content


class _Part:
    """One layer of a request, decided."""

    __slots__ = ("decision", "fields", "key")

    def __init__(self, decision: Decision, fields: tuple[str, ...], key: TileKey) -> None:
        self.decision = decision
        self.fields = fields
        self.key = key


def _chosen(decision: Decision, request: TileRequest) -> tuple[tuple[str, ...], str]:
    """The attributes a request chooses; those of all its layers together must have each name."""
    wanted = request.properties or ()
    fields = tuple(name for name in decision.field_names if name in wanted)
    return fields, content_of(decision, fields, "chosen")


def _refuse_what_is_not_offered(request: TileRequest, decisions: list[Decision]) -> None:
    if request.narrowing is not None:
        name, _ = request.narrowing
        raise BadRequest(
            f"tiles of this server do not take {name}=", where=name, remedy="leave it out, or read the layer's items"
        )
    known = {name for decision in decisions for name in decision.field_names}
    missing = [name for name in request.properties or () if name not in known]
    if missing:
        raise BadRequest(
            f"there is no attribute {missing[0][:80]!r} that you may see",
            where="properties",
            remedy="GET /collections/{layer}/schema lists the attributes",
        )


def _caching(principal: Principal, decisions: list[Decision], query: bytes) -> bytes:
    if principal.role != "anonymous" or any(d.collection.grade is not Grade.PUBLIC for d in decisions):
        return b"private, no-cache"
    if len(decisions) == 1 and query == b"v=%d" % decisions[0].collection.version:
        return IMMUTABLE
    return b"public, no-cache"
