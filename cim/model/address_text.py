"""The text of a Chinese address in one form: half-width, numerals as digits, notes taken out, nothing between parts."""

import re
import unicodedata

_VALUES = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMERAL = "[零〇一二两三四五六七八九十百千]{1,9}"
_NAME_GOES_ON = "(?!社区|居委|村(?!民)|路|街|巷|大道|桥|院|镇|乡|湾)"
_COUNTED = re.compile(
    f"(?<=[号栋幢座元0-9 ])({_NUMERAL})(?=[楼层室房]{_NAME_GOES_ON})"
    f"|({_NUMERAL})(?=(?:号|组|社(?!区)|队|栋|幢|单元){_NAME_GOES_ON})"
    f"|(?<=[附之-])({_NUMERAL})"
    f"|(?<=[路街巷道组])({_NUMERAL})(?=$|附|之|-)"
)
_NOTE = re.compile(r"[(\[{<【〔「《]([^()\[\]{}<>【】〔〕「」《》]*)[)\]}>】〕」》]")
_DASH = re.compile("[‐‑‒–—―−~至_]")
_SEPARATORS = re.compile(r"[\s,，、。;；:：.·/|\"'!?*]+")
_BETWEEN = re.compile(r"(?<!\d) | (?!\d)")


def clean_address(text: str) -> tuple[str, tuple[str, ...]]:
    """The address without notes, and the notes that stood in brackets.

    ``彭州市 天彭街道，梨园路一百二十三号（旧粮站）`` becomes ``彭州市天彭街道梨园路123号``. One space is left
    between two numbers that would run together.
    """
    text = unicodedata.normalize("NFKC", text)
    notes = tuple(note.strip() for note in _NOTE.findall(text) if note.strip())
    text = _SEPARATORS.sub(" ", _DASH.sub("-", _NOTE.sub("", text))).strip()
    return _BETWEEN.sub("", _COUNTED.sub(_as_digits, text)), notes


def _as_digits(found: re.Match[str]) -> str:
    apart = " " if found.string[: found.start()][-1:].isdigit() else ""
    return apart + str(number_of(found[0]))


def number_of(numeral: str) -> int:
    """The value of a Chinese numeral below 10 000, also of one that only names digits: 一百二十三, 一二三."""
    if not any(one in _UNITS for one in numeral):
        return int("".join(str(_VALUES[one]) for one in numeral))
    total, digit = 0, 0
    for one in numeral:
        if one in _UNITS:
            total += (digit or 1) * _UNITS[one]
            digit = 0
        else:
            digit = _VALUES[one]
    return total + digit
