"""cim gather: the program of ``cim up`` that takes in observations; it is handed its logins by standard input."""

import asyncio
import json
import os
import signal
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from cim.errors import BadRequest
from cim.garbage import collect_seldom
from cim.sensors.alarms import AlarmJudge
from cim.sensors.intake import Intake
from cim.store.database import Database, run
from cim.store.deployment import Deployment
from web.broker.configuration import kept_address
from web.broker.starting import BROKER_FOLDER
from web.cli.logging import configure_log
from web.cli.supervising import Program
from web.cli.working import PROJECT
from web.gathering.alarms import alarm_part
from web.gathering.broker import broker_part
from web.gathering.parts import Part, run_parts
from web.gathering.refusing import RefusalBook
from web.gathering.stations import station_parts
from web.gathering.upkeep import upkeep
from web.gathering.warnings import warning_part
from web.settings import ServerSettings

POOL = 6


@dataclass(frozen=True, slots=True)
class GatherSetup:
    """What the program needs to know; it comes by standard input, because it holds passwords."""

    reader_url: str
    writer_url: str
    broker: str = ""

    def line(self) -> bytes:
        """The one line that ``cim gather`` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"


def gather_program(deployment: Deployment) -> Program:
    """The program as ``cim up`` keeps it running."""
    logins = deployment.logins
    return Program(
        "gather",
        [sys.executable, "-m", "web.cli", "gather"],
        setup=GatherSetup(logins.reader_url, logins.writer_url, str(deployment.data_dir / BROKER_FOLDER)).line(),
        environment={**os.environ, "PYTHONPATH": str(PROJECT)},
    )


def gather() -> None:
    """Take in observations; started by `cim up`, ends with it."""
    configure_log()
    line = sys.stdin.readline()
    if not line:
        raise BadRequest("gather is a part of `cim up`", where="gather", remedy="start `cim up`")
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    run(_gather(GatherSetup(**json.loads(line)), ServerSettings()))


async def _gather(setup: GatherSetup, settings: ServerSettings) -> None:
    database = Database(setup.reader_url, setup.writer_url, pool_size=POOL)
    working = asyncio.create_task(
        run_parts(database, gathering_parts(database, settings, Path(setup.broker) if setup.broker else None))
    )
    collect_seldom()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    await asyncio.gather(working, return_exceptions=True)
    await database.close()


def gathering_parts(database: Database, settings: ServerSettings, broker: Path | None = None) -> list[Part]:
    """The parts that the settings ask for; ``broker`` is the folder of the broker that was started, if one was."""
    intake, refusals = Intake(database, [AlarmJudge()]), RefusalBook(database)
    address = kept_address(broker) if broker else None
    return [
        upkeep(database, settings.sensing_raw_days, intake.forget_months),
        refusals.part(),
        alarm_part(database, settings),
        warning_part(database, settings),
        *([broker_part(database, intake, broker, address)] if broker and address else []),
        *station_parts(database, intake, settings, refusals.note),
    ]


def _stop_at_end_of_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
