"""The service root: the sets of entities, and the requirements of OGC 18-088 that are met."""

from typing import Any

from cim.model.sensing_entities import BY_PLURAL

_SPEC = "http://www.opengis.net/spec/iot_sensing/1.1/req"
_MET = (
    "datamodel",
    "resource-path/resource-path-to-entities",
    "request-data",
    "create-update-delete/create-entity",
    "create-update-delete/link-to-existing-entities",
    "create-update-delete/deep-insert",
    "create-update-delete/deep-insert-status-code",
    "create-update-delete/update-entity",
    "create-update-delete/update-entity-put",
    "create-update-delete/delete-entity",
    "create-update-delete/historical-location-auto-creation",
    "create-update-delete/historical-location-manual-creation",
    "data-array/data-array",
)
_BATCH = "http://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BatchRequestsandResponses"


def service_root(root: str) -> dict[str, Any]:
    """The document at the service root."""
    return {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in BY_PLURAL],
        "serverSettings": {"conformance": [*(f"{_SPEC}/{name}" for name in _MET), _BATCH]},
    }
