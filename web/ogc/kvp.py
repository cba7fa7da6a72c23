"""Key-value parameters of OGC requests: names in any case, values checked before any work."""

import math
from collections.abc import Iterable

from web.ogc.faults import OgcFault


class Parameters:
    """The parameters of one request by lower-case name; of a repeated one the first holds."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), value)

    def get(self, name: str, default: str = "") -> str:
        """A value, or the default where it is absent or empty."""
        return self._values.get(name) or default

    def as_dict(self) -> dict[str, str]:
        """All parameters by lower-case name."""
        return dict(self._values)

    def has(self, name: str) -> bool:
        """Whether a parameter is there, were it empty."""
        return name in self._values

    def need(self, name: str) -> str:
        """A value that must be there."""
        value = self._values.get(name, "")
        if not value:
            raise OgcFault("MissingParameterValue", f"the parameter {name.upper()} is missing", where=name.upper())
        return value

    def whole(self, name: str, default: int | None = None, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number within bounds."""
        text = self._values.get(name, "")
        if not text and default is not None:
            return default
        text = text or self.need(name)
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 12 and least <= int(text) <= most):
            raise OgcFault(
                "InvalidParameterValue",
                f"{text[:40]!r} cannot be {name.upper()}",
                where=name.upper(),
                remedy=f"give a whole number from {least} to {most}",
            )
        return int(text)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """That many finite numbers, comma separated."""
        text = self.need(name)
        parts = text[:500].split(",")
        try:
            values = tuple(float(part) for part in parts)
        except ValueError:
            values = ()
        if len(values) != count or not all(math.isfinite(value) for value in values):
            raise OgcFault(
                "InvalidParameterValue",
                f"{text[:80]!r} cannot be {name.upper()}",
                where=name.upper(),
                remedy=f"give {count} finite numbers, comma separated",
            )
        return values

    def items(self, name: str) -> list[str]:
        """Comma separated words; empty where the parameter is."""
        text = self._values.get(name, "")
        return text.split(",") if text else []

    def one_of(self, name: str, known: Iterable[str], default: str = "") -> str:
        """One of the known words, whatever its case."""
        text = self.get(name, default)
        for word in known:
            if word.lower() == text.lower():
                return word
        if not text:
            self.need(name)
        raise OgcFault(
            "InvalidParameterValue",
            f"{text[:60]!r} cannot be {name.upper()}",
            where=name.upper(),
            remedy=f"use one of {', '.join(known)}",
        )
