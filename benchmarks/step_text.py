"""STEP text (ISO 10303-21) written line by line, and GlobalIds that are always the same."""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import IO, Any

GLOBAL_ID_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"


class Ref(int):
    """The number of an entity of the file."""


class Raw(str):
    """Text written as it is: an enumeration, a typed value."""

    __slots__ = ()


Value = Ref | Raw | str | float | int | bool | None | Iterable["Value"]


class StepFile:
    """A file being written: entities in the order in which they are added, numbered from 1."""

    def __init__(self, out: IO[str]) -> None:
        self.out = out
        self.count = 0
        self.written_bytes = 0

    def write(self, text: str) -> None:
        """Write text (ASCII) as it is."""
        self.out.write(text)
        self.written_bytes += len(text)

    def add(self, entity: str, *values: Value) -> Ref:
        """Write one entity and return its number."""
        self.count += 1
        self.write(f"#{self.count}={entity}({','.join(map(written, values))});\n")
        return Ref(self.count)


def written(value: Value) -> str:
    """One value as STEP writes it; None is what is not given."""
    write = _WRITERS.get(type(value))
    if write is not None:
        return write(value)
    return f"({','.join(map(written, value))})"  # type: ignore[arg-type]  # single values have writers


def quoted(text: str) -> str:
    """A text in quotes, other letters than ASCII as hexadecimal UTF-16."""
    if text.isascii():
        return f"'{text.replace(chr(39), chr(39) * 2)}'"
    return f"'{_ESCAPED.sub(_hexadecimal, text)}'"


def _hexadecimal(match: re.Match[str]) -> str:
    return f"\\X2\\{match[0].encode('utf-16-be').hex().upper()}\\X0\\"


def typed(kind: str, value: Value) -> Raw:
    """A value with its type, as a property holds it."""
    return Raw(f"{kind}({written(value)})")


def global_id(name: str) -> str:
    """The GlobalId of a name: 22 letters, the same for the same name."""
    number = int.from_bytes(hashlib.md5(name.encode(), usedforsecurity=False).digest())
    return "".join(GLOBAL_ID_LETTERS[(number >> shift) & 63] for shift in range(126, -1, -6))


_ESCAPED = re.compile(r"[^\x00-\x7f]+")
_WRITERS: dict[type, Callable[[Any], str]] = {
    Ref: lambda value: f"#{int(value)}",
    Raw: str,
    str: quoted,
    type(None): lambda _: "$",
    bool: lambda value: ".T." if value else ".F.",
    float: repr,
    int: str,
}
