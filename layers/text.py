"""Texts for people."""

from pydantic import BaseModel, ConfigDict


class Text(BaseModel):
    """A text for people in Chinese and English."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    zh: str
    en: str
