"""The watch over warnings as a part of the gathering program."""

from cim.sensors.outbound import private_networks
from cim.sensors.warning_watch import TASK, watch_warnings
from cim.store.database import Database
from web.gathering.parts import Part
from web.settings import ServerSettings


def warning_part(database: Database, settings: ServerSettings) -> Part:
    """The part that lets warnings expire, calls the next level, and sends messages."""
    private = private_networks(settings.webhook_private)

    async def run(_: Part) -> None:
        await watch_warnings(database, private)

    return Part(TASK, run)
