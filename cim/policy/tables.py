"""How each table of the database may be reached by the web's reader login; a test holds it to the real grants.

open: the reader may select; what it shows is no more than names, versions and extents, and outputs still ask the
policy. rows: the reader may select, below row-level security. door: only through a function that filters by the
caller's openings. closed: never by the reader.
"""

from typing import Literal

Reach = Literal["open", "rows", "door", "closed"]

TABLE_REACH: dict[str, Reach] = {
    "alembic_version": "open",
    "collection": "open",
    "version": "open",
    "change": "open",
    "change_head": "open",
    "pending_change": "closed",
    "region": "open",
    "scenario": "open",
    "scenario_layer": "open",
    "general_state": "open",
    "rule_edition": "open",
    "city_shape": "rows",
    "search_entry": "door",
    "import_run": "closed",
    "import_fault": "closed",
    "upload": "closed",
    "redline": "closed",
    "analysis_job": "closed",
    "audit": "closed",
    "role": "closed",
    "role_right": "closed",
    "account": "closed",
    "session": "closed",
    "api_key": "closed",
    "asset": "rows",
    "asset_alias": "rows",
    "reach": "open",
    "event": "rows",
    "event_step": "rows",
    "incident": "rows",
    **dict.fromkeys(("incident_entry", "incident_task", "incident_receipt", "incident_mark", "incident_step"), "rows"),
    **dict.fromkeys(("warning", "warning_reference", "warning_call", "warning_step"), "rows"),
    **dict.fromkeys(("warning_token", "warning_delivery"), "closed"),
    "indicator": "closed",
    "indicator_value": "closed",
    "project": "closed",
    "moving_object": "closed",
    "track_point": "closed",
}

BIM_REACH: dict[str, Reach] = dict.fromkeys(("model", "model_version", "mesh", "element"), "rows")
"""The tables of building models, in a schema of their own."""

SENSING_REACH: dict[str, Reach] = {
    **dict.fromkeys(("thing", "datastream", "location", "feature", "thing_location", "historical_location"), "rows"),
    **dict.fromkeys(("historical_location_place", "observation", "latest", "hourly", "daily"), "rows"),
    **dict.fromkeys(("sensor", "observed_property", "raw_kept", "pulse"), "open"),
    "observed_feature": "rows",
    "refusal": "closed",
    **dict.fromkeys(("alarm_rule", "alarm_standing", "alarm_edition"), "closed"),
    **dict.fromkeys(("receiver", "delivery", "delivery_mark", "gap"), "closed"),
}
"""The tables of the sensing network; sensors and observed properties say nothing of places, and queries show only those
of open datastreams."""
