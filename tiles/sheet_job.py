"""What a drawing process is given for a map sheet: plain values, with nothing of the database or the policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from layers.sheet import SheetTemplate
from tiles.picture_job import LayerJob
from tiles.picture_window import Window

SheetForm = Literal["pdf", "png"]
Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class LegendPart:
    """What the legend says of one layer: its title, and the classes of a field by their codes, in order.

    ``class_field`` is empty for a layer without classes, whose row is called ``label``, or else its title. ``fixed``
    are entries as in style files, for layers of images.
    """

    title: str
    label: str = ""
    class_field: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SheetJob:
    """One sheet. ``layers`` and ``legend`` go together, the first lowest; ``texts`` are those of the template, filled.

    ``dpi`` are the points to the inch of a PNG; a PDF is drawn in lines and letters. ``overlays`` are how many of the
    layers, the last ones, came with the order.
    """

    template: SheetTemplate
    window: Window
    scale: int
    layers: tuple[LayerJob, ...]
    legend: tuple[LegendPart, ...]
    texts: tuple[str, ...]
    title: str
    form: SheetForm
    language: Language
    dpi: int
    seconds: float
    overlays: int = 0
