"""JSON as strictly as city models need it: no names given twice, no numbers that are none, no bottomless nesting."""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

from cim.errors import ImportRefused


@dataclass(slots=True)
class Parsed:
    """A JSON value, and the members of objects whose name was there before, with what they held first."""

    value: Any
    repeated: list[tuple[str, Any]] = field(default_factory=list)


def parsed(text: bytes | str, where: str) -> Parsed:
    """The value of a JSON text; ImportRefused names the place of the fault."""
    out = Parsed(None)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            met: set[str] = set()
            out.repeated += [(name, value) for name, value in pairs if name in met or met.add(name)]  # type: ignore[func-returns-value]
        return made

    try:
        out.value = json.loads(text, object_pairs_hook=unique, parse_constant=_no_number)
    except RecursionError as error:
        raise _refused("it is nested deeper than any city model", where) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise _refused(str(error)[:160], where) from error
    return out


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _refused(what: str, where: str) -> ImportRefused:
    return ImportRefused("unreadable", f"the JSON cannot be read: {what}", where=where, remedy="ask for the file again")
