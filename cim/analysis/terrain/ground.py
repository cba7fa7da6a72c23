"""Heights for the terrain analyses: read through the context, checked, and told where they are from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from cim.analysis.context import Context
from cim.analysis.overlay import Floats
from cim.errors import BadRequest
from cim.model.analysis import SourceEdition
from cim.model.heights import PointHeights

DATUM_NAMES = {
    "EPSG:5737": "1985 国家高程基准",
    "EPSG:5736": "1956 黄海高程",
    "EPSG:5773": "EGM96",
    "EPSG:3855": "EGM2008",
}
STATEMENT = "本结果由系统依据所列高程数据自动计算，精度取决于高程模型，不代替实测。"


def layer_field() -> Any:
    """The parameter that names the layer of heights."""
    return Field("dem", title="高程图层 Layer of heights", max_length=60)


def cell_field() -> Any:
    """The parameter that sets the side of cells."""
    return Field(
        None,
        title="格网边长 Cell (m)",
        ge=0.5,
        le=1000,
        description="that of the finest heights there when left out; a finer one than theirs is not used",
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """A caller's view of one layer of heights."""

    context: Context
    layer: str
    edition: SourceEdition

    async def heights(self, lon: Floats, lat: Floats) -> PointHeights:
        """Heights of places. BadRequest where they are above different datums, and so cannot be taken together."""
        reader = self.context.heights
        if reader is None:
            raise BadRequest("heights cannot be read here", where="layer", remedy="ask the server's operator")
        found = await reader(self.layer, lon, lat)
        if len(found.datums) > 1:
            names = "、".join(datum_name(datum) for datum in found.datums)
            raise BadRequest(
                f"the heights there are above different datums: {names}",
                where="layer",
                remedy="choose a smaller area, or import the heights with one datum",
            )
        return found

    def none_here(self) -> BadRequest:
        """The error for a place where the layer has no height at all."""
        return BadRequest(
            f"layer {self.layer} has no heights there that you may see",
            where="area",
            remedy=f"GET /rasters/{self.layer}.json tells where it has some",
        )


async def ground_of(context: Context, layer: str) -> Ground:
    """The ground as a layer of heights has it; BadRequest where the caller may read no such layer."""
    collection = context.collection(layer)
    if collection.schema.kind != "raster":
        raise BadRequest(f"layer {layer} is no layer of heights", where="layer", remedy="use dem")
    async with context.reading() as connection:
        return Ground(context, layer, await context.edition(connection, layer))


def datum_name(datum: str | None) -> str:
    """What people call a height system."""
    return "高程基准未注明" if datum is None else DATUM_NAMES.get(datum, datum)


def heights_told(found: PointHeights) -> Mapping[str, Any]:
    """The facts of heights for a summary: datum, sides of cells, images."""
    known = found.cell_m[found.known]
    datum = found.datums[0] if found.datums else None
    return {
        "height_datum": datum,
        "height_datum_name": datum_name(datum),
        "source_cells_m": sorted({round(float(cell), 2) for cell in np.unique(known)}),
        "images": list(found.images),
    }


def source_note(found: PointHeights) -> str:
    """Where heights are from, in a sentence."""
    told = heights_told(found)
    cells = "、".join(f"{cell:g}" for cell in told["source_cells_m"])
    return f"高程：{told['height_datum_name']}；数据格网 {cells} 米（{'、'.join(told['images'])}）"
