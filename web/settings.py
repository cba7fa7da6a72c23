"""Settings of a server, from the environment and the command line; read when a server starts, never at import."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """What an operator can set. Each has an environment variable ``CIM_<NAME>``; docs/setup.md explains them.

    ``layers`` is an office's own folder of definitions, styles and code lists. ``tile_cache_mb`` bounds the memory
    that vector tiles are kept in, ``raster_cache_mb`` that of pictures. ``secure_cookie`` must be on where the server
    is reached by HTTPS. ``upload_mb`` bounds one upload, ``upload_quota_mb`` what one account's uploads take together
    until they are removed, which happens ``upload_days`` after their import ended. ``review_number`` is the map review
    number (审图号) that map services state.
    """

    model_config = SettingsConfigDict(env_prefix="CIM_", extra="ignore")

    layers: Path | None = None
    tile_cache_mb: int = Field(default=128, ge=1)
    raster_cache_mb: int = Field(default=64, ge=1)
    pool_size: int = Field(default=8, ge=2, le=100)
    secure_cookie: bool = False
    page_limit: int = Field(default=1_000, ge=1, le=10_000)
    upload_mb: int = Field(default=4_096, ge=1)
    upload_quota_mb: int = Field(default=20_480, ge=1)
    upload_days: int = Field(default=7, ge=1)
    review_number: str = ""
