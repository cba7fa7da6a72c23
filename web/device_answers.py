"""Devices as documents and tables."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cim.model.device_codes_gb28181 import SCHEME as GB28181
from cim.model.device_codes_gb28181 import parse_gb_code
from cim.model.device_kinds import kinds, placements
from cim.model.devices import BINDING, DeviceEntry
from cim.store.device_figures import DeviceCount, Uptime

JSON = "application/json"
PLAIN = ("code", "name", "kind", "placement", "owner", "state", "grade", "region_code", "parent")
FACTS = ("maker", "model_name", "height_m")
COLUMNS = (*PLAIN, *BINDING, *FACTS, "installed_on", "newest_at", "lon", "lat", "aliases")
"""The columns of a list of devices as CSV, which can be imported again."""
LEVELS = ("region", "placement", "owner")


def device_document(base: str, entry: DeviceEntry) -> dict[str, Any]:
    """A device as a list shows it."""
    return {
        **{name: getattr(entry, name) for name in PLAIN},
        "binding": {name: getattr(entry, name) for name in BINDING if getattr(entry, name) is not None},
        **{name: getattr(entry, name) for name in FACTS},
        "installed_on": _iso(entry.installed_on),
        "online_after_s": entry.online_after_s,
        "newest_at": _iso(entry.newest_at),
        "datastream_count": entry.streams,
        "properties": dict(entry.properties),
        "geometry": json.loads(entry.geometry) if entry.geometry else None,
        "links": [{"rel": "self", "href": f"{base}/devices/{entry.code}", "type": JSON}],
    }


def device_feature(base: str, entry: DeviceEntry) -> dict[str, Any]:
    """A device as GeoJSON."""
    properties = device_document(base, entry)
    geometry = properties.pop("geometry")
    return {"type": "Feature", "id": entry.code, "geometry": geometry, "properties": properties}


def alias_document(alias: Mapping[str, Any]) -> dict[str, Any]:
    """An alias; one of GB/T 28181 with what its digits stand for."""
    if alias["scheme"] != GB28181:
        return dict(alias)
    return {**alias, "parts": parse_gb_code(alias["code"], alias["edition"]).document()}


def stream_document(base: str, device: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A datastream of a device with its newest value."""
    latest = None
    if row["at"] is not None:
        latest = {name: row[name] for name in ("value", "quality")}
        latest |= {"at": row["at"].isoformat(), "until": _iso(row["until"])}
    return {
        "id": row["id"],
        "name": row["name"],
        "property": {"code": row["property_code"], "name": row["property_name"]},
        "unit": row["unit"],
        "least": row["least"],
        "greatest": row["greatest"],
        "latest": latest,
        "links": [
            {"rel": "series", "href": f"{base}/devices/{device}/series?datastream={row['id']}", "type": JSON},
            {"rel": "sensorthings", "href": f"{base}/sensorthings/v1.1/Datastreams({row['id']})", "type": JSON},
        ],
    }


def devices_csv(entries: Iterable[DeviceEntry], aliases: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Devices as CSV with a byte order mark, for spreadsheets; aliases as ``scheme:code`` parted by semicolons."""
    rows = []
    for entry in entries:
        point = json.loads(entry.geometry) if entry.geometry else {}
        lon, lat = point["coordinates"][:2] if point.get("type") == "Point" else (None, None)
        held = {name: getattr(entry, name) for name in COLUMNS if hasattr(entry, name)}
        codes = ";".join(f"{one['scheme']}:{one['code']}" for one in aliases.get(entry.code, ()))
        rows.append({**held, "newest_at": _iso(entry.newest_at), "lon": lon, "lat": lat, "aliases": codes})
    return csv_text(COLUMNS, ([row[name] for name in COLUMNS] for row in rows))


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV with a byte order mark; a text that a spreadsheet would run as a formula gets an apostrophe."""
    target = io.StringIO()
    target.write("\ufeff")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
    return target.getvalue()


def counts_tree(counts: Sequence[DeviceCount], by: Sequence[str], region_names: Mapping[str, str]) -> dict[str, Any]:
    """Counts of devices as a tree of the levels asked for, each node with how many are in which state."""
    names: dict[str, Mapping[str, Any]] = {
        "region": region_names,
        "placement": {code: title.zh for code, title in placements().items()},
        "owner": {},
    }
    attribute = {"region": "town", "placement": "placement", "owner": "owner"}

    def node(rows: Sequence[DeviceCount], levels: Sequence[str]) -> dict[str, Any]:
        held: dict[str, Any] = {"count": sum(row.count for row in rows)}
        for state in ("online", "offline", "none"):
            held[state] = sum(row.count for row in rows if row.state == state)
        if levels:
            level, deeper = levels[0], levels[1:]
            groups: dict[str | None, list[DeviceCount]] = {}
            for row in rows:
                groups.setdefault(getattr(row, attribute[level]), []).append(row)
            held["children"] = [
                {"level": level, "code": code, "name": names[level].get(str(code), code), **node(part, deeper)}
                for code, part in sorted(groups.items(), key=lambda item: (item[0] is None, str(item[0])))
            ]
        return held

    return node(counts, by)


def uptime_rows(found: Iterable[Uptime], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Uptime as rows; ``uptime`` is the share of expected hours that have a value, 0 to 1."""
    return [
        {
            "group": one.group,
            "name": names.get(str(one.group), one.group),
            "month": one.month,
            "devices": one.devices,
            "expected_hours": one.expected_hours,
            "heard_hours": one.heard_hours,
            "normal_hours": one.normal_hours,
            "uptime": round(one.heard_hours / one.expected_hours, 4) if one.expected_hours else None,
            "normal_share": round(one.normal_hours / one.expected_hours, 4) if one.expected_hours else None,
        }
        for one in found
    ]


def code_lists() -> dict[str, Any]:
    """Placements and kinds with their names."""
    return {
        "placements": [{"code": code, "zh": title.zh, "en": title.en} for code, title in placements().items()],
        "kinds": [
            {
                "code": kind.name,
                "letters": kind.letters,
                "zh": kind.title.zh,
                "en": kind.title.en,
                "online_after_s": kind.online_after_s,
            }
            for kind in kinds().values()
        ],
    }


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _iso(value: Any) -> str | None:
    return value.isoformat() if isinstance(value, datetime) or hasattr(value, "isoformat") else None
