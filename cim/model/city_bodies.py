"""The shapes of a city object as they are kept: JSON in zlib, see ``importers.city.bodies``, which packs them."""

import json
import zlib
from collections.abc import Mapping
from typing import Any

UNPACKED_BYTES = 512 * 1024**2


def unpacked(content: bytes) -> dict[str, Any]:
    """The content of a body again; ValueError where the bytes are none."""
    opened = zlib.decompressobj()
    try:
        text = opened.decompress(content, UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError("the shapes of a city object cannot be unpacked") from error
    value: dict[str, Any] = json.loads(text)
    return value


def listed(value: object) -> list[Any]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def mapped(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
