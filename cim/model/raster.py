"""Images of a raster layer, and what is known of all of them together."""

from dataclasses import dataclass

HEIGHT_TYPES = frozenset({"int16", "int32", "float32", "float64"})


@dataclass(frozen=True, slots=True)
class RasterImage:
    """One image of a raster layer as its row tells.

    ``file`` is the name the file store knows it by. ``cell_m`` is the side of a cell on the ground in metres.
    ``colours`` is rgb, gray or palette. ``height_datum`` is the code of a height system, for models of heights.
    """

    name: str
    file: str
    cell_m: float
    bands: int
    data_type: str
    colours: str
    height_datum: str | None


@dataclass(frozen=True, slots=True)
class RasterFacts:
    """The readable images of a layer together.

    ``heights`` says that they are models of heights and no pictures; ``minimum`` and ``maximum`` are of their first
    bands; ``finest_m`` is the smallest side of a cell, ``spread_m`` that of a square each image would have if all
    were equal, both on the ground in metres; ``height_datums`` are all that occur.
    """

    count: int
    heights: bool
    minimum: float | None
    maximum: float | None
    finest_m: float
    spread_m: float
    height_datums: tuple[str, ...]
