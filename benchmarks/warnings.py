"""A warning over most of the county to its call list: what it affects, whom it calls; 300 000 inhabited buildings.

Regions, points of danger and contacts are those of the sample, which has them for the whole county; people are made,
one point a building at random over the area. Each round posts a drill, asks what it affects, and calls.
"""

import csv
import json
import random
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.county import layer_file
from benchmarks.machine import spread
from benchmarks.serving import CIM, key_of, server

SMALL = Path(__file__).parents[1] / "data_samples" / "small"
LAYERS = (
    *("admin_county", "admin_town", "admin_village", "geohazards", "schools", "hospitals", "hazards", "contacts"),
    *("organisations", "flash_flood_zones", "cameras"),
)
BUILDINGS = 300_000
WEST, SOUTH, EAST, NORTH = 103.75, 30.92, 104.10, 31.35
RING = f"{SOUTH},{WEST} {SOUTH},{EAST} {NORTH},{EAST} {NORTH},{WEST} {SOUTH},{WEST}"
REACH = {"calls_ms": "< 5000", "affected_ms": "< 5000"}


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Measure in rounds, the first only warms up; of the county its folder is used where one is given."""
    taken: dict[str, list[float]] = {}
    called = people = 0
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        folder = Path(name) / "d"
        files = [layer_file(county or SMALL, layer) for layer in LAYERS]
        tables = [file for file in files if file.suffix == ".csv"]
        _import([file for file in files if file not in tables], folder)
        _import([*tables, _people(Path(name) / "population.csv")], folder, "--crs", "EPSG:4490")
        with server(folder) as (_, port):
            key = key_of(folder)
            for number in range(rounds + 1):
                code, posted = _posted(port, key, number)
                affected, took = _asked(port, key, "GET", f"/warnings/{code}/affected")
                calls, call_took = _asked(port, key, "POST", f"/warnings/{code}/calls")
                called, people = calls["called"], affected["groups"]["people"]["count"]
                figures = {"post_ms": posted, "affected_ms": took, "calls_ms": call_took}
                for figure, value in figures.items():
                    taken.setdefault(figure, []).append(value)
    return {
        "what": "a drill over most of the county: taken, what it affects, its call list",
        "rounds": rounds,
        "called": called,
        "buildings_with_people": people,
        **{figure: spread(values[1:]) for figure, values in taken.items()},
        "reach": REACH,
    }


def _import(files: Sequence[Path], folder: Path, *options: str) -> None:
    """Import files into the layers of their names."""
    words = ["import", *map(str, files), *options, "--data", str(folder), "--json"]
    done = subprocess.run([*CIM, *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-500:])


def _people(file: Path) -> Path:
    """A file of people in as many buildings as the county has."""
    rng = random.Random(497)
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(("record_id", "building_code", "persons", "day_persons", "mobility", "lon", "lat"))
        for number in range(BUILDINGS):
            lon, lat = rng.uniform(WEST - 0.02, EAST + 0.02), rng.uniform(SOUTH - 0.02, NORTH + 0.02)
            rows.writerow((f"P{number}", f"B{number}", rng.randint(1, 40), rng.randint(0, 30), 1, lon, lat))
    return file


def _posted(port: int, key: str, number: int) -> tuple[str, float]:
    now = datetime.now(UTC).replace(microsecond=0)
    sent, expires = (moment.isoformat() for moment in (now, now + timedelta(hours=1)))
    body = (
        '<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>bench-{now.timestamp():.0f}-{number}</identifier><sender>bench</sender><sent>{sent}</sent>"
        "<status>Exercise</status><msgType>Alert</msgType><scope>Public</scope><info><category>Met</category>"
        "<event>x</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>"
        f"<expires>{expires}</expires><area><areaDesc>x</areaDesc><polygon>{RING}</polygon></area></info></alert>"
    )
    answer, took = _asked(port, key, "POST", "/warnings", body.encode(), "application/cap+xml")
    return str(answer["code"]), took


def _asked(
    port: int, key: str, method: str, path: str, body: bytes = b"", kind: str = "application/json"
) -> tuple[dict[str, Any], float]:
    """An answer, and the milliseconds until it was here whole."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    data = body or (b"" if method == "POST" else None)
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    began = time.perf_counter()
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text), (time.perf_counter() - began) * 1000
