"""The formats that can be read, and which one a file is."""

from pathlib import Path

from cim.errors import ImportRefused
from importers.csv_points import CsvPoints
from importers.geojson import GeoJson
from importers.geopackage import GeoPackage
from importers.importer import HEAD_BYTES, Importer
from importers.shapefile import Shapefile

IMPORTERS: tuple[Importer, ...] = (Shapefile(), GeoPackage(), GeoJson(), CsvPoints())


def importer_for(path: Path) -> Importer:
    """The format of a file, decided by its content; ImportRefused names the formats that can be read."""
    if path.is_dir():
        raise ImportRefused(
            "not-a-file", "this is a folder", where=path.name, remedy="name one file of it, for example its .shp"
        )
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise ImportRefused("empty-file", "the file is empty", where=path.name, remedy="ask for the file again")
    for importer in IMPORTERS:
        if importer.recognises(head, path):
            return importer
    known = ", ".join(importer.name for importer in IMPORTERS)
    raise ImportRefused(
        "unknown-format",
        "the content is of no format that can be read",
        where=path.name,
        remedy=f"deliver one of {known}",
    )


def importer_named(name: str) -> Importer:
    """The importer of a format name."""
    return next(importer for importer in IMPORTERS if importer.name == name)
