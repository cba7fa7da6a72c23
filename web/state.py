"""What one running server process holds."""

from dataclasses import dataclass

from fastapi import Request
from procrastinate import App

from cim.model.access import Operation, Principal
from cim.model.collection import Collection
from cim.policy.policy import Decision, decide, readable, require
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import Catalog
from tiles.cache import TileCache
from tiles.picture import Pictures
from tiles.picture_pool import PicturePool
from tiles.picture_rasters import raster_pictures
from tiles.picture_tiles import PictureTiles
from tiles.raster import RasterTiles
from tiles.vector import VectorTiles
from web.identity import COOKIE, Identities, check_csrf, credential_of
from web.live_catalog import LiveCatalog
from web.queue import queue_app
from web.settings import ServerSettings


@dataclass(slots=True)
class ServerState:
    """Database, catalogue, caches and identities of a server process."""

    settings: ServerSettings
    database: Database
    catalog: Catalog
    live: LiveCatalog
    identities: Identities
    tiles: VectorTiles
    rasters: RasterTiles
    files: FileStore
    queue: App
    pictures: Pictures
    picture_tiles: PictureTiles

    @classmethod
    def build(cls, settings: ServerSettings, database: Database, catalog: Catalog, files: FileStore) -> "ServerState":
        """Assemble the parts and tie the caches to the change notices."""
        live = LiveCatalog(database)
        identities = Identities(database)
        tiles = VectorTiles(database, TileCache(settings.tile_cache_mb * 1024 * 1024))
        pictures = Pictures(database, PicturePool(), raster_pictures(database, files))
        rasters = RasterTiles(database, files, TileCache(settings.raster_cache_mb * 1024 * 1024))

        def follow() -> None:
            identities.forget()
            versions = {c.id: c.version for c in live.collections.values()}
            tiles.cache.keep_versions(versions)
            rasters.keep_versions(versions)

        live.on_change.append(follow)
        return cls(
            settings,
            database,
            catalog,
            live,
            identities,
            tiles,
            rasters,
            files,
            queue_app(database.writer_url),
            pictures,
            PictureTiles(pictures),
        )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and what they may read."""

    state: ServerState
    principal: Principal
    request_id: str
    base: str

    def decide(self, layer: str) -> Decision:
        """What the caller may read of a layer; NotFound when nothing."""
        return decide(self.principal, self.state.live.collections.get(layer), layer)

    def readable(self) -> list[Decision]:
        """Decisions for every layer the caller may read, in drawing order."""
        decisions = readable(self.principal, self.state.live.collections.values())
        return sorted(decisions, key=lambda d: (self._order(d.collection), d.collection.id))

    def readable_ids(self) -> frozenset[str]:
        """The ids of the layers the caller may read."""
        return frozenset(d.collection.id for d in readable(self.principal, self.state.live.collections.values()))

    def require(self, operation: Operation) -> None:
        """Raise unless the caller's role has the operation."""
        require(self.principal, operation)

    def _order(self, collection: Collection) -> int:
        definition = self.state.catalog.layers.get(collection.id)
        return definition.order if definition else 1000


async def caller(request: Request) -> Caller:
    """FastAPI dependency: identify the sender; refuses bad keys and requests without their CSRF token."""
    state: ServerState = request.app.state.server
    cookie = request.cookies.get(COOKIE)
    credential = credential_of(request.headers.get("authorization"), f"{COOKIE}={cookie}" if cookie else None)
    principal = await state.identities.principal(credential)
    check_csrf(request.method, request.headers, principal)
    base = str(request.base_url).rstrip("/")
    return Caller(state, principal, request.scope.get("request_id", ""), base)
