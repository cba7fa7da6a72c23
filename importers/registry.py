"""The formats that can be read, and which one a file is."""

from pathlib import Path

from cim.errors import ImportRefused
from importers.archive import Archive
from importers.bim.ifc import Ifc
from importers.city.citygml import CityGml
from importers.city.cityjson import CityJson, CityJsonSeq
from importers.city.meshes import Glb, Obj
from importers.clouds.las import CloudFolder, Las
from importers.csv_points import CsvPoints
from importers.dwg import Dwg
from importers.dxf import Dxf
from importers.filegdb import FileGdb
from importers.flatgeobuf import FlatGeobuf
from importers.geojson import GeoJson
from importers.geojson_lines import GeoJsonLines
from importers.geopackage import GeoPackage
from importers.geoparquet import GeoParquet
from importers.gml import Gml
from importers.importer import HEAD_BYTES, Importer
from importers.kml import Kml
from importers.mbtiles import MbTiles
from importers.osgb import Osgb
from importers.osm import Osm
from importers.pmtiles_archive import PmTiles
from importers.rasters import FORMATS, RasterFolder
from importers.redline import RedLineText
from importers.sensing.observation_lines import ObservationLines
from importers.shapefile import Shapefile
from importers.tilesets.tileset import Tileset
from importers.vct import Vct
from importers.xlsx_points import XlsxPoints

_SINGLE: tuple[Importer, ...] = (
    Shapefile(),
    MbTiles(),
    GeoPackage(),
    PmTiles(),
    FlatGeobuf(),
    FileGdb(),
    Osgb(),
    GeoParquet(),
    XlsxPoints(),
    *FORMATS,
    RasterFolder(),
    Ifc(),
    Glb(),
    Las(),
    CloudFolder(),
    Dxf(),
    Dwg(),
    Osm(),
    Kml(),
    CityGml(),
    Gml(),
    RedLineText(),
    Vct(),
    ObservationLines(),
    CityJsonSeq(),
    CityJson(),
    GeoJsonLines(),
    GeoJson(),
    Obj(),
    CsvPoints(),
)
IMPORTERS: tuple[Importer, ...] = (*_SINGLE, Tileset(), Archive(_SINGLE))


def importer_for(path: Path) -> Importer:
    """The format of a file, decided by its content; ImportRefused names the formats that can be read."""
    head = b""
    if path.is_file():
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
