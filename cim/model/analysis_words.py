"""What the entries of the summaries of analyses are called, in Chinese and English, with units."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True)
class SummaryWord:
    """An entry of a summary: its title, the unit of its figures, and what its words of the programme mean."""

    title: Mapping[str, str]
    unit: str
    values: Mapping[str, Mapping[str, str]]

    def document(self) -> dict[str, Any]:
        """As the JSON of an answer has it."""
        values = {"values": {word: dict(titles) for word, titles in self.values.items()}} if self.values else {}
        return {"title": dict(self.title), "unit": self.unit, **values}


@cache
def _read() -> Mapping[str, Any]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def summary_words() -> Mapping[str, SummaryWord]:
    """The words of all entries that have one, by name."""
    read = _read()
    values = {name: {word: _title(*pair) for word, pair in words.items()} for name, words in read["values"].items()}
    titles = read["titles"].items()
    return {name: SummaryWord(_title(zh, en), unit, values.get(name, {})) for name, (zh, en, unit) in titles}


def _title(zh: str, en: str) -> Mapping[str, str]:
    return {"zh": zh, "en": en}


def words_of(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The words of the entries of one summary, as JSON; entries without one are left out."""
    known = summary_words()
    return {name: known[name].document() for name in names if name in known}


@cache
def kind_titles() -> Mapping[str, Mapping[str, str]]:
    """What the shapes of answers are called, by kind."""
    return {kind: _title(*pair) for kind, pair in _read()["kinds"].items()}


def in_chinese(name: str, value: Any) -> tuple[str, Any]:
    """An entry of a summary as a Chinese document says it: its title with the unit, and its value."""
    word = summary_words().get(name)
    if word is None:
        return name, value
    title = word.title["zh"]
    shown = f"{title}（{word.unit}）" if word.unit and isinstance(value, int | float) else title
    return shown, word.values[value]["zh"] if isinstance(value, str) and value in word.values else value
