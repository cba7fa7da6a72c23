"""The walk through a set: every document and tile is looked at once, and what is wrong is told."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from importers.tilesets.documents import Tile, Tileset, told
from importers.tilesets.extensions import check_extensions
from importers.tilesets.faults import Faults
from importers.tilesets.files import ROOT, TilesetFiles
from importers.tilesets.implicit import check_implicit, tiling_of, walk_tree
from importers.tilesets.looking import SetFiles
from importers.tilesets.metadata import Metadata, document_faults, metadata_of
from importers.tilesets.outlining import Outlining
from importers.tilesets.tile_checks import check_tile, check_volumes, matrix_of
from importers.tilesets.volumes import Volume, volume_of

Floats = NDArray[np.float64]
MOST_TILES = 5_000_000
MOST_DOCUMENTS_DEEP = 64


class Document(NamedTuple):
    """A tileset to be looked at: its file, what stands above it, and the documents that led there."""

    name: str
    transform: Floats
    within: Volume | None
    depth: int
    ancestors: tuple[str, ...]


class Spot(NamedTuple):
    """A tile to be looked at: its path in the document, and what its parent says."""

    tile: Any
    path: str
    error_m: float
    within: Volume | None
    transform: Floats
    depth: int


@dataclass(slots=True)
class Walked:
    """What a set is: of the root document its version, generator and error, of all the number of tiles.

    ``regions`` says that some volumes are regions, which stand where they stand; ``root`` is the volume of the first
    tile.
    """

    files: SetFiles
    outlining: Outlining = field(default_factory=Outlining)
    tiles: int = 0
    regions: bool = False
    version: str = ""
    generator: str = ""
    error_m: float = 0.0
    root: Volume | None = None

    @property
    def faults(self) -> Faults:
        """What is wrong with it."""
        return self.files.faults


def walk(files: TilesetFiles, placed: Floats | None = None, root: str = ROOT, *, opens: bool = True) -> Walked:
    """Walk through a set from its root document; ``placed`` (4, 4) leads from its own coordinates to geocentric ones.

    Without ``opens`` the documents alone are judged.
    """
    walked = Walked(SetFiles(files, Faults(), opens))
    open_ = [Document(root, np.eye(4) if placed is None else placed, None, 0, ())]
    seen: set[str] = set()
    while open_:
        document = open_.pop()
        if document.name in document.ancestors:
            loop = " -> ".join([*document.ancestors[-4:], document.name])
            walked.faults.add("tileset-loop", document.ancestors[-1], f"the set leads back into itself: {loop}")
        elif len(document.ancestors) > MOST_DOCUMENTS_DEEP:
            walked.faults.add("tileset-depth", document.name, "documents lead to each other deeper than is read")
        elif document.name not in seen:
            seen.add(document.name)
            open_ += _walk_document(walked, document)
    return walked


def _walk_document(walked: Walked, at: Document) -> Iterator[Document]:
    """Look at a document; the ones its tiles show come out."""
    walked.files.tilesets.add(at.name)
    text = walked.files.json(at.name)
    if text is None:
        return
    tileset = _formed(walked, at, text)
    if tileset is None:
        return
    metadata = _metadata(walked, at.name, tileset)
    check_extensions(text, at.name, walked.faults, shown=walked.files.opens)
    if tileset.root.get("refine") is None:
        walked.faults.note("tileset-form-note", f"{at.name} root.refine", "it is missing, viewers take REPLACE")
    groups = len(tileset.groups or [])
    open_ = [Spot(tileset.root, "root", float("inf"), at.within, at.transform, at.depth)]
    while open_:
        spot = open_.pop()
        walked.tiles += 1
        if walked.tiles > MOST_TILES:
            walked.faults.add("tileset-depth", at.name, f"more than {MOST_TILES} tiles are not read")
            return
        tile = _tile(walked, at.name, spot)
        if tile is None:
            continue
        where = f"{at.name} {spot.path}"
        for place, what in _metadata_faults(metadata, tile, groups):
            walked.faults.add("tileset-metadata", f"{where}.{place}", what)
        transform = spot.transform @ matrix_of(tile.transform)
        volume = volume_of(tile.boundingVolume, transform)
        check_tile(where, tile, spot.error_m, spot.within, walked.faults)
        check_volumes(where, tile, transform, volume, spot.within, walked.faults)
        walked.regions |= tile.boundingVolume.region is not None
        walked.root = walked.root or volume
        further = list(_drawn(walked, at.name, tile, where))
        if volume is not None:
            walked.outlining.take(spot.depth, volume, leaf=not tile.children and not further)
        ancestors = (*at.ancestors, at.name)
        yield from (Document(name, transform, volume, spot.depth + 1, ancestors) for name in further)
        for number, child in enumerate(tile.children):
            path = f"{spot.path}.children.{number}"
            open_.append(Spot(child, path, tile.geometricError, volume, transform, spot.depth + 1))


def _formed(walked: Walked, at: Document, text: Any) -> Tileset | None:
    """A document of the right form; None, with faults, of another."""
    try:
        tileset = Tileset.model_validate(text)
    except ValidationError as error:
        for where, what in told(error, "tileset"):
            walked.faults.add("tileset-form", f"{at.name} {where}", what)
        return None
    if not at.ancestors:
        walked.version, walked.error_m = tileset.asset.version, tileset.geometricError
        walked.generator = str((tileset.asset.model_extra or {}).get("generator", ""))[:200]
    return tileset


def _tile(walked: Walked, document: str, spot: Spot) -> Tile | None:
    try:
        return Tile.model_validate(spot.tile)
    except ValidationError as error:
        for where, what in told(error, spot.path):
            walked.faults.add("tileset-form", f"{document} {where}", what)
        return None


def _metadata(walked: Walked, document: str, tileset: Tileset) -> Metadata:
    """The schema of a document's metadata, from itself or the file it names."""
    schema = tileset.schema_
    if tileset.schemaUri is not None:
        name = walked.files.named(tileset.schemaUri, document, "schemaUri")
        schema = walked.files.json(name) if name is not None else None
        if schema is None:
            return Metadata(None, unusable=True)
    metadata, faults = metadata_of(schema, "schema")
    for where, what in [*faults, *document_faults(tileset, metadata)]:
        walked.faults.add("tileset-metadata", f"{document} {where}", what)
    return metadata


def _metadata_faults(metadata: Metadata, tile: Tile, groups: int) -> Iterator[tuple[str, str]]:
    yield from metadata.faults(tile.metadata, "metadata")
    for content in tile.drawn:
        yield from metadata.faults(content.metadata, "content.metadata")
        if content.group is not None and content.group >= groups:
            yield "content.group", f"there is no group {content.group}"


def _drawn(walked: Walked, document: str, tile: Tile, where: str) -> Iterator[str]:
    """Look at the contents of a tile; the names of those that are tilesets come out."""
    tiling = tiling_of(tile, where, walked.faults)
    if tiling is not None:
        check_implicit(tile, tiling, where, walked.faults)
        if walked.files.opens:
            walked.tiles += max(walk_tree(walked.files, document, tile, tiling, where) - 1, 0)
        return
    for content in tile.drawn:
        found = walked.files.content(content.address, document, f"{where}.content")
        if found is not None and found.document is not None:
            yield found.name
