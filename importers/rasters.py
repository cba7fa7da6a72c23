"""Rasters by format: GeoTIFF, ASCII grid, SRTM height tiles, and folders of them (mosaics)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cim.errors import ImportRefused
from importers.importer import HEAD_BYTES, ReadOptions
from importers.inspection import LayerInspection, Problem
from importers.raster_source import Header, header_of, inspect_images, read_images

TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
HGT_NAME = re.compile(r"^[NS]\d{2}[EW]\d{3}", re.IGNORECASE)
HGT_SIDES = ((1201, 1201), (3601, 3601), (3601, 1801), (1201, 601))
BESIDE = frozenset({".tfw", ".tifw", ".wld", ".prj", ".xml", ".txt", ".md", ".ovr", ".aux"})


class RasterFile:
    """Reads one raster; its layer has one feature, the image."""

    name = ""
    gdal_driver = ""

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of one image."""
        return [inspect_images(path.stem, [self.header(path)], options)]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """The image, kept as COG."""
        return read_images([self.header(path)], self.gdal_driver, options)

    def header(self, path: Path) -> Header:
        """The header of a file of this format."""
        return header_of(path, self.gdal_driver)


class GeoTiff(RasterFile):
    """TIFF with a place on the map, also BigTIFF and COG."""

    name = "GeoTIFF"
    gdal_driver = "GTiff"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The TIFF mark in either byte order."""
        return head.startswith(TIFF_MAGIC)


class AsciiGrid(RasterFile):
    """Esri ASCII grid, with or without its .prj."""

    name = "ASCII grid"
    gdal_driver = "AAIGrid"

    def recognises(self, head: bytes, path: Path) -> bool:
        """Text that begins with the number of columns."""
        return re.match(rb"\s*ncols\s+\d+", head, re.IGNORECASE) is not None


class HeightTile(RasterFile):
    """SRTM .hgt: one degree of heights, placed by its name, on WGS 84 with EGM96 heights."""

    name = "HGT"
    gdal_driver = "SRTMHGT"

    def recognises(self, head: bytes, path: Path) -> bool:
        """By suffix and size: the format has no mark."""
        sizes = {2 * rows * columns for rows, columns in HGT_SIDES}
        return path.suffix.lower() == ".hgt" and path.is_file() and path.stat().st_size in sizes

    def header(self, path: Path) -> Header:
        """The header; ImportRefused when the name does not say where the tile lies."""
        if not HGT_NAME.match(path.name):
            raise ImportRefused(
                "hgt-name",
                "the name of a height tile says where it lies, this one does not",
                where=path.name,
                remedy="name it after its south-west corner, for example N31E103.hgt",
            )
        return replace(header_of(path, self.gdal_driver), vertical="EPSG:5773")


FORMATS: tuple[GeoTiff | AsciiGrid | HeightTile, ...] = (GeoTiff(), AsciiGrid(), HeightTile())


class RasterFolder:
    """A folder of rasters of one format: one layer, an image each."""

    name = "Raster folder"

    def recognises(self, head: bytes, path: Path) -> bool:
        """A folder that holds rasters and what belongs to them, nothing else."""
        return path.is_dir() and bool(_members(path)) and not _strange(path)

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """One layer of all images; which could not be read is a problem."""
        headers, unread = _headers(path)
        if not headers:
            raise ImportRefused(
                "unreadable", f"no image can be read: {'; '.join(unread[:3])}", where=path.name, remedy="ask again"
            )
        layer = inspect_images(
            path.name.removesuffix(".unpacked").removesuffix(".zip"), [header for _, header in headers], options
        )
        if unread:
            problem = Problem("files-left-out", len(unread), f"not read: {', '.join(unread[:10])}", refuses=True)
            layer = replace(layer, problems=(*layer.problems, problem))
        return [layer]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """The images in order of their names."""
        headers, _ = _headers(path)
        for format_, header in headers:
            yield from read_images([header], format_.gdal_driver, options)


def _members(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and _format_of(path) is not None]


def _strange(folder: Path) -> bool:
    """Whether a folder holds files that neither are rasters nor belong to one."""
    rest = [path for path in folder.rglob("*") if path.is_file() and _format_of(path) is None]
    return any(path.suffix.lower() not in BESIDE for path in rest)


def _format_of(path: Path) -> GeoTiff | AsciiGrid | HeightTile | None:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return next((one for one in FORMATS if one.recognises(head, path)), None)


def _headers(folder: Path) -> tuple[Sequence[tuple[GeoTiff | AsciiGrid | HeightTile, Header]], list[str]]:
    found, unread = [], []
    for path in _members(folder):
        format_ = _format_of(path)
        try:
            if format_ is not None:
                found.append((format_, format_.header(path)))
        except ImportRefused as error:
            unread.append(f"{path.name} ({error.what})")
    return found, unread
