"""Chinese for what importers say, from ``phrases.toml``: reports and the import page speak the reader's language.

Texts are kept in English, the language of the log and of programs; a clause without a phrase stays as it is.
"""

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Language = Literal["zh", "en"]
OPEN_SLOTS = frozenset({"rest", "reason", "rules"})
_SLOT = re.compile(r"\\\{(\w+)\\\}")


def told(text: str, language: Language) -> str:
    """A text in a language: as it is, or in Chinese as far as there are phrases."""
    return text if language == "en" else in_chinese(text)


@functools.lru_cache(maxsize=4096)
def in_chinese(text: str) -> str:
    """The Chinese of a text: of the whole, or else of its clauses; what a slot holds is put in Chinese too."""
    whole = _phrase(text)
    if whole is not None:
        return whole
    for mark, joint in (("; ", "；"), (" - ", "；")):
        if mark in text:
            return joint.join(in_chinese(part) for part in text.split(mark))
    return text


def run_told(run: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """An import's document with its messages in a language."""
    said = dict(run)
    said["message"] = told(run["message"], language)
    said["findings"] = [{**found, "message": told(found["message"], language)} for found in run["findings"]]
    said["checks"] = [{**check, "note": told(check["note"], language)} for check in run["checks"]]
    for rows in ("rejected", "repaired"):
        said[rows] = [[row, told(reason, language)] for row, reason in run[rows]]
    return said


def _phrase(text: str) -> str | None:
    for pattern, chinese in _phrases():
        found = pattern.fullmatch(text)
        if found is not None:
            return chinese.format(**{name: in_chinese(value) for name, value in found.groupdict().items()})
    return None


@functools.cache
def _phrases() -> tuple[tuple[re.Pattern[str], str], ...]:
    entries = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["phrase"]
    return tuple((_pattern(entry["en"]), entry["zh"]) for entry in entries)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(_SLOT.sub(_slot, re.escape(template)), re.DOTALL)


def _slot(found: re.Match[str]) -> str:
    """A slot ends with its clause, but for those that hold what another part of the program said."""
    inside = ".+" if found[1] in OPEN_SLOTS else "(?:(?!; ).)+?"
    return f"(?P<{found[1]}>{inside})"
