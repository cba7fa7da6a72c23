"""Settings of a server, from the environment and the command line; read when a server starts, never at import."""

from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from cim.errors import SettingsError


class ServerSettings(BaseSettings):
    """What an operator can set. Each has an environment variable ``CIM_<NAME>``; docs/setup.md explains them.

    ``layers`` is an office's own folder of definitions, styles and code lists. ``tile_cache_mb`` bounds the memory that
    each process keeps vector tiles in, ``raster_cache_mb`` that of pictures, ``scene_cache_mb`` that of 3D tiles,
    ``tile_disk_mb`` the disk they share (0: none); ``tiles_waiting`` is how many tiles may be in the making or waiting
    for it in one process before more are refused. ``proxy_cache_mb`` bounds what the proxy keeps. ``secure_cookie``
    must be on where the server is reached by HTTPS. ``upload_mb`` bounds one upload, ``upload_quota_mb`` what one
    account's uploads take together until they are removed, which happens ``upload_days`` after their import ended.
    ``review_number`` is the map review number (审图号) that map services state. ``undulation_m`` or ``geoid_grid`` say
    how far the geoid lies above the ellipsoid (``web.geoid``). ``sensing_raw_days`` is how long single observations are
    kept (0: for ever); their hourly and daily roll-ups always stay. ``hj212_port`` and ``sl651_port`` (0: none) of
    ``station_host`` are listened on for stations, whose passwords the file ``stations`` has. ``video_gateway`` is
    the address of a camera's HLS playlist at the office's video gateway, with ``{code}`` for its code
    (``web.video_gateway``). ``webhook_private`` are the networks beyond the public ones that messages about alarms may
    go to, between commas. ``warning_issuer`` are the 14 digits by which warnings made here say who issues them.
    ``mqtt_port`` of ``mqtt_host`` is where a broker of MQTT listens (0: only where ``--mqtt``
    asks for one).
    """

    model_config = SettingsConfigDict(env_prefix="CIM_", extra="ignore")

    layers: Path | None = None
    tile_cache_mb: int = Field(default=128, ge=1)
    tile_disk_mb: int = Field(default=1_024, ge=0)
    proxy_cache_mb: int = Field(default=1_024, ge=1)
    tiles_waiting: int = Field(default=128, ge=1)
    raster_cache_mb: int = Field(default=64, ge=1)
    scene_cache_mb: int = Field(default=96, ge=1)
    pool_size: int = Field(default=8, ge=2, le=100)
    secure_cookie: bool = False
    page_limit: int = Field(default=1_000, ge=1, le=10_000)
    upload_mb: int = Field(default=4_096, ge=1)
    upload_quota_mb: int = Field(default=20_480, ge=1)
    upload_days: int = Field(default=7, ge=1)
    review_number: str = ""
    undulation_m: float | None = None
    geoid_grid: Path | None = None
    sensing_raw_days: int = Field(default=90, ge=0)
    station_host: str = "127.0.0.1"
    hj212_port: int = Field(default=0, ge=0, le=65_535)
    sl651_port: int = Field(default=0, ge=0, le=65_535)
    stations: Path | None = None
    video_gateway: str = ""
    webhook_private: str = ""
    warning_issuer: str = Field(default="", pattern=r"^([0-9]{14})?$")
    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = Field(default=0, ge=0, le=65_535)

    @field_validator("undulation_m", mode="before")
    @classmethod
    def _number(cls, given: object) -> object:
        if not isinstance(given, str):
            return given
        try:
            return float(given) if given.strip() else None
        except ValueError:
            raise SettingsError(
                f"{given[:40]!r} is no number",
                where="CIM_UNDULATION_M",
                remedy="give the undulation in metres, for example -39.5",
            ) from None

    @field_validator("geoid_grid", "stations", mode="before")
    @classmethod
    def _path(cls, given: object) -> object:
        return None if given == "" else given
