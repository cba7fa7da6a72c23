"""The watch over alarms as a part of the gathering program."""

from cim.sensors.alarm_watch import TASK, watch_alarms
from cim.sensors.outbound import private_networks
from cim.store.database import Database
from web.gathering.parts import Part
from web.settings import ServerSettings


def alarm_part(database: Database, settings: ServerSettings) -> Part:
    """The part that sees silence, escalates, and sends messages."""
    private = private_networks(settings.webhook_private)

    async def run(_: Part) -> None:
        await watch_alarms(database, private)

    return Part(TASK, run)
