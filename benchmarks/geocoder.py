"""Addresses of the county found over HTTP: how many are right, by the way they were disturbed, and how many a second.

An address whose text leaves several rows of the register is right when the true one is among the equals. Strangers are
addresses of streets and villages that were taken out of the register before: none of them may be found exactly.
"""

import csv
import json
import random
import statistics
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyogrio

from benchmarks.address_errors import KINDS, disturbed
from benchmarks.address_register import Register, Row, Written, rows_of
from benchmarks.county import county_folder, layer_file
from benchmarks.serving import CIM, server

COUNT = 10_000
SEED = 20_261_128
STRANGERS = 2_000
SINGLE = 300
AREAS = ("admin_county", "admin_town", "admin_village", "places")
Answers = list[dict[str, Any]]


def measure(county: Path | None, rounds: int) -> dict[str, object]:
    """Shares of right answers by kind, what becomes of strangers, seconds of a batch, milliseconds of one address."""
    folder = county_folder(county)
    records = _records(layer_file(folder, "addresses"))
    names = [_names(layer_file(folder, layer)) for layer in ("admin_town", "admin_village")]
    rows = rows_of(records, *names)
    register = Register(rows)
    written = list(disturbed(register, COUNT, SEED))
    texts = [one.text for one in written]
    with tempfile.TemporaryDirectory(prefix="cimb-", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)
        for layer in (*AREAS, "addresses"):
            _import(layer_file(folder, layer), layer, place / "d")
        with server(place / "d") as (_, port):
            address = f"http://127.0.0.1:{port}/geocode"
            first_s, answers = _post(address, texts)
            seconds = [_post(address, texts)[0] for _ in range(rounds)]
            single_ms = [_get(address, text) for text in texts[:SINGLE]]
        strangers = _strangers(place, records, rows)
    return {
        "what": f"{COUNT} disturbed addresses of {len(rows)} in the county, one POST; {SINGLE} single GETs",
        "kinds": KINDS,
        **_accuracy(register, written, answers),
        "strangers": strangers,
        "first_batch_s": round(first_s, 2),
        "batch_s": [round(one, 2) for one in seconds],
        "addresses_per_second": round(COUNT / statistics.median(seconds)),
        "single_ms": {
            "median": round(statistics.median(single_ms), 1),
            "p95": round(statistics.quantiles(single_ms, n=20)[-1], 1),
        },
    }


def _accuracy(register: Register, written: Sequence[Written], answers: Answers) -> dict[str, object]:
    right: Counter[tuple[str, bool]] = Counter()
    asked: Counter[tuple[str, bool]] = Counter()
    grades: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for one, answer in zip(written, answers, strict=True):
        fits = register.fits(one)
        unique = len(fits) == 1
        equals = {answer["address_id"], *(each["address_id"] for each in answer["alternatives"])}
        asked[one.kind, unique] += 1
        right[one.kind, unique] += one.truth.id == answer["address_id"] if unique else one.truth.id in equals
        grades[answer["grade"]] += 1
        wrong[answer["grade"]] += answer["address_id"] is not None and answer["address_id"] not in fits
    unique_count = sum(asked[kind, True] for kind in KINDS)
    other_count = sum(asked[kind, False] for kind in KINDS)
    return {
        "unique": unique_count,
        "top_1_where_unique": round(sum(right[kind, True] for kind in KINDS) / unique_count, 4),
        "several": other_count,
        "among_equals_where_several": round(sum(right[kind, False] for kind in KINDS) / max(1, other_count), 4),
        "top_1_where_unique_by_kind": {kind: round(right[kind, True] / asked[kind, True], 4) for kind in KINDS},
        "grades": dict(grades),
        "wrong_doors_by_grade": dict(wrong),
    }


def _strangers(place: Path, records: Sequence[dict[str, str]], rows: Sequence[Row]) -> dict[str, object]:
    """Grades of addresses whose street or village has no row in the register any more."""
    rng = random.Random(2)
    places = sorted({(row.town, row.street or row.village) for row in rows})
    gone = set(rng.sample(places, len(places) // 5))
    is_gone = [(row.town, row.street or row.village) in gone for row in rows]
    left = [record for record, out in zip(records, is_gone, strict=True) if not out]
    lost = [record for record, out in zip(records, is_gone, strict=True) if out]
    path = place / "addresses.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(records[0]))
        writer.writeheader()
        writer.writerows(left)
    _import(path, "addresses", place / "d")
    with server(place / "d") as (_, port):
        texts = [record["address"] for record in rng.sample(lost, STRANGERS)]
        _, answers = _post(f"http://127.0.0.1:{port}/geocode", texts)
    return {"asked": STRANGERS, "grades": dict(Counter(str(answer["grade"]) for answer in answers))}


def _post(address: str, texts: Sequence[str]) -> tuple[float, Answers]:
    body = json.dumps({"addresses": texts}, ensure_ascii=False).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    begun = time.perf_counter()
    with urllib.request.urlopen(request, timeout=120) as answer:
        content = answer.read()
    took = time.perf_counter() - begun
    answers: Answers = json.loads(content)["answers"]
    return took, answers


def _get(address: str, text: str) -> float:
    begun = time.perf_counter()
    with urllib.request.urlopen(f"{address}?{urllib.parse.urlencode({'q': text})}", timeout=60) as answer:
        answer.read()
    return (time.perf_counter() - begun) * 1000


def _import(path: Path, layer: str, data: Path) -> None:
    crs = ["--crs", "EPSG:4490"] if path.suffix == ".csv" else []
    command = [*CIM, "import", str(path), "--layer", layer, *crs, "--data", str(data), "--json"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _names(path: Path) -> dict[str, str]:
    frame = pyogrio.read_dataframe(path, read_geometry=False)
    return dict(zip(frame["code"], frame["name"], strict=True))
