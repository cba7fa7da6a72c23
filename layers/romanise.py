"""Pinyin of names: in full and as initials, so that 彭州 is found by pengzhou and pz."""

import re
from functools import lru_cache

_NOT_LATIN = re.compile(r"[^a-z0-9]")


@lru_cache(maxsize=200_000)
def romanised(text: str) -> tuple[str, str]:
    """Pinyin without tones and without spaces, and the initials: ``("pengzhoushi", "pzs")``.

    Latin letters and digits within a Chinese text stay as they are, in lower case; a text without any Chinese has no
    pinyin and is found as it is written.
    """
    if text.isascii():
        return "", ""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - its dictionary takes half a second to load

    syllables = [_NOT_LATIN.sub("", part.lower()) for part in lazy_pinyin(text, style=Style.NORMAL)]
    syllables = [part for part in syllables if part]
    return "".join(syllables), "".join(part if part.isdigit() else part[0] for part in syllables)


def latin_letters(term: str) -> str:
    """The term as pinyin would be typed, or an empty text when it has other letters than Latin ones."""
    if not term.isascii():
        return ""
    return _NOT_LATIN.sub("", term.lower())
