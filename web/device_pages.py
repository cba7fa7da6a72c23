"""Pages of devices: in which order, and where the page before ended."""

import base64
import json
from datetime import datetime

from cim.errors import BadRequest
from cim.filters.literals import text_literal
from cim.store.device_order import DeviceOrder, DevicePlace, SortKey


def order_of(text: str) -> DeviceOrder:
    """The order that a ``sortby`` asks for; the parameter takes only those there are."""
    return DeviceOrder(text.removeprefix("-"), text.startswith("-"))  # type: ignore[arg-type]


def token_of(place: DevicePlace, order: DeviceOrder) -> str:
    """What the next page continues from: the code, with the value before it where devices are sorted by another."""
    if order.by == "code":
        return place.code
    key = place.key.isoformat() if isinstance(place.key, datetime) else place.key
    return base64.urlsafe_b64encode(json.dumps([key, place.code]).encode()).decode().rstrip("=")


def place_of(token: str | None, order: DeviceOrder) -> DevicePlace | None:
    """The place that a token names; BadRequest where it is none of this order."""
    if token is None:
        return None
    try:
        if order.by == "code":
            return DevicePlace(_text(token), token)
        key, code = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return DevicePlace(_key(key, order), _text(code))
    except (ValueError, TypeError, AttributeError, RecursionError, BadRequest):
        raise BadRequest(
            "this is not where a page of this order ended", where="after", remedy="follow the next link of a page"
        ) from None


def _key(key: object, order: DeviceOrder) -> SortKey:
    """The value of a token; ValueError where it is of another kind."""
    if key is None:
        return None
    if order.by == "value" and isinstance(key, int | float) and not isinstance(key, bool):
        return float(key)
    if order.by == "value":
        raise ValueError(key)
    return datetime.fromisoformat(_text(key)) if order.by == "at" else _text(key)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    text_literal(value)
    return value
