"""One entry of the sequence of changes."""

from dataclasses import dataclass
from datetime import datetime

from cim.model.collection import BoundingBox

EVERY_LAYER = "*"
"""The layer of a change that concerns all of them, such as new administrative regions."""


@dataclass(frozen=True, slots=True)
class Change:
    """A box within which a layer changed; ``bbox`` is None where it may have changed anywhere.

    ``seq`` grows in the order in which changes became visible; one transaction may make several.
    """

    seq: int
    layer: str
    version: int
    bbox: BoundingBox | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ChangeHead:
    """Where the sequence of one layer stands: its newest entry, and the oldest that is kept in full."""

    seq: int
    first: int
