"""cim serve: one web process of ``cim up``, which hands it its socket and its logins."""

import json
import os
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from cim.errors import BadRequest
from cim.garbage import collect_seldom
from cim.store.database import Database
from cim.store.files import FileStore
from web.cli.logging import configure_log
from web.cli.opening import the_catalog
from web.settings import ServerSettings

GRACE_S = 5


@dataclass(frozen=True, slots=True)
class ServeSetup:
    """What a web process needs to know; it comes by standard input, because it holds passwords."""

    reader_url: str
    writer_url: str
    files: str
    cache: str
    proxy_cache: str | None

    def line(self) -> bytes:
        """The one line that ``cim serve`` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


def serve(descriptor: Annotated[int, typer.Option("--descriptor", help="Number of the open socket.")]) -> None:
    """Serve on an inherited socket; started by `cim up`, ends with it."""
    configure_log()
    line = sys.stdin.readline()
    if not line:
        raise BadRequest("serve is a part of `cim up`", where="serve", remedy="start `cim up`")
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    with socket.socket(fileno=descriptor) as listener:
        _serve(ServeSetup(**json.loads(line)), listener)


def _serve(setup: ServeSetup, listener: socket.socket) -> None:
    import uvicorn  # noqa: PLC0415 - the web framework is loaded by this verb only

    from web.app import create_app  # noqa: PLC0415
    from web.state import ServerState  # noqa: PLC0415

    settings = ServerSettings()
    database = Database(setup.reader_url, setup.writer_url, pool_size=settings.pool_size)
    files = FileStore(Path(setup.files))
    folder = Path(setup.proxy_cache) if setup.proxy_cache else None
    proxied = folder is not None
    state = ServerState.build(settings, database, the_catalog(settings), files, Path(setup.cache), folder)
    config = uvicorn.Config(
        create_app(state),
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=proxied,
        forwarded_allow_ips="*" if proxied else None,
        timeout_keep_alive=75 if proxied else 30,
        timeout_graceful_shutdown=GRACE_S,
    )
    collect_seldom()
    uvicorn.Server(config).run(sockets=[listener])


def _stop_at_end_of_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
