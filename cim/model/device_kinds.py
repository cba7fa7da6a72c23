"""Where devices stand, what kinds there are, and when a device that was not heard of counts as offline.

The lists are ``device_kinds.toml``.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cim.errors import BadRequest
from cim.model.analysis import Title

OFFLINE_AFTER_INTERVALS = 3
ONLINE_AFTER_S = 900
"""How long a device counts as online after its newest value where neither it nor its kind says otherwise."""
OTHER_LETTERS = "ZZ"
_LISTS = Path(__file__).with_name("device_kinds.toml")


@dataclass(frozen=True, slots=True)
class DeviceKind:
    """A kind of device: letters of its codes, its name, and how often such a device sends a value, where it does."""

    name: str
    letters: str
    title: Title
    interval_s: int | None = None

    @property
    def online_after_s(self) -> int:
        """How long such a device counts as online after its newest value."""
        return OFFLINE_AFTER_INTERVALS * self.interval_s if self.interval_s else ONLINE_AFTER_S


@cache
def placements() -> dict[str, Title]:
    """The ten placements by code."""
    return {name: Title(**given) for name, given in _lists()["placement"].items()}


@cache
def kinds() -> dict[str, DeviceKind]:
    """The kinds there are, by name."""
    return {
        name: DeviceKind(name, given["letters"], Title(given["zh"], given["en"]), given.get("interval_s"))
        for name, given in _lists()["kind"].items()
    }


def letters_of(kind: str) -> str:
    """The letters that codes of a kind have; those of others for a kind that is not listed."""
    known = kinds().get(kind)
    return known.letters if known else OTHER_LETTERS


def placement_named(text: str, where: str = "placement") -> str:
    """The code of a placement given by code, Chinese or English name; BadRequest lists them."""
    return _named(text, placements(), where)


def kind_named(text: str) -> str:
    """The name of a kind given by name, Chinese or English name; others as they come, in lower case."""
    try:
        return _named(text, {name: kind.title for name, kind in kinds().items()}, "kind")
    except BadRequest:
        return text.strip().lower()


def _named(text: str, titles: dict[str, Title], where: str) -> str:
    wanted = text.strip().casefold()
    for name, title in titles.items():
        if wanted in {name, title.zh.casefold(), title.en.casefold()}:
            return name
    known = "、".join(f"{name} {title.zh}" for name, title in titles.items())
    raise BadRequest(f"there is no {where} {text[:40]!r}", where=where, remedy=f"use one of {known}")


@cache
def _lists() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(_LISTS.read_text("utf-8"))
