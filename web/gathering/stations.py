"""Listeners for stations, as the settings ask for them."""

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cim.errors import SettingsError
from cim.sensors.describing import describe
from cim.sensors.hj212.readings import ReadingRules
from cim.sensors.intake import Intake
from cim.sensors.station_keeping import StationKeeper
from cim.sensors.stations import Refusal, StationPasswords
from cim.store.database import Database
from web.gathering.parts import Part
from web.settings import ServerSettings
from web.stations.hj212 import Hj212Listener
from web.stations.listening import StationListener
from web.stations.sl651 import Sl651Listener

TELL_EVERY_S = 2.0


class StationSettings(BaseModel):
    """The file ``CIM_STATIONS``: passwords, and how stations of this county send.

    ``password`` is that of all stations without one in ``passwords``. ``sent_units`` names the unit really sent, by
    station, or ``*`` for all, and factor. ``minute_interval_min`` is the span of minute values.
    """

    model_config = ConfigDict(extra="forbid")

    password: str | None = Field(default=None, repr=False)
    passwords: dict[str, str] = Field(default_factory=dict, repr=False)
    sent_units: dict[str, dict[str, str]] = Field(default_factory=dict)
    minute_interval_min: int | None = Field(default=None, ge=1, le=60)

    @classmethod
    def read(cls, path: Path | None) -> "StationSettings":
        """The settings of a file; none where no file is named.

        Raises SettingsError that names the entry and never shows a value.
        """
        if path is None:
            return cls()
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path.name} cannot be read: {error}", where="CIM_STATIONS") from None
        except ValidationError as error:
            place = ".".join(str(part) for part in error.errors()[0]["loc"])
            reason = error.errors()[0]["msg"]
            raise SettingsError(f"{place}: {reason}", where="CIM_STATIONS", remedy="see docs/stations.md") from None

    def known_passwords(self) -> StationPasswords:
        """The passwords as listeners ask for them."""
        return StationPasswords(self.passwords, self.password)

    def rules(self) -> ReadingRules:
        """How values are to be read."""
        units = {(station, factor): unit for station, of in self.sent_units.items() for factor, unit in of.items()}
        return ReadingRules(self.minute_interval_min, units)


def station_parts(
    database: Database, intake: Intake, settings: ServerSettings, refused: Callable[[Refusal], None]
) -> list[Part]:
    """A part for each protocol that has a port."""
    stations = StationSettings.read(settings.stations)
    keeper = StationKeeper(database, intake, describe)
    host, passwords, rules = settings.station_host, stations.known_passwords(), stations.rules()

    def hj212() -> StationListener:
        return Hj212Listener(host, settings.hj212_port, keeper, passwords, rules=rules, refused=refused)

    def sl651() -> StationListener:
        return Sl651Listener(host, settings.sl651_port, keeper, passwords, refused=refused)

    ports = (("HJ 212", settings.hj212_port, hj212), ("SL 651", settings.sl651_port, sl651))
    return [_listening(name, made) for name, port, made in ports if port]


def _listening(name: str, made: Callable[[], StationListener]) -> Part:
    async def run(part: Part) -> None:
        listener = made()
        try:
            await listener.start()
        except OSError as error:
            raise SettingsError(
                f"port {listener.port} of {listener.host} cannot be listened on: {error.strerror}", where=name
            ) from None
        try:
            while True:
                part.detail = asdict(listener.desk.counters)
                await asyncio.sleep(TELL_EVERY_S)
        finally:
            await listener.stop()

    return Part(name, run)
