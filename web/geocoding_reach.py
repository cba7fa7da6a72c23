"""What of all that addresses are found in a caller may read."""

from collections.abc import Iterable
from dataclasses import dataclass

from cim.errors import NotAllowed, NotFound
from cim.model.city import RegionLevel
from cim.policy.policy import Decision
from cim.store.geocoding import DoorFields
from layers.catalog import Catalog
from layers.definition import GeocodingOptions

PLACES = "places"
PLACE_NAME = "name"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a caller may read of all that addresses are found in; None where he may not read it."""

    doors: Decision
    options: GeocodingOptions
    towns: Decision | None
    villages: Decision | None
    places: Decision | None

    @property
    def fields(self) -> DoorFields:
        """The fields of the doors; the building's only where it is open."""
        seen, o = self.doors.field_names, self.options
        building = o.building if o.building in seen else None
        return DoorFields(o.address, o.street, o.number, o.town, o.village, building)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for two callers exactly when they find the same names, in the same versions."""
        parts = (self.doors, self.towns, self.villages)
        return tuple((p.collection.id, p.collection.version, p.policy_class) if p else None for p in parts)


def reach(catalog: Catalog, decisions: Iterable[Decision]) -> Reach:
    """What a caller's decisions give for finding addresses.

    Raises NotFound when he may read no layer of addresses, NotAllowed when a field they are found by is hidden.
    """
    readable = {decision.collection.id: decision for decision in decisions}
    for layer, definition in catalog.layers.items():
        if definition.geocoding and layer in readable:
            doors = readable[layer]
            if not set(doors.field_names).issuperset(definition.geocoding.fields):
                raise NotAllowed(
                    "the fields that addresses are found by are not open to you",
                    where=layer,
                    remedy="ask an administrator for a role that may read them",
                )
            areas = [_areas(catalog, readable, level) for level in (RegionLevel.TOWN, RegionLevel.VILLAGE)]
            places = readable.get(PLACES)
            named = places if places and PLACE_NAME in places.field_names else None
            return Reach(doors, definition.geocoding, areas[0], areas[1], named)
    raise NotFound(
        "there is no layer of addresses that you may see",
        where="addresses",
        remedy="import one whose definition has [geocoding], or log in to see more",
    )


def _areas(catalog: Catalog, readable: dict[str, Decision], level: RegionLevel) -> Decision | None:
    for layer, definition in catalog.layers.items():
        region = definition.region
        if region and region.level is level and layer in readable:
            needed = {region.code, region.name, region.parent} - {None}
            if needed.issubset(readable[layer].field_names):
                return readable[layer]
    return None
