"""cim up: start everything and serve."""

import contextlib
import os
import socket
import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from cim.errors import BadRequest, ClusterError
from cim.store import audits, identities
from cim.store.cluster_account import unprivileged_account
from cim.store.database import Database, run
from cim.store.deployment import Deployment, open_deployment
from cim.store.files import FileStore
from cim.store.staging import sweep_runs
from layers.catalog import Catalog
from web.cli.logging import configure_log
from web.cli.opening import ROLE, operator, the_catalog
from web.cli.options import DataDir
from web.cli.samples import import_samples
from web.cli.working import worker_beside
from web.settings import ServerSettings

DEFAULT_PORT = 8000


def up(
    host: Annotated[str, typer.Option(help="Address to listen on; :: for IPv6 and IPv4.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    data: DataDir = None,
    import_samples_from: Annotated[
        Path | None, typer.Option("--import-samples", help="Import this folder's sample city when it is not there yet.")
    ] = None,
    print_admin_key: Annotated[bool, typer.Option(help="Make an administrator key and print it once.")] = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the map in a browser.")] = False,
) -> None:
    """Start the database and serve the map, tiles and API until stopped."""
    configure_log()
    listener = listen(host, port)
    settings = ServerSettings()
    catalog = the_catalog(settings)
    address = _address(listener)
    with listener, open_deployment(data, progress=_say) as deployment:
        deployment.migrate()
        _prepare(deployment, catalog, import_samples_from)
        key = run(_make_key(deployment)) if print_admin_key else None
        deployment.files()
        with worker_beside(deployment.data_dir):
            drop_privileges()
            _announce(address, key)
            if open_browser:
                webbrowser.open(f"{address}/map")
            serve(deployment, settings, catalog, listener)


def serve(deployment: Deployment, settings: ServerSettings, catalog: Catalog, listener: socket.socket) -> None:
    """Serve on an open socket until a signal ends it."""
    import uvicorn  # noqa: PLC0415 - the web framework is loaded by this verb only

    from web.app import create_app  # noqa: PLC0415
    from web.state import ServerState  # noqa: PLC0415

    database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=settings.pool_size)
    app = create_app(ServerState.build(settings, database, catalog, FileStore(deployment.data_dir / "files")))
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listener])


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, taken before anything slow is done; a busy port is refused with the way out."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024, dualstack_ipv6=host == "::")
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequest(
            f"cannot listen on {host} port {port}: {reason}",
            where="--port",
            remedy="stop the other program, or choose another port with --port",
        ) from error


def drop_privileges() -> None:
    """A server started by root goes on as the account that runs its database."""
    account = unprivileged_account()
    if account is None:
        return
    here = Path(__file__).resolve()
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    os.environ["HOME"] = "/nonexistent"
    if not os.access(here, os.R_OK):
        raise ClusterError(
            f"the program's folder cannot be read by the account {account.name}",
            where=str(here.parents[2]),
            remedy="move the checkout out of root's home, for example to /opt, or start as an ordinary user",
        )


def _prepare(deployment: Deployment, catalog: Catalog, samples: Path | None) -> None:
    async def work() -> None:
        database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=4)
        with contextlib.ExitStack():
            async with database.writing("start") as connection:
                await sweep_runs(connection)
            if samples is not None:
                await import_samples(database, catalog, samples, deployment.files(), _say)
            await database.close()

    run(work())


async def _make_key(deployment: Deployment) -> str:
    database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=2)
    async with database.writing("start") as connection:
        key, secret = await identities.create_key(connection, "administrator", label="made at start")
        await audits.record(
            connection, actor=operator(), role=ROLE, action="create key", subject=key.key_id, detail={"role": key.role}
        )
    await database.close()
    return secret


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _announce(address: str, key: str | None) -> None:
    typer.echo(f"一张图 the map   {address}/map")
    typer.echo(f"接口 the API      {address}/api")
    if key:
        typer.echo(f"管理员密钥 administrator key, shown once:  {key}")
    typer.echo("Ctrl-C 停止 stops everything")
    sys.stdout.flush()


def _say(message: str) -> None:
    typer.echo(f"  {message}", err=True)
