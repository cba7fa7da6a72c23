"""The exchange format of Chinese land offices, VCT 3.0 (GB/T 17798-2007), as a format that can be imported."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from importers.geometry_kinds import stored_kind
from importers.importer import ReadOptions
from importers.inspection import LayerInspection, Problem
from importers.vct_index import VctIndex, VctLayer, index_of
from importers.vct_rows import LayerRows, Seen
from importers.vct_text import VctLines

_KINDS = {"Point": "Point", "Line": "LineString", "Polygon": "Polygon", "Annotation": "Point"}
_MESSAGES = {
    "geometry-broken": "objects without a usable geometry are rejected",
    "attributes-missing": "objects have no row in their table",
    "attributes-without-object": "rows of the table have no object of their own and are rejected",
    "attributes-misfit": "rows have another number of values than the table has fields, or are in another encoding",
    "ring-signs": "rings were closed against the signs of their lines",
    "z-dropped": "heights in the geometry are not kept; the layer is stored in 2D",
}


class Vct:
    """Reads the layers of a VCT 3.0 file up to 1 GB; the lines that bound areas are held in memory."""

    name = "VCT"

    def recognises(self, head: bytes, path: Path) -> bool:
        """The header of the format, of whatever version."""
        start = head.lower()
        return b"headbegin" in start and b"datamark" in start

    def inspect(self, path: Path, options: ReadOptions) -> list[LayerInspection]:
        """A layer for each table with objects or rows; what became no layer is a problem of the first."""
        index = index_of(path, options)
        filled = [layer for layer in index.layers if layer.offsets or index.tables.get(layer.table)]
        found = [_inspect(path, index, layer) for layer in filled]
        found = [layer for layer in found if layer.feature_count]
        if found:
            names = {layer.name for layer in found}
            more = tuple(_file_problems(index, [layer.name for layer in index.layers if layer.name not in names]))
            found[0] = replace(found[0], problems=(*found[0].problems, *more))
        return found

    def read(self, path: Path, layer: LayerInspection, options: ReadOptions) -> Iterator[Any]:
        """Objects in file order, then the rows of the table that have no object, with a null geometry."""
        index = index_of(path, options)
        with path.open("rb") as file:
            yield from LayerRows(VctLines(file, path.name), index, index.layer(layer.name)).batches()


def _inspect(path: Path, index: VctIndex, layer: VctLayer) -> LayerInspection:
    with path.open("rb") as file:
        rows = LayerRows(VctLines(file, path.name), index, layer)
        for _ in rows.batches():
            pass
    seen = rows.seen
    kinds = dict(seen.kinds) or ({_KINDS[layer.kind]: 1} if layer.kind else {})
    west, south, east, north = seen.sides or [0.0] * 4
    srid, evidence = index.head.system(west if seen.sides else None)
    return LayerInspection(
        name=layer.name,
        geometry_type=stored_kind(kinds),
        geometry_types=tuple(sorted(kinds)),
        feature_count=seen.rows,
        srid=srid if layer.kind else None,
        crs_wkt=None,
        crs_evidence=evidence if layer.kind else "a table has no coordinates",
        encoding=f"{index.encoding} ({index.encoding_evidence})",
        bbox=(west, south, east, north) if seen.sides else None,
        fields=seen.fields,
        problems=tuple(_problems(seen, layer)),
    )


def _problems(seen: Seen, layer: VctLayer) -> Iterator[Problem]:
    for code, count in seen.problems.items():
        text = f"{_MESSAGES[code]}; the first is {seen.first[code]}"
        yield Problem(code, count, text, refuses=code == "attributes-misfit" and not layer.kind)


def _file_problems(index: VctIndex, empty: list[str]) -> Iterator[Problem]:
    if empty:
        yield Problem("layers-empty", len(empty), f"declared without objects: {', '.join(empty)[:200]}")
    if index.areas_of_lines:
        text = f"{len(index.lines)} lines are held in memory for them, so a file is read up to 1 GB"
        yield Problem("areas-of-lines", index.areas_of_lines, f"areas are made of boundary lines; {text}")
    if index.lines.repeated:
        yield Problem("lines-repeated", index.lines.repeated, "lines have the id of another; areas take the first")
    counted = (
        ("lines-no-layer", index.boundary_codes, "lines of undeclared codes only bound areas and are no layer"),
        ("objects-no-layer", index.unknown_codes, "objects have feature codes that are not declared"),
        ("table-unknown", index.unknown_tables, "rows are of tables that are not declared"),
        ("section-unread", index.unread_sections, "lines are of sections that are not read"),
    )
    for code, found, text in counted:
        if found:
            yield Problem(code, found.total(), f"{text}: {', '.join(found)[:200]}")
