"""cim worker: take imports from the queue and work them."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer

from cim.garbage import collect_seldom
from cim.store.database import run
from web.cli.logging import configure_log
from web.cli.opening import opened, the_catalog
from web.cli.options import DataDir
from web.geoid import configured_undulation
from web.settings import ServerSettings
from web.worker import Worker

PROJECT = Path(__file__).resolve().parents[2]
STOP_S = 15
RESTART_AFTER_S = 2.0
_log = structlog.get_logger()


def worker(
    data: DataDir = None,
    once: Annotated[bool, typer.Option("--once", help="Work what is queued now, then stop.")] = False,
    until_eof: Annotated[bool, typer.Option("--until-eof", help="Stop when standard input ends.", hidden=True)] = False,
    keep_alive: Annotated[bool, typer.Option("--keep-alive", help="Start again after a crash.", hidden=True)] = False,
) -> None:
    """Work the queue of uploads until stopped; `cim up` starts one by itself."""
    configure_log()
    if keep_alive:
        _keep_alive(data)
        return
    settings = ServerSettings()
    undulation, days = configured_undulation(settings), settings.upload_days

    async def work() -> None:
        if until_eof:
            asyncio.get_running_loop().add_reader(sys.stdin, os.kill, os.getpid(), signal.SIGTERM)
        async with opened(data) as (deployment, database):
            files = deployment.files()
            work = Worker(database, the_catalog(settings), files, upload_days=days, undulation=undulation)
            collect_seldom()
            await work.run(wait=not once)

    run(work())


@contextmanager
def worker_beside(data_dir: Path) -> Iterator[None]:
    """A worker in a process of its own while the block runs.

    It keeps the rights this process may drop later, is started again when it crashes, and ends when this process does,
    however that ends: the pipe between them closes.
    """
    process = _start(data_dir, "--keep-alive")
    try:
        yield
    finally:
        _stop(process)


def _keep_alive(data_dir: Path | None) -> None:
    while True:
        process = _start(data_dir, "--until-eof")
        while process.poll() is None:
            if _input_ended(1.0):
                _stop(process)
                return
        _log.warning("the worker ended and is started again", status=process.returncode)
        if _input_ended(RESTART_AFTER_S):
            return


def _start(data_dir: Path | None, *words: str) -> "subprocess.Popen[bytes]":
    place = ["--data", str(data_dir)] if data_dir else []
    return subprocess.Popen(
        [sys.executable, "-m", "web.cli", "worker", *place, *words],
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        start_new_session=True,
    )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _input_ended(wait_s: float) -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], wait_s)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)
