"""How alike two Chinese names are, from 0 to 1: characters that sound the same differ less than others.

Sounds are compared as they are told apart in the south-west: sh and s, l and n, ang and an are the same, tones too.
"""

import re
from functools import lru_cache

SAME_SOUND = 0.35
"""What a character costs that is replaced by one of the same sound; any other costs 1."""
OPPOSED = 2.0
"""What a character costs that is replaced by another of ``TELLING``: 东路 is never a slip of the pen for 西路."""
TELLING = frozenset("东南西北中上下左右前后内外大小新老一二三四五六七八九十")
OTHER_KIND = 0.12
"""What it costs that the word for the kind is another: 文庙街 for 文庙路."""
NO_KIND = 0.06
"""What it costs that the word for the kind is left out: 天彭 for 天彭街道."""
_KIND = re.compile(
    "(?<=..)(街道办事处|街道办|街道|社区居委会|社区|村委会|居委会|大道|公路|胡同|镇|乡|村|路|街|巷|市|县|区)$"
)


@lru_cache(maxsize=30_000)
def sound(character: str) -> str:
    """The syllable a character is read as, without tone and as the south-west says it; else the character itself."""
    from pypinyin import lazy_pinyin  # noqa: PLC0415 - its dictionary takes half a second to load

    syllable = str(lazy_pinyin(character)[0])
    return re.sub("ng$", "n", re.sub("^l(?=[a-z])", "n", re.sub("^([zcs])h", r"\1", syllable)))


@lru_cache(maxsize=100_000)
def stem_and_kind(name: str) -> tuple[str, str]:
    """A name without the word for its kind, and that word or nothing: 天彭, 街道. A stem has two or more."""
    found = _KIND.search(name)
    return (name[: found.start()], found[0]) if found else (name, "")


def likeness(name: str, other: str) -> float:
    """1 for equal names; the greater of what their characters and what their stems have in common."""
    if name == other:
        return 1.0
    whole = _likeness(name, other)
    stem, kind = stem_and_kind(name)
    other_stem, other_kind = stem_and_kind(other)
    if kind == other_kind:
        return whole
    lost = OTHER_KIND if kind and other_kind else NO_KIND
    return max(whole, _likeness(stem, other_stem) - lost)


def _likeness(name: str, other: str) -> float:
    longest = max(len(name), len(other))
    return max(0.0, 1.0 - _distance(name, other) / longest) if longest else 0.0


def _distance(name: str, other: str) -> float:
    """The least sum of what replaced, missing and additional characters cost."""
    sounds = [sound(one) for one in other]
    row = [float(place) for place in range(len(other) + 1)]
    for place, one in enumerate(name, 1):
        read = sound(one)
        corner, row[0] = row[0], float(place)
        for at, against in enumerate(other, 1):
            replaced = corner + _replacing(one, against, same_sound=read == sounds[at - 1])
            corner = row[at]
            row[at] = min(replaced, corner + 1.0, row[at - 1] + 1.0)
    return row[-1]


def _replacing(one: str, other: str, *, same_sound: bool) -> float:
    if one == other:
        return 0.0
    if one in TELLING and other in TELLING:
        return OPPOSED
    return SAME_SOUND if same_sound else 1.0
