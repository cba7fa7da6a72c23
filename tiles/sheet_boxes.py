"""Places on the paper of a map sheet, in pixels of 1/96 inch from its upper left corner."""

from layers.sheet import SheetMap

PIXELS_A_MM = 96 / 25.4
PIXELS_A_POINT = 96 / 72
PIXEL_M = 0.0254 / 96
COORDINATE_ROW_EM = 1.5
"""How high a row of coordinates along the frame is, in sizes of their text."""

Box = tuple[float, float, float, float]
"""Left, top, width, height."""


def pixels(box_mm: Box) -> Box:
    """A box of millimetres in pixels."""
    left, top, width, height = (side * PIXELS_A_MM for side in box_mm)
    return left, top, width, height


def field_of(look: SheetMap) -> Box:
    """The map itself: the box without the rows of coordinates around it."""
    left, top, width, height = pixels(look.box)
    rows = int(look.grid != "none") + int(look.degrees)
    band = rows * COORDINATE_ROW_EM * look.label_pt * PIXELS_A_POINT
    return left + band, top + band, width - 2 * band, height - 2 * band
