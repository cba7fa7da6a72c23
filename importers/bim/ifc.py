"""IFC building models: STEP text with an IFC schema, or one such file in a zip (.ifczip)."""

import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from cim.errors import ImportRefused
from cim.model.bim import Placement
from importers.archive import ZIP_MAGIC, is_clutter, unpacked
from importers.bim.ifc_frame import Model, open_model
from importers.bim.ifc_placement import Placed, placed
from importers.bim.ifc_stream import model_rows
from importers.bim.records import Row
from importers.bim.scratch import Scratch
from importers.bim.step_text import schema_of
from importers.importer import ReadOptions
from importers.inspection import LayerInspection, Problem

SUFFIX, ZIPPED = ".ifc", ".ifczip"
LEAST_OBJECTS = 2
"""A project alone is no model."""
_EVIDENCE = {
    "map-conversion": "IfcMapConversion",
    "property-set": "ePset_MapConversion and ePset_ProjectedCRS",
    "coordinates": "given with --crs; the file's coordinates are taken as its own",
    "site": "longitude and latitude of IfcSite",
}
_DEFECTS = {
    "no-global-id": "objects without a GlobalId; each gets one made of its content",
    "duplicate-global-id": "objects with the GlobalId of another; each is kept under its own with ~2, ~3 added",
}


class Ifc:
    """Reads one building model: its elements with their properties, and their meshes."""

    name = "IFC"

    def recognises(self, head: bytes, path: Path) -> bool:
        """STEP text with an IFC schema, or a zip of nothing but one such file."""
        if head.startswith(ZIP_MAGIC):
            return path.suffix.lower() == ZIPPED or _is_one_model(path)
        schema = schema_of(head)
        return schema is not None and (schema == "" or schema.startswith("IFC"))

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """The one layer: where the model lies, how many objects it has, what is wrong; no geometry is made."""
        model = open_model(model_file(path))
        found = placed(model.file, model.units, options, model.reach_m)
        placement = found.placement
        return [
            LayerInspection(
                name=path.stem,
                geometry_type="Polygon",
                geometry_types=("Polygon",),
                feature_count=len(model.tree.things),
                srid=placement.srid if placement else None,
                crs_wkt=placement.wkt if placement else None,
                crs_evidence=_EVIDENCE[placement.evidence] if placement else "none",
                encoding=model.encoding,
                bbox=_box(model, placement) if placement else None,
                fields=(),
                problems=tuple(_problems(model, found)),
                kind="model",
                height_datum=placement.height_datum if placement else None,
            )
        ]

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Refused: a model is no table of features."""
        raise ImportRefused("no-rows", "a building model has no rows; it is imported as a model", where=path.name)

    def model(
        self, path: Path, options: ReadOptions, known: Mapping[str, bytes], placement: Placement | None
    ) -> Iterator[Row]:
        """The rows of the model as ``importers.bim.ifc_stream.model_rows`` gives them."""
        return model_rows(model_file(path), options, known, placement)


def model_file(path: Path) -> Path:
    """The STEP file of a source: itself, or the one in a zip; ImportRefused where that holds anything else."""
    with path.open("rb") as file:
        if file.read(len(ZIP_MAGIC)) != ZIP_MAGIC:
            return path
    folder, strange = unpacked(path, _folder(path, path.stat().st_mtime_ns).path / "unpacked")
    files = [item for item in sorted(folder.rglob("*")) if item.is_file()]
    if len(files) != 1 or strange or files[0].suffix.lower() != SUFFIX:
        names = ", ".join(item.relative_to(folder).as_posix() for item in files[:5]) or "no files"
        raise ImportRefused(
            "not-one-model",
            f"an {ZIPPED} holds one {SUFFIX} file and nothing else; this holds {names}",
            where=path.name,
            remedy=f"pack the {SUFFIX} file alone",
        )
    return files[0]


@lru_cache(maxsize=1)
def _folder(_path: Path, _changed_ns: int) -> Scratch:
    return Scratch()


def _is_one_model(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    # zipfile raises NotImplementedError for a version of the format it lacks; what it cannot list is no model
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        return False
    kept = [name for name in names if not is_clutter(name)]
    return len(kept) == 1 and PurePosixPath(kept[0]).suffix.lower() == SUFFIX


def _box(model: Model, placement: Placement) -> tuple[float, float, float, float]:
    """The box around some placements of elements on the map; the true one is known once shapes are made."""
    points = placement.to_map(model.reach_m)
    (west, south), (east, north) = points[:, :2].min(axis=0).tolist(), points[:, :2].max(axis=0).tolist()
    return west, south, east, north


def _problems(model: Model, found: Placed) -> Iterator[Problem]:
    if len(model.tree.things) < LEAST_OBJECTS:
        yield Problem("nothing-to-load", 1, "the model has no objects; export it again with elements", refuses=True)
    yield from found.problems
    for code, count in Counter(defect.code for defect in model.tree.defects).items():
        yield Problem(code, count, _DEFECTS[code])
    unresolved = int((model.index.targets < 0).sum())
    if unresolved:
        yield Problem("unresolved", unresolved, "references to statements that the file does not have")
    roles = {thing.role for thing in model.tree.things.values()}
    if "site" not in roles:
        yield Problem("no-site", 1, "the model has no site")
    if "building" not in roles:
        yield Problem("no-building", 1, "the model has no building or other facility")
    if "building" in roles and not model.storeys:
        yield Problem("no-storeys", 1, "the model has no storeys; its elements cannot be asked for by storey")
    if model.encoding != "ascii":
        text = f"texts are not coded as the standard says; they are taken as {model.encoding}"
        yield Problem("text-encoding", 1, text)
