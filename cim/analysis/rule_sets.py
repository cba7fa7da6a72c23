"""Sets of rules as data: the shipped text, or the edition that staff made of it."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from cim.errors import BadRequest, NotFound
from cim.store.rule_editions import rule_edition

SHIPPED = Path(__file__).parent / "rules"
SHIPPED_NUMBER = 0
MOST_BYTES = 200_000
Rules = TypeVar("Rules", bound=BaseModel)


class Strict(BaseModel):
    """An entry of a set of rules; unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Strict):
    """A text in Chinese and English."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class RuleText:
    """One edition of a set of rules as text; edition 0 is the shipped one."""

    name: str
    number: int
    text: str

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def parsed(self) -> Mapping[str, Any]:
        """The text as TOML; BadRequest names the line of the fault."""
        if len(self.text.encode()) > MOST_BYTES:
            raise BadRequest("the rules are longer than 200 kB", where=self.name, remedy="split them")
        try:
            return tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise BadRequest(str(error), where=f"rules {self.name}", remedy="correct the TOML there") from error


def rule_names() -> list[str]:
    """Names of the sets of rules there are."""
    return sorted(path.stem for path in SHIPPED.glob("*.toml"))


def shipped_rules(name: str) -> RuleText:
    """The shipped edition of a set of rules; NotFound lists those there are."""
    if name not in rule_names():
        raise NotFound(
            f"there is no set of rules {name[:60]!r}", where="rules", remedy=f"there are {', '.join(rule_names())}"
        )
    return RuleText(name, SHIPPED_NUMBER, (SHIPPED / f"{name}.toml").read_text("utf-8"))


async def the_rules(connection: AsyncConnection, name: str, number: int | None = None) -> RuleText:
    """An edition of a set of rules, by default the newest."""
    shipped = shipped_rules(name)
    if number == SHIPPED_NUMBER:
        return shipped
    found = await rule_edition(connection, name, number)
    if found is None and number is not None:
        raise NotFound(
            f"the rules {name} have no edition {number}", where="rules", remedy=f"GET /rules/{name} lists the editions"
        )
    return RuleText(name, *found) if found else shipped


def read_as(kind: type[Rules], text: RuleText, remedy: str, *, by_id: bool = False) -> Rules:
    """The rules of a text as their kind; BadRequest names the entry that cannot be used, by its number or its id."""
    parsed = text.parsed()
    try:
        return kind.model_validate(parsed)
    except ValidationError as error:
        first = error.errors()[0]
        place = _place(parsed if by_id else {}, first["loc"])
        raise BadRequest(f"{place}: {first['msg']}", where=f"rules {text.name}", remedy=remedy) from error


def _place(parsed: Mapping[str, Any], location: tuple[int | str, ...]) -> str:
    """Where a fault is, with the id of its entry instead of a bare number."""
    words: list[str] = []
    at: Any = parsed
    for part in location:
        at = at[part] if _has(at, part) else None
        name = at.get("id") if isinstance(at, dict) else None
        words.append(str(name) if isinstance(part, int) and name else str(part))
    return ".".join(words) or "rules"


def _has(value: Any, part: int | str) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and part < len(value)
    return isinstance(value, dict) and part in value
