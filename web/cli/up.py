"""cim up: start everything and serve."""

import contextlib
import os
import shutil
import sys
import tempfile
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cim.errors import ClusterError
from cim.store import audits, identities
from cim.store.cluster_account import unprivileged_account
from cim.store.cluster_watch import kept_running
from cim.store.database import Database, run
from cim.store.deployment import Deployment, open_deployment
from cim.store.staging import sweep_runs
from layers.catalog import Catalog
from web.broker.configuration import DEFAULT_PORT as DEFAULT_PORT_MQTT
from web.broker.configuration import keep_address, mosquitto_program
from web.broker.starting import BROKER_FOLDER, start_broker
from web.cli.gathering import gather_program
from web.cli.listening import address_of, listen, listen_local, listen_shared
from web.cli.logging import configure_log
from web.cli.opening import ROLE, operator, the_catalog
from web.cli.options import DataDir
from web.cli.proxying import nginx_program, proxy
from web.cli.samples import import_samples
from web.cli.serving import ServeSetup
from web.cli.supervising import Program, Supervisor
from web.cli.working import PROJECT, worker_beside
from web.geoid import configured_undulation
from web.settings import ServerSettings

DEFAULT_PORT = 8000


def up(
    host: Annotated[str, typer.Option(help="Address to listen on; :: for IPv6 and IPv4.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    data: DataDir = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Web processes.")] = 2,
    with_proxy: Annotated[bool, typer.Option("--proxy", help="Put nginx in front.")] = False,
    with_mqtt: Annotated[
        bool, typer.Option("--mqtt", help="Start a broker of MQTT on CIM_MQTT_PORT, else on port 1883.")
    ] = False,
    import_samples_from: Annotated[
        Path | None, typer.Option("--import-samples", help="Import this folder's sample city when it is not there yet.")
    ] = None,
    print_admin_key: Annotated[bool, typer.Option(help="Make an administrator key and print it once.")] = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the map in a browser.")] = False,
) -> None:
    """Start the database and serve the map, tiles and API until stopped."""
    configure_log()
    if with_proxy:
        nginx_program()
    settings = ServerSettings()
    mqtt_port = settings.mqtt_port or (DEFAULT_PORT_MQTT if with_mqtt else 0)
    configured_undulation(settings)
    catalog = the_catalog(settings)
    address = address_of(host, port)
    with contextlib.ExitStack() as open_now:
        shared = [] if with_proxy else open_now.enter_context(listen_shared(host, port, processes))
        if with_proxy:
            listen(host, port).close()
        if mqtt_port:
            listen(settings.mqtt_host, mqtt_port).close()
            mosquitto_program()
        deployment = open_now.enter_context(open_deployment(data, progress=_say))
        deployment.migrate()
        _prepare(deployment, catalog, import_samples_from)
        key = run(_make_key(deployment)) if print_admin_key else None
        for name in ("files", "cache", "proxy", BROKER_FOLDER):
            deployment.folder(name)
        with worker_beside(deployment.data_dir):
            drop_privileges()
            configured_undulation(settings)
            open_now.enter_context(kept_running(deployment.cluster))
            folder = open_now.enter_context(_passing_folder())
            local = open_now.enter_context(listen_local(folder, processes if with_proxy else 0))
            programs = _web_processes(
                deployment, [one.fileno() for one in (*shared, *local)], folder, proxied=with_proxy
            )
            programs += _broker(deployment, settings.mqtt_host, mqtt_port)
            programs.append(gather_program(deployment))
            if with_proxy:
                paths = [Path(one.getsockname()) for one in local]
                programs.append(proxy(deployment.data_dir / "proxy", host, port, paths, settings.proxy_cache_mb))
            _announce(address, key)
            if open_browser:
                webbrowser.open(f"{address}/map")
            Supervisor(programs).run()


def _web_processes(deployment: Deployment, descriptors: Sequence[int], folder: Path, *, proxied: bool) -> list[Program]:
    """One program for each socket; their counters meet in ``folder``, so that any of them can tell the sum."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - reads the environment when loaded

    logins, data = deployment.logins, deployment.data_dir
    kept = str(data / "proxy" / "cache") if proxied else None
    setup = ServeSetup(logins.reader_url, logins.writer_url, str(data / "files"), str(data / "cache"), kept)
    return [
        Program(
            f"web {number}",
            [sys.executable, "-m", "web.cli", "serve", "--descriptor", str(descriptor)],
            setup=setup.line(),
            descriptors=[descriptor],
            environment={**os.environ, "PYTHONPATH": str(PROJECT), "PROMETHEUS_MULTIPROC_DIR": str(folder)},
            ended=lambda pid: mark_process_dead(pid, path=str(folder)),  # type: ignore[no-untyped-call]
        )
        for number, descriptor in enumerate(descriptors, 1)
    ]


def _broker(deployment: Deployment, host: str, port: int) -> list[Program]:
    """The broker of MQTT where one is asked for, and word of it for the program that gathers."""
    folder = deployment.data_dir / BROKER_FOLDER
    if not port:
        keep_address(folder, None)
        return []

    async def work() -> Program:
        database = Database(deployment.logins.reader_url, deployment.logins.writer_url, pool_size=2)
        try:
            return await start_broker(database, folder, host, port)
        finally:
            await database.close()

    return [run(work())]


@contextmanager
def _passing_folder() -> Iterator[Path]:
    """A short folder for sockets and counters, for this account alone and only while we run."""
    folder = Path(tempfile.mkdtemp(prefix="cim-web-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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


def _announce(address: str, key: str | None) -> None:
    typer.echo(f"一张图 the map   {address}/map")
    typer.echo(f"接口 the API      {address}/api")
    if key:
        typer.echo(f"管理员密钥 administrator key, shown once:  {key}")
    typer.echo("Ctrl-C 停止 stops everything")
    sys.stdout.flush()


def _say(message: str) -> None:
    typer.echo(f"  {message}", err=True)
