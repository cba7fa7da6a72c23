"""What one running server process holds."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from procrastinate import App

from cim.model.access import Operation, Principal
from cim.model.collection import Collection
from cim.model.undulation import Undulation
from cim.policy.policy import Decision, decide, decide_model, readable, readable_models, require
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.database import Database
from cim.store.files import FileStore
from layers.catalog import Catalog
from tiles.cache import TileCache
from tiles.disk_cache import DiskTiles
from tiles.gate import Gate
from tiles.kept import KeptTiles
from tiles.picture import Pictures
from tiles.picture_pool import PicturePool
from tiles.picture_rasters import raster_pictures
from tiles.picture_tiles import PictureTiles
from tiles.raster import RasterTiles
from tiles.registered import RegisteredSets
from tiles.scene.layouts import Layouts
from tiles.scene.models_3d import ModelPlans
from tiles.terrain import Terrain
from tiles.vector import VectorTiles
from web.alarm_feed import AlarmFeed
from web.analysis_gate import AnalysisGate
from web.change_feed import ChangeFeed
from web.geocoding import Geocoder
from web.geoid import configured_undulation
from web.identity import COOKIE, Identities, check_csrf, credential_of
from web.incidents.feed import IncidentFeed
from web.live_catalog import LiveCatalog
from web.live_readings import LiveReadings
from web.notices import Notices
from web.proxy_cache import ProxyCache
from web.queue import queue_app
from web.settings import ServerSettings
from web.video_fetching import Fetcher
from web.video_gateway import VideoGateway, configured_gateway
from web.warnings.feed import WarningFeed

MIB = 1024 * 1024
SCENES_AT_ONCE = 3
"""Tiles of one tileset a process makes at the same time; each holds a connection while its rows are read."""
FILES_AT_ONCE = 2
"""Files of results a process writes at the same time; each holds a connection meanwhile."""


@dataclass(slots=True)
class ServerState:
    """Database, catalogue, caches and identities of a server process."""

    settings: ServerSettings
    database: Database
    catalog: Catalog
    live: LiveCatalog
    identities: Identities
    tiles: VectorTiles
    chosen_tiles: VectorTiles
    disk_tiles: DiskTiles | None
    rasters: RasterTiles
    terrain: Terrain
    registered: RegisteredSets
    files: FileStore
    queue: App
    feed: ChangeFeed
    notices: Notices
    alarms: AlarmFeed
    incidents: IncidentFeed
    warnings: WarningFeed
    readings: LiveReadings
    gate: Gate
    proxy: ProxyCache | None
    pictures: Pictures
    picture_tiles: PictureTiles
    analyses: AnalysisGate
    sheet_pool: PicturePool
    geocoder: Geocoder
    undulation: Undulation | None
    scenes: KeptTiles
    layouts: Layouts
    model_plans: ModelPlans
    video: VideoGateway | None
    intake: Intake
    fetcher: Fetcher = field(default_factory=Fetcher)
    file_turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FILES_AT_ONCE))

    @classmethod
    def build(
        cls,
        settings: ServerSettings,
        database: Database,
        catalog: Catalog,
        files: FileStore,
        cache_folder: Path | None = None,
        proxy_folder: Path | None = None,
    ) -> "ServerState":
        """Assemble the parts; tiles are kept in memory, and below ``cache_folder`` where one is given.

        ``proxy_folder`` is where the proxy in front keeps tiles, if there is one.
        """
        live = LiveCatalog(database)
        identities = Identities(database)
        feed = ChangeFeed()
        live.on_changes.append(feed.publish)
        live.on_change.append(identities.forget)
        notices, alarms, readings = Notices(database), AlarmFeed(database), LiveReadings(database)
        notices.on_values.append(readings.hear)
        notices.on_alarms.append(alarms.hear)
        incidents = IncidentFeed(database)
        notices.on_incidents.append(incidents.hear)
        warnings = WarningFeed(database)
        notices.on_warnings.append(warnings.hear)
        pictures = Pictures(database, PicturePool(), live.general_state, raster_pictures(database, files))
        rasters = RasterTiles(database, files, TileCache(settings.raster_cache_mb * MIB))
        live.on_change.append(rasters.follow)
        undulation = configured_undulation(settings)
        registered = RegisteredSets(database, files, undulation)
        live.on_change.append(registered.follow)
        kept_terrain = TileCache(settings.raster_cache_mb * MIB // 2)
        proxy = ProxyCache(proxy_folder) if proxy_folder else None
        if proxy:
            live.on_change.append(lambda: proxy.follow(live.collections))
        disk = None
        if cache_folder is not None and settings.tile_disk_mb:
            disk = DiskTiles(cache_folder / "tiles", settings.tile_disk_mb * MIB)
        gate = Gate(database.tiles.size, most=settings.tiles_waiting)

        def tiles(cache_mb: int, kept_in: DiskTiles | None) -> VectorTiles:
            cache = TileCache(cache_mb * MIB)
            return VectorTiles(database.tiles, cache, kept_in, live.changes, gate, live.refresh, live.general_state)

        return cls(
            settings=settings,
            database=database,
            catalog=catalog,
            live=live,
            identities=identities,
            tiles=tiles(settings.tile_cache_mb, disk),
            chosen_tiles=tiles(max(1, settings.tile_cache_mb // 8), None),
            disk_tiles=disk,
            rasters=rasters,
            registered=registered,
            terrain=Terrain(database, files, rasters, kept_terrain, undulation),
            files=files,
            queue=queue_app(database.writer_url),
            feed=feed,
            notices=notices,
            alarms=alarms,
            incidents=incidents,
            warnings=warnings,
            readings=readings,
            gate=gate,
            proxy=proxy,
            pictures=pictures,
            picture_tiles=PictureTiles(pictures, TileCache(settings.raster_cache_mb * MIB // 2)),
            analyses=AnalysisGate(),
            sheet_pool=PicturePool(workers=1, waiting=4),
            geocoder=Geocoder(database, catalog),
            undulation=undulation,
            scenes=KeptTiles(
                TileCache(settings.scene_cache_mb * MIB),
                disk,
                live.changes,
                Gate(SCENES_AT_ONCE + 1, most=settings.tiles_waiting),
                live.refresh,
            ),
            layouts=Layouts(live.changes),
            model_plans=ModelPlans(),
            video=configured_gateway(settings.video_gateway),
            intake=Intake(database, [AlarmJudge()]),
        )

    async def start(self) -> None:
        """Load the catalogue and follow the database's notices."""
        await self.live.start()
        for follower in (self.alarms, self.incidents, self.warnings, self.readings, self.notices):
            follower.start()
        if self.disk_tiles and self.live.database_id:
            await self.disk_tiles.start(self.live.database_id)

    async def stop(self) -> None:
        """End the background work and close the connections."""
        for follower in (self.notices, self.alarms, self.incidents, self.warnings, self.readings):
            await follower.stop()
        await self.live.stop()
        if self.proxy:
            await self.proxy.stop()
        if self.disk_tiles:
            await self.disk_tiles.stop()
        self.pictures.close()
        self.sheet_pool.close()
        await self.database.close()


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

    def model(self, model: str) -> Decision:
        """What the caller may read of a building model; NotFound when nothing."""
        return decide_model(self.principal, self.state.live.models.get(model), model)

    def models(self) -> list[Decision]:
        """Decisions for every building model the caller may read, by id."""
        return readable_models(self.principal, self.state.live.models.values())

    def require(self, operation: Operation) -> None:
        """Raise unless the caller's role has the operation."""
        require(self.principal, operation)

    def _order(self, collection: Collection) -> int:
        definition = self.state.catalog.layers.get(collection.id)
        return definition.order if definition else 1000


async def sender(state: ServerState, request: Request) -> Principal:
    """Who sent a request, as of at most two seconds ago; NotIdentified when a key is not valid any more."""
    cookie = request.cookies.get(COOKIE)
    credential = credential_of(request.headers.get("authorization"), f"{COOKIE}={cookie}" if cookie else None)
    return await state.identities.principal(credential)


async def caller(request: Request) -> Caller:
    """FastAPI dependency: identify the sender; refuses bad keys and requests without their CSRF token."""
    state: ServerState = request.app.state.server
    principal = await sender(state, request)
    check_csrf(request.method, request.headers, principal)
    base = str(request.base_url).rstrip("/")
    return Caller(state, principal, request.scope.get("request_id", ""), base)
