"""The entities of SensorThings, as data: properties, links between them, and what of them must be given.

Everything that reads or writes entities goes by these tables, so that a name is looked up here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class PropertyKind(StrEnum):
    """What a property holds; ``document`` is any JSON object, ``shape`` GeoJSON or another encoding of a place."""

    TEXT = "text"
    DOCUMENT = "document"
    SHAPE = "shape"
    UNIT = "unit"
    INSTANT = "instant"
    INTERVAL = "interval"
    MOMENT = "moment"
    RESULT = "result"
    QUALITY = "quality"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class EntityProperty:
    """A property; ``given`` is False for what the server works out, and what is sent of it is passed over."""

    name: str
    kind: PropertyKind
    required: bool = False
    given: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one entity to others; ``required`` ones must be given when it is made."""

    name: str
    target: str
    many: bool = False
    required: bool = False
    inverse: str = ""


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of entity: ``name`` as a link to one of it is called, ``plural`` as the set of all."""

    name: str
    plural: str
    properties: Mapping[str, EntityProperty]
    links: Mapping[str, Link]


@dataclass(frozen=True, slots=True)
class Reference:
    """A link to an entity that exists, by its id."""

    id: int


@dataclass(slots=True)
class Draft:
    """An entity on its way in; ``values`` has what was given, by property, ``links`` what it is linked to."""

    entity: Entity
    values: dict[str, Any] = field(default_factory=dict)
    links: "dict[str, list[Reference | Draft]]" = field(default_factory=dict)
    where: str = ""


def _entity(name: str, plural: str, properties: list[EntityProperty], links: list[Link]) -> Entity:
    return Entity(name, plural, {one.name: one for one in properties}, {one.name: one for one in links})


def _described(*more: EntityProperty) -> list[EntityProperty]:
    head = [EntityProperty(name, PropertyKind.TEXT, required=True) for name in ("name", "description")]
    return [*head, *more, EntityProperty("properties", PropertyKind.DOCUMENT)]


def _text(name: str) -> EntityProperty:
    return EntityProperty(name, PropertyKind.TEXT, required=True)


ENTITIES: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        _entity(
            "Thing",
            "Things",
            _described(),
            [
                Link("Locations", "Location", many=True, inverse="Things"),
                Link("HistoricalLocations", "HistoricalLocation", many=True, inverse="Thing"),
                Link("Datastreams", "Datastream", many=True, inverse="Thing"),
            ],
        ),
        _entity(
            "Location",
            "Locations",
            _described(_text("encodingType"), EntityProperty("location", PropertyKind.SHAPE, required=True)),
            [
                Link("Things", "Thing", many=True, inverse="Locations"),
                Link("HistoricalLocations", "HistoricalLocation", many=True, inverse="Locations"),
            ],
        ),
        _entity(
            "HistoricalLocation",
            "HistoricalLocations",
            [EntityProperty("time", PropertyKind.INSTANT, required=True)],
            [
                Link("Thing", "Thing", required=True, inverse="HistoricalLocations"),
                Link("Locations", "Location", many=True, required=True, inverse="HistoricalLocations"),
            ],
        ),
        _entity(
            "Datastream",
            "Datastreams",
            _described(
                _text("observationType"),
                EntityProperty("unitOfMeasurement", PropertyKind.UNIT, required=True),
                EntityProperty("observedArea", PropertyKind.SHAPE, given=False),
                EntityProperty("phenomenonTime", PropertyKind.INTERVAL, given=False),
                EntityProperty("resultTime", PropertyKind.INTERVAL, given=False),
            ),
            [
                Link("Thing", "Thing", required=True, inverse="Datastreams"),
                Link("Sensor", "Sensor", required=True, inverse="Datastreams"),
                Link("ObservedProperty", "ObservedProperty", required=True, inverse="Datastreams"),
                Link("Observations", "Observation", many=True, inverse="Datastream"),
            ],
        ),
        _entity(
            "Sensor",
            "Sensors",
            _described(_text("encodingType"), EntityProperty("metadata", PropertyKind.ANY, required=True)),
            [Link("Datastreams", "Datastream", many=True, inverse="Sensor")],
        ),
        _entity(
            "ObservedProperty",
            "ObservedProperties",
            [_text("name"), _text("definition"), *_described()[1:]],
            [Link("Datastreams", "Datastream", many=True, inverse="ObservedProperty")],
        ),
        _entity(
            "Observation",
            "Observations",
            [
                EntityProperty("phenomenonTime", PropertyKind.MOMENT),
                EntityProperty("resultTime", PropertyKind.INSTANT),
                EntityProperty("result", PropertyKind.RESULT, required=True),
                EntityProperty("resultQuality", PropertyKind.QUALITY),
                EntityProperty("validTime", PropertyKind.INTERVAL),
                EntityProperty("parameters", PropertyKind.DOCUMENT),
            ],
            [
                Link("Datastream", "Datastream", required=True, inverse="Observations"),
                Link("FeatureOfInterest", "FeatureOfInterest", inverse="Observations"),
            ],
        ),
        _entity(
            "FeatureOfInterest",
            "FeaturesOfInterest",
            _described(_text("encodingType"), EntityProperty("feature", PropertyKind.SHAPE, required=True)),
            [Link("Observations", "Observation", many=True, inverse="FeatureOfInterest")],
        ),
    )
}
BY_PLURAL: Mapping[str, Entity] = {entity.plural: entity for entity in ENTITIES.values()}


def iso_text(at: datetime) -> str:
    """A moment as it is written in answers: ISO 8601 in UTC, with a fraction where it has one."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
