"""Seconds of statistics over the county's buildings, by field, region and grid cell, asked of a running server."""

import json
import statistics
import time
import urllib.request
from pathlib import Path
from typing import Any

from benchmarks.machine import spread
from benchmarks.serving import county_data, server

QUESTIONS = {
    "by_class": "group-by=use&sum=floors&mean=height_m",
    "by_two_fields": "group-by=use,structure",
    "by_town": "group-by=region:town&mean=height_m",
    "by_village": "group-by=region:village",
    "by_degrees": "group-by=grid:0.01deg",
    "by_metres": "group-by=grid:1000m",
    "filtered": "group-by=use&filter=height_m>12",
}
REACH_S = 3.0


def measure(county: Path | None, rounds: int, data: Path | None = None) -> dict[str, object]:
    """Each question ``rounds`` times after one that does not count; the median is held against the reach."""
    figures: dict[str, Any] = {}
    with county_data(county, data) as (_, place), server(place) as (_, port):
        for name, question in QUESTIONS.items():
            address = f"http://127.0.0.1:{port}/collections/buildings/statistics?{question}"
            document = _asked(address)
            seconds = [_timed(address) for _ in range(rounds)]
            figures[name] = {
                "features": document["count"],
                "groups": len(document["groups"]),
                **{f"{key}_s": value for key, value in spread(seconds).items()},
                "median_s": statistics.median(seconds),
            }
    return {
        "what": "GET /collections/buildings/statistics",
        **figures,
        "reach": f"{REACH_S} s",
        "reached": all(one["median_s"] <= REACH_S for one in figures.values()),
    }


def _asked(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def _timed(address: str) -> float:
    began = time.perf_counter()
    _asked(address)
    return time.perf_counter() - began
