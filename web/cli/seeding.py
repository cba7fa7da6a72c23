"""cim seed, and tile archives for cim export: the tiles of an area ahead of time."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cim.errors import BadRequest
from cim.model.access import Principal
from cim.model.collection import BoundingBox
from cim.policy.policy import readable
from cim.store.database import Database, run
from cim.store.deployment import Deployment, open_deployment
from cim.store.identities import principal_for_role
from layers.general_plan import general_plan
from tiles.archives import archive_work, finish
from tiles.cache import TileKey
from tiles.generalise.job import generalise_behind
from tiles.grid import WEB_MERCATOR_QUAD
from tiles.seeding import SeedCount, SeedPlan, Tile, TileStore, seed
from tiles.tilejson import WORLD, tilejson
from web.cli.opening import the_catalog
from web.cli.options import DataDir
from web.cli.up import drop_privileges
from web.parameters import parse_bbox
from web.settings import ServerSettings
from web.state import ServerState
from web.tile_contents import NamedContent, TileContents

ARCHIVES = (".mbtiles", ".pmtiles")
MEGABYTE = 1_000_000
Zooms = Annotated[
    str | None, typer.Option("--zooms", help="First and last zoom, as 6-14; the layer's own where none are given.")
]
Box = Annotated[str | None, typer.Option("--bbox", help="west,south,east,north in degrees; the layer's own box else.")]


@dataclass(frozen=True, slots=True)
class TileOptions:
    """Which tiles: of which area and zooms, as whom."""

    bbox: str | None
    zooms: str | None
    role: str


def seed_tiles(
    layers: Annotated[list[str] | None, typer.Argument(help="Layer ids; all that the role may see where none.")] = None,
    zooms: Zooms = None,
    bbox: Box = None,
    role: Annotated[str, typer.Option("--as", help="Role whose view of the layers is made.")] = "anonymous",
    data: DataDir = None,
) -> None:
    """Make tiles ahead of time and keep them on disk for the server; a broken run goes on where it was."""
    options = TileOptions(bbox, zooms, role)

    async def work(deployment: Deployment) -> None:
        async with server_state(deployment, cached=True) as state:
            await generalise_behind(state.database, state.catalog)
            await state.live.refresh()
            who = await role_principal(state.database, role)
            chosen = layers or sorted(_drawn(state, who))
            for layer in chosen:
                content = TileContents(state).plain(who, layer)
                count = await _with_bar(layer, _plan(state, content, options), _maker(state, content), _Nowhere())
                typer.echo(f"{layer}: {count.made} tiles, {count.size_bytes / MEGABYTE:.1f} MB")
                if count.size_bytes > state.settings.tile_disk_mb * MEGABYTE:
                    typer.echo("  more than CIM_TILE_DISK_MB holds: the oldest tiles went again", err=True)

    with open_deployment(data) as deployment:
        deployment.migrate()
        for name in ("files", "cache"):
            deployment.folder(name)
        drop_privileges()
        run(work(deployment))


def export_archive(layer: str, target: Path, options: TileOptions, *, overwrite: bool, data: Path | None) -> int:
    """Write a layer's vector tiles as MBTiles or PMTiles; returns how many hold anything.

    A broken run goes on with the tiles it made, as long as the layer is of the same version.
    """
    if target.exists() and not overwrite:
        raise BadRequest("the file is there already", where=str(target), remedy="name another, or use --overwrite")
    if not target.parent.is_dir():
        raise BadRequest("the folder does not exist", where=str(target.parent), remedy="make it first")

    async def work(deployment: Deployment) -> int:
        async with server_state(deployment, cached=False) as state:
            await generalise_behind(state.database, state.catalog)
            await state.live.refresh()
            content = TileContents(state).plain(await role_principal(state.database, options.role), layer)
            plan = _plan(state, content, options)
            held = content.decision.collection
            name = f"{layer} {held.version} {content.name} {plan}"
            with archive_work(target, name) as store:
                count = await _with_bar(layer, plan, _maker(state, content), store)
            definition = state.catalog.layers.get(layer)
            document = tilejson("", content.decision, definition, general_plan(state.catalog, held))
            document |= {"minzoom": plan.minzoom, "maxzoom": plan.maxzoom, "bounds": list(plan.bbox)}
            finish(target, name, document)
            return count.made + count.kept

    with open_deployment(data) as deployment:
        deployment.migrate()
        return run(work(deployment))


@asynccontextmanager
async def server_state(deployment: Deployment, *, cached: bool) -> AsyncIterator[ServerState]:
    """A server's state without a server: catalogue, tiles and, where they are to be kept, the tiles on disk."""
    settings = ServerSettings()
    database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=settings.pool_size)
    folder = deployment.data_dir / "cache" if cached else None
    state = ServerState.build(settings, database, the_catalog(settings), deployment.files(), folder)
    try:
        await state.live.refresh()
        if state.disk_tiles:
            await state.disk_tiles.start(state.live.database_id)
        yield state
    finally:
        await state.stop()


async def role_principal(database: Database, role: str) -> Principal:
    """Somebody with the rights of a role; BadRequest where there is none of that name."""
    async with database.writing("cli") as connection:
        who = await principal_for_role(connection, role)
    if not who.rights:
        raise BadRequest(f"there is no role {role!r}", where="--as", remedy="see docs/policy.md, for example anonymous")
    return who


def _drawn(state: ServerState, who: Principal) -> list[str]:
    """Layers with a geometry that the principal may see."""
    decisions = readable(who, state.live.collections.values())
    return [d.collection.id for d in decisions if d.collection.schema.geometry != "none"]


def _plan(state: ServerState, content: NamedContent, options: TileOptions) -> SeedPlan:
    held = content.decision.collection
    definition = state.catalog.layers.get(held.id)
    first, last = (definition.tiles.minzoom, definition.tiles.maxzoom) if definition else (0, 14)
    if options.zooms is not None:
        low, _, high = options.zooms.partition("-")
        if not (low.isdecimal() and (high or low).isdecimal()):
            raise BadRequest(f"{options.zooms!r} are no zooms", where="--zooms", remedy="write 6-14, or one zoom")
        first, last = int(low), int(high or low)
    box: BoundingBox | None = parse_bbox(options.bbox, "--bbox")
    return SeedPlan(box or held.bbox or WORLD, first, last)


def _maker(state: ServerState, content: NamedContent) -> Callable[[int, int, int], Awaitable[bytes]]:
    layer = content.decision.collection.id

    async def make(z: int, x: int, y: int) -> bytes:
        key = TileKey(layer, content.name, WEB_MERCATOR_QUAD, z, x, y)
        return (await state.tiles.tile(content.principal, content.content, key)).data

    return make


async def _with_bar(
    layer: str, plan: SeedPlan, make: Callable[[int, int, int], Awaitable[bytes]], store: TileStore
) -> SeedCount:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(layer, total=plan.count)
        return await seed(plan, make, store, lambda count: bar.update(task, completed=count.done))


class _Nowhere:
    """The server's own cache keeps the tiles; it is asked, and answers at once where it has them."""

    def has(self, tile: Tile) -> bool | None:
        """Nothing is known beforehand."""
        return None

    def put(self, tile: Tile, data: bytes) -> None:
        """Kept already."""
