"""GET /tiles/{layer}/{z}/{x}/{y}.mvt without the framework: identify, ask the policy, answer from the cache.

Versioned URLs (``?v=`` the current version) of layers open to anyone are immutable; all others are checked again
by ETag, which names the last change that touched the tile. A tile of a graded layer is never stored by a shared cache.
"""

import structlog
from starlette.types import Receive, Scope, Send

from cim.errors import BadRequest, CimError, StoreError
from cim.model.access import Grade, Principal
from cim.policy.policy import Decision
from cim.store.tile_content import TileContent
from tiles.cache import Tile, TileKey
from tiles.composite import composite_etag, composite_tile
from tiles.kept import STAND_IN
from tiles.request import TileRequest
from tiles.vector import VectorTiles
from web.client_gone import while_connected
from web.identity import credential_of
from web.state import ServerState
from web.tile_answer import send_not_modified, send_problem, send_tile
from web.tile_contents import NamedContent, TileContents
from web.tile_request import tile_request

IMMUTABLE = b"public, max-age=31536000, immutable"
_WANTED = frozenset({b"authorization", b"cookie", b"if-none-match", b"accept-encoding"})
_log = structlog.get_logger()


class TileEndpoint:
    """The ASGI application for vector tiles."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._contents = TileContents(state)

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
        plain = [self._contents.plain(principal, layer) for layer in request.layers]
        decisions = [named.decision for named in plain]
        if request.properties is not None:
            _refuse_unknown_attributes(request.properties, decisions)
        wanted = [await self._part(named, request) for named in plain]
        caching = _caching(principal, decisions, query)
        tiles = self._tiles(request)
        kept = [tiles.kept(part.key) for part in wanted]
        known = headers.get(b"if-none-match")
        if known is not None:
            etags = [
                one.etag if one else tiles.etag(part.key, part.content) for one, part in zip(kept, wanted, strict=True)
            ]
            etag = etags[0] if len(etags) == 1 else composite_etag(etags)
            if known == etag:
                await send_not_modified(send, etag, caching)
                return
        if len(wanted) == 1 and kept[0] is not None:
            tile: Tile | None = kept[0]
        else:
            tile = await while_connected(receive, self._joined(tiles, principal, wanted))
        if tile is not None:
            if caching == IMMUTABLE and tile.etag.startswith(STAND_IN):
                caching = b"public, no-cache"
            general = any(part.content.is_general_at(request.z) for part in wanted)
            await send_tile(send, tile, caching, headers, head=scope["method"] == "HEAD", generalised=general)

    async def _principal(self, headers: dict[bytes, bytes]) -> Principal:
        authorization = headers.get(b"authorization")
        cookie = headers.get(b"cookie")
        credential = credential_of(
            authorization.decode("latin-1") if authorization else None,
            cookie.decode("latin-1") if cookie else None,
        )
        known = self._state.identities.remembered(credential)
        return known if known is not None else await self._state.identities.principal(credential)

    async def _part(self, plain: NamedContent, request: TileRequest) -> "_Part":
        named = plain
        if request.is_narrowed:
            named = await self._contents.narrowed(plain, request)
        elif request.properties is not None:
            named = self._contents.chosen(plain, request.properties)
        layer = plain.decision.collection.id
        return _Part(named.content, TileKey(layer, named.name, request.grid, request.z, request.x, request.y))

    def _tiles(self, request: TileRequest) -> VectorTiles:
        """Where a request's tiles are kept: those that few ask for never crowd out what everybody asks for."""
        plain = request.properties is None and not request.is_narrowed
        return self._state.tiles if plain else self._state.chosen_tiles

    @staticmethod
    async def _joined(tiles: VectorTiles, principal: Principal, wanted: "list[_Part]") -> Tile:
        made = [await tiles.tile(principal, part.content, part.key) for part in wanted]
        return made[0] if len(made) == 1 else await composite_tile(tiles.cache, made)


class _Part:
    """One layer of a request: what fills its tile, and where that is kept."""

    __slots__ = ("content", "key")

    def __init__(self, content: TileContent, key: TileKey) -> None:
        self.content = content
        self.key = key


def _refuse_unknown_attributes(properties: tuple[str, ...], decisions: list[Decision]) -> None:
    """Each attribute asked for must be one of some layer's."""
    known = {name for decision in decisions for name in decision.field_names}
    missing = [name for name in properties if name not in known]
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
