"""The requirements of OGC SensorThings API 1.1 part 1 (18-088) by their ids, and the checks of those that are met."""

from collections.abc import Awaitable, Callable

from entities import Service

SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
JSON_BATCH = "http://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BatchRequestsandResponses"
"""Of another standard, and claimed beside those of SensorThings."""
KINDS = (
    "thing",
    "location",
    "historical-location",
    "datastream",
    "sensor",
    "observed-property",
    "observation",
    "feature-of-interest",
)
CLASSES: dict[str, tuple[str, ...]] = {
    "datamodel": (
        "entity-control-information/common-control-information",
        *(f"{kind}/{part}" for kind in KINDS for part in ("properties", "relations")),
    ),
    "resource-path": ("resource-path-to-entities",),
    "request-data": (
        "status-code",
        "query-status-code",
        "order",
        "expand",
        "select",
        "orderby",
        "top",
        "skip",
        "count",
        "filter",
        "built-in-filter-operations",
        "built-in-query-functions",
        "pagination",
    ),
    "create-update-delete": (
        "create-entity",
        "link-to-existing-entities",
        "deep-insert",
        "deep-insert-status-code",
        "update-entity",
        "update-entity-put",
        "update-entity-jsonpatch",
        "delete-entity",
        "historical-location-auto-creation",
        "historical-location-manual-creation",
    ),
    "batch-request": ("batch-request",),
    "multi-datastream": ("properties", "relations", "constraints"),
    "data-array": ("data-array",),
    "create-observations-via-mqtt": ("observations-creation",),
    "receive-updates-via-mqtt": ("receive-updates",),
}
REQUIREMENTS = frozenset(f"{name}/{part}" for name, parts in CLASSES.items() for part in parts)
Check = Callable[[Service], Awaitable[None]]
CHECKS: dict[str, Check] = {}
"""A check for each requirement that is met; the modules beside this one fill it."""


def requirement(name: str) -> Callable[[Check], Check]:
    """Have a function check a requirement, of SensorThings or one that is claimed beside."""
    assert name in REQUIREMENTS | {JSON_BATCH}, name

    def kept(check: Check) -> Check:
        assert name not in CHECKS, name
        CHECKS[name] = check
        return check

    return kept


def required_by(claim: str) -> set[str]:
    """The requirements that a claim stands for: one, or all of a class."""
    name = claim.removeprefix(SPEC)
    return {f"{name}/{part}" for part in CLASSES[name]} if name in CLASSES else {name}
