"""Fonts for labels: the Noto font of the system that a style's font name stands for, with Chinese glyphs."""

from functools import lru_cache
from typing import Any

import skia

from cim.errors import CimError

FAMILY = "Noto Sans CJK SC"
_PROBE = "彭"


@lru_cache(maxsize=8)
def typeface(bold: bool) -> Any:
    """The Chinese typeface; CimError says which package brings it when no installed font has Chinese."""
    weight = skia.FontStyle.Bold() if bold else skia.FontStyle.Normal()
    manager = skia.FontMgr()
    found = manager.matchFamilyStyle(FAMILY, weight)
    if not _has_chinese(found):
        found = manager.matchFamilyStyleCharacter("", weight, ["zh-Hans"], ord(_PROBE))
    if not _has_chinese(found):
        raise CimError(
            "no font with Chinese characters is installed on the server",
            where="labels",
            remedy="install the Debian package fonts-noto-cjk",
        )
    return found


@lru_cache(maxsize=256)
def font(size: float, bold: bool) -> Any:
    """A font of a size in pixels."""
    made = skia.Font(typeface(bold), size)
    made.setEdging(skia.Font.Edging.kAntiAlias)
    made.setSubpixel(True)
    made.setLinearMetrics(True)
    return made


@lru_cache(maxsize=4096)
def advances(text: str, size: float, bold: bool) -> tuple[float, ...]:
    """The width of each glyph of a text in pixels."""
    chosen = font(size, bold)
    return tuple(chosen.getWidths(chosen.textToGlyphs(text)))


def _has_chinese(found: Any) -> bool:
    return found is not None and bool(found.unicharToGlyph(ord(_PROBE)))
