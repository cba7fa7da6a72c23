"""What one tile request asks for."""

from dataclasses import dataclass

from tiles.grid import WEB_MERCATOR_QUAD

MOST_LAYERS = 20


@dataclass(frozen=True, slots=True)
class TileRequest:
    """Layers of one tile, and what of them.

    ``layers`` are distinct and in the order asked for. ``properties`` chooses attributes (None: those the layer's
    definition lists). ``filter`` narrows the features, ``datetime`` asks for a state of the past, ``scenario`` for
    named changes over it; all as given, None where they are not.
    """

    layers: tuple[str, ...]
    z: int
    x: int
    y: int
    grid: str = WEB_MERCATOR_QUAD
    properties: tuple[str, ...] | None = None
    filter: str | None = None
    filter_lang: str = "cql2-text"
    filter_crs: str | None = None
    datetime: str | None = None
    scenario: str | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether other rows than the current ones are asked for."""
        return (self.filter, self.datetime, self.scenario) != (None, None, None)
