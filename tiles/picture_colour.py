"""Colours as MapLibre styles write them."""

import colorsys
import re
from typing import NamedTuple

from cim.errors import DefinitionError

_HEX = re.compile(r"^#(?:[0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})$")
_CALL = re.compile(r"^(rgb|hsl)a?\(([^)]*)\)$")
_NAMES = {
    "transparent": "#00000000",
    "black": "#000000",
    "white": "#ffffff",
    "red": "#ff0000",
    "green": "#008000",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "orange": "#ffa500",
    "gray": "#808080",
    "grey": "#808080",
}


class Colour(NamedTuple):
    """Red, green, blue and opacity, each 0 to 1, not multiplied."""

    red: float
    green: float
    blue: float
    alpha: float

    def faded(self, opacity: float) -> "Colour":
        """The same colour with its opacity multiplied."""
        return self._replace(alpha=self.alpha * min(max(opacity, 0.0), 1.0))


def parse_colour(text: str) -> Colour:
    """A colour in hexadecimal, ``rgb()``, ``rgba()``, ``hsl()``, ``hsla()`` or by one of ten names."""
    plain = text.strip().lower()
    plain = _NAMES.get(plain, plain)
    if _HEX.match(plain):
        return _from_hex(plain[1:])
    call = _CALL.match(plain)
    parts = [part for part in re.split(r"[\s,/]+", call[2].strip()) if part] if call else []
    if call is None or len(parts) not in (3, 4):
        raise DefinitionError(f"{text[:60]!r} is not a colour", where="style", remedy="write it as #rrggbb or rgba()")
    try:
        return _from_call(call[1], parts)
    except ValueError:
        raise DefinitionError(
            f"{text[:60]!r} is not a colour", where="style", remedy="write it as #rrggbb or rgba()"
        ) from None


def _from_hex(digits: str) -> Colour:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits)
    red, green, blue, alpha = (int((digits + "ff")[at : at + 2], 16) / 255 for at in (0, 2, 4, 6))
    return Colour(red, green, blue, alpha)


def _from_call(kind: str, parts: list[str]) -> Colour:
    alpha = _share(parts[3], 1.0) if len(parts) == 4 else 1.0
    if kind == "rgb":
        red, green, blue = (_share(part, 255.0) for part in parts[:3])
        return Colour(red, green, blue, alpha)
    hue = float(parts[0].removesuffix("deg")) % 360 / 360
    red, green, blue = colorsys.hls_to_rgb(hue, _share(parts[2], 1.0), _share(parts[1], 1.0))
    return Colour(red, green, blue, alpha)


def _share(text: str, whole: float) -> float:
    value = float(text[:-1]) / 100 if text.endswith("%") else float(text) / whole
    return min(max(value, 0.0), 1.0)
