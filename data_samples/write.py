"""Writing layers in the formats their owners hand over, and the manifest that describes them."""

import hashlib
import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pyproj
import rasterio
import shapely

from data_samples import imagery
from data_samples.buildings import Buildings
from data_samples.place import SYNTHETIC
from data_samples.plane import GEOGRAPHIC_CRS, PLANE_CRS, Geometries, geographic, to_plane
from data_samples.roads import Roads
from data_samples.terrain import Terrain

DRIVERS = {"shp": "ESRI Shapefile", "gpkg": "GPKG", "geojson": "GeoJSON", "parquet": "GeoParquet"}


CITY_CRS = f"{PLANE_CRS}+5737"


@dataclass(frozen=True, slots=True)
class Entry:
    """One layer of the manifest; ``content`` is a hash of geometry and attributes, not of the file's bytes."""

    layer: str
    file: str
    format: str
    crs: str
    encoding: str
    geometry: str
    features: int
    content: str
    statement: str = SYNTHETIC
    height_datum: str | None = None


class Folder:
    """The output folder being filled; layers are given in plane coordinates."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.entries: list[Entry] = []
        self.devices = 0

    def layer(self, name: str, suffix: str, table: pd.DataFrame, shapes: Geometries) -> None:
        """Write one layer, empty texts as missing values.

        ``shp`` is in EPSG:4523 and GBK; ``gpkg``, ``geojson``, ``parquet`` and ``csv`` (points) are in EPSG:4490.
        """
        column = "DATA_SRC" if suffix == "shp" else "data_source"
        table = table.replace({"": None}).assign(**{column: "合成数据"})
        plane = suffix == "shp"
        if not plane:
            shapes = geographic(shapes)
        kind = _kind(shapes)
        path = self.path / f"{name}.{suffix}"
        if suffix == "csv":
            points = shapely.get_coordinates(shapes)
            rows = table.assign(lon=[f"{x:.7f}" for x in points[:, 0]], lat=[f"{y:.7f}" for y in points[:, 1]])
            rows.to_csv(path, index=False, lineterminator="\n")
        else:
            self._vector(path, suffix, table, shapes, kind)
        digest = content_hash(table, shapes)
        crs, encoding = (PLANE_CRS, "GBK") if plane else (GEOGRAPHIC_CRS, "UTF-8")
        self.entries.append(Entry(name, path.name, DRIVERS.get(suffix, "CSV"), crs, encoding, kind, len(table), digest))

    def _vector(self, path: Path, suffix: str, table: pd.DataFrame, shapes: Geometries, kind: str) -> None:
        columns: dict[str, pa.Array] = {"geometry": pa.array(list(shapely.to_wkb(shapes)), pa.binary())}
        for name in table.columns:
            column = pa.array(table[name])
            if pa.types.is_null(column.type):
                column = column.cast(pa.string())
            if suffix == "shp" and pa.types.is_floating(column.type):
                column = column.cast(pa.decimal128(15, 2), safe=False)
            columns[name] = column
        if suffix == "parquet":
            _parquet(path, columns, kind)
            return
        options = {
            "shp": {"RESIZE": "YES"},
            "geojson": {"COORDINATE_PRECISION": "7"},
            "gpkg": {"SPATIAL_INDEX": "NO"},
        }[suffix]
        for old in path.parent.glob(f"{path.stem}.*"):
            old.unlink()
        pyogrio.write_arrow(
            pa.table(columns),
            path,
            driver=DRIVERS[suffix],
            geometry_name="geometry",
            geometry_type=kind,
            crs=PLANE_CRS if suffix == "shp" else GEOGRAPHIC_CRS,
            encoding="GBK" if suffix == "shp" else None,
            layer=path.stem,
            layer_options=options,
        )

    def model(self, name: str, path: Path) -> None:
        """Name a building model that was written; it says itself where it stands."""
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0])
        digest = hashlib.sha256(text).hexdigest()
        elements = text.count(b"IFCSHAPEREPRESENTATION(")
        self.entries.append(Entry(name, path.name, "IFC", "", "", "model", elements, digest))

    def city_model(self, name: str, path: Path, objects: int) -> None:
        """Name a city model that was written, in the plane with heights of 1985."""
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.entries.append(Entry(name, path.name, "CityJSON", CITY_CRS, "", "city", objects, digest))

    def dem(self, terrain: Terrain, area: shapely.Geometry, cell_deg: float) -> None:
        """Write heights to the metre on a geographic grid (EPSG:4490, 1985 datum), -9999 outside ``area``.

        They become the folder ``dem`` together with the finer ones of the seat.
        """
        outline = geographic(np.array([area]))[0]
        west, south, east, north = outline.bounds
        lon, lat = (
            np.arange(west, east, cell_deg) + cell_deg / 2,
            np.arange(north, south, -cell_deg) - cell_deg / 2,
        )
        heights = np.full((len(lat), len(lon)), -9999, dtype=np.float32)
        for row, y in enumerate(lat):
            plane = to_plane(np.column_stack([lon, np.full(len(lon), y)]))
            inside = shapely.contains_xy(outline, lon, np.full(len(lon), y))
            heights[row, inside] = np.round(terrain.height(plane[inside]))
        profile = {
            "driver": "GTiff",
            "width": len(lon),
            "height": len(lat),
            "count": 1,
            "dtype": "float32",
            "crs": GEOGRAPHIC_CRS,
            "transform": rasterio.transform.from_origin(west, north, cell_deg, cell_deg),
            "nodata": -9999,
            "compress": "deflate",
            "predictor": 3,
            "tiled": True,
        }
        (self.path / "dem").mkdir(exist_ok=True)
        with rasterio.open(self.path / "dem" / "county.tif", "w", **profile) as dataset:
            dataset.write(heights, 1)
            dataset.update_tags(data_source=SYNTHETIC, vertical_datum="EPSG:5737")
        fine = imagery.heights(self.path / "dem" / "seat.tif", terrain)
        digest = hashlib.sha256(heights.tobytes() + fine.encode()).hexdigest()
        self.entries.append(Entry("dem", "dem", "GTiff", "", "", "raster", 2, digest, height_datum="EPSG:5737"))

    def orthophoto(self, water: Geometries, network: Roads, houses: Buildings, fields: Geometries, seed: int) -> None:
        """Write a picture of the seat (EPSG:4523)."""
        digest = imagery.orthophoto(self.path / "orthophoto.tif", water, network, houses, fields, seed)
        self.entries.append(Entry("orthophoto", "orthophoto.tif", "GTiff", "", "", "raster", 1, digest))

    def device_list(self, count: int) -> None:
        """Name the list of devices that was written as ``devices.csv``."""
        self.devices = count

    def manifest(self, size: str, seed: int) -> None:
        """Write ``manifest.json``."""
        body = {
            "statement": f"{SYNTHETIC}; 除行政区名称与代码外均为虚构",
            "size": size,
            "seed": seed,
            "devices": {"file": "devices.csv", "count": self.devices},
            "layers": [asdict(entry) for entry in sorted(self.entries, key=lambda e: e.layer)],
        }
        (self.path / "manifest.json").write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _parquet(path: Path, columns: dict[str, pa.Array], kind: str) -> None:
    """GeoParquet 1.1 in EPSG:4490, packed tightly."""
    geometry = {
        "encoding": "WKB",
        "geometry_types": [kind],
        "crs": pyproj.CRS.from_user_input(GEOGRAPHIC_CRS).to_json_dict(),
    }
    head = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    table = pa.table(columns).replace_schema_metadata({"geo": json.dumps(head)})
    pq.write_table(table, path, compression="zstd", compression_level=19)


def _kind(shapes: Geometries) -> str:
    names = {0: "Point", 1: "LineString", 3: "Polygon", 6: "MultiPolygon"}
    found = {names[int(k)] for k in np.unique(shapely.get_type_id(shapes))}
    return found.pop() if len(found) == 1 else "MultiPolygon"


def content_hash(table: pd.DataFrame, shapes: Geometries) -> str:
    """SHA-256 over the geometries (WKB) and attributes (CSV) of a layer in order."""
    digest = hashlib.sha256()
    for wkb in shapely.to_wkb(shapes):
        digest.update(wkb)
    digest.update(table.to_csv(index=False, lineterminator="\n").encode())
    return digest.hexdigest()
