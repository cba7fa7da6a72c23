"""Sums of quantities as a document, with their units."""

from typing import Any

_UNITS = (
    ("area", "m2"),
    ("volume", "m3"),
    ("weight", "kg"),
    ("count", ""),
    ("number", ""),
    ("length", "m"),
    ("width", "m"),
    ("height", "m"),
    ("depth", "m"),
    ("perimeter", "m"),
    ("thickness", "m"),
)


def quantities_document(groups: list[dict[str, Any]], by: str) -> dict[str, Any]:
    """The groups with each quantity's unit by its name, where the name tells."""
    for group in groups:
        for name, measured in group["quantities"].items():
            measured["unit"] = unit_of(name)
    return {"by": by, "groups": groups}


def unit_of(quantity: str) -> str | None:
    """The unit of a quantity by its name: NetSideArea is in square metres; None where the name does not tell."""
    folded = quantity.casefold()
    return next((unit for word, unit in _UNITS if folded.endswith(word)), None)
