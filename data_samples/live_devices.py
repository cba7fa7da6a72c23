"""The sample's devices that speak SensorThings: what they measured before, as a file, and what they measure now."""

import csv
import http.client
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from data_samples.device_courses import course_value, measured_by, rows_between

DEVICES = Path(__file__).parent / "small" / "devices.csv"
STEP = timedelta(minutes=30)
PAUSE_S = 2.0
CIM = [sys.executable, "-m", "web.cli.main"]
ROOT = "/sensorthings/v1.1"
Device = dict[str, str]
Streams = dict[tuple[str, str], int]
"""Numbers of datastreams by the device's code in the list and the property's name."""


def measuring_devices() -> list[Device]:
    """The rows of the list that measure something here."""
    with DEVICES.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if measured_by(row["设备类型"])]


def cim(data: str | None, *words: str) -> str:
    """What ``cim`` says to some words about a data folder."""
    command = [*CIM, *words, *(["--data", data] if data else [])]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def import_past(devices: Sequence[Device], data: str | None, now: datetime, span: timedelta) -> None:
    """Bring in what the devices measured before now; their datastreams come into being with that."""
    moments = [now - STEP * step for step in range(int(span / STEP), 0, -1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "values.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["时间", "站点编码", "指标", "数值", "单位"])
            writer.writerows(rows_between(list(devices), moments))
        cim(data, "import", str(path), "--layer", "observations", "--trust-file")


def wait_until_ready(host: str, port: int) -> None:
    """Wait until the server answers that it can serve; it takes connections long before."""
    while not _is_ready(host, port):
        time.sleep(PAUSE_S)


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Server:
    """The server, asked with a key."""

    def __init__(self, host: str, port: int, key: str) -> None:
        self._host, self._port, self._key = host, port, key

    def streams(self) -> Streams:
        """The datastreams of devices that the list names."""
        listed = {row["code"]: row["aliases"] for row in csv.DictReader(io.StringIO(self._text("/devices?f=csv")))}
        codes = {code: _code_in_list(aliases) for code, aliases in listed.items()}
        found: Streams = {}
        path: str | None = f"{ROOT}/Datastreams?$top=1000&$select=id,name&$expand=ObservedProperty($select=name)"
        while path:
            page = json.loads(self._text(path))
            for one in page["value"]:
                code = codes.get(str(one["name"]).rpartition(" ")[2])
                if code:
                    found[code, one["ObservedProperty"]["name"]] = one["@iot.id"]
            follows = page.get("@iot.nextLink")
            path = ROOT + follows.partition(ROOT)[2] if follows else None
        return found

    def send(self, devices: Sequence[Device], streams: Streams, at: datetime) -> None:
        """Send the values of a moment."""
        body = [
            _data_array(
                streams[device["设备编码"], one.name], at, course_value(device["设备编码"], one, at), one.decimals
            )
            for device in devices
            for one in measured_by(device["设备类型"])
            if (device["设备编码"], one.name) in streams
        ]
        self._text(f"{ROOT}/CreateObservations", body)

    def _text(self, path: str, body: object = None) -> str:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
            content = None if body is None else json.dumps(body).encode()
            connection.request("GET" if body is None else "POST", path, content, headers)
            return connection.getresponse().read().decode("utf-8-sig")
        finally:
            connection.close()


def _code_in_list(aliases: str) -> str:
    return next((part.removeprefix("list:") for part in aliases.split(";") if part.startswith("list:")), "")


def _data_array(stream: int, at: datetime, value: float, decimals: int) -> dict[str, Any]:
    return {
        "Datastream": {"@iot.id": stream},
        "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": 1,
        "dataArray": [[at.isoformat(), round(value, decimals)]],
    }
