"""A device as it is written: what it is, where it stands, and what it is bound to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from cim.model.access import Grade
from cim.model.device_codes_other import Alias

DeviceState = Literal["online", "offline", "none"]
"""``none``: the device has no datastream, such as a pole or a camera, and cannot be heard of here."""
BINDING = ("building_code", "model", "storey", "storey_number", "space", "element")
"""What a device may be bound to: a building by its code, and a model with storey, space and element by GlobalId."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device on its way in; None, and an empty kind or name, leave what is known of it as it is.

    ``lon`` and ``lat`` are degrees of CGCS2000; ``region_code`` is found from them where it is not given.
    ``storey_number`` counts from 1 at the ground, -1 below it. ``height_m`` is above the ground.
    """

    code: str
    kind: str
    name: str
    grade: Grade | None = None
    parent: str | None = None
    placement: str | None = None
    owner: str | None = None
    maker: str | None = None
    model_name: str | None = None
    installed_on: date | None = None
    building_code: str | None = None
    model: str | None = None
    storey: str | None = None
    storey_number: int | None = None
    space: str | None = None
    element: str | None = None
    height_m: float | None = None
    online_after_s: int | None = None
    lon: float | None = None
    lat: float | None = None
    region_code: str | None = None
    aliases: tuple[Alias, ...] = ()
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeviceEntry:
    """A device as a list shows it, with its state; ``newest_at`` is when it was last heard of."""

    code: str
    kind: str
    name: str
    placement: str | None
    owner: str | None
    grade: str
    region_code: str | None
    parent: str | None
    building_code: str | None
    model: str | None
    storey: str | None
    storey_number: int | None
    space: str | None
    element: str | None
    height_m: float | None
    maker: str | None
    model_name: str | None
    installed_on: date | None
    online_after_s: int
    geometry: str | None
    properties: Mapping[str, Any]
    thing: int | None
    streams: int
    newest_at: Any
    state: DeviceState
