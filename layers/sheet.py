"""Templates of map sheets 专题图: one TOML file says what stands where on the paper, so a new sheet needs no code.

Places are boxes ``[left, top, width, height]`` in millimetres from the upper left corner of the paper.
"""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from layers.text import Text
from layers.toml_file import check_name, read_file

PAPERS_MM: Mapping[str, tuple[float, float]] = {
    "A4": (210, 297),
    "A3": (297, 420),
    "A2": (420, 594),
    "A1": (594, 841),
}
"""Width and height of the papers upright."""
GIVEN = frozenset({"title", "date", "scale", "crs", "sources", "editions", "grade", "not_drawn", "convergence", "user"})
"""Words in braces that the server knows the text of; a template's ``values`` add their own."""
FACE_PT = 4.5


def _box(value: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    if value[0] < 0 or value[1] < 0 or value[2] <= 0 or value[3] <= 0:
        raise ValueError("a box is [left, top, width, height] in mm: no negative place, no empty size")
    return value


Box = Annotated[tuple[float, float, float, float], AfterValidator(_box)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]
Points = Annotated[float, Field(ge=FACE_PT, le=72)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SheetText(_Strict):
    """A text on the sheet; words in braces stand for values. Where it is too long it is set smaller."""

    box: Box
    text: Text
    size_pt: Points = 9
    bold: bool = False
    align: Literal["left", "center", "right"] = "left"
    valign: Literal["top", "middle", "bottom"] = "top"
    colour: Colour = "#1a1a1a"


class SheetMap(_Strict):
    """The map with its frame: the box holds the coordinates along the frame too.

    ``grid`` draws plane kilometres as lines, as crosses or not at all, ``spacing_mm`` apart or a little more;
    ``degrees`` marks longitude and latitude along the frame.
    """

    box: Box
    grid: Literal["lines", "crosses", "none"] = "lines"
    spacing_mm: float = Field(default=35, ge=20, le=200)
    degrees: bool = True
    label_pt: Points = 6.5


class SheetLegend(_Strict):
    """The legend: of the classes that lie in the map. It is set smaller, down to ``least_pt``, before it is cut."""

    box: Box
    title: Text = Text(zh="图例", en="Legend")
    size_pt: Points = 8
    least_pt: Points = 5.5


class SheetBar(_Strict):
    """The scale bar with the scale above it."""

    box: Box
    size_pt: Points = 8


class SheetNorth(_Strict):
    """The arrow to grid north."""

    box: Box
    size_pt: Points = 7


class SheetLayerEntry(_Strict):
    """A layer on the sheet, the first lowest.

    ``style`` is a style file, the layer's own where none is named; ``hide`` are style layers that are left out and
    ``paint`` what others are painted with instead, by the style layer's id. ``classes`` is the field whose codes the
    legend lists; where none is named it is the coded field that the style reads.
    """

    id: str
    style: str = ""
    hide: tuple[str, ...] = ()
    paint: Mapping[str, Mapping[str, Any]] = {}
    classes: str | None = None


class SheetOverlay(_Strict):
    """How shapes that come with an order are drawn where they do not say it themselves."""

    title: Text = Text(zh="项目用地红线", en="Red line")
    stroke: Colour = "#e60012"
    width_mm: float = Field(default=0.6, gt=0, le=3)
    fill: Colour = "#e60012"
    fill_opacity: float = Field(default=0.0, ge=0, le=1)
    label_pt: Points = 9


class SheetTemplate(_Strict):
    """What a sheet shows and where. ``values`` are texts an order may give, with what stands there otherwise."""

    id: str
    title: Text
    description: Text = Text(zh="", en="")
    paper: Literal["A4", "A3", "A2", "A1"]
    orientation: Literal["portrait", "landscape"]
    values: Mapping[str, Text] = {}
    map: SheetMap
    legend: SheetLegend
    scale_bar: SheetBar
    north: SheetNorth
    text: tuple[SheetText, ...]
    layer: tuple[SheetLayerEntry, ...] = Field(min_length=1)
    overlay: SheetOverlay = SheetOverlay()

    @property
    def paper_mm(self) -> tuple[float, float]:
        """Width and height of the paper as it lies."""
        wide, high = PAPERS_MM[self.paper]
        return (wide, high) if self.orientation == "portrait" else (high, wide)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        boxes = {name: getattr(self, name).box for name in ("map", "legend", "scale_bar", "north")}
        boxes |= {f"text.{at}": text.box for at, text in enumerate(self.text)}
        wide, high = self.paper_mm
        for name, (left, top, width, height) in boxes.items():
            if left + width > wide or top + height > high:
                raise ValueError(f"{name} reaches over the edge of the paper, {wide:g} x {high:g} mm")
        if len({layer.id for layer in self.layer}) != len(self.layer):
            raise ValueError("a layer is listed twice")
        words = self._words()
        unknown = sorted(words - GIVEN - self.values.keys())
        if unknown:
            known = ", ".join(sorted(GIVEN | self.values.keys()))
            raise ValueError(f"nothing is known of {{{unknown[0]}}}; known are {known}")
        if "not_drawn" not in words:
            raise ValueError("no text holds {not_drawn}: a sheet must say which of its layers it does not show")
        taken = sorted(GIVEN & self.values.keys())
        if taken:
            raise ValueError(f"the server itself knows {taken[0]!r}; give the value another name")
        return self

    def _words(self) -> set[str]:
        texts = [part for text in self.text for part in (text.text.zh, text.text.en)]
        parsed = [piece for text in texts for piece in Formatter().parse(text) if piece[1] is not None]
        if any(spec or conversion for _, _, spec, conversion in parsed):
            raise ValueError("words in braces take no further signs: {title}")
        return {str(name) for _, name, _, _ in parsed}


def sheet_style(entry: SheetLayerEntry, layers: tuple[Mapping[str, Any], ...]) -> tuple[Mapping[str, Any], ...]:
    """The style layers of a layer as the sheet draws them."""
    kept = [layer for layer in layers if layer["id"] not in entry.hide]
    return tuple({**one, "paint": {**one.get("paint", {}), **entry.paint.get(one["id"], {})}} for one in kept)


def load_sheet(path: Path) -> SheetTemplate:
    """Read one template; DefinitionError names the file, the entry and the fault."""
    template = read_file(path, SheetTemplate, called="sheet", guide="docs/sheets.md")
    check_name(path, template.id)
    return template
